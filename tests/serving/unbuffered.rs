//! `--no-request-buffering`: the application reads the body while it comes.

use crate::harness::{Builder, Client, Server};

const APP: &str = "
import threading, time
from stage import answer, say, wait

def read(environ):
    return environ['wsgi.input'].read()

def read_in_a_thread(environ):
    result = []
    thread = threading.Thread(target=lambda: result.append(read(environ)))
    thread.start()
    thread.join()
    return result[0]

def read_in_the_background(environ):
    begun = threading.Event()
    def run():
        begun.set()
        try:
            read(environ)
        except OSError as error:
            say(environ, f'in the background: {error}')
    threading.Thread(target=run).start()
    begun.wait()
    time.sleep(0.0005)

def application(environ, start_response):
    path = environ['PATH_INFO']
    say(environ, f'called {path}')
    match path:
        case '/lines':
            start_response('200 OK', [])
            return (line.upper() for line in environ['wsgi.input'])
        case '/unread':
            return answer(start_response, 'not read')
        case '/keep':
            global kept
            kept = environ['wsgi.input']
            return answer(start_response, kept.read(2).decode())
        case '/background':
            read_in_the_background(environ)
            return answer(start_response, 'begun')
        case '/error':
            try:
                read(environ)
            except OSError as error:
                say(environ, f'it is a {type(error).__name__}')
                raise
        case '/stuck':
            read(environ)
            time.sleep(600)
        case '/thread':
            body = read_in_a_thread(environ)
        case _:
            body = read(environ)
    length = environ.get('CONTENT_LENGTH')
    return answer(start_response, f'{length} {len(body)} {body[:4]} {sum(body) % 251}')
";

fn unbuffered(threads: usize) -> Builder {
    Server::wsgi(APP).args(["--no-request-buffering", "--threads", &threads.to_string()])
}

fn head(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n")
}

fn chunked(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n")
}

/// A client that has sent the first of ten bytes, and is read from.
fn slow(server: &Server, path: &str) -> Client {
    let mut client = server.client();
    client.send(head(path, 10) + "1");
    server.wait_log(&format!("called {path}"));
    client
}

/// Lets a second pass: the server closes an idle connection after it.
fn let_keep_alive_pass() {
    let clock = Server::wsgi(APP).args(["--keep-alive", "1"]).start();
    let mut idle = clock.client();
    assert_eq!(idle.get("/unread").status, 200);
    assert!(idle.is_closed_silently());
}

#[test]
fn what_has_come_is_answered_before_the_rest_is_sent() {
    for threads in [1, 2] {
        let server = unbuffered(threads).start();
        let mut client = server.client();
        for _ in 0..3 {
            client.send(chunked("/lines"));
            client.send("4\r\none\n\r\n");
            assert!(client.until("\r\n\r\n").starts_with("HTTP/1.1 200 OK"));
            assert_eq!(client.until("ONE\n\r\n"), "4\r\nONE\n\r\n");
            client.send("6\r\ntwo\nth\r\n");
            assert_eq!(client.until("TWO\n\r\n"), "4\r\nTWO\n\r\n");
            client.send("4\r\nree\n\r\n0\r\n\r\n");
            assert_eq!(client.until("0\r\n\r\n"), "6\r\nTHREE\n\r\n0\r\n\r\n");
        }
    }
}

#[test]
fn a_large_body_arrives_whole_with_its_length_or_without() {
    const LENGTH: usize = 8 << 20;
    let body: Vec<u8> = (0..LENGTH).map(|index| (index % 249) as u8).collect();
    let sum = body.iter().map(|byte| u64::from(*byte)).sum::<u64>() % 251;
    for threads in [1, 2] {
        let server = unbuffered(threads).start();
        for path in ["/all", "/thread"] {
            let mut client = server.client();
            let expected = format!("{LENGTH} b'\\x00\\x01\\x02\\x03' {sum}");
            client.send(head(path, LENGTH));
            client.send(&body);
            assert_eq!(client.response().text(), format!("{LENGTH} {expected}"));
            client.send(chunked(path));
            client.send(format!("{LENGTH:x}\r\n"));
            client.send(&body);
            client.send("\r\n0\r\n\r\n");
            assert_eq!(client.response().text(), format!("None {expected}"));
        }
    }
}

#[test]
fn only_an_application_that_reads_tells_the_client_to_continue() {
    let server = unbuffered(1).start();
    let expecting = |path| head(path, 4).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    let mut client = server.client();
    client.send(expecting("/all"));
    assert_eq!(client.response().status, 100);
    client.send("body");
    assert_eq!(client.response().text(), "4 4 b'body' 179");
    client.send(expecting("/unread"));
    assert_eq!(client.response().text(), "not read");
}

