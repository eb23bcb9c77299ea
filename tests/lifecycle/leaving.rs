//! The end of the server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use nix::sys::signal::Signal;

use super::changing::APP;
use crate::harness::{PATIENCE, Server};

/// What became of one request on a connection of its own.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    Refused,
    /// The connection was there, and the answer was not.
    Lost(String),
}

fn request(address: &str) -> Fate {
    let Ok(mut stream) = TcpStream::connect(address) else { return Fate::Refused };
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    let sent = stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let done = sent.and_then(|()| stream.read_to_end(&mut answer));
    match done {
        Ok(_) if answer.starts_with(b"HTTP/1.1 200 OK\r\n") => Fate::Answered,
        Ok(_) => Fate::Lost(format!("an end after {} bytes", answer.len())),
        Err(error) => Fate::Lost(error.to_string()),
    }
}

/// Every connection that the system lets in is answered, also the ones that come while the server ends.
#[test]
fn the_end_of_the_server_answers_all_that_were_let_in_and_refuses_the_rest() {
    let servers = || [Some(Server::wsgi(APP)), Server::wsgi(APP).without_privileges()];
    for server in (0..5).flat_map(|_| servers()).flatten() {
        let mut server = server.workers(2).start();
        let address = server.addresses().swap_remove(0);
        let answered = AtomicU64::new(0);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        loop {
                            match request(&address) {
                                Fate::Answered => answered.fetch_add(1, Ordering::SeqCst),
                                end => return end,
                            };
                        }
                    })
                })
                .collect();
            while answered.load(Ordering::SeqCst) < 200 {
                thread::yield_now();
            }
            server.signal(Signal::SIGTERM);
            let ends: Vec<Fate> = clients.into_iter().map(|client| client.join().unwrap()).collect();
            assert!(ends.iter().all(|end| *end == Fate::Refused), "{ends:?}");
        });
        assert_eq!(server.wait_exit().code(), Some(0));
        println!("the end: {} answered, 0 lost, then 8 refused", answered.into_inner());
    }
}
