//! Sockets that are shared, passed on or special: `--reuse-port`, `[::]`, `fd://N`, `unix:@name`, systemd's.

use std::fs;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, setsockopt, socket, sockopt,
};

use crate::harness::{Builder, Client, Server};

const APP: &str = "
import os
from stage import answer
def application(environ, start_response):
    text = [environ['REMOTE_ADDR'], environ['wsgi.url_scheme'], *(name for name in os.environ if name.startswith('LISTEN_'))]
    return answer(start_response, '|'.join(text))
";

/// Opens the socket that the first argument names, as descriptor 3, says that systemd has done it if the second one is
/// `systemd`, and executes the rest.
const OPENER: &str = "
import os, socket, sys
address, opener, *command = sys.argv[1:]
if address.startswith('/'):
    held = socket.socket(socket.AF_UNIX)
    held.bind(address)
    held.listen()
elif address == 'tcp':
    held = socket.create_server(('127.0.0.1', 0))
else:
    held = open(address)
os.dup2(held.fileno(), 3)
os.set_inheritable(3, True)
if opener == 'systemd':
    os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '1', 'LISTEN_FDNAMES': 'web.socket'}
os.execvp(command[0], command)
";

fn opened(server: Builder, address: &str, opener: &str) -> Builder {
    server.under(["python3", "-c", OPENER, address, opener])
}

fn has_ipv6() -> bool {
    let has = TcpListener::bind("[::1]:0").is_ok();
    if !has {
        eprintln!("NOT TESTED: this machine has no IPv6");
    }
    has
}

#[test]
fn a_socket_file_is_for_user_and_group_unless_the_umask_says_otherwise() {
    for (arguments, mode) in [(&[][..], 0o660), (&["--umask", "0"], 0o777), (&["--umask", "0177"], 0o600)] {
        let server = Server::wsgi(APP).bind(Some("unix:socket")).args(arguments.iter().copied()).start();
        let path = server.folder().join("socket");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        assert_eq!(Client::unix(&path).get("/").text(), "|http");
    }
}

#[test]
fn an_abstract_socket_has_no_file() {
    let name = format!("rwsgi-test-{}", std::process::id());
    let address = format!("unix:@{name}");
    let server = Server::wsgi(APP).bind(Some(&address)).start();
    assert_eq!(server.addresses(), [address.as_str()]);
    assert_eq!(Client::unix_abstract(&name).get("/").status, 200);
    let other = Server::wsgi(APP).bind(Some(&address)).fail();
    assert_eq!(other.code, Some(1));
    assert!(other.stderr.contains(&format!("hint: `ss -lxp src @{name}`")), "{}", other.stderr);
}

#[test]
fn an_inherited_socket_is_served() {
    let server = opened(Server::wsgi(APP).bind(Some("fd://3")), "tcp", "somebody").start();
    assert!(server.addresses()[0].starts_with("127.0.0.1:"), "{:?}", server.addresses());
    assert_eq!(server.get("/").text(), "127.0.0.1|http");
}

#[test]
fn the_file_of_an_inherited_socket_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let text = path.to_str().unwrap();
    let server = opened(Server::wsgi(APP).bind(Some("fd://3")), text, "somebody").start();
    assert_eq!(server.addresses(), [format!("unix:{text}")]);
    assert_eq!(Client::unix(&path).get("/").status, 200);
    drop(server);
    assert!(path.exists());
}

#[test]
fn a_descriptor_that_is_no_socket_is_refused() {
    let closed = Server::wsgi(APP).bind(Some("fd://77")).fail();
    assert_eq!(closed.code, Some(1));
    let message = "cannot listen on `fd://77`: the descriptor is not open";
    assert!(closed.stderr.contains(message), "{}", closed.stderr);
    let file = opened(Server::wsgi(APP).bind(Some("fd://3")), "app.py", "somebody").fail();
    assert_eq!(file.code, Some(1));
    assert!(file.stderr.contains("`fd://3`: it is not a socket"), "{}", file.stderr);
}

#[test]
fn sockets_of_systemd_stand_in_for_the_addresses() {
    let server = opened(Server::wsgi(APP).bind(Some("127.0.0.1:1")), "tcp", "systemd").start();
    server.wait_log("Listening on the sockets that systemd passed; ignored: 127.0.0.1:1");
    assert_eq!(server.addresses().len(), 1);
    assert_eq!(server.get("/").text(), "127.0.0.1|http", "no variable of systemd's sockets is left");
}

#[test]
fn the_socket_file_of_systemd_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let server = opened(Server::wsgi(APP).bind(None), path.to_str().unwrap(), "systemd").start();
    assert_eq!(Client::unix(&path).get("/").text(), "|http");
    assert!(!server.log().text().contains("ignored"));
    drop(server);
    assert!(path.exists());
}