#[test]
fn a_body_that_breaks_off_is_an_error_in_the_application_and_frees_its_thread() {
    for threads in [1, 2] {
        let server = unbuffered(threads).start();
        let mut count = 0;
        for start in [head("/error", 10) + "12345", chunked("/error") + "5\r\n12345\r\n"] {
            let mut client = server.client();
            client.send(start);
            count += 1;
            server.wait_log_times("called /error", count);
            drop(client);
            server.wait_log_times("it is a BrokenBody", count);
        }
        assert_eq!(server.get("/unread").status, 200);
    }
}

#[test]
fn while_the_one_thread_waits_for_a_slow_body_others_are_heard_and_refused_in_time() {
    let server = unbuffered(1).args(["--queue-timeout", "0.5"]).start();
    let mut client = slow(&server, "/all");
    assert_eq!(server.get("/unread").status, 503);
    client.send("234567890");
    assert_eq!(client.response().text(), "10 10 b'1234' 23");
    assert_eq!(server.get("/unread").status, 200);
}

#[test]
fn another_thread_answers_while_one_waits_for_a_slow_body() {
    for path in ["/all", "/thread"] {
        let server = unbuffered(2).start();
        let mut client = slow(&server, path);
        for _ in 0..20 {
            assert_eq!(server.get("/unread").status, 200);
        }
        client.send("234567890");
        assert_eq!(client.response().text(), "10 10 b'1234' 23");
    }
}

#[test]
fn a_thread_that_reads_when_the_request_is_over_gets_an_error_and_disturbs_nobody() {
    for threads in [1, 2] {
        let server = unbuffered(threads).args(["--timeout", "0.5"]).start();
        for count in 1..=10 {
            // Open until the thread has tried: else it may be the end of the connection that it meets.
            let mut client = slow(&server, "/background");
            assert_eq!(client.response().text(), "begun");
            server.wait_log_times("in the background: the request is over, its body cannot be read", count);
            assert_eq!(server.get("/unread").status, 200);
        }
        let_keep_alive_pass();
        assert_eq!(server.get("/unread").status, 200);
        assert!(!server.log().text().contains("TIMEOUT"));
    }
}

#[test]
fn the_time_of_a_slow_client_is_not_the_time_of_the_application() {
    for threads in [1, 2] {
        let server = unbuffered(threads).args(["--timeout", "0.5"]).start();
        let mut client = slow(&server, "/all");
        let_keep_alive_pass();
        client.send("234567890");
        assert_eq!(client.response().text(), "10 10 b'1234' 23");
        // The clock goes on where it stood.
        let mut stuck = slow(&server, "/stuck");
        let_keep_alive_pass();
        assert!(!server.log().text().contains("TIMEOUT"));
        stuck.send("234567890");
        assert_eq!(stuck.response().status, 504);
    }
}

#[test]
fn what_is_not_read_is_thrown_away_or_ends_the_connection() {
    for threads in [1, 2] {
        let server = unbuffered(threads).start();
        let mut client = server.client();
        for path in ["/keep", "/all", "/keep"] {
            client.send(head(path, 100_000));
            client.send([b'x'; 100_000]);
            assert_eq!(client.response().status, 200);
        }
        client.send(head("/keep", 100 << 20));
        client.send(vec![b'x'; 1 << 20]);
        assert_eq!(client.response().text(), "xx");
        assert!(client.is_closed_silently());
    }
}

#[test]
fn what_is_wrong_with_a_body_is_an_error_in_the_application_and_told_to_the_client() {
    let options = ["--limit-request-body", "1000", "--body-timeout", "0.5"];
    let server = unbuffered(1).args(options).start();
    for (count, (start, status)) in [
        (chunked("/error") + "5\r\nhello!\r\n", 400),
        (chunked("/error") + "400\r\n" + &"x".repeat(0x400), 413),
        (head("/error", 10) + "1", 408),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = server.client();
        client.send(start);
        let response = client.response();
        assert_eq!(response.status, status);
        server.wait_log_times("it is a BrokenBody", count + 1);
        assert!(client.is_closed_silently());
    }
    // This one need not be begun.
    let mut client = server.client();
    client.send(head("/never", 1001));
    assert_eq!(client.response().status, 413);
    assert_eq!(server.get("/unread").status, 200);
    assert!(!server.log().text().contains("called /never"));
}

#[test]
fn the_rest_of_a_body_is_never_taken_for_a_request() {
    let server = unbuffered(1).start();
    let mut client = server.client();
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n";
    client.send(head("/keep", 2 + smuggled.len()) + "ab");
    assert_eq!(client.response().text(), "ab");
    // The connection is idle by now, as far as its answers go.
    let_keep_alive_pass();
    client.send(smuggled);
    assert_eq!(client.get("/unread").text(), "not read");
    assert!(!server.log().text().contains("called /smuggled"));
}
