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

/// Forks while it is loaded, as `multiprocessing.Manager()` does.
const HELPED: &str = "
import os
from stage import answer, tell, wait
if os.fork() == 0:
    os.close(0)
    tell('alive')
    wait('gate')
    os._exit(0)
def application(environ, start_response):
    return answer(start_response, os.getpid())
";

#[test]
fn a_child_that_was_forked_while_the_application_was_loaded_does_not_keep_the_port() {
    for options in [&[][..], &["--preload"]] {
        let builder = Server::wsgi(HELPED).args(options.iter().copied());
        let (alive, gate) = (builder.gate("alive"), builder.gate("gate"));
        let mut server = builder.start();
        alive.wait();
        assert_eq!(server.get("/").status, 200, "{options:?}");
        let address = server.addresses()[0].clone();
        server.signal(Signal::SIGTERM);
        server.wait_exit();
        assert_eq!(Server::wsgi(APP).bind(Some(&address)).start().get("/").status, 200, "{options:?}");
        gate.open();
        server.log().wait_end();
    }
}

#[test]
fn a_child_that_comes_back_from_loading_the_application_does_not_serve() {
    for options in [&[][..], &["--preload"]] {
        let source = "import os\nfrom stage import answer\nCHILD = os.fork()\n\
            def application(environ, start_response):\n    \
            return answer(start_response, os.waitstatus_to_exitcode(os.waitpid(CHILD, 0)[1]))";
        let server = Server::wsgi(source).args(options.iter().copied()).start();
        if options.is_empty() {
            assert_eq!(server.get("/").text(), "0");
        }
        assert_eq!(server.log().text().matches("Worker ready").count(), 1, "{}", server.log().text());
    }
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
