use std::{
    io::{self, Write},
    net::{SocketAddr, ToSocketAddrs, UdpSocket},
    os::unix::net::UnixDatagram,
    path::PathBuf,
    time::Duration,
};

use crate::Error;

/// Where a statsd listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatsdTarget {
    /// By UDP.
    Udp {
        /// A name or an address.
        host: String,
        /// Its port.
        port: u16,
    },
    /// At a unix datagram socket.
    Unix(PathBuf),
}

/// The way to a statsd: one datagram for each metric, in Gunicorn's shape. What cannot be sent at once is lost: nobody waits, and
/// nobody is told.
#[derive(Debug)]
pub struct Statsd {
    socket: Socket,
    /// Empty, or with a dot at its end.
    prefix: String,
    /// Empty, or with `|#` at its beginning.
    suffix: String,
}

#[derive(Debug)]
enum Socket {
    Udp(UdpSocket),
    /// Not connected: the one at the other end may start later, or anew.
    Unix(UnixDatagram, PathBuf),
}

impl Statsd {
    /// Finds the way. `prefix` goes before each name (Gunicorn's `statsd_prefix`), `tags` behind each metric (`dogstatsd_tags`).
    ///
    /// # Errors
    /// The name of the host has no address, or there is no descriptor left.
    pub fn open(target: &StatsdTarget, prefix: &str, tags: &str) -> Result<Self, Error> {
        let socket = match target {
            StatsdTarget::Udp { host, port } => {
                let address = format!("{host}:{port}");
                let failed = |source| Error::Resolve { address, source };
                Socket::Udp(connect(host, *port).map_err(failed)?)
            }
            StatsdTarget::Unix(path) => {
                let socket = UnixDatagram::unbound().and_then(|socket| {
                    socket.set_nonblocking(true)?;
                    Ok(socket)
                });
                Socket::Unix(
                    socket.map_err(|source| Error::system("make a socket for statsd", source))?,
                    path.clone(),
                )
            }
        };
        let prefix = match prefix.trim_end_matches('.') {
            "" => String::new(),
            prefix => format!("{prefix}."),
        };
        let suffix = if tags.is_empty() { String::new() } else { format!("|#{tags}") };
        Ok(Self { socket, prefix, suffix })
    }

    /// So many of something have happened.
    pub fn count(&self, name: &str, number: u64) {
        self.send(format_args!("{name}:{number}|c|@1.0"));
    }

    /// There are so many now.
    pub fn gauge(&self, name: &str, number: u64) {
        self.send(format_args!("{name}:{number}|g"));
    }

    /// One more value of many, of which a histogram is made.
    pub fn histogram(&self, name: &str, number: u64) {
        self.send(format_args!("{name}:{number}|h"));
    }

    /// Something took so long.
    pub fn timing(&self, name: &str, time: Duration) {
        self.send(format_args!("{name}:{}|ms", Milliseconds(time)));
    }

    fn send(&self, metric: std::fmt::Arguments<'_>) {
        let mut packet = Vec::with_capacity(128);
        // Writing to a vector cannot fail.
        let _ = write!(packet, "{}{metric}{}", self.prefix, self.suffix);
        let _ = match &self.socket {
            Socket::Udp(socket) => socket.send(&packet),
            Socket::Unix(socket, path) => socket.send_to(&packet, path),
        };
    }
}

fn connect(host: &str, port: u16) -> io::Result<UdpSocket> {
    let no_address = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let address = (host, port).to_socket_addrs()?.next().ok_or_else(no_address)?;
    let any: SocketAddr =
        if address.is_ipv4() { ([0; 4], 0).into() } else { (std::net::Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.set_nonblocking(true)?;
    socket.connect(address)?;
    Ok(socket)
}

/// As Python writes them: at least one decimal, at most three.
struct Milliseconds(Duration);

impl std::fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = self.0.as_micros();
        let (whole, rest) = (micros / 1_000, micros % 1_000);
        match rest {
            _ if rest % 100 == 0 => write!(f, "{whole}.{}", rest / 100),
            _ if rest % 10 == 0 => write!(f, "{whole}.{:02}", rest / 10),
            _ => write!(f, "{whole}.{rest:03}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UdpSocket) -> String {
        let mut packet = [0; 200];
        let length = socket.recv(&mut packet).unwrap();
        String::from_utf8(packet[..length].to_vec()).unwrap()
    }

    fn server() -> (UdpSocket, StatsdTarget) {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let port = server.local_addr().unwrap().port();
        (server, StatsdTarget::Udp { host: "127.0.0.1".to_owned(), port })
    }

    #[test]
    fn metrics_have_prefix_type_and_tags() {
        let (server, target) = server();
        for (prefix, tags, name, suffix) in
            [("", "", "m", ""), ("site..", "a:b,c", "site.m", "|#a:b,c"), ("s", "", "s.m", "")]
        {
            let statsd = Statsd::open(&target, prefix, tags).unwrap();
            statsd.count("m", 1);
            statsd.gauge("m", 2);
            statsd.histogram("m", 3);
            statsd.timing("m", Duration::from_micros(4_560));
            for value in ["1|c|@1.0", "2|g", "3|h", "4.56|ms"] {
                assert_eq!(received(&server), format!("{name}:{value}{suffix}"));
            }
        }
    }

    #[test]
    fn milliseconds_have_the_decimals_that_they_need() {
        for (micros, text) in
            [(0, "0.0"), (7, "0.007"), (30, "0.03"), (500, "0.5"), (1_000, "1.0"), (12_345, "12.345")]
        {
            assert_eq!(Milliseconds(Duration::from_micros(micros)).to_string(), text);
        }
    }

    #[test]
    fn nobody_at_the_other_end_is_no_failure_and_whoever_comes_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statsd");
        let statsd = Statsd::open(&StatsdTarget::Unix(path.clone()), "", "").unwrap();
        statsd.gauge("early", 1);
        let server = UnixDatagram::bind(&path).unwrap();
        statsd.gauge("late", 2);
        let mut packet = [0; 20];
        let length = server.recv(&mut packet).unwrap();
        assert_eq!(&packet[..length], b"late:2|g");
        let (closed, target) = self::server();
        drop(closed);
        let statsd = Statsd::open(&target, "", "").unwrap();
        (0..3).for_each(|_| statsd.count("m", 1));
    }

    #[test]
    fn one_that_does_not_read_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("statsd");
        let _server = UnixDatagram::bind(&path).unwrap();
        let statsd = Statsd::open(&StatsdTarget::Unix(path), "", "").unwrap();
        (0..10_000).for_each(|_| statsd.count("m", 1));
    }
}
