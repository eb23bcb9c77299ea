use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

/// The lines that a stream has brought so far; a thread reads them as they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
    unread: bool,
}

impl Lines {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = Arc::clone(&lines.0);
        thread::spawn(move || shared.read(BufReader::new(stream)));
        lines
    }

    /// Waits for the first line that contains `text`.
    pub(crate) fn wait(&self, text: &str) -> String {
        self.wait_times(text, 1).swap_remove(0)
    }

    /// Waits until `count` lines contain `text`; gives them.
    pub(crate) fn wait_times(&self, text: &str, count: usize) -> Vec<String> {
        let limit = Instant::now() + PATIENCE;
        let mut state = self.0.state.lock().unwrap();
        loop {
            let found = |line: &&String| line.contains(text);
            let lines: Vec<String> = state.lines.iter().filter(found).take(count).cloned().collect();
            if lines.len() == count {
                return lines;
            }
            let left = limit.saturating_duration_since(Instant::now());
            if state.ended || left.is_zero() {
                let all = state.lines.join("\n");
                drop(state);
                panic!("`{text}` did not come {count} times; what came:\n{all}");
            }
            state = self.0.changed.wait_timeout(state, left).unwrap().0;
        }
    }

    /// Waits until nobody can write any more; false when that takes too long.
    pub(crate) fn ends(&self) -> bool {
        let state = self.0.state.lock().unwrap();
        let (_state, timeout) =
            self.0.changed.wait_timeout_while(state, PATIENCE, |state| !state.ended).unwrap();
        !timeout.timed_out()
    }

    /// Waits until nobody can write any more; gives all.
    pub(crate) fn wait_end(&self) -> String {
        let has_ended = self.ends();
        let all = self.text();
        assert!(has_ended, "the stream does not end; what came:\n{all}");
        all
    }

    /// What has come so far.
    pub(crate) fn text(&self) -> String {
        self.0.state.lock().unwrap().lines.join("\n")
    }

    /// Reads no more (but for one line that may be on its way), and keeps the stream open: a pipe fills up.
    pub(crate) fn stop_reading(&self) {
        self.0.state.lock().unwrap().unread = true;
    }
}

impl Shared {
    fn read(&self, mut stream: impl BufRead) {
        let mut line = Vec::new();
        while stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            let mut state = self.state.lock().unwrap();
            state.lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
            self.changed.notify_all();
            line.clear();
            if state.unread {
                // For as long as the process of the tests lives.
                std::mem::forget(stream);
                return;
            }
        }
        self.state.lock().unwrap().ended = true;
        self.changed.notify_all();
    }
}
