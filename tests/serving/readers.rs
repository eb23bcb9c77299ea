//! Clients that do not read their answers, which are not to be buffered.

use crate::harness::Server;

const APP: &str = "
import os, time
from stage import answer, say
def large(environ, then=None):
    for _ in range(1024):
        yield b'x' * 65536
    say(environ, 'sent all')
    if then: then()
    yield b'end'
def application(environ, start_response):
    match environ['PATH_INFO']:
        case '/large':
            start_response('200 OK', [('X-Accel-Buffering', 'no')])
            return large(environ)
        case '/hangs':
            # Long enough for the stand-in to drive the loop from here on.
            time.sleep(0.1)
            start_response('200 OK', [('X-Accel-Buffering', 'no')])
            return large(environ, lambda: time.sleep(600))
        case '/sleep': time.sleep(600)
    return answer(start_response, os.getpid())
";

/// Lets a second pass: the server closes an idle connection after it.
fn let_keep_alive_pass() {
    let clock = Server::wsgi(APP).args(["--keep-alive", "1"]).start();
    let mut idle = clock.client();
    assert_eq!(idle.get("/").status, 200);
    assert!(idle.is_closed_silently());
}

#[test]
fn a_worker_that_waits_for_a_reader_leaves_connections_to_the_other() {
    let server = Server::wsgi(APP).workers(2).start();
    let mut stalled = server.client();
    stalled.ask("/large");
    let_keep_alive_pass();
    for _ in 0..20 {
        assert_eq!(server.get("/").status, 200);
    }
    assert!(!server.log().text().contains("sent all"), "the reader never stalled the worker");
    assert!(stalled.response().is_whole);
}

#[test]
fn a_request_that_hangs_after_a_slow_reader_is_ended() {
    let server = Server::wsgi(APP).args(["--timeout", "0.5"]).start();
    let mut reader = server.client();
    reader.ask("/hangs");
    let_keep_alive_pass();
    assert!(!server.log().text().contains("TIMEOUT"));
    assert!(!reader.response().is_whole);
    server.wait_log("WORKER TIMEOUT");
    assert!(server.log().text().contains("sent all"));
}

#[test]
fn requests_that_time_out_together_are_reported_one_by_one() {
    let server = Server::wsgi(APP).args(["--timeout", "0.5", "--threads", "4"]).start();
    let mut stuck: Vec<_> = (0..4).map(|_| server.client()).collect();
    stuck.iter_mut().for_each(|client| client.ask("/sleep"));
    for client in &mut stuck {
        assert_eq!(client.response().status, 504);
    }
    server.wait_log("exited with code 71");
    let log = server.log().text();
    assert_eq!(log.matches("it was here:").count(), 4, "{log}");
    assert_eq!(log.matches("(most recent call first):").count(), 4, "{log}");
    assert!(!log.contains("does not react"), "{log}");
}
