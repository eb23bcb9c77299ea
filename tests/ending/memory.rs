//! Workers that the kernel kills for memory.

use std::fs;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::process;

use crate::harness::Server;

const APP: &str = "
from stage import answer
def application(environ, start_response):
    if environ['PATH_INFO'] == '/eat':
        return answer(start_response, len(b'x' * (1 << 30)))
    return answer(start_response, 'done')
";

/// A control group with 200 MiB of memory, removed at the end.
struct Cgroup(PathBuf);

impl Cgroup {
    /// In version 2 or 1 of the hierarchy; an error where it cannot be had.
    fn new() -> Result<Self, String> {
        let versions = [("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")];
        let (root, limit) = versions
            .into_iter()
            .find(|(root, limit)| {
                *limit != "memory.max" || Path::new(root).join("cgroup.controllers").exists()
            })
            .ok_or("there are no control groups")?;
        let path = Path::new(root).join(format!("rwsgi-test-{}", process::id()));
        let failed = |error| format!("`{}`: {error}", path.display());
        fs::create_dir(&path).map_err(failed)?;
        let group = Self(path.clone());
        fs::write(path.join(limit), (200 << 20).to_string()).map_err(failed)?;
        // Where it is counted, swap would take what is too much.
        for (file, value) in [("memory.swap.max", "0"), ("memory.memsw.limit_in_bytes", "209715200")] {
            let _ = fs::write(path.join(file), value);
        }
        Ok(group)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The test has ended its processes.
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_worker_that_the_kernel_kills_for_memory_is_told_from_one_that_somebody_killed() {
    let group = match Cgroup::new() {
        Ok(group) => group,
        Err(reason) => {
            // Past the capture of the test's output: nobody is to take this for a test.
            let _ = writeln!(stderr(), "NOT TESTED (ending::memory): no control group for memory: {reason}");
            return;
        }
    };
    let enter = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", group.0.display());
    let mut server = Server::wsgi(APP).under(["sh", "-c", &enter, "sh"]).start();
    let worker = server.worker_pid();
    let mut client = server.client();
    client.ask("/eat");
    assert!(client.is_closed_silently());
    server
        .wait_log(&format!("Worker (pid:{worker}) was sent SIGKILL! It was killed by the kernel for memory"));
    server.wait_log(&format!("Worker (pid:{worker}) was at 1 request; the last that began was `GET /eat`"));
    server.wait_log_times("Worker ready (pid: ", 2);
    assert_eq!(server.get("/").text(), "done");
    assert_eq!(server.stop(nix::sys::signal::Signal::SIGTERM), Some(0));
}
