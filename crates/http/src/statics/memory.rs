//! Small files that are wanted often.
//!
//! No clock is read for a request: while files are asked for, a task counts [`TICK`]s, and each entry knows at which one it was looked up.
//! When nobody asks any more the task ends, and what is kept counts as old.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::sleep;

use super::found::Found;

/// How long a file is taken for unchanged; a change is seen after twice as long.
const TICK: Duration = Duration::from_millis(500);

/// What is kept of files.
#[derive(Debug)]
pub(super) struct Memory {
    ticks: AtomicU64,
    /// Somebody counts.
    is_counting: AtomicBool,
    /// Somebody has asked since the last tick.
    is_wanted: AtomicBool,
    shelves: Mutex<Shelves>,
}

/// What is known of a path.
#[derive(Debug)]
pub(super) enum Recall {
    /// This is sent.
    Fresh(Arc<Found>),
    /// This is sent too; whether it is still the same is to be looked at.
    Due(Arc<Found>),
    /// This has to be looked at first.
    Old(Arc<Found>),
    Nothing,
}

/// Two generations: when the younger one has its share of the memory, the older one goes, but for what has been wanted meanwhile.
#[derive(Debug)]
struct Shelves {
    young: Shelf,
    old: Shelf,
    weight: usize,
    /// Of one generation.
    limit: usize,
}

/// For each directory its entries by path.
type Shelf = Vec<HashMap<Box<[u8]>, Entry>>;

#[derive(Debug)]
struct Entry {
    found: Arc<Found>,
    weight: usize,
    /// When it was looked up.
    seen: u64,
    /// Somebody looks at it.
    is_checked: bool,
}

impl Memory {
    /// For files of so many directories.
    pub(super) fn new(bytes: usize, folders: usize) -> Self {
        let shelf = || (0..folders).map(|_| HashMap::new()).collect();
        let shelves = Shelves { young: shelf(), old: shelf(), weight: 0, limit: bytes / 2 };
        Self {
            ticks: AtomicU64::new(0),
            is_counting: AtomicBool::new(false),
            is_wanted: AtomicBool::new(false),
            shelves: Mutex::new(shelves),
        }
    }

