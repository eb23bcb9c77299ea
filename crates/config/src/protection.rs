//! The grammars of what is refused before the application is asked: hosts, paths, rates; and of headers for every answer.

use std::time::Duration;

use crate::header::{self, items};
use crate::kind::Refusal;

/// How often something may be done: so many times in a period, and so many at once after a rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many in a period, at least 1.
    pub count: u32,
    /// The period: a second, a minute or an hour.
    pub period: Duration,
    /// How many at once, at least 1.
    pub burst: u32,
}

/// A rate for a part of the paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathRate {
    /// The method that it is for, in upper case; `None`: every one.
    pub method: Option<String>,
    /// What the paths begin with, at the end of a segment; begins with `/` and does not end with one, but for `/` itself, which is empty.
    pub path: String,
    /// How often.
    pub rate: Rate,
}

/// Higher ones are no limits, and would be told apart badly by a clock of microseconds.
const MOST: u32 = 10_000;

/// What [`rate`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_RATE: &str =
    "a rate such as `20r/s`, `5r/m` or `100r/h`, and if need be `,burst=40` behind it";

/// Reads `NUMBERr/UNIT`, where the burst is the number, or `NUMBERr/UNIT,burst=NUMBER`.
pub(crate) fn rate(text: &str) -> Result<Rate, Refusal> {
    let unexpected = || Refusal::new(format!("expected {EXPECTS_RATE}"));
    let (rate, burst) = match text.split_once(',') {
        Some((rate, burst)) => (rate, Some(burst.trim().strip_prefix("burst=").ok_or_else(unexpected)?)),
        None => (text, None),
    };
    let (count, unit) = rate.trim().split_once("r/").ok_or_else(unexpected)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(unexpected()),
    };
    let number = |text: &str| match text.parse() {
        _ if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) => Err(unexpected()),
        Ok(number @ 1..=MOST) => Ok(number),
        Ok(0) => Err(unexpected()),
        _ => Err(Refusal::new(format!("expected numbers of at most {MOST}"))),
    };
    let count = number(count)?;
    let burst = burst.map_or(Ok(count), number)?;
    Ok(Rate { count, period: Duration::from_secs(seconds), burst })
}

/// What [`path_rate`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_PATH_RATE: &str =
    "`/PATH=RATE` or `METHOD:/PATH=RATE`, such as `/admin/login/=5r/m` or `POST:/login=5r/m,burst=10`";

/// Reads `[METHOD:]/PATH=RATE`.
pub(crate) fn path_rate(text: &str) -> Result<PathRate, Refusal> {
    let unexpected = || Refusal::new(format!("expected {EXPECTS_PATH_RATE}"));
    // A path may hold `=`, the only one of a rate stands behind its comma.
    let head = text.split_once(",burst").map_or(text, |(head, _)| head);
    let equals = head.rfind('=').ok_or_else(unexpected)?;
    let (target, rate) = (text[..equals].trim(), &text[equals + 1..]);
    let (method, path) = match target.split_once(":/") {
        Some((method, _)) => (Some(method), &target[method.len() + 1..]),
        None => (None, target),
    };
    let is_method =
        |method: &str| !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_alphabetic());
    if !path.starts_with('/') || path.contains(['?', '#']) || !method.is_none_or(is_method) {
        return Err(unexpected());
    }
    Ok(PathRate {
        method: method.map(str::to_ascii_uppercase),
        path: path.trim_end_matches('/').to_owned(),
        rate: self::rate(rate)?,
    })
}

/// What [`hosts`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_HOSTS: &str =
    "names of hosts with commas between them, such as `example.com`, `.example.com` or `[::1]`, or `*`";

/// Reads names of hosts, at least one; they are stored in lower case without a dot at their end.
pub(crate) fn hosts(text: &str) -> Result<Vec<String>, Refusal> {
    some(text, EXPECTS_HOSTS, host)
}

