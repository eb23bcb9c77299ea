use std::{io, path::PathBuf};

use crate::address::ACTIVATED;

/// What this room could not do; every variant is the action that failed, its cause is the `source`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A host name has no address.
    #[error("cannot find the address of `{address}`")]
    Resolve {
        /// The address as it was asked for.
        address: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// `socket`, `bind` or `listen` failed.
    #[error("cannot listen on `{address}`")]
    Bind {
        /// The address as it was asked for.
        address: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// Somebody answers on that unix socket.
    #[error("`{}` is in use by another process", path.display())]
    SocketInUse {
        /// The socket file.
        path: PathBuf,
    },
    /// The path of a unix socket is taken by something that must not be removed.
    #[error("`{}` exists and is not a socket", path.display())]
    NotASocket {
        /// What is in the way.
        path: PathBuf,
    },
    /// A live process holds the pid file.
    #[error("already running with pid {pid}, pid file `{}`", path.display())]
    AlreadyRunning {
        /// What the file says, `unknown` when that is no number.
        pid: String,
        /// The pid file.
        path: PathBuf,
    },
    /// The pid file cannot be written.
    #[error("cannot write the pid file `{}`", path.display())]
    PidFile {
        /// The pid file.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A user that nobody knows.
    #[error("there is no user `{user}`")]
    UnknownUser {
        /// Its name.
        user: String,
    },
    /// A group that nobody knows.
    #[error("there is no group `{group}`")]
    UnknownGroup {
        /// Its name.
        group: String,
    },
    /// The groups of a user are found by its name.
    #[error("user `{user}` has no name, by which its groups could be found")]
    NamelessUser {
        /// Its number.
        user: String,
    },
    /// Only root can become somebody else.
    #[error("cannot change to {what}: the server was not started as root")]
    NotRoot {
        /// The user or group.
        what: String,
    },
    /// Another program could not be started.
    #[error("cannot start `{}`", program.display())]
    Execute {
        /// The program, as it was named.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// A fork would copy only one of several threads and every lock that the others hold.
    #[error("cannot fork: the process has {count} threads ({names})")]
    Threads {
        /// How many there are.
        count: usize,
        /// Their names, joined by commas.
        names: String,
    },
    /// Any other system call, named by what it was to do.
    #[error("cannot {action}")]
    System {
        /// What was to be done.
        action: &'static str,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn system(action: &'static str, source: impl Into<io::Error>) -> Self {
        Self::System { action, source: source.into() }
    }

    /// What the user can do about it, one sentence without a full stop, for a line that starts with `hint:`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Bind { address, source } => bind_hint(address, source),
            Self::Resolve { .. } => {
                Some("use an address of this machine, for example `127.0.0.1` or `0.0.0.0`".to_owned())
            }
            Self::SocketInUse { path } => {
                Some(format!("`ss -lxp src {}` shows which process it is", path.display()))
            }
            Self::NotASocket { .. } => Some("remove it, or choose another path after `unix:`".to_owned()),
            Self::AlreadyRunning { pid, .. } => {
                Some(format!("stop it with `kill {pid}`, or choose another pid file"))
            }
            Self::PidFile { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => Some("create its directory first".to_owned()),
                io::ErrorKind::PermissionDenied => {
                    Some("choose a directory that this user may write to".to_owned())
                }
                _ => None,
            },
            Self::Threads { .. } => Some(
                "something started a thread before the server: a `.pth` file, a coverage or debugging hook"
                    .to_owned(),
            ),
            Self::UnknownUser { .. } => {
                Some("`getent passwd` lists the users; a number will do too".to_owned())
            }
            Self::UnknownGroup { .. } => {
                Some("`getent group` lists the groups; a number will do too".to_owned())
            }
            Self::NotRoot { .. } => {
                Some("start it as root, or as that user and group without naming them".to_owned())
            }
            Self::NamelessUser { .. } | Self::Execute { .. } | Self::System { .. } => None,
        }
    }
}

fn bind_hint(address: &str, source: &io::Error) -> Option<String> {
    if let Some(name) = address.strip_prefix("unix:@") {
        let in_use = source.kind() == io::ErrorKind::AddrInUse;
        return in_use.then(|| format!("`ss -lxp src @{name}` shows which process it is"));
    }
    if address.starts_with("fd://") {
        return Some(
            "whoever starts the server has to leave a listening socket open under that number".to_owned(),
        );
    }
    if address.starts_with(ACTIVATED) {
        return Some("the socket unit needs `ListenStream=` and `Accept=no`".to_owned());
    }
    if address.starts_with("unix:") {
        return match source.kind() {
            io::ErrorKind::NotFound => Some("create the directory of the socket first".to_owned()),
            io::ErrorKind::PermissionDenied => {
                Some("this user may not write to the directory of the socket".to_owned())
            }
            io::ErrorKind::InvalidInput => {
                Some("the path of a unix socket is limited to 107 bytes".to_owned())
            }
            _ => None,
        };
    }
    let port = address.rsplit(':').next().unwrap_or(address);
    match source.kind() {
        io::ErrorKind::AddrInUse => Some(format!(
            "`ss -ltnp 'sport = :{port}'` shows which process holds the port; stop it or choose another port"
        )),
        io::ErrorKind::PermissionDenied => Some(
            "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE; choose a port from 1024 on"
                .to_owned(),
        ),
        io::ErrorKind::AddrNotAvailable => Some(
            "that address does not belong to this machine; `0.0.0.0` listens on every IPv4 address"
                .to_owned(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(address: &str, kind: io::ErrorKind) -> Error {
        Error::Bind { address: address.to_owned(), source: kind.into() }
    }

    #[test]
    fn the_hint_fits_the_cause() {
        let in_use = bind("127.0.0.1:8000", io::ErrorKind::AddrInUse);
        assert_eq!(in_use.to_string(), "cannot listen on `127.0.0.1:8000`");
        assert!(in_use.hint().unwrap().contains("sport = :8000"));
        assert!(bind("[::]:80", io::ErrorKind::PermissionDenied).hint().unwrap().contains("1024"));
        assert!(bind("unix:/a/b", io::ErrorKind::NotFound).hint().unwrap().contains("directory"));
        assert_eq!(bind("127.0.0.1:1", io::ErrorKind::OutOfMemory).hint(), None);
    }
}
