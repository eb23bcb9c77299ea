//! Load that goes on until it is told to stop, from the tools that people measure with.

use std::fmt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::Server;

/// Connections at a time.
const CONNECTIONS: &str = "8";

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tool {
    /// wrk, on connections that are kept.
    Wrk,
    /// wrk, a connection for each request.
    WrkClosing,
    /// h2load speaking HTTP/1.1, on connections that are kept.
    H2load,
}

/// What became of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) answered: u64,
    /// Answered with an error, cut, reset, refused or never answered.
    pub(crate) lost: u64,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered, {} lost", self.answered, self.lost)
    }
}

/// Load on a server.
#[derive(Debug)]
pub(crate) struct Load {
    tool: Tool,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// Runs until it is interrupted, and then reports.
    Process(Child),
    /// Runs again and again until told to stop.
    Rounds { stop: Arc<AtomicBool>, thread: JoinHandle<Count> },
}

impl Load {
    /// Begins; `path` gets all requests.
    pub(crate) fn begin(server: &Server, tool: Tool, path: &str) -> Self {
        let url = format!("http://{}{path}", server.addresses()[0]);
        let source = match tool {
            Tool::Wrk => wrk(&url, &[]),
            Tool::WrkClosing => wrk(&url, &["-H", "Connection: close"]),
            Tool::H2load => h2load(url),
        };
        Self { tool, source }
    }

    /// Ends it and fails when a request was lost; `during` says in the output of the test what it was for.
    pub(crate) fn end_without_loss(self, during: &str) {
        let tool = self.tool;
        let count = self.end();
        println!("{during}, {tool:?}: {count}");
        assert!(count.answered > 0 && count.lost == 0, "{during}, {tool:?}: {count}");
    }

    fn end(self) -> Count {
        match self.source {
            Source::Process(child) => {
                kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
                let output = child.wait_with_output().unwrap();
                count_of_wrk(&String::from_utf8(output.stdout).unwrap())
            }
            Source::Rounds { stop, thread } => {
                stop.store(true, Ordering::SeqCst);
                thread.join().unwrap()
            }
        }
    }
}

/// It would end by itself after a time that no test takes.
fn wrk(url: &str, options: &[&str]) -> Source {
    let child = Command::new("wrk")
        .args(["-t1", "-c", CONNECTIONS, "-d", "600", "--timeout", "30"])
        .args(options)
        .arg(url)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("`wrk` of the Debian package `wrk`: {error}"));
    Source::Process(child)
}

fn h2load(url: String) -> Source {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let thread = thread::spawn(move || {
        let mut sum = Count::default();
        while !stopped.load(Ordering::SeqCst) {
            let output = Command::new("h2load")
                .args(["--h1", "-n", "4000", "-t", "1", "-c", CONNECTIONS, &url])
                .output()
                .unwrap_or_else(|error| panic!("`h2load` of the Debian package `nghttp2-client`: {error}"));
            let report = String::from_utf8(output.stdout).unwrap();
            let count = count_of_h2load(&report);
            if count.lost > 0 {
                let said = String::from_utf8_lossy(&output.stderr);
                println!("{report}{said}");
            }
            sum = Count { answered: sum.answered + count.answered, lost: sum.lost + count.lost };
        }
        sum
    });
    Source::Rounds { stop, thread }
}

/// `1234 requests in 2.00s`, and lines about errors only when there were any.
fn count_of_wrk(report: &str) -> Count {
    let (mut answered, mut lost) = (None, 0);
    for line in report.lines().map(str::trim) {
        let numbers =
            || line.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse::<u64>().ok());
        if line.contains(" requests in ") {
            answered = numbers().next();
        } else if line.starts_with("Socket errors:") || line.starts_with("Non-2xx or 3xx responses:") {
            // Their names have digits too, but no number of their own between spaces and commas.
            let counts = line.split_once(": ").unwrap().1.split([' ', ',']);
            lost += counts.filter_map(|part| part.parse::<u64>().ok()).sum::<u64>();
        }
    }
    Count { answered: answered.unwrap_or_else(|| panic!("{report}")), lost }
}

/// `requests: 10 total, 10 started, 10 done, 9 succeeded, 1 failed, 0 errored, 0 timeout`.
fn count_of_h2load(report: &str) -> Count {
    let line = report.lines().find_map(|line| line.strip_prefix("requests: "));
    let number = |name: &str| -> Option<u64> {
        let part = line?.split(", ").find(|part| part.ends_with(name))?;
        part.split(' ').next()?.parse().ok()
    };
    let (Some(total), Some(succeeded)) = (number("total"), number("succeeded")) else { panic!("{report}") };
    Count { answered: succeeded, lost: total - succeeded }
}

#[test]
fn reports_of_the_tools_are_read() {
    let good = "Running 10m test\n  64721 requests in 2.00s, 5.80MB read\nRequests/sec:  32341.81\n";
    assert_eq!(count_of_wrk(good), Count { answered: 64721, lost: 0 });
    let bad = "  10 requests in 2.00s, 5.80MB read\n  Socket errors: connect 1, read 20, write 300, timeout 4000\n  \
               Non-2xx or 3xx responses: 50000\n";
    assert_eq!(count_of_wrk(bad), Count { answered: 10, lost: 54321 });
    let report = "finished in 1s\nrequests: 10 total, 10 started, 9 done, 8 succeeded, 2 failed, 1 errored, 0 timeout\n";
    assert_eq!(count_of_h2load(report), Count { answered: 8, lost: 2 });
}