fn host(text: &str) -> Result<String, Refusal> {
    let name = text.to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    if text == "*" {
        return Ok(name.to_owned());
    }
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = address.parse::<std::net::Ipv6Addr>() {
        return Ok(format!("[{address}]"));
    }
    let bare = name.strip_prefix("*.").or_else(|| name.strip_prefix('.')).unwrap_or(name);
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let refusal = Refusal::new(format!("`{text}` is not one: expected {EXPECTS_HOSTS}"));
    if name.contains("://") || name.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        return Err(refusal.hint("write the name alone, without `http://` and without a port"));
    }
    if bare.is_empty() || !bare.bytes().all(is_of_name) || bare.split('.').any(str::is_empty) {
        return Err(refusal);
    }
    Ok(name.to_owned())
}

/// What [`patterns`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_PATTERNS: &str =
    "patterns of paths with commas between them, such as `*.php`, `/.env` or `/wp-*`";

/// Reads patterns of paths, at least one. Only `*` stands for something else in them.
pub(crate) fn patterns(text: &str) -> Result<Vec<String>, Refusal> {
    some(text, EXPECTS_PATTERNS, |pattern| {
        if pattern.bytes().all(|byte| b"*/.".contains(&byte)) {
            return Err(Refusal::new(format!("`{pattern}` would refuse every path")));
        }
        if pattern.contains(['?', '#']) || pattern.contains(char::is_control) {
            let reason = format!("`{pattern}` is not one: expected {EXPECTS_PATTERNS}");
            return Err(Refusal::new(reason).hint("a path has no query; only `*` stands for other letters"));
        }
        Ok(pattern.to_owned())
    })
}

/// The parts of a list, at least one: who writes an empty list where nothing written means anything would be surprised.
fn some(
    text: &str,
    expected: &str,
    parse: impl Fn(&str) -> Result<String, Refusal>,
) -> Result<Vec<String>, Refusal> {
    let all: Vec<String> = items(text).map(parse).collect::<Result<_, _>>()?;
    if all.is_empty() { Err(Refusal::new(format!("expected {expected}"))) } else { Ok(all) }
}

/// What [`field`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS_FIELD: &str = "a header such as `X-Frame-Options: DENY`";

