//! Request bodies that do not fit into memory.

use crate::harness::Server;

const APP: &str = "
import hashlib, os
from stage import answer

BLOCK = bytes((7 * index) % 251 for index in range(1 << 20))

def application(environ, start_response):
    length = int(environ['CONTENT_LENGTH'])
    on_disk = any('(deleted)' in target(fd) for fd in os.listdir('/proc/self/fd'))
    received, expected = hashlib.sha256(), hashlib.sha256()
    while piece := environ['wsgi.input'].read(1 << 16):
        received.update(piece)
    for _ in range(length >> 20):
        expected.update(BLOCK)
    whole = received.digest() == expected.digest()
    return answer(start_response, f'{length >> 20} MiB, whole: {whole}, on disk: {on_disk}')

def target(fd):
    try:
        return os.readlink(f'/proc/self/fd/{fd}')
    except FileNotFoundError:
        return ''
";

const SIMPLE: &str = "
from stage import answer
def application(environ, start_response):
    return answer(start_response, len(environ['wsgi.input'].read()))
";

#[test]
fn a_body_beyond_64_mib_waits_on_disk_and_arrives_whole() {
    let server = Server::wsgi(APP).start();
    let block: Vec<u8> = (0..1 << 20).map(|index: u32| ((7 * index) % 251) as u8).collect();
    let mut client = server.client();
    for (blocks, on_disk) in [(3, "False"), (80, "True"), (3, "False")] {
        client.send(format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n", blocks << 20));
        (0..blocks).for_each(|_| client.send(&block));
        let expected = format!("{blocks} MiB, whole: True, on disk: {on_disk}");
        assert_eq!(client.response().text(), expected);
    }
}

#[test]
fn a_body_that_cannot_be_stored_is_answered_507_alone() {
    let options = ["--body-memory", "1", "--body-temp-dir", "spool"];
    let server = Server::wsgi(SIMPLE).file("spool/keep", "").args(options).start();
    let upload = |length: usize| {
        let mut client = server.client();
        client.send(format!("POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"));
        client.send(vec![b'x'; length]);
        client
    };
    assert_eq!(upload(200_000).response().text(), "200000");
    let mut neighbour = server.client();
    assert_eq!(neighbour.get("/").text(), "0");
    std::fs::remove_dir_all(server.folder().join("spool")).unwrap();
    let mut client = upload(200_000);
    assert_eq!(client.response().status, 507);
    server.wait_log("[ERROR] cannot keep the body of POST /upload: No such file or directory");
    assert_eq!(neighbour.get("/").text(), "0");
    assert_eq!(server.get("/").text(), "0");
    std::fs::create_dir(server.folder().join("spool")).unwrap();
    assert_eq!(upload(200_000).response().text(), "200000", "as soon as there is room again");
}
