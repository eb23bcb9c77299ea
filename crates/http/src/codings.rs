//! Which content coding a client wants (RFC 9110 section 12.5.3).

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// A content coding that the server can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878).
    Zstd,
    /// `gzip` (RFC 1952).
    Gzip,
}

impl Coding {
    /// All of them, the one that is given when a client likes several as much first.
    pub(crate) const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// As it stands in `Content-Encoding`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    fn has_name(self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.name()) || (self == Self::Gzip && name.eq_ignore_ascii_case("x-gzip"))
    }
}

/// What a client says of content codings: a quality in thousandths for each, and for what is not coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// In the order of [`Coding::ALL`].
    codings: [u16; 3],
    identity: u16,
}

/// A value of 1 (RFC 9110 section 12.4.2).
const FULL: u16 = 1000;

impl Accepted {
    /// What these headers say. A client that says nothing, or what is none of the grammar, gets what is not coded.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut named: [Option<u16>; 3] = [None; 3];
        let (mut identity, mut any) = (None, None);
        let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        for member in values.flat_map(|value| value.split(',')) {
            let Some((name, quality)) = weighted(member) else { continue };
            let place = Coding::ALL.iter().position(|coding| coding.has_name(name));
            match (place, name) {
                (Some(place), _) => named[place] = Some(quality),
                (None, "*") => any = Some(quality),
                (None, name) if name.eq_ignore_ascii_case("identity") => identity = Some(quality),
                (None, _) => {}
            }
        }
        let codings = named.map(|quality| quality.or(any).unwrap_or(0));
        // What is not coded is acceptable unless it is excluded; where it has no quality of its own, less than all else.
        let identity = identity.unwrap_or(if any == Some(0) { 0 } else { 1 });
        Self { codings, identity }
    }

    /// The codings that the client wants at least as much as none, the best one first.
    pub(crate) fn by_preference(self) -> impl Iterator<Item = Coding> {
        let mut wanted: Vec<_> = Coding::ALL.into_iter().zip(self.codings).collect();
        wanted.retain(|(_, quality)| *quality > 0 && *quality >= self.identity);
        // Stable: equal ones stay in our order.
        wanted.sort_by_key(|(_, quality)| std::cmp::Reverse(*quality));
        wanted.into_iter().map(|(coding, _)| coding)
    }

    /// The one of `offered` that the client wants most, the first one of those that it wants as much; `None` if it wants none of
    /// them as much as what is not coded.
    pub(crate) fn best_of(self, offered: &[Coding]) -> Option<Coding> {
        let quality = |coding: Coding| self.codings[coding as usize];
        let wanted = offered.iter().copied();
        let wanted = wanted.filter(|coding| quality(*coding) > 0 && quality(*coding) >= self.identity);
        // Of several largest ones the last would be taken.
        wanted.rev().max_by_key(|coding| quality(*coding))
    }
}

/// A member of the list with its quality; `None` if it is not one.
fn weighted(member: &str) -> Option<(&str, u16)> {
    let mut parts = member.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    match weight {
        None => Some((name, FULL)),
        Some(weight) => quality(weight).map(|quality| (name, quality)),
    }
}

/// Up to three decimals, from 0 to 1.
fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let is_decimal = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths: u16 = if is_decimal { format!("{decimals:0<3}").parse().ok()? } else { return None };
    match (whole, thousandths) {
        ("0", part) => Some(part),
        ("1", 0) => Some(FULL),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn preference(values: &[&str]) -> Vec<&'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap());
        }
        Accepted::of(&headers).by_preference().map(Coding::name).collect()
    }

    #[test]
    fn the_best_quality_comes_first_and_equal_ones_in_our_order() {
        for (value, expected) in [
            ("gzip, deflate, br, zstd", &["br", "zstd", "gzip"][..]),
            ("gzip;q=1.0, br;q=0.5", &["gzip", "br"]),
            ("br;q=0.001, gzip;q=0.002", &["gzip", "br"]),
            ("GZIP ; Q=0.5", &["gzip"]),
            ("x-gzip", &["gzip"]),
            ("*", &["br", "zstd", "gzip"]),
            ("*;q=0.5, gzip", &["gzip", "br", "zstd"]),
            ("br;q=0, *", &["zstd", "gzip"]),
            ("gzip, *;q=0", &["gzip"]),
        ] {
            assert_eq!(preference(&[value]), expected, "{value}");
        }
        assert_eq!(preference(&["gzip;q=0.5", "br"]), ["br", "gzip"], "two fields are one list");
    }

    #[test]
    fn whoever_offers_decides_between_those_that_are_wanted_as_much() {
        use Coding::{Brotli, Gzip, Zstd};
        for (value, offered, expected) in [
            ("gzip, br, zstd", &[Zstd, Brotli, Gzip][..], Some(Zstd)),
            ("gzip, br, zstd", &[Gzip, Brotli], Some(Gzip)),
            ("gzip, br;q=0.9, zstd;q=0.9", &[Zstd, Brotli, Gzip], Some(Gzip)),
            ("gzip;q=0.1, br;q=0.2", &[Zstd, Gzip, Brotli], Some(Brotli)),
            ("gzip", &[Zstd, Brotli], None),
            ("gzip;q=0.5, identity", &[Gzip], None),
            ("br;q=0", &[Brotli], None),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(Accepted::of(&headers).best_of(offered), expected, "{value}");
        }
    }

    #[test]
    fn what_is_not_wanted_or_not_said_is_not_given() {
        for value in ["", "identity", "gzip;q=0", "deflate", "*;q=0", "gzip;q=0.000", "gzip;q=0.5, identity"]
        {
            assert_eq!(preference(&[value]), [""; 0], "{value}");
        }
        assert_eq!(preference(&[]), [""; 0]);
    }

    #[test]
    fn what_is_no_quality_makes_its_member_none() {
        for value in ["gzip;q=2", "gzip;q=-1", "gzip;q=0.1234", "gzip;q=1.001", "gzip;q=", "gzip;q=a", ";q=1"]
        {
            assert_eq!(preference(&[value]), [""; 0], "{value}");
        }
    }
}
