//! Sockets of our own: made, bound, listening.

use std::{
    fs, io,
    net::{IpAddr, SocketAddr, TcpListener, ToSocketAddrs},
    os::{
        fd::AsFd,
        unix::{fs::FileTypeExt, net::UnixListener},
    },
    path::Path,
};

use nix::sys::stat::{Mode, umask};
use socket2::{Domain, SockAddr, Type};

use crate::{BindAddress, Error, SocketFile, SocketPlan, defer::defer_accept};

/// The permissions that a umask is about.
const ALL: u32 = 0o777;

pub(crate) fn listen_tcp(plan: &SocketPlan, host: &str, port: u16) -> Result<TcpListener, Error> {
    let address = || plan.address.to_string();
    let resolved = resolve(host, port).map_err(|source| Error::Resolve { address: address(), source })?;
    open_tcp(plan, resolved).map_err(|source| Error::Bind { address: address(), source })
}

fn resolve(host: &str, port: u16) -> io::Result<SocketAddr> {
    (host, port)
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
}

fn open_tcp(plan: &SocketPlan, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // Without it a restart waits until the last connection of the predecessor has left TIME_WAIT.
    socket.set_reuse_address(true)?;
    if plan.reuse_port {
        socket.set_reuse_port(true)?;
    }
    if let IpAddr::V6(ip) = address.ip() {
        socket.set_only_v6(plan.ipv6_only || !ip.is_unspecified())?;
    }
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    defer_accept(socket.as_fd());
    socket.listen(plan.queue_length())?;
    Ok(socket.into())
}

pub(crate) fn listen_unix(plan: &SocketPlan, path: &Path) -> Result<(UnixListener, SocketFile), Error> {
    make_way(path)?;
    open_unix(plan, path).map_err(|source| Error::Bind { address: plan.address.to_string(), source })
}

fn open_unix(plan: &SocketPlan, path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let address = SockAddr::unix(path)?;
    // The file comes into being with these permissions: none has to be taken away, and no path be looked up again, where
    // somebody else may write. The umask is the process's; the master, which binds, has one thread.
    let before = umask(Mode::from_bits_truncate(ALL & !plan.mode));
    let bound = socket.bind(&address);
    umask(before);
    bound?;
    let file = SocketFile::at(path).inspect_err(|error| {
        // No descriptor may be left to look at it; what is there no more, or is another's, is no socket of ours.
        if error.kind() != io::ErrorKind::NotFound {
            let _ = fs::remove_file(path);
        }
    })?;
    // Nobody can connect before `listen`: by then the file belongs to whom it should.
    let listening = file.give(plan.owner).and_then(|()| socket.listen(plan.queue_length()));
    match listening {
        Ok(()) => Ok((socket.into(), file)),
        Err(error) => {
            file.remove_if_ours();
            Err(error)
        }
    }
}

pub(crate) fn listen_abstract(plan: &SocketPlan, name: &str) -> io::Result<UnixListener> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SockAddr::unix(format!("\0{name}"))?)?;
    socket.listen(plan.queue_length())?;
    Ok(socket.into())
}

/// Removes a socket file that nobody answers on; refuses anything else that is there.
pub(crate) fn make_way(path: &Path) -> Result<(), Error> {
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