#[test]
fn sockets_of_systemd_for_another_process_are_none_of_ours() {
    let server = Server::wsgi(APP).env("LISTEN_PID", "1").env("LISTEN_FDS", "1").start();
    assert_eq!(server.get("/").text(), "127.0.0.1|http");
}

#[test]
fn what_systemd_passes_must_be_a_listener() {
    let failure = opened(Server::wsgi(APP), "app.py", "systemd").fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("`systemd:web.socket#3`: it is not a socket"), "{}", failure.stderr);
    assert!(failure.stderr.contains("hint: the socket unit needs"), "{}", failure.stderr);
}

#[test]
fn the_wildcard_of_ipv6_serves_ipv4_clients_under_their_own_addresses() {
    if !has_ipv6() {
        return;
    }
    let server = Server::wsgi(APP).bind(Some("[::]:0")).start();
    let addresses = server.addresses();
    let port = addresses[0].strip_prefix("[::]:").unwrap();
    assert_eq!(Client::tcp(&format!("[::1]:{port}")).get("/").text(), "::1|http");
    let mut client = Client::tcp(&format!("127.0.0.1:{port}"));
    assert_eq!(client.get("/").text(), "127.0.0.1|http");
    // Trusted as 127.0.0.1, which the default names.
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Proto: https\r\n\r\n");
    assert_eq!(client.response().text(), "127.0.0.1|https");
}

#[test]
fn connections_from_one_ipv4_address_are_counted_as_such_behind_ipv6() {
    if !has_ipv6() {
        return;
    }
    let server = Server::wsgi(APP).bind(Some("[::]:0")).args(["--limit-connections-per-ip", "1"]).start();
    let port = server.addresses()[0].rsplit_once(':').unwrap().1.to_owned();
    let mut first = Client::tcp_from("127.0.0.2", &format!("127.0.0.1:{port}"));
    assert_eq!(first.get("/").status, 200);
    let mut second = Client::tcp_from("127.0.0.3", &format!("127.0.0.1:{port}"));
    assert_eq!(second.get("/").status, 200, "another address is another client");
    assert!(Client::tcp_from("127.0.0.2", &format!("127.0.0.1:{port}")).is_closed_silently());
}

#[test]
fn both_wildcards_share_a_port() {
    if !has_ipv6() {
        return;
    }
    // Held without listening, so that nobody is given it as any port until the server has it too.
    let holder = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    setsockopt(&holder, sockopt::ReuseAddr, &true).unwrap();
    bind(holder.as_raw_fd(), &SockaddrIn::new(0, 0, 0, 0, 0)).unwrap();
    let port = getsockname::<SockaddrIn>(holder.as_raw_fd()).unwrap().port();
    let [ipv4, ipv6] = [format!("0.0.0.0:{port}"), format!("[::]:{port}")];
    for [first, second] in [[&ipv4, &ipv6], [&ipv6, &ipv4]] {
        let server = Server::wsgi(APP).bind(Some(first)).args(["--bind", second]).start();
        assert_eq!(server.addresses(), [first.as_str(), second.as_str()]);
        assert_eq!(Client::tcp(&format!("127.0.0.1:{port}")).get("/").text(), "127.0.0.1|http");
        assert_eq!(Client::tcp(&format!("[::1]:{port}")).get("/").text(), "::1|http");
    }
}

#[test]
fn two_servers_share_a_port_if_both_agree() {
    let first = Server::wsgi(APP).args(["--reuse-port"]).start();
    let address = first.addresses().swap_remove(0);
    let alone = Server::wsgi(APP).bind(Some(&address)).fail();
    assert_eq!(alone.code, Some(1));
    let second = Server::wsgi(APP).bind(Some(&address)).args(["--reuse-port"]).start();
    drop(first);
    assert_eq!(second.get("/").status, 200);
}

/// Runs out of descriptors at one point after the other, from the last socket of many to the last thing that a start needs; what
/// was said of each.
fn failed_starts(options: &[&str]) -> String {
    let mut told = String::new();
    for sockets in (1..16).rev() {
        let binds = (0..sockets).flat_map(|number| ["--bind".to_owned(), format!("unix:{number}")]);
        let server = Server::wsgi(APP).bind(None).args(binds).args(options.iter().copied());
        // It fails if a socket file is left.
        told += &server.under(["prlimit", "--nofile=16:16"]).fail().stderr;
        if told.contains("the signal pipe") {
            break;
        }
    }
    told
}

#[test]
fn a_start_that_fails_at_any_point_leaves_no_socket_file() {
    let told = failed_starts(&[]);
    let reasons = ["cannot listen on", "the lifeline", "the signal pipe"];
    assert!(reasons.iter().all(|reason| told.contains(reason)), "{told}");
    let told = failed_starts(&["--reload"]);
    let reasons = ["cannot listen on", "the reloader", "the signal pipe"];
    assert!(reasons.iter().all(|reason| told.contains(reason)), "{told}");
}
