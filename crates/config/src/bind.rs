//! The grammar of an address to listen on.
//!
//! `HOST:PORT`, `HOST` (port 8000), `PORT` (host 127.0.0.1), `:PORT` (every IPv4 interface),
//! `[IPV6]:PORT`, `[IPV6]`, each of these after `tcp://`; `unix:PATH` and `unix://PATH`; `unix:@NAME`; `fd://N`.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};

use crate::kind::Refusal;

/// Where to listen. `Display` writes the canonical form: `HOST:PORT`, `[IPV6]:PORT`, `unix:PATH`,
/// `unix:@NAME` or `fd://N`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    /// A TCP port on one host.
    Tcp {
        /// A host name or an IP address; an IPv6 address stands without brackets.
        host: String,
        /// The port; 0 lets the kernel choose one.
        port: u16,
    },
    /// A socket file, at most 107 bytes long (`unix(7)`); a relative path counts from the working directory.
    Unix(PathBuf),
    /// A socket without a file: this name in the abstract namespace of Linux (`unix(7)`), without the NUL
    /// before it, from 1 to 107 bytes long.
    Abstract(String),
    /// A socket that the process has inherited under this number, which is at least 3.
    Fd(i32),
}

impl Address {
    /// Reads one address; white space round it does not count.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path.strip_prefix("//").unwrap_or(path));
        }
        match text.split_once("://") {
            Some(("tcp", rest)) => tcp(rest),
            Some(("fd", number)) => descriptor(number),
            Some((scheme, rest)) => Err(Refusal::new(format!("`{scheme}://` is not a kind of address"))
                .hint(format!("write `{}`", rest.trim_end_matches('/')))),
            None => tcp(text),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "unix:@{name}"),
            Self::Fd(number) => write!(f, "fd://{number}"),
        }
    }
}

/// What an address must be, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS: &str = "`HOST:PORT`, `PORT`, `[IPV6]:PORT`, `unix:PATH`, `unix:@NAME` or `fd://N`";

/// As in Gunicorn.
const DEFAULT_PORT: u16 = 8000;

/// What a number alone listens on: nothing that the network can reach is opened by a short form.
const DEFAULT_HOST: &str = "127.0.0.1";

/// The room in `sockaddr_un` is 108 bytes, for a path and its final NUL, or for a NUL and an abstract name.
const LONGEST_PATH: usize = 107;

fn unix(path: &str) -> Result<Address, Refusal> {
    if path.is_empty() {
        return Err(Refusal::new("the path of the socket is empty")
            .hint("write `unix:` and a path, such as `unix:/run/mysite.sock`"));
    }
    if let Some(name) = path.strip_prefix('@') {
        return abstract_name(name);
    }
    if path.len() > LONGEST_PATH {
        return Err(Refusal::new(format!(
            "the path of a socket has at most {LONGEST_PATH} bytes, this one has {}",
            path.len()
        )));
    }
    Ok(Address::Unix(path.into()))
}

/// A file whose name begins with `@` is meant by `unix:./@name`.
fn abstract_name(name: &str) -> Result<Address, Refusal> {
    if name.is_empty() {
        return Err(Refusal::new("the name of the abstract socket is empty")
            .hint("write `unix:@` and a name, such as `unix:@mysite`"));
    }
    if name.len() > LONGEST_PATH {
        return Err(Refusal::new(format!(
            "the name of an abstract socket has at most {LONGEST_PATH} bytes, this one has {}",
            name.len()
        )));
    }
    Ok(Address::Abstract(name.to_owned()))
}

fn descriptor(text: &str) -> Result<Address, Refusal> {
    // `str::parse` takes a leading plus sign.
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if is_number && number >= FIRST_FD => Ok(Address::Fd(number)),
        Ok(_) if is_number => Err(Refusal::new(format!(
            "the descriptor `{text}` is a standard stream, expected a number of at least {FIRST_FD}"
        ))),
        _ => Err(Refusal::new(format!("`{text}` is not the number of a descriptor"))
            .hint(format!("write `fd://` and a number, such as `fd://{FIRST_FD}`"))),
    }
}

/// The first descriptor that is no standard stream, and the first that systemd hands over.
const FIRST_FD: i32 = 3;

