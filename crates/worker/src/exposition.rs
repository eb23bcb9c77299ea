//! The scoreboard as text for Prometheus (version 0.0.4 of its format), and what is asked of the kernel for it.

use std::fmt::{Display, Write};
use std::time::Duration;

use rwsgi_os::{
    BOUNDS, CLASSES, Counter, Counters, Histogram, METHODS, Pid, REFUSALS, RESTARTS, Scoreboard, Slot, Stage,
    proportional_memory, resident_memory, used_cpu,
};

/// A listen queue: of which socket, and how many connections are in it.
pub(crate) type Backlog = (String, u64);

/// All numbers of the server whose master is this one. Reads files of the kernel for each worker, so not on the loop.
pub(crate) fn render(scoreboard: &Scoreboard, master: Pid, backlogs: &[Backlog]) -> String {
    let mut page = Page(String::with_capacity(16 * 1024));
    page.requests(scoreboard);
    page.loads(scoreboard, backlogs);
    page.python(scoreboard);
    page.workers(scoreboard);
    page.server(scoreboard);
    page.processes(scoreboard, master);
    page.0
}

struct Page(String);

impl Page {
    fn requests(&mut self, board: &Scoreboard) {
        let help = "Requests that are over, by method and class of the status; none: the client left before the answer.";
        self.family("rwsgi_requests_total", "counter", help);
        for (row, method) in METHODS.iter().enumerate() {
            for (column, class) in CLASSES.iter().enumerate() {
                let requests = sum(board, |counters| &counters.requests[row][column]);
                self.sample("rwsgi_requests_total", &[("method", method), ("status", class)], requests);
            }
        }
        self.histogram(
            board,
            ("rwsgi_request_duration_seconds", "From the head of a request to the end of its answer."),
            |counters| &counters.duration,
        );
        self.histogram(
            board,
            ("rwsgi_request_queue_seconds", "From the end of a request until a Python thread took it."),
            |counters| &counters.queue_time,
        );
        let bytes_in = sum(board, |counters| &counters.bytes_in);
        let help = "Bytes of the bodies of requests.";
        self.single(("rwsgi_request_body_bytes_total", "counter", help), bytes_in);
        let bytes_out = sum(board, |counters| &counters.bytes_out);
        let help = "Bytes of the bodies of answers.";
        self.single(("rwsgi_response_body_bytes_total", "counter", help), bytes_out);
        let help = "Requests that the server itself refused, by status; 0: any other.";
        self.family("rwsgi_refused_requests_total", "counter", help);
        for (place, status) in REFUSALS.iter().enumerate() {
            let refused = sum(board, |counters| &counters.refused[place]);
            self.sample("rwsgi_refused_requests_total", &[("status", status)], refused);
        }
        let timeouts = sum(board, |counters| &counters.timeouts);
        let help = "Requests that ran for longer than the timeout.";
        self.single(("rwsgi_request_timeouts_total", "counter", help), timeouts);
    }

    fn loads(&mut self, board: &Scoreboard, backlogs: &[Backlog]) {
        let total = |value: fn(&Slot) -> u64| taken(board).map(value).sum::<u64>();
        let in_flight = total(|slot| slot.in_flight.load());
        self.single(("rwsgi_requests_in_flight", "gauge", "Requests that Python threads are at."), in_flight);
        let queued = total(|slot| slot.queue_depth.load());
        self.single(("rwsgi_requests_queued", "gauge", "Requests that wait for a Python thread."), queued);
        let (open, active) = (total(|slot| slot.connections.load()), total(|slot| slot.active.load()));
        self.family("rwsgi_connections", "gauge", "Open connections; active: with a request.");
        self.sample("rwsgi_connections", &[("state", &"active")], active);
        self.sample("rwsgi_connections", &[("state", &"idle")], open.saturating_sub(active));
        self.family("rwsgi_backlog_connections", "gauge", "Connections that wait to be accepted.");
        for (listener, waiting) in backlogs {
            self.sample("rwsgi_backlog_connections", &[("listener", listener)], waiting);
        }
    }

    fn python(&mut self, board: &Scoreboard) {
        let python = Duration::from_micros(sum(board, |counters| &counters.python_micros));
        let help = "Time of Python threads in the application, without what they waited for clients.";
        self.single(("rwsgi_python_seconds_total", "counter", help), python.as_secs_f64());
        let gil = Duration::from_micros(sum(board, |counters| &counters.gil_micros));
        let help = "Time that loops have waited for the GIL.";
        self.single(("rwsgi_gil_wait_seconds_total", "counter", help), gil.as_secs_f64());
    }

    fn workers(&mut self, board: &Scoreboard) {
        let count = |stage| taken(board).filter(|slot| slot.stage() == stage).count();
        self.family("rwsgi_workers", "gauge", "Worker processes, by where they are in their life.");
        for (name, stage) in
            [("starting", Stage::Starting), ("ready", Stage::Ready), ("retiring", Stage::Retiring)]
        {
            self.sample("rwsgi_workers", &[("state", &name)], count(stage));
        }
        let busy = board.busy_workers();
        self.single(("rwsgi_workers_busy", "gauge", "Ready workers that are at a request."), busy);
        let wanted = board.server().wanted.load();
        self.single(("rwsgi_workers_wanted", "gauge", "How many workers there should be."), wanted);
        let help = "Workers that were replaced, by the reason.";
        self.family("rwsgi_worker_restarts_total", "counter", help);
        for (reason, restarts) in RESTARTS.iter().zip(&board.server().restarts) {
            self.sample("rwsgi_worker_restarts_total", &[("reason", reason)], restarts.load());
        }
    }

