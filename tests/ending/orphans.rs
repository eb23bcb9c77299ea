//! Workers do not outlive their master.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::harness::Server;

/// What users are promised.
const PROMISE: Duration = Duration::from_secs(2);

const APP: &str = "
import ctypes, time
from stage import answer, say
def application(environ, start_response):
    say(environ, 'called')
    match environ['PATH_INFO']:
        case '/sleep': time.sleep(600)
        case '/python':
            while True: pass
        case '/c': ctypes.PyDLL(None).usleep(600_000_000)
    return answer(start_response, 'done')
";

#[test]
fn idle_workers_go_with_a_killed_master() {
    let mut server = Server::wsgi(APP).workers(3).start();
    let mut idle = server.client();
    assert_eq!(idle.get("/").status, 200);
    server.signal(Signal::SIGKILL);
    assert!(server.is_gone_within(PROMISE), "a worker is left: {:?}", server.log().text());
    server.wait_exit();
}

#[test]
fn busy_workers_go_with_a_killed_master() {
    for path in ["/sleep", "/python", "/c"] {
        let mut server = Server::wsgi(APP).start();
        let mut stuck = server.client();
        stuck.ask(path);
        server.wait_log("called");
        server.signal(Signal::SIGKILL);
        assert!(server.is_gone_within(PROMISE), "the worker in {path} is left: {:?}", server.log().text());
        server.wait_exit();
    }
}

#[test]
fn a_worker_that_loads_its_application_goes_with_a_killed_master() {
    let app = "
import stage, sys
print('loading', file=sys.stderr, flush=True)
stage.wait('gate')
";
    let server = Server::wsgi(app);
    let _gate = server.gate("gate");
    let mut server = server.launch();
    server.wait_log("loading");
    server.signal(Signal::SIGKILL);
    assert!(server.is_gone_within(PROMISE), "the worker is left");
    server.wait_exit();
}

const PROGRAM: &str = "
import subprocess, sys
from stage import answer

LOOK = '''
import os, re
links = []
for fd in os.listdir('/proc/self/fd'):
    try:
        links.append(os.readlink(f'/proc/self/fd/{fd}'))
    except FileNotFoundError:
        pass
status = open('/proc/self/status').read()
print(sum(link.startswith('socket:') for link in links), sum('memfd' in link for link in links), end=' ')
print(re.search('SigBlk:[^0-9a-f]*([0-9a-f]+)', status)[1].strip('0') or 'none')
'''

def application(environ, start_response):
    run = subprocess.run([sys.executable, '-c', LOOK], close_fds=False, capture_output=True, text=True)
    return answer(start_response, run.stdout + run.stderr)
";

#[test]
fn programs_that_the_application_starts_inherit_no_socket_and_no_blocked_signal() {
    for threads in ["1", "2"] {
        let server = Server::wsgi(PROGRAM).args(["--threads", threads]).start();
        assert_eq!(server.get("/").text(), "0 0 none\n");
    }
}