fn tcp(text: &str) -> Result<Address, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new(format!("expected {EXPECTS}")));
    }
    if let Some(rest) = text.strip_prefix('[') {
        return bracketed(rest);
    }
    if text.contains('/') {
        return Err(Refusal::new("expected `HOST:PORT`, this looks like a path")
            .hint(format!("for a socket file write `unix:{text}`")));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Address::Tcp { host: DEFAULT_HOST.to_owned(), port: port(text)? });
    }
    match text.split_once(':') {
        None => Ok(Address::Tcp { host: host(text, DEFAULT_PORT)?, port: DEFAULT_PORT }),
        Some((_, rest)) if rest.contains(':') => Err(bare_ipv6(text)),
        Some((name, number)) => {
            let port = port(number)?;
            let host = if name.is_empty() { "0.0.0.0".to_owned() } else { host(name, port)? };
            Ok(Address::Tcp { host, port })
        }
    }
}

/// What stands after an opening bracket.
fn bracketed(rest: &str) -> Result<Address, Refusal> {
    let Some((host, after)) = rest.split_once(']') else {
        return Err(Refusal::new("the closing bracket of the IPv6 address is missing"));
    };
    // A zone (`fe80::1%eth0`) is for the resolver to understand.
    let (address, zone) = host.split_once('%').unwrap_or((host, "-"));
    if address.parse::<Ipv6Addr>().is_err() || zone.is_empty() {
        return Err(Refusal::new(format!("`{host}` is not an IPv6 address")));
    }
    let port = match after.strip_prefix(':') {
        Some(number) => port(number)?,
        None if after.is_empty() => DEFAULT_PORT,
        None => return Err(Refusal::new("expected `:PORT` after the closing bracket")),
    };
    Ok(Address::Tcp { host: host.to_owned(), port })
}

fn port(text: &str) -> Result<u16, Refusal> {
    if text.is_empty() {
        return Err(Refusal::new("the port is missing"));
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::new(format!("the port `{text}` is not a number")));
    }
    text.parse().map_err(|_| Refusal::new(format!("the port `{text}` is not in the range 0 to 65535")))
}

fn host(name: &str, port: u16) -> Result<String, Refusal> {
    if name == "*" {
        return Err(Refusal::new("`*` is not a host")
            .hint(format!("for every interface write `0.0.0.0:{port}` or `[::]:{port}`")));
    }
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if name.starts_with('-') || !name.bytes().all(known) {
        return Err(Refusal::new(format!("`{name}` is not a host name")));
    }
    let numeric = name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if numeric && name.parse::<Ipv4Addr>().is_err() {
        return Err(Refusal::new(format!("`{name}` is not an IPv4 address")));
    }
    Ok(name.to_owned())
}

