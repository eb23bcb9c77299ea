use std::{
    ffi::OsString,
    fmt,
    os::{
        fd::RawFd,
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::PathBuf,
};

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BindAddress {
    /// A TCP port.
    Tcp {
        /// A host name or an IP address, IPv6 without brackets.
        host: String,
        /// 0 lets the kernel choose.
        port: u16,
    },
    /// A unix stream socket at this path.
    Unix(PathBuf),
    /// A unix stream socket of this name, without a file: whoever shares the network namespace may connect.
    Abstract(String),
    /// A stream socket that whoever started this process left open under this number.
    Inherited(RawFd),
    /// A stream socket that systemd passed, by its name (`FileDescriptorName=`) and number.
    Activated(String),
}

impl BindAddress {
    /// The address for another process of the same program, exactly.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (tag, rest) = match self {
            Self::Tcp { host, port } => (b't', [&port.to_ne_bytes(), host.as_bytes()].concat()),
            Self::Unix(path) => (b'u', path.as_os_str().as_bytes().to_vec()),
            Self::Abstract(name) => (b'a', name.as_bytes().to_vec()),
            Self::Inherited(descriptor) => (b'i', descriptor.to_ne_bytes().to_vec()),
            Self::Activated(name) => (b's', name.as_bytes().to_vec()),
        };
        [&[tag], &rest[..]].concat()
    }

    /// What [`BindAddress::to_bytes`] has written.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, rest) = bytes.split_first()?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        Some(match tag {
            b't' => {
                let (port, host) = rest.split_first_chunk()?;
                Self::Tcp { host: text(host)?, port: u16::from_ne_bytes(*port) }
            }
            b'u' => Self::Unix(OsString::from_vec(rest.to_vec()).into()),
            b'a' => Self::Abstract(text(rest)?),
            b'i' => Self::Inherited(RawFd::from_ne_bytes(rest.try_into().ok()?)),
            b's' => Self::Activated(text(rest)?),
            _ => return None,
        })
    }
}

impl fmt::Display for BindAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "unix:@{name}"),
            Self::Inherited(descriptor) => write!(f, "fd://{descriptor}"),
            Self::Activated(name) => write!(f, "{ACTIVATED}{name}"),
        }
    }
}

/// What stands before the name of a socket that systemd passed.
pub(crate) const ACTIVATED: &str = "systemd:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_from_their_bytes() {
        let path = PathBuf::from(OsString::from_vec(b"/a/\xff\n".to_vec()));
        let addresses = [
            BindAddress::Tcp { host: "::1".to_owned(), port: 8080 },
            BindAddress::Unix(path),
            BindAddress::Abstract(String::new()),
            BindAddress::Inherited(3),
            BindAddress::Activated("web#3".to_owned()),
        ];
        for address in addresses {
            assert_eq!(BindAddress::from_bytes(&address.to_bytes()), Some(address));
        }
        for nonsense in [&b""[..], b"t", b"t1", b"i123", b"s\xff", b"x"] {
            assert_eq!(BindAddress::from_bytes(nonsense), None);
        }
    }

    #[test]
    fn addresses_are_written_as_users_write_them() {
        let tcp = |host: &str| BindAddress::Tcp { host: host.to_owned(), port: 80 };
        assert_eq!(tcp("127.0.0.1").to_string(), "127.0.0.1:80");
        assert_eq!(tcp("::1").to_string(), "[::1]:80");
        assert_eq!(BindAddress::Unix("/run/a.sock".into()).to_string(), "unix:/run/a.sock");
        assert_eq!(BindAddress::Abstract("a".to_owned()).to_string(), "unix:@a");
        assert_eq!(BindAddress::Inherited(3).to_string(), "fd://3");
        assert_eq!(BindAddress::Activated("web.socket#3".to_owned()).to_string(), "systemd:web.socket#3");
    }
}
