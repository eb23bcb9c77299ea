//! HTTP/1.x on the wire.

use crate::harness::Server;

const APP: &str = "
from stage import answer, say

def application(environ, start_response):
    path = environ['PATH_INFO']
    say(environ, f'called {path}')
    if path == '/stream':
        start_response('200 OK', [])
        return iter([b'one,', b'two'])
    return answer(start_response, f'{path}:' + environ['wsgi.input'].read().decode('latin-1'))
";

#[test]
fn a_client_that_expects_it_is_told_to_continue_before_it_sends_its_body() {
    let server = Server::wsgi(APP).start();
    let mut client = server.client();
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(client.response().status, 100);
    assert!(!server.log().text().contains("called"), "not before the body is complete");
    client.send("body");
    assert_eq!(client.response().text(), "/echo:body");
}

#[test]
fn http_1_0_is_answered_without_chunks_and_closed() {
    let server = Server::wsgi(APP).start();
    let mut client = server.client();
    client.send("GET /stream HTTP/1.0\r\n\r\n");
    let response = client.response();
    assert_eq!((response.status, response.text()), (200, "one,two"));
    assert_eq!(response.header("Transfer-Encoding"), None);
    assert!(client.is_closed_silently());
}

#[test]
fn http_1_0_may_ask_to_keep_the_connection() {
    let server = Server::wsgi(APP).start();
    let mut client = server.client();
    for _ in 0..2 {
        client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        let response = client.response();
        assert_eq!(response.text(), "/a:");
        assert_eq!(response.header("Connection").map(str::to_ascii_lowercase).as_deref(), Some("keep-alive"));
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::wsgi(APP).args(["--threads", "4"]).start();
    let mut client = server.client();
    let requests: Vec<String> = (0..50)
        .map(|number| {
            format!("POST /{number} HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\n\r\n{}", number % 10)
        })
        .collect();
    client.send(requests.concat());
    for number in 0..50 {
        assert_eq!(client.response().text(), format!("/{number}:{}", number % 10));
    }
}

#[test]
fn a_stream_is_chunked_and_the_connection_stays() {
    let server = Server::wsgi(APP).start();
    let mut client = server.client();
    for _ in 0..2 {
        let response = client.get("/stream");
        assert_eq!((response.text(), response.is_whole), ("one,two", true));
        assert_eq!(response.header("Transfer-Encoding"), Some("chunked"));
    }
}

#[test]
fn a_chunked_body_arrives_with_its_length() {
    let app = "
from stage import answer
def application(environ, start_response):
    body = environ['wsgi.input'].read()
    return answer(start_response, [environ['CONTENT_LENGTH'], body, 'HTTP_TRANSFER_ENCODING' in environ])
";
    let server = Server::wsgi(app).start();
    let mut client = server.client();
    client.send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    client.send("2;extension=1\r\nde\r\n0\r\n\r\n");
    assert_eq!(client.response().text().split(", F").next(), Some("['5', b'abcde'"));
}

#[test]
fn an_idle_connection_is_closed_after_the_keep_alive_time() {
    let server = Server::wsgi(APP).args(["--keep-alive", "0.2"]).start();
    let mut client = server.client();
    assert_eq!(client.get("/a").status, 200);
    assert!(client.is_closed_silently());
}

#[test]
fn without_keep_alive_each_connection_serves_one_request() {
    let server = Server::wsgi(APP).args(["--keep-alive", "0"]).start();
    let mut client = server.client();
    assert_eq!(client.get("/a").header("Connection").map(str::to_ascii_lowercase).as_deref(), Some("close"));
    assert!(client.is_closed_silently());
}
