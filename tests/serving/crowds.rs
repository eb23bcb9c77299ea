//! Many connections: from one address, and more than there are descriptors.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Client, Server, cpu_ticks_of};

const APP: &str = "
import os
from stage import answer
def application(environ, start_response):
    return answer(start_response, os.getpid())
";

const LIMITED: [&str; 4] = ["--limit-connections-per-ip", "3", "--forwarded-allow-ips", "127.0.0.1"];

fn stranger(server: &Server) -> Client {
    Client::tcp_from("127.0.0.2", &server.addresses()[0])
}

/// Whether nobody answers; a connection is let in, or not, when it speaks.
fn is_dropped(mut client: Client) -> bool {
    client.ask("/");
    client.is_closed_silently()
}

/// A connection from there that is served; the server may have to notice first that others have gone.
fn served_stranger(server: &Server) -> Client {
    loop {
        let mut client = stranger(server);
        if client.try_get("/").is_some_and(|response| response.status == 200) {
            return client;
        }
    }
}

#[test]
fn an_address_has_so_many_connections_over_all_workers_and_others_do_not_suffer() {
    let server = Server::wsgi(APP).args(LIMITED).workers(2).start();
    let mut strangers: Vec<Client> = (0..3).map(|_| stranger(&server)).collect();
    strangers.iter_mut().for_each(|client| assert_eq!(client.get("/").status, 200));
    for _ in 0..5 {
        assert!(is_dropped(stranger(&server)));
    }
    server.wait_log(
        "[WARNING] dropped a connection, the last from `127.0.0.2`: it has 3 (`--limit-connections-per-ip`)",
    );
    let mut trusted: Vec<Client> = (0..10).map(|_| server.client()).collect();
    trusted.iter_mut().for_each(|client| assert_eq!(client.get("/").status, 200));
    strangers.iter_mut().for_each(|client| assert_eq!(client.get("/").status, 200));
    // Only what is in use counts.
    strangers.pop();
    strangers.push(served_stranger(&server));
    assert!(is_dropped(stranger(&server)));
    assert!(server.log().text().matches("dropped").count() <= 2, "one line for each worker");
}

#[test]
fn the_connections_of_a_killed_worker_do_not_count() {
    let server = Server::wsgi(APP).args(LIMITED).start();
    let mut strangers: Vec<Client> = (0..3).map(|_| stranger(&server)).collect();
    strangers.iter_mut().for_each(|client| assert_eq!(client.get("/").status, 200));
    let worker = Pid::from_raw(server.worker_pid().try_into().unwrap());
    kill(worker, Signal::SIGKILL).unwrap();
    server.wait_log_times("Worker ready (pid: ", 2);
    let mut strangers: Vec<Client> = (0..3).map(|_| stranger(&server)).collect();
    strangers.iter_mut().for_each(|client| assert_eq!(client.get("/").status, 200));
    assert!(is_dropped(stranger(&server)));
}

#[test]
fn without_a_limit_an_address_has_as_many_as_it_wants() {
    let options = ["--limit-connections-per-ip", "0", "--forwarded-allow-ips", "127.0.0.1"];
    let server = Server::wsgi(APP).args(options).start();
    let mut strangers: Vec<Client> = (0..300).map(|_| stranger(&server)).collect();
    strangers.iter_mut().for_each(|client| assert_eq!(client.get("/").status, 200));
}

#[test]
fn a_proxy_has_as_many_as_it_wants() {
    let (limit, nobody) = ("--limit-connections-per-ip=3", "--forwarded-allow-ips=127.0.0.1");
    for trust in ["--forwarded-allow-ips=127.0.0.0/8", "--proxy-allow-from=127.0.0.2"] {
        let server = Server::wsgi(APP).args([limit, "--proxy-protocol=auto", nobody, trust]).start();
        let mut proxies: Vec<Client> = (0..10).map(|_| stranger(&server)).collect();
        proxies.iter_mut().for_each(|client| assert_eq!(client.get("/").status, 200, "{trust}"));
    }
}

/// Lets a second pass: the server closes an idle connection after it.
fn let_keep_alive_pass() {
    let clock = Server::wsgi(APP).args(["--keep-alive", "1"]).start();
    let mut idle = clock.client();
    assert_eq!(idle.get("/").status, 200);
    assert!(idle.is_closed_silently());
}

#[test]
fn a_worker_without_descriptors_serves_on_does_not_spin_and_accepts_again_later() {
    let limited = ["sh", "-c", "ulimit -n 48; exec \"$0\" \"$@\""];
    let server = Server::wsgi(APP).under(limited).args(["--keep-alive", "300"]).start();
    let mut first = server.client();
    assert_eq!(first.get("/").status, 200);
    let mut others: Vec<Client> = (0..60).map(|_| server.client()).collect();
    server.wait_log("[ERROR] cannot accept connections until some are closed: Too many open files");
    let worker = server.worker_pid();
    let before = cpu_ticks_of(worker);
    let_keep_alive_pass();
    let used = cpu_ticks_of(worker) - before;
    assert!(used <= 10, "{used} hundredths of a second of about one");
    assert_eq!(first.get("/").text(), worker.to_string());
    let mut last = others.pop().unwrap();
    last.ask("/");
    others.truncate(5);
    assert_eq!(last.response().text(), worker.to_string());
    others.iter_mut().for_each(|client| assert_eq!(client.get("/").status, 200));
    assert_eq!(server.log().text().matches("cannot accept").count(), 1);
}
