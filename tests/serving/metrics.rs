//! What the server tells of itself: `--metrics-bind` and `--health-path`.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;

use crate::harness::{Builder, Client, Lines, PATIENCE, Server};

const APP: &str = "
import time
from stage import answer, say, wait
def application(environ, start_response):
    environ['wsgi.input'].read()
    match environ['PATH_INFO']:
        case '/hold':
            say(environ, 'holding')
            wait('gate')
        case '/compute':
            until = time.thread_time() + 0.2
            while time.thread_time() < until: pass
        case '/missing':
            start_response('404 Not Found', [('Content-Length', '2')])
            return [b'no']
    return answer(start_response, 'hello')
";

fn measured(source: &str) -> Builder {
    Server::wsgi(source).args(["--metrics-bind", "127.0.0.1:0", "--health-path", "/-/health"])
}

fn metrics_address(server: &Server) -> String {
    let line = server.wait_log("Metrics at: http://");
    let (_, rest) = line.split_once("http://").unwrap();
    rest.split(' ').next().unwrap().to_owned()
}

fn metrics(server: &Server) -> String {
    let response = Client::tcp(&metrics_address(server)).get("/metrics");
    assert_eq!(response.header("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    response.text().to_owned()
}

/// The value of one sample, by its name with its labels.
#[track_caller]
fn value(page: &str, sample: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no `{sample}` in\n{page}")).parse().unwrap()
}

/// Scrapes until a sample has this value: what is counted behind an answer may come a moment later.
#[track_caller]
fn wait_value(server: &Server, sample: &str, expected: f64) -> String {
    let limit = Instant::now() + PATIENCE;
    loop {
        let page = metrics(server);
        if value(&page, sample) == expected {
            return page;
        }
        assert!(Instant::now() < limit, "`{sample}` never becomes {expected}:\n{page}");
    }
}

const ANSWERED: &str = "rwsgi_requests_total{method=\"GET\",status=\"2xx\"}";
const KILLED: &str = "rwsgi_worker_restarts_total{reason=\"signal\"}";

#[test]
fn requests_are_counted_by_method_and_status_with_their_times_and_bytes() {
    let server = measured(APP).start();
    let mut client = server.client();
    assert_eq!(client.get("/").status, 200);
    assert_eq!(client.get("/missing").status, 404);
    client.send("POST /compute HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
    assert_eq!(client.response().status, 200);
    let mut bad = server.client();
    bad.send("GARBAGE\r\n\r\n");
    assert_eq!(bad.response().status, 400);
    // It is over when the client has gone.
    drop(bad);
    wait_value(&server, "rwsgi_refused_requests_total{status=\"400\"}", 1.0);
    let page = wait_value(&server, "rwsgi_requests_total{method=\"POST\",status=\"2xx\"}", 1.0);
    for (sample, expected) in [
        (ANSWERED, 1.0),
        ("rwsgi_requests_total{method=\"GET\",status=\"4xx\"}", 1.0),
        ("rwsgi_request_duration_seconds_count", 3.0),
        ("rwsgi_request_duration_seconds_bucket{le=\"0.1\"}", 2.0),
        ("rwsgi_request_queue_seconds_count", 3.0),
        ("rwsgi_request_body_bytes_total", 4.0),
        ("rwsgi_response_body_bytes_total", 12.0),
        ("rwsgi_connections{state=\"active\"}", 0.0),
        ("rwsgi_workers{state=\"ready\"}", 1.0),
        ("rwsgi_generation", 1.0),
    ] {
        assert_eq!(value(&page, sample), expected, "{sample}\n{page}");
    }
    assert!(value(&page, "rwsgi_python_seconds_total") >= 0.2, "{page}");
    assert!(page.contains("rwsgi_backlog_connections{listener=\"http://127.0.0.1:"), "{page}");
    let memory = format!("rwsgi_worker_resident_memory_bytes{{pid=\"{}\"}}", server.worker_pid());
    assert!(value(&page, &memory) > 1e6, "{page}");
}

#[test]
fn no_counter_goes_with_its_worker() {
    let server = measured(APP).start();
    for deaths in 1..=2 {
        assert_eq!(server.get("/").status, 200);
        assert_eq!(server.get("/").status, 200);
        wait_value(&server, ANSWERED, f64::from(2 * deaths));
        kill(Pid::from_raw(server.worker_pid().try_into().unwrap()), Signal::SIGKILL).unwrap();
        server.wait_log_times("Worker ready (pid: ", deaths as usize + 1);
        let page = wait_value(&server, KILLED, f64::from(deaths));
        assert_eq!(value(&page, ANSWERED), f64::from(2 * deaths), "{page}");
    }
}

#[test]
fn it_is_told_while_python_is_busy() {
    let server = measured(APP).start();
    let gate = server.gate("gate");
    let (mut held, mut queued) = (server.client(), server.client());
    held.ask("/hold");
    server.wait_log("holding");
    queued.ask("/");
    let page = wait_value(&server, "rwsgi_requests_queued", 1.0);
    for (sample, expected) in [
        ("rwsgi_requests_in_flight", 1.0),
        ("rwsgi_connections{state=\"active\"}", 2.0),
        ("rwsgi_connections{state=\"idle\"}", 0.0),
        ("rwsgi_workers_busy", 1.0),
    ] {
        assert_eq!(value(&page, sample), expected, "{sample}\n{page}");
    }
    for address in [metrics_address(&server), server.addresses().swap_remove(0)] {
        assert_eq!(Client::tcp(&address).get("/-/health/live").text(), "live\n");
        assert_eq!(Client::tcp(&address).get("/-/health").text(), "ready\n");
    }
    gate.open();
    assert_eq!((held.response().status, queued.response().status), (200, 200));
}

#[test]
fn a_server_that_stops_is_not_ready_and_says_so_to_the_end() {
    let mut server = measured(APP).start();
    let gate = server.gate("gate");
    let address = metrics_address(&server);
    let mut held = server.client();
    held.ask("/hold");
    server.wait_log("holding");
    server.signal(Signal::SIGTERM);
    let limit = Instant::now() + PATIENCE;
    while Client::tcp(&address).get("/-/health/ready").status == 200 {
        assert!(Instant::now() < limit, "it stays ready");
    }
    assert_eq!(Client::tcp(&address).get("/-/health/live").status, 200);
    assert_eq!(value(&metrics(&server), "rwsgi_requests_in_flight"), 1.0);
    gate.open();
    assert_eq!(held.response().status, 200);
    assert_eq!(server.wait_exit().code(), Some(0));
}

#[test]
fn reloads_and_workers_that_were_recycled_are_counted() {
    let server = measured(APP).args(["--max-requests", "2"]).start();
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2");
    let page = wait_value(&server, "rwsgi_generation", 2.0);
    assert_eq!(value(&page, "rwsgi_reloads_total{result=\"ok\"}"), 1.0, "{page}");
    let mut client = server.client();
    (0..2).for_each(|_| assert_eq!(client.get("/").status, 200));
    let page = wait_value(&server, "rwsgi_worker_restarts_total{reason=\"max_requests\"}", 1.0);
    assert_eq!(value(&page, "rwsgi_worker_restarts_total{reason=\"exit_code\"}"), 0.0, "{page}");
    assert_eq!(value(&page, KILLED), 0.0, "{page}");
}

#[test]
fn a_worker_that_is_replaced_ends_what_it_tells_first() {
    let server = measured(APP).start();
    let mut scrape = Client::tcp(&metrics_address(&server));
    scrape.send("GET /metrics HTTP/1.1\r\n");
    // Connections are accepted one after the other.
    metrics(&server);
    server.signal(Signal::SIGHUP);
    server.wait_log("Reload complete: generation 2");
    // The new worker answers, and the old one has long been told to leave.
    wait_value(&server, "rwsgi_worker_restarts_total{reason=\"exit_code\"}", 0.0);
    assert_eq!(server.get("/").status, 200);
    scrape.send("Host: test\r\n\r\n");
    assert_eq!(scrape.response().status, 200);
    server.wait_log("exited with code 0");
}

#[test]
fn a_scrape_that_is_never_asked_holds_up_no_stop() {
    let mut server = measured(APP).args(["--log-level", "debug"]).start();
    let mut scrape = Client::tcp(&metrics_address(&server));
    scrape.send("GET /metrics HTTP/1.1\r\n");
    metrics(&server);
    assert_eq!(server.stop(Signal::SIGTERM), Some(0));
    assert!(!server.log().text().contains("closed after"), "it has been waited for to the end of its time");
}

#[test]
fn an_address_in_use_is_told_at_the_start() {
    let server = measured(APP).start();
    let address = metrics_address(&server);
    let failure = Server::wsgi(APP).args(["--metrics-bind", &address]).fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains(&format!("cannot listen on `{address}`")), "{}", failure.stderr);
}

#[test]
fn a_unix_socket_tells_the_numbers_and_its_file_is_removed() {
    let server = Server::wsgi(APP).bind(Some("unix:app")).args(["--metrics-bind", "unix:numbers"]).start();
    let page = Client::unix(&server.folder().join("numbers")).get("/").text().to_owned();
    assert_eq!(value(&page, "rwsgi_workers_wanted"), 1.0);
    assert_eq!(Client::unix(&server.folder().join("app")).get("/-/health").text(), "hello");
}

#[test]
fn a_settings_file_in_python_and_its_mold_change_nothing() {
    let settings = "metrics_bind = ['127.0.0.1:0']\nhealth_path = '/-/health'\npreload_app = True\n";
    let server = Server::wsgi(APP).file("gunicorn.conf.py", settings).workers(2).start();
    assert_eq!((server.get("/").status, server.get("/-/health").text()), (200, "ready\n"));
    let page = wait_value(&server, ANSWERED, 1.0);
    assert_eq!(value(&page, "rwsgi_workers{state=\"ready\"}"), 2.0, "{page}");
    assert!(page.contains("rwsgi_backlog_connections{listener=\"http://127.0.0.1:"), "{page}");
    // The mold is the first child.
    let worker = *server.worker_pids().last().unwrap();
    kill(Pid::from_raw(worker.try_into().unwrap()), Signal::SIGKILL).unwrap();
    let page = wait_value(&server, KILLED, 1.0);
    assert_eq!(value(&page, ANSWERED), 1.0, "{page}");
}

/// A Prometheus that scrapes; it ends with this.
struct Prometheus {
    process: Child,
    log: Lines,
    _folder: TempDir,
}

impl Prometheus {
    fn start(target: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prometheus.yml");
        let settings = format!(
            "global: {{ scrape_interval: 100ms, scrape_timeout: 100ms }}\n\
             scrape_configs: [{{ job_name: rwsgi, static_configs: [{{ targets: ['{target}'] }}] }}]\n"
        );
        std::fs::write(&path, settings).unwrap();
        let mut process = Command::new("prometheus")
            .arg(format!("--config.file={}", path.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg("--web.listen-address=127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this test needs the Debian package `prometheus`: sudo apt-get install prometheus");
        let log = Lines::of(process.stderr.take().unwrap());
        Self { process, log, _folder: folder }
    }

    /// Waits until a query finds something.
    fn wait(&self, query: &str) {
        let line = self.log.wait("msg=\"Listening on\" address=");
        let (_, address) = line.split_once(" address=").unwrap();
        self.log.wait("Server is ready to receive web requests");
        let path = format!("/api/v1/query?query={}", utf8_percent_encode(query, NON_ALPHANUMERIC));
        let limit = Instant::now() + PATIENCE;
        let mut client = Client::tcp(address);
        while !client.get(&path).text().contains("\"value\":") {
            assert!(Instant::now() < limit, "`{query}` finds nothing:\n{}", self.log.text());
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn prometheus_understands_all_of_it() {
    let server = measured(APP).start();
    assert_eq!(server.get("/").status, 200);
    let page = wait_value(&server, ANSWERED, 1.0);
    let prometheus = Prometheus::start(&metrics_address(&server));
    let mut promtool = Command::new("promtool");
    let promtool = promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut checking = promtool.spawn().unwrap();
    checking.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    let checked = checking.wait_with_output().unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    prometheus.wait("up == 1");
    prometheus.wait(&format!("{ANSWERED} == 1"));
    prometheus.wait("histogram_quantile(0.5, rwsgi_request_duration_seconds_bucket) > 0");
    assert_eq!(server.get("/").status, 200);
    prometheus.wait(&format!("{ANSWERED} == 2"));
}
