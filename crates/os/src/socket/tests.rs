use std::{
    fs,
    net::TcpStream,
    os::{
        fd::{AsRawFd, IntoRawFd},
        unix::{fs::MetadataExt, net::UnixStream},
    },
    path::Path,
};

use nix::{
    fcntl::{FcntlArg, FdFlag, OFlag, fcntl},
    unistd::geteuid,
};
use socket2::{SockAddr, Type};

use super::*;
use crate::bind::make_way;

fn bind(address: BindAddress, backlog: u32) -> Result<Listener, Error> {
    Listener::bind(&SocketPlan { backlog, ..SocketPlan::new(address) })
}

fn tcp(host: &str, port: u16) -> BindAddress {
    BindAddress::Tcp { host: host.to_owned(), port }
}

fn port(listener: &Listener) -> u16 {
    listener.url().rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn port_0_becomes_a_real_port_that_answers() {
    let listener = bind(tcp("127.0.0.1", 0), 16).unwrap();
    assert!(listener.url().starts_with("http://127.0.0.1:"), "{}", listener.url());
    assert_ne!(port(&listener), 0);
    TcpStream::connect(("127.0.0.1", port(&listener))).unwrap();
}

#[test]
fn a_host_name_is_resolved() {
    let listener = bind(tcp("localhost", 0), 16).unwrap();
    assert_ne!(port(&listener), 0);
}

#[test]
fn the_socket_is_non_blocking_and_closed_by_exec() {
    let dir = tempfile::tempdir().unwrap();
    for address in [tcp("127.0.0.1", 0), BindAddress::Unix(dir.path().join("s"))] {
        let listener = bind(address.clone(), 16).unwrap();
        let status = OFlag::from_bits_truncate(fcntl(listener.as_fd(), FcntlArg::F_GETFL).unwrap());
        let descriptor = FdFlag::from_bits_truncate(fcntl(listener.as_fd(), FcntlArg::F_GETFD).unwrap());
        assert!(status.contains(OFlag::O_NONBLOCK) && descriptor.contains(FdFlag::FD_CLOEXEC), "{address}");
    }
}

#[test]
fn a_port_in_use_is_refused_at_once_with_a_hint() {
    let first = bind(tcp("127.0.0.1", 0), 16).unwrap();
    let refusal = bind(tcp("127.0.0.1", port(&first)), 16).unwrap_err();
    assert_eq!(refusal.to_string(), format!("cannot listen on `127.0.0.1:{}`", port(&first)));
    assert!(refusal.hint().unwrap().contains("ss -ltnp"));
}

#[test]
fn an_unknown_host_is_refused() {
    let refusal = bind(tcp("nonexistent.invalid", 0), 16).unwrap_err();
    assert!(matches!(refusal, Error::Resolve { .. }), "{refusal}");
}

#[test]
fn a_stale_socket_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = bind(BindAddress::Unix(path.clone()), 16).unwrap();
    assert_eq!(listener.url(), format!("unix:{}", path.display()));
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_live_socket_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let _live = UnixListener::bind(&path).unwrap();
    let refusal = bind(BindAddress::Unix(path.clone()), 16).unwrap_err();
    assert_eq!(refusal.to_string(), format!("`{}` is in use by another process", path.display()));
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_live_socket_with_a_full_queue_counts_as_live() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let _busy = bind(BindAddress::Unix(path.clone()), 0).unwrap();
    let mut waiting = Vec::new();
    while let Ok(socket) = {
        let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket.connect(&SockAddr::unix(&path).unwrap()).map(|()| socket)
    } {
        waiting.push(socket);
    }
    assert!(matches!(make_way(&path), Err(Error::SocketInUse { .. })));
}

#[test]
fn another_kind_of_file_is_never_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    fs::write(&path, "precious").unwrap();
    let refusal = bind(BindAddress::Unix(path.clone()), 16).unwrap_err();
    assert!(matches!(refusal, Error::NotASocket { .. }), "{refusal}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn only_our_own_socket_file_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let first = bind(BindAddress::Unix(path.clone()), 16).unwrap().close().unwrap();
    // Kept under another name so that the file system cannot give its inode to the successor.
    fs::rename(&path, dir.path().join("moved.sock")).unwrap();
    let second = bind(BindAddress::Unix(path.clone()), 16).unwrap().close().unwrap();
    assert!(!first.remove_if_ours());
    assert!(path.exists());
    assert!(second.remove_if_ours());
    assert!(!path.exists());
}

#[test]
fn a_path_in_a_missing_directory_has_a_hint() {
    let refusal = bind(BindAddress::Unix("/nonexistent/app.sock".into()), 16).unwrap_err();
    assert!(refusal.hint().unwrap().contains("create the directory"), "{refusal}");
}

