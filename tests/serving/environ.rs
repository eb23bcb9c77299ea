//! What the application is told of the server that it runs in.

use crate::harness::Server;

const APP: &str = "
import signal
from stage import answer

def application(environ, start_response):
    match environ['PATH_INFO']:
        case '/concurrency':
            text = environ['wsgi.multithread'], environ['wsgi.multiprocess']
        case '/interrupt':
            text = signal.getsignal(signal.SIGINT)
        case _:
            text = environ['SERVER_SOFTWARE'], environ['wsgi.run_once'], environ['wsgi.url_scheme']
    return answer(start_response, text)
";

#[test]
fn concurrency_is_told_truthfully() {
    for (workers, threads, expected) in
        [(1, "1", "(False, False)"), (2, "1", "(False, True)"), (1, "2", "(True, False)")]
    {
        let server = Server::wsgi(APP).workers(workers).args(["--threads", threads]).start();
        assert_eq!(server.get("/concurrency").text(), expected, "{workers} workers, {threads} threads");
    }
}

#[test]
fn the_server_names_itself() {
    let server = Server::wsgi(APP).start();
    let expected = format!("('rwsgi/{}', False, 'http')", env!("CARGO_PKG_VERSION"));
    assert_eq!(server.get("/").text(), expected);
}

#[test]
fn python_does_not_take_the_interrupt_signal() {
    let server = Server::wsgi(APP).start();
    assert!(!server.get("/interrupt").text().contains("default_int_handler"));
}
