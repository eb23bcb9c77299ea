//! Whatever the application raises ends one request and no worker.

use crate::harness::Server;

const APP: &str = "
import os
from stage import answer

EXCEPTIONS = {
    '/exit': SystemExit(3),
    '/interrupt': KeyboardInterrupt('on purpose'),
    '/base': BaseException('on purpose'),
    '/generator': GeneratorExit('on purpose'),
    '/error': ValueError('on purpose'),
}

def application(environ, start_response):
    path = environ['PATH_INFO']
    if path in EXCEPTIONS:
        raise EXCEPTIONS[path]
    if path == '/late':
        start_response('200 OK', [])
        return late()
    return answer(start_response, os.getpid())

def late():
    yield b'first'
    raise SystemExit(4)
";

#[test]
fn any_exception_is_a_500_with_a_traceback_and_the_worker_goes_on() {
    for threads in ["1", "3"] {
        let server = Server::wsgi(APP).args(["--threads", threads]).start();
        let worker = server.worker_pid().to_string();
        for (path, exception) in [
            ("/exit", "SystemExit: 3"),
            ("/interrupt", "KeyboardInterrupt: on purpose"),
            ("/base", "BaseException: on purpose"),
            ("/generator", "GeneratorExit: on purpose"),
            ("/error", "ValueError: on purpose"),
        ] {
            assert_eq!(server.get(path).status, 500, "{path}");
            server.wait_log(exception);
            assert_eq!(server.get("/pid").text(), worker, "after {path}");
        }
        server.wait_log("Traceback (most recent call last):");
    }
}

#[test]
fn an_exception_in_the_middle_of_a_stream_cuts_the_connection() {
    let server = Server::wsgi(APP).start();
    let worker = server.worker_pid().to_string();
    let response = server.get("/late");
    assert_eq!((response.status, response.is_whole), (200, false));
    server.wait_log("SystemExit: 4");
    assert_eq!(server.get("/pid").text(), worker);
}
