//! Addresses: TCP of both families, unix sockets.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use nix::sys::signal::Signal;

use crate::harness::{Client, Server};

const APP: &str = "
from stage import answer
def application(environ, start_response):
    text = environ['SERVER_NAME'], environ['SERVER_PORT'], environ['REMOTE_ADDR']
    return answer(start_response, '|'.join(text))
";

#[test]
fn each_bind_is_served() {
    let server = Server::wsgi(APP).args(["--bind", "127.0.0.1:0", "--bind", "unix:socket"]).start();
    let addresses = server.addresses();
    assert_eq!(addresses.len(), 3);
    assert_ne!(addresses[0], addresses[1]);
    for address in &addresses[..2] {
        let (_, port) = address.split_once(':').unwrap();
        assert_eq!(Client::tcp(address).get("/").text(), format!("127.0.0.1|{port}|127.0.0.1"));
    }
    assert_eq!(addresses[2], "unix:socket");
    assert_eq!(Client::unix(&server.folder().join("socket")).get("/").status, 200);
}

#[test]
fn a_port_alone_is_local() {
    let server = Server::wsgi(APP).bind(Some("0")).start();
    assert!(server.addresses()[0].starts_with("127.0.0.1:"));
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn ipv6_in_brackets() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("not tested: this machine has no IPv6");
        return;
    }
    let server = Server::wsgi(APP).bind(Some("[::1]:0")).start();
    let addresses = server.addresses();
    let port = addresses[0].strip_prefix("[::1]:").unwrap();
    assert_eq!(server.get("/").text(), format!("::1|{port}|::1"));
}

#[test]
fn a_stale_socket_file_is_replaced_and_the_new_one_removed() {
    let server = Server::wsgi(APP).bind(Some("unix:socket"));
    let path = server.folder().join("socket");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "the file outlives its socket");
    let mut server = server.start();
    assert_eq!(Client::unix(&path).get("/").status, 200);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    assert!(!path.exists());
}

#[test]
fn a_live_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let live = UnixListener::bind(&path).unwrap();
    let other = Server::wsgi(APP).bind(Some(&format!("unix:{}", path.display()))).fail();
    assert_eq!(other.code, Some(1));
    let message = format!("`{}` is in use by another process", path.display());
    assert!(
        other.stderr.contains(&message) && other.stderr.contains("hint: `ss -lxp src"),
        "{}",
        other.stderr
    );
    assert!(path.exists());
    drop(live);
}

#[test]
fn a_file_that_is_no_socket_is_left_alone() {
    let server = Server::wsgi(APP).file("precious", "data").bind(Some("unix:precious"));
    let path = server.folder().join("precious");
    let mut server = server.launch();
    assert_eq!(server.wait_exit().code(), Some(1));
    server.wait_log("`precious` exists and is not a socket");
    assert_eq!(fs::read_to_string(path).unwrap(), "data");
}

#[test]
fn the_socket_file_of_a_successor_is_left_alone() {
    let mut server = Server::wsgi(APP).bind(Some("unix:socket")).start();
    let path = server.folder().join("socket");
    fs::remove_file(&path).unwrap();
    let successor = UnixListener::bind(&path).unwrap();
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    assert!(path.exists());
    drop(successor);
    fs::remove_file(path).unwrap();
}

#[test]
fn the_socket_files_are_removed_when_a_later_address_cannot_be_bound() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let mut server = Server::wsgi(APP).bind(Some("unix:socket")).args(["--bind", &address]).launch();
    assert_eq!(server.wait_exit().code(), Some(1));
    assert!(!server.folder().join("socket").exists());
}
