//! Log lines that a flood must not repeat: the first at once, then one for each interval with the number.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::sleep;

/// Something that may happen often, with what is to be said of it.
#[derive(Debug)]
pub(crate) struct Notice<T> {
    interval: Duration,
    /// Gets what happened last, and how often since the line before.
    write: fn(&T, u64),
    /// `None` when a line may be written at once.
    unsaid: Arc<Mutex<Option<Unsaid<T>>>>,
}

/// What happened since the last line.
#[derive(Debug)]
struct Unsaid<T> {
    last: T,
    count: u64,
}

fn lock<T>(unsaid: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is complete before anything could panic.
    unsaid.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Send + 'static> Notice<T> {
    pub(crate) fn new(interval: Duration, write: fn(&T, u64)) -> Self {
        Self { interval, write, unsaid: Arc::default() }
    }

    /// It happened. The timer that `runtime` gets for the next line ends when there is none.
    pub(crate) fn add(&self, last: T, runtime: &Handle) {
        let mut unsaid = lock(&self.unsaid);
        match &mut *unsaid {
            Some(unsaid) => *unsaid = Unsaid { last, count: unsaid.count + 1 },
            quiet => {
                (self.write)(&last, 1);
                *quiet = Some(Unsaid { last, count: 0 });
                runtime.spawn(say_the_rest(self.interval, self.write, Arc::clone(&self.unsaid)));
            }
        }
    }
}

async fn say_the_rest<T>(interval: Duration, write: fn(&T, u64), unsaid: Arc<Mutex<Option<Unsaid<T>>>>) {
    loop {
        sleep(interval).await;
        let mut unsaid = lock(&unsaid);
        match &mut *unsaid {
            Some(Unsaid { last, count }) if *count > 0 => {
                write(last, *count);
                *count = 0;
            }
            _ => {
                *unsaid = None;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    static SAID: Mutex<Vec<(char, u64)>> = Mutex::new(Vec::new());

    #[test]
    fn a_flood_is_one_line_for_each_interval_and_nothing_goes_unsaid() {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let interval = Duration::from_millis(20);
        let notice = Notice::new(interval, |last: &char, count| lock(&SAID).push((*last, count)));
        "abcd".chars().for_each(|last| notice.add(last, runtime.handle()));
        assert_eq!(*lock(&SAID), [('a', 1)]);
        runtime.block_on(async {
            while lock(&notice.unsaid).is_some() {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(*lock(&SAID), [('a', 1), ('d', 3)]);
        notice.add('e', runtime.handle());
        assert_eq!(*lock(&SAID), [('a', 1), ('d', 3), ('e', 1)]);
    }
}
