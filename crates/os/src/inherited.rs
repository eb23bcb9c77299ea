//! Sockets that somebody else has opened: whoever started this process, systemd, or the server before this one.

use std::{
    io,
    os::fd::{FromRawFd, OwnedFd, RawFd},
    process,
};

use socket2::Type;

use crate::{BindAddress, Error, Listener, environment::take_variable, socket::Socket};

/// What systemd tells the processes that it starts about their sockets (sd_listen_fds(3)).
const LISTEN_PID: &str = "LISTEN_PID";
const LISTEN_FDS: &str = "LISTEN_FDS";
const LISTEN_FDNAMES: &str = "LISTEN_FDNAMES";

/// The variables of systemd's sockets, which nobody but the process that they are meant for should see.
pub(crate) const ACTIVATION_VARIABLES: [&str; 3] = [LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES];

/// The number of the first descriptor that systemd passes.
const FIRST: RawFd = 3;

/// Only for sockets that do not listen yet.
const BACKLOG: i32 = 2048;

/// Takes the sockets that systemd passed to this very process, and the variables that tell of them out of the
/// environment; none when they were meant for another process. To be called at the start, before there are threads.
///
/// # Errors
/// One of them is nothing that can be listened on, or the process has more than one thread.
pub fn take_activated() -> Result<Vec<Listener>, Error> {
    let [pid, count, names] = ACTIVATION_VARIABLES.map(take_variable);
    let (pid, count, names) = (pid?, count?, names?);
    if number(pid.as_deref()) != Some(process::id()) {
        return Ok(Vec::new());
    }
    let count = number(count.as_deref()).and_then(|count| RawFd::try_from(count).ok()).unwrap_or(0);
    let names = names.as_deref().unwrap_or_default();
    (FIRST..FIRST.saturating_add(count)).zip(activated_names(names)).map(activated).collect()
}

fn number(text: Option<&str>) -> Option<u32> {
    text?.trim().parse().ok()
}

/// A name for each descriptor: sd_listen_fds_with_names(3) calls those without one `unknown`.
fn activated_names(names: &str) -> impl Iterator<Item = &str> {
    let given = names.split(':').map(|name| if name.is_empty() { "unknown" } else { name });
    given.chain(std::iter::repeat("unknown"))
}

fn activated((descriptor, name): (RawFd, &str)) -> Result<Listener, Error> {
    let address = BindAddress::Activated(format!("{name}#{descriptor}"));
    match adopt(descriptor, BACKLOG) {
        // The file of a unix socket is systemd's, which goes on listening when the server has ended.
        Ok(socket) => Ok(Listener::new(socket, address, None)),
        Err(source) => Err(Error::Bind { address: address.to_string(), source }),
    }
}

/// Takes a descriptor that was left open for this process: a stream socket that listens, or that is bound and can. It is
/// non-blocking from now on and closed by `exec`.
///
/// The error says what it is instead.
pub(crate) fn adopt(descriptor: RawFd, backlog: i32) -> io::Result<Socket> {
    let socket = socket2::Socket::from(own(descriptor)?);
    match socket.r#type() {
        Ok(Type::STREAM) => {}
        Ok(_) => return Err(unfit("it is not a stream socket")),
        Err(_) => return Err(unfit("it is not a socket")),
    }
    if !socket.is_listener()? {
        if !is_bound(&socket) {
            return Err(unfit("it is a socket that neither listens nor has an address"));
        }
        // Not where it listens already: security modules may forbid it, and the backlog is not ours to change.
        socket.listen(backlog)?;
    }
    socket.set_nonblocking(true)?;
    Socket::listening(socket)
}

fn is_bound(socket: &socket2::Socket) -> bool {
    socket.local_addr().is_ok_and(|address| match address.as_socket() {
        Some(address) => address.port() != 0,
        None => !address.is_unnamed(),
    })
}

/// Makes an inherited descriptor this process's own: from now on it is closed by `exec`.
fn own(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_GETFD and F_SETFD take and give plain numbers; what is not open is refused with EBADF.
    let flags = unsafe { libc::fcntl(descriptor, libc::F_GETFD) };
    if flags == -1 {
        return Err(unfit("the descriptor is not open"));
    }
    if flags & libc::FD_CLOEXEC != 0 {
        return Err(unfit("the descriptor was not inherited, or is in use already"));
    }
    // SAFETY: as above.
    unsafe { libc::fcntl(descriptor, libc::F_SETFD, flags | libc::FD_CLOEXEC) };
    // SAFETY: the descriptor is open, and nobody in this process owns it: all that we and Python open is closed by `exec`, and
    // the flag, which is set from here on, keeps it from being taken twice.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn unfit(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}
