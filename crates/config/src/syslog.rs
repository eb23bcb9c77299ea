//! Where syslog is, as Gunicorn writes it.

use std::{fmt, path::PathBuf};

use crate::kind::Refusal;

/// What [`SyslogAddress::parse`] reads, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS: &str =
    "`udp://HOST:PORT`, `tcp://HOST:PORT` or `unix://PATH` (with `#dgram` or `#stream`)";

/// The port of syslog (RFC 5426).
const PORT: u16 = 514;

/// Where messages for syslog go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyslogAddress {
    /// To a host and a port, one datagram each.
    Udp(String, u16),
    /// To a host and a port, over a connection.
    Tcp(String, u16),
    /// To a socket of this machine.
    Unix(PathBuf, SyslogSocket),
}

/// The kind of a syslog socket of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyslogSocket {
    /// Whichever it is; most are for datagrams.
    Any,
    /// For datagrams.
    Datagram,
    /// For connections.
    Stream,
}

impl Default for SyslogAddress {
    fn default() -> Self {
        Self::Udp("localhost".to_owned(), PORT)
    }
}

impl fmt::Display for SyslogAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bracketed = |host: &str| if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        match self {
            Self::Udp(host, port) => write!(f, "udp://{}:{port}", bracketed(host)),
            Self::Tcp(host, port) => write!(f, "tcp://{}:{port}", bracketed(host)),
            Self::Unix(path, socket) => write!(f, "unix://{}{}", path.display(), socket.suffix()),
        }
    }
}

impl SyslogSocket {
    fn suffix(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Datagram => "#dgram",
            Self::Stream => "#stream",
        }
    }
}

impl SyslogAddress {
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let text = text.trim();
        let unexpected = || Refusal::new(format!("expected {EXPECTS}"));
        if let Some(path) = text.strip_prefix("unix://") {
            let (path, socket) = match path.split_once('#') {
                None => (path, SyslogSocket::Any),
                Some((path, "dgram")) => (path, SyslogSocket::Datagram),
                Some((path, "stream")) => (path, SyslogSocket::Stream),
                Some(_) => return Err(unexpected()),
            };
            return if path.is_empty() { Err(unexpected()) } else { Ok(Self::Unix(path.into(), socket)) };
        }
        let (scheme, place) = text.split_once("://").ok_or_else(unexpected)?;
        let (host, port) = host_and_port(place).ok_or_else(unexpected)?;
        match scheme {
            "udp" => Ok(Self::Udp(host, port)),
            "tcp" => Ok(Self::Tcp(host, port)),
            _ => Err(unexpected()),
        }
    }
}

fn host_and_port(text: &str) -> Option<(String, u16)> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => inner.split_once(']')?,
        None => text.find(':').map_or((text, ""), |colon| text.split_at(colon)),
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None if rest.is_empty() => PORT,
        None => return None,
    };
    (!host.is_empty()).then(|| (host.to_ascii_lowercase(), port))
}

/// The facilities of syslog by their names (RFC 5424 section 6.2.1), with their numbers.
pub(crate) const FACILITIES: &[(&str, u8)] = &[
    ("auth", 4),
    ("authpriv", 10),
    ("cron", 9),
    ("daemon", 3),
    ("ftp", 11),
    ("kern", 0),
    ("lpr", 6),
    ("mail", 2),
    ("news", 7),
    ("security", 4),
    ("syslog", 5),
    ("user", 1),
    ("uucp", 8),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

/// Their names alone.
pub(crate) const FACILITY_WORDS: &[&str] = &{
    let mut words = [""; FACILITIES.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = FACILITIES[place].0;
        place += 1;
    }
    words
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_gunicorns() {
        for (text, expected) in [
            ("udp://localhost:514", "udp://localhost:514"),
            ("udp://Log.Example", "udp://log.example:514"),
            ("tcp://[::1]:1514", "tcp://[::1]:1514"),
            ("tcp://[::1]", "tcp://[::1]:514"),
            ("unix:///dev/log", "unix:///dev/log"),
            ("unix:///dev/log#dgram", "unix:///dev/log#dgram"),
            (" unix://log#stream ", "unix://log#stream"),
        ] {
            assert_eq!(SyslogAddress::parse(text).unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "localhost",
            "/dev/log",
            "unix://",
            "unix:///dev/log#x",
            "udp://",
            "udp://h:",
            "udp://h:0",
            "tcp://h:99999",
            "tcp://[::1",
            "http://h:1",
            "udp://::1",
        ] {
            assert_eq!(
                SyslogAddress::parse(text),
                Err(Refusal::new(format!("expected {EXPECTS}"))),
                "{text}"
            );
        }
    }
}
