//! Processes that the application forks: they are its own business, and do not act for the worker.

use std::net::TcpStream;

use nix::sys::signal::Signal;

use crate::harness::Server;

const APP: &str = "
import multiprocessing, os, time
from stage import answer, wait
FORK = multiprocessing.get_context('fork')
def generator():
    pid = os.fork()
    yield b'child' if pid == 0 else str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])).encode()
def application(environ, start_response):
    match environ['PATH_INFO']:
        case '/exit' | '/raise' | '/return' as path:
            pid = os.fork()
            if pid == 0:
                if path == '/exit': raise SystemExit(3)
                if path == '/raise': raise RuntimeError('in the child')
                return answer(start_response, 'from the child')
            return answer(start_response, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        case '/yield':
            start_response('200 OK', [('Content-Length', '1')])
            return generator()
        case '/terminate':
            process = FORK.Process(target=time.sleep, args=(600,))
            process.start()
            process.terminate()
            process.join()
            return answer(start_response, process.exitcode)
        case '/leave':
            if os.fork() == 0:
                wait('gate')
                os._exit(0)
    return answer(start_response, os.getpid())
";

#[test]
fn a_forked_child_that_comes_back_ends_as_its_own_python_would() {
    for threads in ["1", "2"] {
        let server = Server::wsgi(APP).args(["--threads", threads]).start();
        let worker = server.worker_pid().to_string();
        for (path, code) in [("/exit", "3"), ("/raise", "1"), ("/return", "0"), ("/yield", "0")] {
            assert_eq!(server.get(path).text(), code, "{path}");
            for _ in 0..10 {
                assert_eq!(server.get("/").text(), worker, "after {path}");
            }
        }
        assert!(server.log().text().contains("RuntimeError: in the child"));
    }
}

#[test]
fn a_signal_for_a_forked_child_is_not_the_workers() {
    let server = Server::wsgi(APP).start();
    let worker = server.worker_pid().to_string();
    assert_eq!(server.get("/terminate").text(), "-15");
    assert_eq!(server.get("/").text(), worker);
    assert!(!server.log().text().contains("retiring"));
}

#[test]
fn a_forked_child_does_not_keep_the_port() {
    let mut server = Server::wsgi(APP).start();
    let gate = server.gate("gate");
    assert_eq!(server.get("/leave").status, 200);
    let address = server.addresses()[0].clone();
    server.signal(Signal::SIGTERM);
    server.wait_log("Shutting down: Master");
    assert!(TcpStream::connect(address.trim_start_matches("http://")).is_err(), "somebody still listens");
    gate.open();
    assert_eq!(server.wait_exit().code(), Some(0));
}