    /// The time, in ticks.
    pub(super) fn now(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// What is known of a path; who gets [`Recall::Due`] looks at the file and tells.
    pub(super) fn recall(&self, folder: usize, path: &[u8]) -> Recall {
        let now = self.now();
        let mut shelves = self.shelves();
        let Some(entry) = shelves.entry(folder, path) else { return Recall::Nothing };
        let found = Arc::clone(&entry.found);
        self.is_wanted.store(true, Ordering::Relaxed);
        match now - entry.seen {
            0 => Recall::Fresh(found),
            1 if entry.is_checked => Recall::Fresh(found),
            1 => {
                entry.is_checked = true;
                Recall::Due(found)
            }
            _ => Recall::Old(found),
        }
    }

    /// Keeps a file that has been looked up at the tick `seen`, if it is one for memory.
    pub(super) fn keep(self: &Arc<Self>, (folder, path): (usize, Vec<u8>), found: Arc<Found>, seen: u64) {
        let Some(weight) = found.weight().map(|weight| weight + path.len()) else {
            return self.forget(folder, &path);
        };
        self.shelves().put(folder, path, Entry { found, weight, seen, is_checked: false });
        self.count();
    }

    pub(super) fn forget(&self, folder: usize, path: &[u8]) {
        self.shelves().remove(folder, path);
    }

    /// Counts, unless somebody does.
    fn count(self: &Arc<Self>) {
        if self.is_counting.swap(true, Ordering::Relaxed) {
            return;
        }
        self.is_wanted.store(true, Ordering::Relaxed);
        let memory = Arc::clone(self);
        tokio::spawn(async move {
            loop {
                sleep(TICK).await;
                if !memory.is_wanted.swap(false, Ordering::Relaxed) {
                    break;
                }
                memory.ticks.fetch_add(1, Ordering::Relaxed);
            }
            // From now on nobody knows how long ago that was.
            memory.ticks.fetch_add(2, Ordering::Relaxed);
            memory.is_counting.store(false, Ordering::Relaxed);
        });
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        // Nothing panics while it holds the lock.
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelves {
    fn entry(&mut self, folder: usize, path: &[u8]) -> Option<&mut Entry> {
        if !self.young[folder].contains_key(path)
            && let Some((path, entry)) = self.old[folder].remove_entry(path)
        {
            self.put(folder, path.into_vec(), entry);
        }
        self.young[folder].get_mut(path)
    }

    fn put(&mut self, folder: usize, path: Vec<u8>, entry: Entry) {
        self.remove(folder, &path);
        if entry.weight > self.limit {
            return;
        }
        if self.weight + entry.weight > self.limit {
            let empty = self.young.iter().map(|_| HashMap::new()).collect();
            self.old = std::mem::replace(&mut self.young, empty);
            self.weight = 0;
        }
        self.weight += entry.weight;
        self.young[folder].insert(path.into(), entry);
    }

    fn remove(&mut self, folder: usize, path: &[u8]) {
        if let Some(entry) = self.young[folder].remove(path) {
            self.weight -= entry.weight;
        }
        self.old[folder].remove(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelves(limit: usize) -> Shelves {
        Shelves { young: vec![HashMap::new()], old: vec![HashMap::new()], weight: 0, limit }
    }

    fn found() -> Arc<Found> {
        let fields = rwsgi_message::Fields::default();
        let source = crate::conditions::Source::Memory(bytes::Bytes::new());
        let plain = super::super::found::Representation { fields, source };
        Arc::new(Found { plain, coded: Vec::new(), made_of: Vec::new() })
    }

    fn entry(weight: usize) -> Entry {
        Entry { found: found(), weight, seen: 0, is_checked: false }
    }

    fn weight(shelves: &Shelves) -> usize {
        shelves.young.iter().chain(&shelves.old).flat_map(HashMap::values).map(|entry| entry.weight).sum()
    }

    #[test]
    fn what_is_wanted_stays_and_what_is_not_goes_in_time() {
        let mut shelves = shelves(100);
        for number in 0..100_u8 {
            shelves.put(0, vec![number], entry(10));
            assert!(shelves.entry(0, &[0]).is_some(), "it is wanted all the time");
            assert!(weight(&shelves) <= 200);
        }
        assert!(shelves.entry(0, &[99]).is_some() && shelves.entry(0, &[50]).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn one_looks_at_what_is_due_and_the_others_need_not_wait() {
        let memory = Arc::new(Memory::new(10_000, 1));
        let keep = |memory: &Arc<Memory>| memory.keep((0, b"a".to_vec()), found(), memory.now());
        assert!(matches!(memory.recall(0, b"a"), Recall::Nothing));
        keep(&memory);
        assert!(matches!(memory.recall(0, b"a"), Recall::Fresh(_)));
        sleep(TICK + TICK / 10).await;
        assert!(matches!(memory.recall(0, b"a"), Recall::Due(_)));
        assert!(matches!(memory.recall(0, b"a"), Recall::Fresh(_)));
        keep(&memory);
        assert!(matches!(memory.recall(0, b"a"), Recall::Fresh(_)));
        // Nobody looks, and then nobody even asks.
        sleep(TICK).await;
        assert!(matches!(memory.recall(0, b"a"), Recall::Due(_)));
        sleep(TICK).await;
        assert!(matches!(memory.recall(0, b"a"), Recall::Old(_)));
        sleep(4 * TICK).await;
        assert!(!memory.is_counting.load(Ordering::Relaxed));
        keep(&memory);
        sleep(4 * TICK).await;
        assert!(matches!(memory.recall(0, b"a"), Recall::Old(_)));
    }

    #[test]
    fn what_is_too_large_is_not_kept_and_what_is_replaced_counts_once() {
        let mut shelves = shelves(100);
        shelves.put(0, b"a".to_vec(), entry(101));
        assert!(shelves.entry(0, b"a").is_none());
        (0..50).for_each(|_| shelves.put(0, b"a".to_vec(), entry(60)));
        assert_eq!((weight(&shelves), shelves.weight), (60, 60));
        shelves.remove(0, b"a");
        assert_eq!((weight(&shelves), shelves.weight), (0, 0));
    }
}