/// Two colons or more without brackets: where the address ends and the port begins is a guess.
fn bare_ipv6(text: &str) -> Refusal {
    let refusal = Refusal::new("an IPv6 address stands in brackets");
    let is_ipv6 = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    match text.rsplit_once(':') {
        Some((host, number)) if is_ipv6(host) && port(number).is_ok() => {
            refusal.hint(format!("write `[{host}]:{number}`"))
        }
        _ if is_ipv6(text) => refusal.hint(format!("write `[{text}]:{DEFAULT_PORT}`")),
        _ => Refusal::new("expected `HOST:PORT`, there is more than one colon"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_addresses_and_their_canonical_form() {
        for (text, canonical) in [
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("0.0.0.0:2929", "0.0.0.0:2929"),
            ("localhost:0", "localhost:0"),
            ("my_host.local:65535", "my_host.local:65535"),
            ("8080", "127.0.0.1:8080"),
            ("0", "127.0.0.1:0"),
            ("localhost", "localhost:8000"),
            ("10.0.0.1", "10.0.0.1:8000"),
            (":80", "0.0.0.0:80"),
            ("[::1]:80", "[::1]:80"),
            ("[::]", "[::]:8000"),
            ("[fe80::1%eth0]:80", "[fe80::1%eth0]:80"),
            ("tcp://10.0.0.1:80", "10.0.0.1:80"),
            ("tcp://[::1]:80", "[::1]:80"),
            ("unix:/run/a.sock", "unix:/run/a.sock"),
            ("unix:///run/a.sock", "unix:/run/a.sock"),
            ("unix:a.sock", "unix:a.sock"),
            ("unix://a.sock", "unix:a.sock"),
            ("unix:@mysite", "unix:@mysite"),
            ("unix://@my site/1", "unix:@my site/1"),
            ("unix:@@", "unix:@@"),
            ("unix:./@mysite", "unix:./@mysite"),
            ("fd://3", "fd://3"),
            ("fd://007", "fd://7"),
            ("fd://2147483647", "fd://2147483647"),
            (" 127.0.0.1:80 ", "127.0.0.1:80"),
        ] {
            let address = Address::parse(text).unwrap_or_else(|refusal| panic!("{text}: {refusal:?}"));
            assert_eq!(address.to_string(), canonical, "{text}");
            assert_eq!(Address::parse(canonical), Ok(address), "{text}");
        }
    }

    #[test]
    fn the_longest_path_is_accepted() {
        let path = format!("/{}", "x".repeat(106));
        assert_eq!(Address::parse(&format!("unix:{path}")), Ok(Address::Unix(path.clone().into())));
        let refusal = Address::parse(&format!("unix:{path}y")).unwrap_err();
        assert_eq!(refusal.reason, "the path of a socket has at most 107 bytes, this one has 108");
    }

    #[test]
    fn an_abstract_name_is_no_file() {
        let name = "x".repeat(107);
        assert_eq!(Address::parse(&format!("unix:@{name}")), Ok(Address::Abstract(name.clone())));
        assert_eq!(Address::parse("unix:./@a"), Ok(Address::Unix("./@a".into())));
        let refusal = Address::parse(&format!("unix:@{name}y")).unwrap_err();
        assert_eq!(refusal.reason, "the name of an abstract socket has at most 107 bytes, this one has 108");
    }

    #[test]
    fn invalid_addresses_say_what_is_wrong() {
        const FD: Option<&str> = Some("write `fd://` and a number, such as `fd://3`");
        for (text, reason, hint) in [
            ("", "expected `HOST:PORT`, `PORT`, `[IPV6]:PORT`, `unix:PATH`, `unix:@NAME` or `fd://N`", None),
            ("::1", "an IPv6 address stands in brackets", Some("write `[::1]:8000`")),
            ("::1:80", "an IPv6 address stands in brackets", Some("write `[::1]:80`")),
            ("a:1:2", "expected `HOST:PORT`, there is more than one colon", None),
            ("[::1", "the closing bracket of the IPv6 address is missing", None),
            ("[1.2.3.4]:80", "`1.2.3.4` is not an IPv6 address", None),
            ("[fe80::1%]:80", "`fe80::1%` is not an IPv6 address", None),
            ("[::1]80", "expected `:PORT` after the closing bracket", None),
            ("localhost:", "the port is missing", None),
            ("localhost:http", "the port `http` is not a number", None),
            ("localhost:+80", "the port `+80` is not a number", None),
            ("localhost:65536", "the port `65536` is not in the range 0 to 65535", None),
            ("99999", "the port `99999` is not in the range 0 to 65535", None),
            ("-1", "`-1` is not a host name", None),
            ("*:80", "`*` is not a host", Some("for every interface write `0.0.0.0:80` or `[::]:80`")),
            ("a b:80", "`a b` is not a host name", None),
            ("300.0.0.1:80", "`300.0.0.1` is not an IPv4 address", None),
            (
                "/run/a.sock",
                "expected `HOST:PORT`, this looks like a path",
                Some("for a socket file write `unix:/run/a.sock`"),
            ),
            ("http://localhost:80/", "`http://` is not a kind of address", Some("write `localhost:80`")),
            (
                "unix:",
                "the path of the socket is empty",
                Some("write `unix:` and a path, such as `unix:/run/mysite.sock`"),
            ),
            (
                "unix:@",
                "the name of the abstract socket is empty",
                Some("write `unix:@` and a name, such as `unix:@mysite`"),
            ),
            ("fd://2", "the descriptor `2` is a standard stream, expected a number of at least 3", None),
            ("fd://", "`` is not the number of a descriptor", FD),
            ("fd://-3", "`-3` is not the number of a descriptor", FD),
            ("fd://+3", "`+3` is not the number of a descriptor", FD),
            ("fd://3/", "`3/` is not the number of a descriptor", FD),
            ("fd://2147483648", "`2147483648` is not the number of a descriptor", FD),
        ] {
            let refusal = Address::parse(text).expect_err(text);
            assert_eq!((refusal.reason.as_str(), refusal.hint.as_deref()), (reason, hint), "{text}");
        }
    }
}