    fn server(&mut self, board: &Scoreboard) {
        let server = board.server();
        self.family("rwsgi_reloads_total", "counter", "Reloads, by how they ended.");
        self.sample("rwsgi_reloads_total", &[("result", &"ok")], server.reloads.load());
        self.sample("rwsgi_reloads_total", &[("result", &"failed")], server.failed_reloads.load());
        let help = "Generation of the configuration that is served.";
        self.single(("rwsgi_generation", "gauge", help), server.generation.load());
        let started = Duration::from_millis(server.started.load()).as_secs_f64();
        let help = "When the server started, in seconds since 1970.";
        self.single(("process_start_time_seconds", "gauge", help), started);
    }

    /// What the kernel says of each worker. How much memory a worker has for itself it may refuse to tell of another process.
    fn processes(&mut self, board: &Scoreboard, master: Pid) {
        let pids: Vec<Pid> = taken(board).map(Slot::pid).filter(|pid| pid.as_raw() > 0).collect();
        let name = "rwsgi_worker_resident_memory_bytes";
        self.memory((name, "Resident memory of a worker."), &pids, resident_memory);
        let name = "rwsgi_worker_proportional_memory_bytes";
        self.memory(
            (name, "Memory of a worker, its part only of what it shares."),
            &pids,
            proportional_memory,
        );
        let used: Duration = pids.iter().chain([&master]).filter_map(|pid| used_cpu(*pid)).sum();
        let help = "Processor time of the master and all its workers, those that have ended too.";
        self.single(("process_cpu_seconds_total", "counter", help), used.as_secs_f64());
    }

    fn memory(&mut self, (name, help): (&str, &str), pids: &[Pid], read: fn(Pid) -> Option<u64>) {
        self.family(name, "gauge", help);
        for (pid, bytes) in pids.iter().filter_map(|pid| Some((pid, read(*pid)?))) {
            self.sample(name, &[("pid", pid)], bytes);
        }
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn single(&mut self, (name, kind, help): (&str, &str, &str), value: impl Display) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let text = text.to_string().replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
            self.write(format_args!("{before}{label}=\"{text}\""));
        }
        let after = if labels.is_empty() { "" } else { "}" };
        self.write(format_args!("{after} {value}\n"));
    }

    fn histogram(
        &mut self,
        board: &Scoreboard,
        (name, help): (&str, &str),
        of: impl Fn(&Counters) -> &Histogram,
    ) {
        self.family(name, "histogram", help);
        let (mut buckets, mut micros) = ([0; BOUNDS.len() + 1], 0);
        for slot in board.slots() {
            of(&slot.counters).read_into(&mut buckets, &mut micros);
        }
        let (bucket, mut below) = (format!("{name}_bucket"), 0);
        for (place, count) in buckets.iter().enumerate() {
            below += count;
            match BOUNDS.get(place) {
                Some(bound) => self.sample(&bucket, &[("le", &seconds(*bound))], below),
                None => self.sample(&bucket, &[("le", &"+Inf")], below),
            }
        }
        self.sample(&format!("{name}_sum"), &[], seconds(micros));
        // Not counted by itself, so that it always agrees with the buckets.
        self.sample(&format!("{name}_count"), &[], below);
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(text);
    }
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

fn sum(board: &Scoreboard, of: impl Fn(&Counters) -> &Counter) -> u64 {
    board.slots().iter().map(|slot| of(&slot.counters).load()).sum()
}

fn taken(board: &Scoreboard) -> impl Iterator<Item = &Slot> {
    board.slots().iter().filter(|slot| slot.stage() != Stage::Free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_workers_that_are_gone_are_in_the_sums() {
        let board = Scoreboard::new(2).unwrap();
        for slot in board.slots() {
            slot.claim(1, Stage::Ready);
            slot.counters.request("GET", Some(200));
            slot.counters.duration.record(800);
            slot.counters.duration.record(3_000);
            slot.connections.store(3);
            slot.active.store(1);
        }
        board.clear(0);
        let page = render(&board, Pid::this(), &[("unix:/a\"b\\".to_owned(), 4)]);
        for line in [
            "rwsgi_requests_total{method=\"GET\",status=\"2xx\"} 2",
            "rwsgi_request_duration_seconds_bucket{le=\"0.0005\"} 0",
            "rwsgi_request_duration_seconds_bucket{le=\"0.001\"} 2",
            "rwsgi_request_duration_seconds_bucket{le=\"0.0025\"} 2",
            "rwsgi_request_duration_seconds_bucket{le=\"0.005\"} 4",
            "rwsgi_request_duration_seconds_bucket{le=\"60\"} 4",
            "rwsgi_request_duration_seconds_bucket{le=\"+Inf\"} 4",
            "rwsgi_request_duration_seconds_sum 0.0076",
            "rwsgi_request_duration_seconds_count 4",
            "rwsgi_connections{state=\"active\"} 1",
            "rwsgi_connections{state=\"idle\"} 2",
            "rwsgi_backlog_connections{listener=\"unix:/a\\\"b\\\\\"} 4",
            "rwsgi_workers{state=\"ready\"} 1",
            "# TYPE rwsgi_worker_restarts_total counter",
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\n{page}");
        }
    }

    #[test]
    fn every_sample_belongs_to_a_family_before_it() {
        let board = Scoreboard::new(1).unwrap();
        board.slot(0).claim(1, Stage::Ready);
        board.slot(0).set_pid(Pid::this());
        let page = render(&board, Pid::this(), &[]);
        let mut family = "";
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split(' ').next().unwrap();
            }
            assert!(line.starts_with('#') || line.starts_with(family), "{line} in {family}");
        }
        assert!(page.contains("rwsgi_worker_resident_memory_bytes{pid="), "{page}");
    }
}