#[test]
fn the_file_is_given_to_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let owner = Owner { user: Some(54321), group: Some(54322) };
    let plan = SocketPlan { owner, ..SocketPlan::new(BindAddress::Unix(path.clone())) };
    if !geteuid().is_root() {
        assert!(Listener::bind(&plan).is_err());
        assert!(!path.exists(), "a socket of another owner than wanted is not left");
        return;
    }
    let _listener = Listener::bind(&plan).unwrap();
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.gid()), (54321, 54322));
}

#[test]
fn an_abstract_name_needs_no_file_and_is_there_once() {
    let name = format!("rwsgi-test-{}", std::process::id());
    let address = BindAddress::Abstract(name.clone());
    let listener = bind(address.clone(), 16).unwrap();
    assert_eq!(listener.url(), format!("unix:@{name}"));
    let client = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    client.connect(&SockAddr::unix(format!("\0{name}")).unwrap()).unwrap();
    let refusal = bind(address.clone(), 16).unwrap_err();
    assert!(refusal.hint().unwrap().contains("ss -lxp"), "{refusal}");
    assert!(listener.close().is_none());
    bind(address, 16).unwrap();
}

#[test]
fn a_port_is_shared_by_those_who_agree() {
    let shared = |port| SocketPlan { reuse_port: true, ..SocketPlan::new(tcp("127.0.0.1", port)) };
    let first = Listener::bind(&shared(0)).unwrap();
    Listener::bind(&shared(port(&first))).unwrap();
    assert!(bind(tcp("127.0.0.1", port(&first)), 16).is_err());
}

#[test]
fn the_wildcard_of_ipv6_takes_ipv4_unless_it_is_told_not_to() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("NOT TESTED: this machine has no IPv6");
        return;
    }
    let both = bind(tcp("::", 0), 16).unwrap();
    TcpStream::connect(("127.0.0.1", port(&both))).unwrap();
    TcpStream::connect(("::1", port(&both))).unwrap();
    let plan = SocketPlan { ipv6_only: true, ..SocketPlan::new(tcp("::", 0)) };
    let one = Listener::bind(&plan).unwrap();
    let ipv4 = bind(tcp("0.0.0.0", port(&one)), 16).unwrap();
    assert_eq!(port(&ipv4), port(&one));
}

/// A descriptor as another program would leave it.
fn left_open(socket: impl Into<OwnedFd>) -> i32 {
    let descriptor = socket.into();
    fcntl(&descriptor, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    descriptor.into_raw_fd()
}

#[test]
fn an_inherited_listener_is_taken_as_it_is() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let local = held.local_addr().unwrap();
    let descriptor = left_open(held);
    let listener = bind(BindAddress::Inherited(descriptor), 16).unwrap();
    assert_eq!(listener.as_fd().as_raw_fd(), descriptor);
    assert_eq!(listener.url(), format!("http://{local}"));
    let flags = FdFlag::from_bits_truncate(fcntl(listener.as_fd(), FcntlArg::F_GETFD).unwrap());
    let status = OFlag::from_bits_truncate(fcntl(listener.as_fd(), FcntlArg::F_GETFL).unwrap());
    assert!(flags.contains(FdFlag::FD_CLOEXEC) && status.contains(OFlag::O_NONBLOCK));
    TcpStream::connect(local).unwrap();
    let again = bind(BindAddress::Inherited(descriptor), 16).unwrap_err();
    assert_eq!(cause(&again), "the descriptor was not inherited, or is in use already");
}

#[test]
fn an_inherited_socket_that_is_bound_is_made_to_listen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    let listener = bind(BindAddress::Inherited(left_open(socket)), 16).unwrap();
    assert_eq!(listener.url(), format!("unix:{}", path.display()));
    UnixStream::connect(&path).unwrap();
    assert!(listener.close().is_none(), "the file is not ours");
    assert!(path.exists());
}

fn cause(error: &Error) -> String {
    std::error::Error::source(error).unwrap().to_string()
}

#[test]
fn what_cannot_listen_is_told() {
    let refusal = |descriptor| cause(&bind(BindAddress::Inherited(descriptor), 16).unwrap_err());
    assert_eq!(refusal(9999), "the descriptor is not open");
    let file = fs::File::open(Path::new("/dev/null")).unwrap();
    assert_eq!(refusal(left_open(file)), "it is not a socket");
    let datagram = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    assert_eq!(refusal(left_open(datagram)), "it is not a stream socket");
    for domain in [Domain::IPV4, Domain::UNIX] {
        let unbound = socket2::Socket::new(domain, Type::STREAM, None).unwrap();
        assert_eq!(refusal(left_open(unbound)), "it is a socket that neither listens nor has an address");
    }
    let (one, _other) = UnixStream::pair().unwrap();
    assert_eq!(refusal(left_open(one)), "it is a socket that neither listens nor has an address");
    let shown = bind(BindAddress::Inherited(9999), 16).unwrap_err();
    assert_eq!(shown.to_string(), "cannot listen on `fd://9999`");
    assert!(shown.hint().unwrap().contains("leave a listening socket open"));
}