/// What the server itself says of a message or of its connection: another value would contradict what is done.
const TAKEN: [&str; 14] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "server",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads `Name: value`, or `Name=value`, as the dictionary of a file is written.
pub(crate) fn field(text: &str) -> Result<(String, String), Refusal> {
    let unexpected = || Refusal::new(format!("expected {EXPECTS_FIELD}"));
    // Neither can be in a name.
    let (name, value) = text.split_once([':', '=']).ok_or_else(unexpected)?;
    let (name, value) = (name.trim_matches(' '), value.trim_matches([' ', '\t']));
    if !header::is_name(name) || value.is_empty() {
        return Err(unexpected());
    }
    if !value.bytes().all(|byte| header::is_of_value(byte) || byte == b'\t') {
        return Err(Refusal::new("it has characters that no header may have")
            .hint("line breaks and letters beyond ASCII are none"));
    }
    if TAKEN.contains(&name.to_ascii_lowercase().as_str()) {
        let refusal =
            Refusal::new(format!("`{name}` is set by the server or the application for each answer"));
        let is_server = name.eq_ignore_ascii_case("server");
        return Err(if is_server { refusal.hint("`--server-header TEXT` is for that") } else { refusal });
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.unwrap_err().reason
    }

    #[test]
    fn a_rate_has_a_number_a_unit_and_a_burst() {
        for (text, count, seconds, burst) in [
            ("20r/s", 20, 1, 20),
            (" 5r/m ", 5, 60, 5),
            ("100r/h,burst=7", 100, 3600, 7),
            ("1r/s, burst=10000", 1, 1, 10_000),
        ] {
            let period = Duration::from_secs(seconds);
            assert_eq!(rate(text), Ok(Rate { count, period, burst }), "{text}");
        }
        for bad in [
            "",
            "5",
            "r/s",
            "0r/s",
            "5r/d",
            "5/s",
            "-1r/s",
            "+1r/s",
            "1.5r/s",
            "5r/s,",
            "5r/s,10",
            "5r/s,burst=0",
        ] {
            assert_eq!(reason(rate(bad)), format!("expected {EXPECTS_RATE}"), "{bad:?}");
        }
        for high in ["10001r/s", "1r/s,burst=99999999999"] {
            assert_eq!(reason(rate(high)), "expected numbers of at most 10000", "{high}");
        }
    }

    #[test]
    fn a_path_has_its_rate_and_perhaps_a_method() {
        for (text, method, path, burst) in [
            ("/admin/login/=5r/m", None, "/admin/login", 5),
            ("/=9r/m", None, "", 9),
            ("/a=b=5r/m,burst=8", None, "/a=b", 8),
            ("POST:/login=5r/m", Some("POST"), "/login", 5),
            ("post:/a:/b=5r/m", Some("POST"), "/a:/b", 5),
        ] {
            let found = path_rate(text).unwrap();
            assert_eq!(
                (found.method.as_deref(), &*found.path, found.rate.burst),
                (method, path, burst),
                "{text}"
            );
        }
        for bad in ["", "5r/m", "login=5r/m", "/login", ":/a=1r/s", "P T:/a=1r/s", "/a?b=1r/s"] {
            assert_eq!(reason(path_rate(bad)), format!("expected {EXPECTS_PATH_RATE}"), "{bad:?}");
        }
        assert_eq!(reason(path_rate("/login=5")), format!("expected {EXPECTS_RATE}"));
    }

    #[test]
    fn hosts_are_names_and_addresses_without_ports() {
        assert_eq!(
            hosts("Example.com., .example.org,*.a_b.de ,127.0.0.1,[::1],2001:DB8::1,*").unwrap(),
            ["example.com", ".example.org", "*.a_b.de", "127.0.0.1", "[::1]", "[2001:db8::1]", "*"]
        );
        for bad in ["a b", "*a.de", ".", "a..b", "..a", "a/b", "ä.de", "*."] {
            assert_eq!(
                reason(hosts(bad)),
                format!("`{bad}` is not one: expected {EXPECTS_HOSTS}"),
                "{bad:?}"
            );
        }
        for bad in ["example.com:80", "https://example.com", "[::1]:80"] {
            assert!(hosts(bad).unwrap_err().hint.is_some_and(|hint| hint.contains("port")), "{bad}");
        }
        for empty in ["", " ,"] {
            assert_eq!(reason(hosts(empty)), format!("expected {EXPECTS_HOSTS}"));
        }
    }

    #[test]
    fn patterns_do_not_refuse_everything() {
        assert_eq!(patterns("*.php, /.env,,wp-*").unwrap(), ["*.php", "/.env", "wp-*"]);
        for bad in ["*", "/", "/*", "**", "/./*", "*.*"] {
            assert_eq!(reason(patterns(bad)), format!("`{bad}` would refuse every path"));
        }
        for bad in ["/a?b", "/a#b", "a\nb"] {
            assert!(reason(patterns(bad)).contains("is not one"), "{bad}");
        }
        assert_eq!(reason(patterns(",")), format!("expected {EXPECTS_PATTERNS}"));
    }

    #[test]
    fn a_field_has_a_name_and_a_value_of_its_own() {
        for (text, name, value) in [
            ("X-Frame-Options: DENY", "X-Frame-Options", "DENY"),
            ("Referrer-Policy=same-origin", "Referrer-Policy", "same-origin"),
            (" A:b: c=d ", "A", "b: c=d"),
            ("Permissions-Policy: geolocation=()", "Permissions-Policy", "geolocation=()"),
        ] {
            assert_eq!(field(text), Ok((name.into(), value.into())), "{text}");
        }
        for bad in ["", "A", "A:", ": b", "A B: c", "A\r\n: b", "\u{e9}: a"] {
            assert_eq!(reason(field(bad)), format!("expected {EXPECTS_FIELD}"), "{bad:?}");
        }
        for bad in ["A: b\r\nSet-Cookie: c", "A: b\nc", "A: \0", "A: \u{e9}", "A: \u{7f}"] {
            assert_eq!(reason(field(bad)), "it has characters that no header may have", "{bad:?}");
        }
        for taken in TAKEN {
            let text = format!("{}: x", taken.to_ascii_uppercase());
            assert!(reason(field(&text)).contains("is set by the server"), "{taken}");
        }
    }
}
