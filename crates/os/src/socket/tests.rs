use std::{net::TcpStream, os::unix::net::UnixStream};

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};

use super::*;

fn tcp(host: &str, port: u16) -> BindAddress {
    BindAddress::Tcp { host: host.to_owned(), port }
}

fn port(listener: &Listener) -> u16 {
    listener.url().rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn addresses_are_written_as_users_write_them() {
    assert_eq!(tcp("127.0.0.1", 80).to_string(), "127.0.0.1:80");
    assert_eq!(tcp("::1", 80).to_string(), "[::1]:80");
    assert_eq!(BindAddress::Unix("/run/a.sock".into()).to_string(), "unix:/run/a.sock");
}

#[test]
fn port_0_becomes_a_real_port_that_answers() {
    let listener = Listener::bind(&tcp("127.0.0.1", 0), 16).unwrap();
    assert!(listener.url().starts_with("http://127.0.0.1:"), "{}", listener.url());
    assert_ne!(port(&listener), 0);
    TcpStream::connect(("127.0.0.1", port(&listener))).unwrap();
}

#[test]
fn a_host_name_is_resolved() {
    let listener = Listener::bind(&tcp("localhost", 0), 16).unwrap();
    assert_ne!(port(&listener), 0);
}

#[test]
fn the_socket_is_non_blocking_and_closed_by_exec() {
    let dir = tempfile::tempdir().unwrap();
    for address in [tcp("127.0.0.1", 0), BindAddress::Unix(dir.path().join("s"))] {
        let listener = Listener::bind(&address, 16).unwrap();
        let status = OFlag::from_bits_truncate(fcntl(listener.as_fd(), FcntlArg::F_GETFL).unwrap());
        let descriptor = FdFlag::from_bits_truncate(fcntl(listener.as_fd(), FcntlArg::F_GETFD).unwrap());
        assert!(status.contains(OFlag::O_NONBLOCK) && descriptor.contains(FdFlag::FD_CLOEXEC), "{address}");
    }
}

#[test]
fn a_port_in_use_is_refused_at_once_with_a_hint() {
    let first = Listener::bind(&tcp("127.0.0.1", 0), 16).unwrap();
    let refusal = Listener::bind(&tcp("127.0.0.1", port(&first)), 16).unwrap_err();
    assert_eq!(refusal.to_string(), format!("cannot listen on `127.0.0.1:{}`", port(&first)));
    assert!(refusal.hint().unwrap().contains("ss -ltnp"));
}

#[test]
fn an_unknown_host_is_refused() {
    let refusal = Listener::bind(&tcp("nonexistent.invalid", 0), 16).unwrap_err();
    assert!(matches!(refusal, Error::Resolve { .. }), "{refusal}");
}

#[test]
fn a_stale_socket_file_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listener = Listener::bind(&BindAddress::Unix(path.clone()), 16).unwrap();
    assert_eq!(listener.url(), format!("unix:{}", path.display()));
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_live_socket_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let _live = UnixListener::bind(&path).unwrap();
    let refusal = Listener::bind(&BindAddress::Unix(path.clone()), 16).unwrap_err();
    assert_eq!(refusal.to_string(), format!("`{}` is in use by another process", path.display()));
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_live_socket_with_a_full_queue_counts_as_live() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let _busy = Listener::bind(&BindAddress::Unix(path.clone()), 0).unwrap();
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
    let refusal = Listener::bind(&BindAddress::Unix(path.clone()), 16).unwrap_err();
    assert!(matches!(refusal, Error::NotASocket { .. }), "{refusal}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn only_our_own_socket_file_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let first = Listener::bind(&BindAddress::Unix(path.clone()), 16).unwrap().close().unwrap();
    // Kept under another name so that the file system cannot give its inode to the successor.
    fs::rename(&path, dir.path().join("moved.sock")).unwrap();
    let second = Listener::bind(&BindAddress::Unix(path.clone()), 16).unwrap().close().unwrap();
    assert!(!first.remove_if_ours());
    assert!(path.exists());
    assert!(second.remove_if_ours());
    assert!(!path.exists());
}

#[test]
fn a_path_in_a_missing_directory_has_a_hint() {
    let refusal = Listener::bind(&BindAddress::Unix("/nonexistent/app.sock".into()), 16).unwrap_err();
    assert!(refusal.hint().unwrap().contains("create the directory"), "{refusal}");
}
