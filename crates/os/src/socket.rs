use std::net::SocketAddr;
use std::{
    io,
    net::TcpListener,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        linux::net::SocketAddrExt,
        unix::net::UnixListener,
    },
};

use socket2::Domain;

use crate::{
    BindAddress, Error, Owner, SocketFile,
    bind::{listen_abstract, listen_tcp, listen_unix},
    inherited::adopt,
};

/// What a socket is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Purpose {
    /// The application.
    #[default]
    Serving,
    /// The way to HTTPS.
    Redirecting,
    /// The server's own numbers.
    Metrics,
}

/// What to listen on, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPlan {
    /// Where.
    pub address: BindAddress,
    /// How many connections may wait to be accepted; the kernel caps it at `net.core.somaxconn`.
    pub backlog: u32,
    /// Whether other processes of the same user may listen on the same TCP port at the same time (`SO_REUSEPORT`).
    pub reuse_port: bool,
    /// Whether `[::]` leaves IPv4 to another listener. Other IPv6 addresses take no IPv4 connections anyway.
    pub ipv6_only: bool,
    /// The permissions of the file of a unix socket; connecting needs write permission (unix(7)).
    pub mode: u32,
    /// Whom the file of a unix socket is given to.
    pub owner: Owner,
    /// What for.
    pub purpose: Purpose,
    /// Whether clients speak TLS there.
    pub is_secure: bool,
}

impl SocketPlan {
    /// A plan for `address` with 2048 waiting connections and, for a unix socket, the mode 0660.
    #[must_use]
    pub fn new(address: BindAddress) -> Self {
        Self {
            address,
            backlog: 2048,
            reuse_port: false,
            ipv6_only: false,
            mode: 0o660,
            owner: Owner::default(),
            purpose: Purpose::Serving,
            is_secure: false,
        }
    }

    /// The same as the kernel wants it.
    pub(crate) fn queue_length(&self) -> i32 {
        i32::try_from(self.backlog).unwrap_or(i32::MAX)
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

impl Socket {
    /// Takes a socket that listens already; the error is what it is instead.
    pub(crate) fn listening(socket: socket2::Socket) -> io::Result<Self> {
        match socket.domain()? {
            Domain::IPV4 | Domain::IPV6 => Ok(Self::Tcp(OwnedFd::from(socket).into())),
            Domain::UNIX => Ok(Self::Unix(OwnedFd::from(socket).into())),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is neither a TCP nor a unix socket")),
        }
    }
}

/// A socket that listens, the address it serves, and the file that it left in the file system, if any.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    address: BindAddress,
    file: Option<SocketFile>,
    purpose: Purpose,
    is_secure: bool,
}

impl Listener {
    /// Binds and listens. A host name is resolved and its first address taken; `[::]` takes IPv4 connections too,
    /// whatever `net.ipv6.bindv6only` says, unless the plan says otherwise. The file of a unix socket that nobody
    /// answers on is replaced. An inherited socket is made to listen if it does not yet.
    ///
    /// # Errors
    /// The name has no address, the address is in use or refused, a live server answers on the socket file,
    /// the path is no socket, the file cannot be given away, or the descriptor is none to listen on.
    pub fn bind(plan: &SocketPlan) -> Result<Self, Error> {
        let refused = |source| Error::Bind { address: plan.address.to_string(), source };
        let (socket, file) = match &plan.address {
            BindAddress::Tcp { host, port } => (Socket::Tcp(listen_tcp(plan, host, *port)?), None),
            BindAddress::Unix(path) => {
                let (listener, file) = listen_unix(plan, path)?;
                (Socket::Unix(listener), Some(file))
            }
            BindAddress::Abstract(name) => {
                (Socket::Unix(listen_abstract(plan, name).map_err(refused)?), None)
            }
            BindAddress::Inherited(descriptor) => {
                (adopt(*descriptor, plan.queue_length()).map_err(refused)?, None)
            }
            BindAddress::Activated(_) => {
                return Err(refused(io::Error::new(
                    io::ErrorKind::NotFound,
                    "systemd passed no such socket",
                )));
            }
        };
        Ok(Self::new(socket, plan.address.clone(), file).as_planned(plan))
    }

    /// A listener of another process of this server, that came through a [`crate::Channel`]; its file is the other's to remove.
    ///
    /// # Errors
    /// It is neither a TCP nor a unix socket.
    pub fn received(descriptor: OwnedFd, address: BindAddress) -> Result<Self, Error> {
        match Socket::listening(descriptor.into()) {
            Ok(socket) => Ok(Self::new(socket, address, None)),
            Err(source) => Err(Error::Bind { address: address.to_string(), source }),
        }
    }

    pub(crate) fn new(socket: Socket, address: BindAddress, file: Option<SocketFile>) -> Self {
        Self { socket, address, file, purpose: Purpose::Serving, is_secure: false }
    }

    /// The same for the purpose of this plan: who hands a socket over does not say what it is for.
    #[must_use]
    pub fn as_planned(self, plan: &SocketPlan) -> Self {
        self.for_purpose(plan.purpose).over_tls(plan.is_secure)
    }

    fn for_purpose(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }

    /// The same where clients speak TLS, or do not.
    #[must_use]
    pub fn over_tls(self, is_secure: bool) -> Self {
        Self { is_secure, ..self }
    }

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
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
        let scheme = if self.is_secure { "https" } else { "http" };
        match &self.socket {
            Socket::Tcp(listener) => match listener.local_addr() {
                Ok(local) => format!("{scheme}://{local}"),
                Err(_) => format!("{scheme}://{}", self.address),
            },
            Socket::Unix(listener) => self.unix_url(listener),
        }
    }

    /// The address of one over TCP for clients that speak TLS, with the port that the kernel chose.
    #[must_use]
    pub fn secured_address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Socket::Tcp(listener) if self.is_secure => listener.local_addr().ok(),
            Socket::Tcp(_) | Socket::Unix(_) => None,
        }
    }

    fn unix_url(&self, listener: &UnixListener) -> String {
        if let (BindAddress::Inherited(_) | BindAddress::Activated(_), Ok(local)) =
            (&self.address, listener.local_addr())
        {
            if let Some(path) = local.as_pathname() {
                return format!("unix:{}", path.display());
            }
            if let Some(name) = local.as_abstract_name() {
                return format!("unix:@{}", String::from_utf8_lossy(name));
            }
        }
        self.address.to_string()
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// The socket itself, for an event loop.
    #[must_use]
    pub fn into_socket(self) -> Socket {
        self.socket
    }

    /// The file of the socket is not this process's to remove: a successor serves it, or the master does that.
    pub fn disown(&mut self) {
        self.file = None;
    }

    /// Closes this process's descriptor and hands out the file that is left, for removal when the last user
    /// of the socket is gone.
    #[must_use]
    pub fn close(self) -> Option<SocketFile> {
        self.file
    }

    pub(crate) fn file(&self) -> Option<&SocketFile> {
        self.file.as_ref()
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

#[cfg(test)]
mod tests;
