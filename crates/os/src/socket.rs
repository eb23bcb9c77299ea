use std::{
    fmt, fs, io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{
            fs::{FileTypeExt, MetadataExt},
            net::UnixListener,
        },
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Type};

use crate::Error;

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
}

impl fmt::Display for BindAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A listening socket of the standard library: non-blocking, closed by `exec`.
#[derive(Debug)]
pub enum Socket {
    /// Accepted connections inherit `TCP_NODELAY` from it.
    Tcp(TcpListener),
    /// Its file outlives it, see [`SocketFile`].
    Unix(UnixListener),
}

/// A socket that listens, the address it serves, and the file that it left in the file system, if any.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    address: BindAddress,
    file: Option<SocketFile>,
}

impl Listener {
    /// Binds and listens; `backlog` is how many connections may wait to be accepted (the kernel caps it at
    /// `net.core.somaxconn`). A host name is resolved and its first address taken. The file of a unix socket
    /// that nobody answers on is replaced; its permissions follow the umask.
    ///
    /// # Errors
    /// The name has no address, the address is in use or refused, a live server answers on the socket file,
    /// or the path is no socket.
    pub fn bind(address: &BindAddress, backlog: u32) -> Result<Self, Error> {
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        let refused = |source| Error::Bind { address: address.to_string(), source };
        match address {
            BindAddress::Tcp { host, port } => {
                let resolved = resolve(host, *port)
                    .map_err(|source| Error::Resolve { address: address.to_string(), source })?;
                let socket = Socket::Tcp(listen_tcp(resolved, backlog).map_err(refused)?);
                Ok(Self { socket, address: address.clone(), file: None })
            }
            BindAddress::Unix(path) => {
                make_way(path)?;
                let (listener, file) = listen_unix(path, backlog).map_err(refused)?;
                Ok(Self { socket: Socket::Unix(listener), address: address.clone(), file: Some(file) })
            }
        }
    }

    /// The address as it was asked for.
    #[must_use]
    pub fn address(&self) -> &BindAddress {
        &self.address
    }

    /// Where clients reach it, for people: `http://127.0.0.1:8000` with the port that the kernel chose, or
    /// `unix:/run/app.sock`.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.socket {
            Socket::Tcp(listener) => match listener.local_addr() {
                Ok(local) => format!("http://{local}"),
                Err(_) => format!("http://{}", self.address),
            },
            Socket::Unix(_) => self.address.to_string(),
        }
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The socket itself, for an event loop.
    #[must_use]
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// Closes this process's descriptor and hands out the file that is left, for removal when the last user
    /// of the socket is gone.
    #[must_use]
    pub fn close(self) -> Option<SocketFile> {
        self.file
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Unix(listener) => listener.as_fd(),
        }
    }
}

/// The file of a unix socket, known by device and inode, so that the file of a successor at the same path is
/// left alone.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        let found = fs::symlink_metadata(path)?;
        Ok(Self { path: path.to_owned(), identity: (found.dev(), found.ino()) })
    }

    /// Removes the file unless another one has taken its place; whether it did.
    pub fn remove_if_ours(&self) -> bool {
        let ours = Self::at(&self.path).is_ok_and(|found| found.identity == self.identity);
        ours && fs::remove_file(&self.path).is_ok()
    }
}

fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}

fn listen_tcp(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Without it a restart waits until the last connection of the predecessor has left TIME_WAIT.
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    Ok(socket.into())
}

fn listen_unix(path: &Path, backlog: i32) -> io::Result<(UnixListener, SocketFile)> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(path)?)?;
    let file = SocketFile::at(path)?;
    socket.listen(backlog)?;
    Ok((socket.into(), file))
}

/// Removes a socket file that nobody answers on; refuses anything else that is there.
fn make_way(path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Bind { address: BindAddress::Unix(path.to_owned()).to_string(), source };
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !found.file_type().is_socket() {
        return Err(Error::NotASocket { path: path.to_owned() });
    }
    match connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(failed)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(failed(error)),
        // Connected, a full listen queue (`EAGAIN`), or a socket of another type: somebody is there.
        _ => Err(Error::SocketInUse { path: path.to_owned() }),
    }
}

/// Tries whether somebody listens, without waiting in a full queue.
fn connect(path: &Path) -> io::Result<()> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

#[cfg(test)]
mod tests;
