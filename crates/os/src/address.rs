use std::{fmt, os::fd::RawFd, path::PathBuf};

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
