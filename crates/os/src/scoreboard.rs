use std::{
    io,
    mem::size_of,
    net::IpAddr,
    num::NonZeroUsize,
    os::fd::OwnedFd,
    ptr::NonNull,
    slice,
    sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use nix::{
    fcntl::{FcntlArg, SealFlag, fcntl},
    sys::{
        memfd::{MFdFlags, memfd_create},
        mman::{MapFlags, ProtFlags, mmap, munmap},
        stat::fstat,
    },
    unistd::ftruncate,
};

use crate::{
    Counters, Error, Pid, RunningRequest, ServerCounters, Stage,
    crowd::{Crowd, CrowdCounts, CrowdKey},
    rates::{Actor, Pace, RateTable},
    request_line::RequestLine,
};

/// The life signs of all workers in memory that the master and they share: a header, and one slot for each worker, written by it
/// and read by everybody.
///
/// It is a file without a name: whoever was not forked with it attaches to it by the descriptor. Every value stands alone (relaxed
/// atomics): two of them need not belong to the same moment.
#[derive(Debug)]
pub struct Scoreboard {
    base: NonNull<Header>,
    slots: usize,
    crowds: CrowdKey,
}

// SAFETY: the mapping lives until `drop`, and is reached only as `&[Slot]` and as the header's counters, whose fields are all
// atomics, and, while the board is made, as a header that is written before anybody else knows of it.
unsafe impl Send for Scoreboard {}
// SAFETY: as above.
unsafe impl Sync for Scoreboard {}

/// What stands before the slots.
#[derive(Debug)]
#[repr(C, align(128))]
struct Header {
    /// How many slots follow. Written once, as the key is.
    slots: u64,
    crowds: CrowdKey,
    /// The last generation that somebody speaks for.
    spoken_for: AtomicU32,
    server: ServerCounters,
    rates: RateTable,
}

impl Scoreboard {
    /// Makes a board of `slots` free slots, at least one, for this process and those that it forks.
    ///
    /// # Errors
    /// As [`Self::shared`].
    pub fn new(slots: usize) -> Result<Self, Error> {
        Self::shared(slots).map(|(board, _)| board)
    }

    /// The same with the descriptor by which other processes can [attach](Self::attach) to it.
    ///
    /// # Errors
    /// The kernel has no memory or descriptor for it.
    pub fn shared(slots: usize) -> Result<(Self, OwnedFd), Error> {
        let slots = slots.max(1);
        let memory = shared_memory(bytes_of(slots)).map_err(map_error)?;
        let base = map(&memory, slots)?;
        let crowds = CrowdKey::draw();
        // SAFETY: the mapping begins with a header, page-aligned, and nobody else knows of it yet. All else in it is atomics, for which
        // the zeroes that are there are a value; they are not written, so that they take no memory.
        unsafe {
            (&raw mut (*base.as_ptr()).slots).write(slots as u64);
            (&raw mut (*base.as_ptr()).crowds).write(crowds);
        }
        Ok((Self { base, slots, crowds }, memory))
    }

    /// The board that a master has made, in a process that has its descriptor but was not forked with the mapping.
    ///
    /// # Errors
    /// The kernel has no memory for it, or this is not the descriptor of a board.
    pub fn attach(memory: &OwnedFd) -> Result<Self, Error> {
        let length = fstat(memory).map_err(map_error)?.st_size;
        let length = usize::try_from(length).unwrap_or(0);
        let (header, slot) = (size_of::<Header>(), size_of::<Slot>());
        let slots = length.saturating_sub(header) / slot;
        if slots == 0 || bytes_of(slots) != length {
            return Err(map_error(io::Error::from(io::ErrorKind::InvalidData)));
        }
        let base = map(memory, slots)?;
        // SAFETY: the mapping begins with the header that `new` wrote before anybody could attach, and that nobody writes again.
        let (made, crowds) = unsafe { ((*base.as_ptr()).slots, (*base.as_ptr()).crowds) };
        let board = Self { base, slots, crowds };
        if made != slots as u64 {
            return Err(map_error(io::Error::from(io::ErrorKind::InvalidData)));
        }
        Ok(board)
    }

    /// The slot with this number.
    ///
    /// # Panics
    /// When there is no such slot.
    #[must_use]
    pub fn slot(&self, index: usize) -> &Slot {
        &self.slots()[index]
    }

    /// All slots, free ones too.
    #[must_use]
    pub fn slots(&self) -> &[Slot] {
        // SAFETY: this many slots are mapped behind the header, aligned as it is. They began as zeroes, which is a value of every
        // atomic in them; they are unmapped in `drop` only, which the borrow of `self` excludes.
        unsafe { slice::from_raw_parts(self.base.add(1).cast().as_ptr(), self.slots) }
    }

    /// What the master says of the whole server.
    #[must_use]
    pub fn server(&self) -> &ServerCounters {
        // SAFETY: the mapping begins with the header, of which only the counters change once it is made, and they are atomics; it
        // is unmapped in `drop` only, which the borrow of `self` excludes.
        unsafe { &(*self.base.as_ptr()).server }
    }

    /// Whether nobody has spoken for this generation, or a later one, yet: what concerns all of its workers is logged once.
    #[must_use]
    pub fn speak_for(&self, generation: u32) -> bool {
        // SAFETY: as for `server`: of the mapped header only atomics change, and it is unmapped in `drop` only.
        let spoken_for = unsafe { &(*self.base.as_ptr()).spoken_for };
        spoken_for.fetch_max(generation, Ordering::Relaxed) < generation
    }

    /// Counts one that `actor` does, at a time of [`crate::monotonic_micros`]; the same in all processes that share the board.
    ///
    /// # Errors
    /// It is one too many, and is not counted: how long until the next one may be.
    pub fn admit(&self, actor: Actor, pace: Pace, now: u64) -> Result<(), Duration> {
        // SAFETY: as for `server`: of the mapped header only atomics change, and it is unmapped in `drop` only.
        let rates = unsafe { &(*self.base.as_ptr()).rates };
        rates.admit(self.crowds.hash_of(actor), pace, now)
    }

    /// How many workers are ready.
    #[must_use]
    pub fn ready_workers(&self) -> usize {
        self.ready().count()
    }

    /// How many of them are at a request.
    #[must_use]
    pub fn busy_workers(&self) -> usize {
        self.ready().filter(|slot| slot.in_flight.load() > 0).count()
    }

    /// How many requests wait for a Python thread.
    #[must_use]
    pub fn queued_requests(&self) -> u64 {
        self.slots().iter().map(|slot| slot.queue_depth.load()).sum()
    }

    /// How many connections the ready workers hold; with [`Self::ready_workers`] the fair share of each.
    #[must_use]
    pub fn total_connections(&self) -> u64 {
        self.ready().map(|slot| slot.connections.load()).sum()
    }

    /// To which crowd a client at this address belongs; the same in all processes that share the board.
    #[must_use]
    pub fn crowd_of(&self, address: IpAddr) -> Crowd {
        self.crowds.crowd_of(address)
    }

    /// How many connections of this crowd all workers hold.
    #[must_use]
    pub fn crowd_size(&self, crowd: Crowd) -> u64 {
        self.slots().iter().map(|slot| u64::from(slot.crowds.size(crowd))).sum()
    }

    /// Says to all workers that the whole server ends.
    pub fn end(&self) {
        self.slots().iter().for_each(|slot| slot.ending.store(true, Ordering::Relaxed));
        self.turn_away(|_| true);
    }

    /// Says to the workers of these generations that listeners of theirs are about to [turn away](crate::Listener::turn_away).
    pub fn turn_away(&self, is_concerned: impl Fn(u32) -> bool) {
        let concerned = self.slots().iter().filter(|slot| is_concerned(slot.generation()));
        concerned.for_each(|slot| slot.turning_away.store(true, Ordering::Relaxed));
    }

    /// Frees the slot of a worker that is gone.
    ///
    /// # Panics
    /// When there is no such slot.
    pub fn clear(&self, index: usize) {
        self.slot(index).claim(0, Stage::Free);
    }

    fn ready(&self) -> impl Iterator<Item = &Slot> {
        self.slots().iter().filter(|slot| slot.stage() == Stage::Ready)
    }
}

impl Drop for Scoreboard {
    fn drop(&mut self) {
        // SAFETY: exactly this was mapped; nobody borrows a slot any more, since they borrow `self`. Other
        // processes keep theirs. Unmapping a mapping of our own cannot fail.
        let _ = unsafe { munmap(self.base.cast(), bytes_of(self.slots)) };
    }
}

fn bytes_of(slots: usize) -> usize {
    size_of::<Header>() + slots * size_of::<Slot>()
}

/// Zeroes, of which nobody can take any away again: whoever reads what is not there any more is killed.
fn shared_memory(bytes: usize) -> nix::Result<OwnedFd> {
    let memory = memfd_create("rwsgi-scoreboard", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
    ftruncate(&memory, i64::try_from(bytes).unwrap_or(i64::MAX))?;
    let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SEAL;
    fcntl(&memory, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(memory)
}

fn map(memory: &OwnedFd, slots: usize) -> Result<NonNull<Header>, Error> {
    let bytes = NonZeroUsize::new(bytes_of(slots)).expect("a header has a size");
    let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
    // SAFETY: a fresh mapping at an address that the kernel chooses overlaps nothing; the file is as long, and cannot shrink.
    let base = unsafe { mmap(None, bytes, access, MapFlags::MAP_SHARED, memory, 0) };
    base.map(NonNull::cast).map_err(map_error)
}

fn map_error(source: impl Into<io::Error>) -> Error {
    Error::system("map the scoreboard", source)
}

/// One worker's life signs. Its own cache lines (in pairs, because processors fetch them so), so that no worker slows another;
/// what the others look at when they accept is kept apart from what changes with each request.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct Slot {
    pid: AtomicI32,
    generation: AtomicU32,
    stage: AtomicU8,
    ending: AtomicBool,
    turning_away: AtomicBool,
    /// Open connections.
    pub connections: Gauge,
    /// Since when no Python thread is free, by [`crate::monotonic_micros`]; 0 when one is.
    pub busy_since: Gauge,
    apart: Apart,
    /// Connections with a request that is not answered yet; counted only where somebody wants to know.
    pub active: Gauge,
    /// Requests begun and not yet answered.
    pub in_flight: Gauge,
    /// Requests answered since the worker started.
    pub requests: Gauge,
    /// Requests that wait for a Python thread.
    pub queue_depth: Gauge,
    /// Turns of the worker's loop, by [`Gauge::advance`]: the loop lives when it changes. A loop that sleeps turns when the
    /// worker gets `WINCH`.
    pub turns: Gauge,
    /// 1 while the loop sleeps, having nothing to do: then it is well, though it does not turn.
    pub asleep: Gauge,
    /// Connections by where they come from.
    pub crowds: CrowdCounts,
    /// What is counted of requests; goes on with the next worker of the slot.
    pub counters: Counters,
    request: RequestLine,
}

/// What follows begins another pair of cache lines.
#[derive(Debug)]
#[repr(align(128))]
struct Apart;

impl Slot {
    /// Takes the slot for a worker about to be forked: everything at zero but these, and the counters.
    pub fn claim(&self, generation: u32, stage: Stage) {
        self.set_stage(Stage::Free);
        self.ending.store(false, Ordering::Relaxed);
        self.turning_away.store(false, Ordering::Relaxed);
        self.pid.store(0, Ordering::Relaxed);
        self.generation.store(generation, Ordering::Relaxed);
        for gauge in [
            &self.connections,
            &self.active,
            &self.in_flight,
            &self.requests,
            &self.queue_depth,
            &self.busy_since,
            &self.turns,
            &self.asleep,
        ] {
            gauge.store(0);
        }
        self.crowds.reset();
        self.request.reset();
        self.set_stage(stage);
    }

    /// The worker's pid; 0 in a free slot.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.pid.load(Ordering::Relaxed))
    }

    /// Says whose slot it is.
    pub fn set_pid(&self, pid: Pid) {
        self.pid.store(pid.as_raw(), Ordering::Relaxed);
    }

    /// Which generation of the configuration the worker was forked for.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation.load(Ordering::Relaxed)
    }

    /// Where the worker is in its life.
    #[must_use]
    pub fn stage(&self) -> Stage {
        Stage::from_byte(self.stage.load(Ordering::Relaxed))
    }

    /// Moves the worker to another stage.
    pub fn set_stage(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Whether the whole server ends, rather than this worker making room for another.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    /// Whether a listener of the worker may turn new connections away, so that it is to [welcome](crate::Connection::welcome)
    /// those that it accepts.
    #[must_use]
    pub fn is_turning_away(&self) -> bool {
        self.turning_away.load(Ordering::Relaxed)
    }

    /// Publishes the request that begins, `started` by [`crate::monotonic_millis`].
    pub fn set_request(&self, method: &str, target: &str, started: u64) {
        self.request.set(method, target, started);
    }

    /// The request that began last, which may have ended; none before the first, or when it changed too fast to be
    /// read.
    #[must_use]
    pub fn request(&self) -> Option<RunningRequest> {
        self.request.read()
    }
}

/// A number in shared memory, relaxed.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Its value.
    #[must_use]
    pub fn load(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it.
    pub fn store(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds one.
    pub fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Adds one, cheaper than [`Self::increment`]: a load and a store. For a number of which only matters that it changes.
    /// When two threads do so at a time a step may be lost, and the value is still another than before.
    pub fn advance(&self) {
        self.store(self.load().wrapping_add(1));
    }

    /// Takes one away; whoever calls it added that one before.
    pub fn decrement(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_share_no_cache_lines() {
        let board = Scoreboard::new(3).unwrap();
        for slot in board.slots() {
            assert!(std::ptr::from_ref(slot).addr().is_multiple_of(128));
            assert!(std::ptr::from_ref(&slot.active).addr().is_multiple_of(128), "changes with each request");
        }
        assert_eq!(board.slots().len(), 3);
    }

    #[test]
    fn who_attaches_sees_the_same_slots_and_the_same_crowds() {
        let (board, descriptor) = Scoreboard::shared(3).unwrap();
        let other = Scoreboard::attach(&descriptor).unwrap();
        assert_eq!(other.slots().len(), 3);
        other.slot(2).claim(7, Stage::Ready);
        other.slot(2).requests.increment();
        assert_eq!(
            (board.slot(2).generation(), board.slot(2).requests.load(), board.ready_workers()),
            (7, 1, 1)
        );
        for address in ["192.0.2.7", "2001:db8::1"] {
            let address = address.parse().unwrap();
            assert_eq!(board.crowd_of(address), other.crowd_of(address));
        }
        drop(board);
        assert_eq!(other.slot(2).requests.load(), 1);
    }

    #[test]
    fn what_is_no_board_is_refused() {
        for bytes in [0, 1, 4096] {
            assert!(Scoreboard::attach(&shared_memory(bytes).unwrap()).is_err());
        }
        let empty = shared_memory(bytes_of(2)).unwrap();
        assert!(Scoreboard::attach(&empty).is_err(), "its header names no slots");
    }

    #[test]
    fn only_ready_workers_count_for_the_fair_share() {
        let board = Scoreboard::new(4).unwrap();
        for (index, stage) in
            [Stage::Ready, Stage::Ready, Stage::Retiring, Stage::Starting].into_iter().enumerate()
        {
            board.slot(index).claim(1, stage);
            board.slot(index).connections.store(10 + index as u64);
        }
        assert_eq!((board.ready_workers(), board.total_connections()), (2, 21));
        board.clear(0);
        assert_eq!((board.ready_workers(), board.total_connections()), (1, 11));
    }

    #[test]
    fn all_who_attach_count_the_same_client_together_and_each_rule_apart() {
        let (board, descriptor) = Scoreboard::shared(1).unwrap();
        let other = Scoreboard::attach(&descriptor).unwrap();
        let pace = Pace::new(Duration::from_secs(60), 3);
        let admit = |board: &Scoreboard, address: &str, rule| {
            board.admit(Actor { address: address.parse().unwrap(), rule }, pace, 1).is_ok()
        };
        assert!(admit(&board, "2001:db8::1", 1) && admit(&other, "2001:db8::2", 1));
        assert!(admit(&board, "2001:db8::3:4:5:6", 1) && !admit(&other, "2001:db8::1", 1), "one network");
        assert!(admit(&other, "2001:db8::1", 2) && admit(&other, "2001:db8:0:1::1", 1));
        assert!(admit(&board, "192.0.2.7", 1) && admit(&board, "::ffff:192.0.2.7", 1));
        assert!(admit(&other, "192.0.2.7", 1) && !admit(&board, "192.0.2.7", 1));
    }

    #[test]
    fn a_crowd_is_counted_over_all_workers_and_the_part_of_a_dead_one_vanishes() {
        let board = Scoreboard::new(2).unwrap();
        let crowd = board.crowd_of("192.0.2.7".parse().unwrap());
        board.slot(0).crowds.enter(crowd);
        board.slot(0).crowds.enter(crowd);
        board.slot(1).crowds.enter(crowd);
        board.slot(0).crowds.leave(crowd);
        assert_eq!(board.crowd_size(crowd), 2);
        board.clear(1);
        assert_eq!(board.crowd_size(crowd), 1);
    }

    #[test]
    fn a_cleared_slot_remembers_nothing() {
        let board = Scoreboard::new(1).unwrap();
        let slot = board.slot(0);
        slot.claim(7, Stage::Starting);
        slot.set_pid(Pid::from_raw(42));
        slot.set_request("GET", "/", 1);
        slot.requests.increment();
        slot.in_flight.increment();
        slot.in_flight.decrement();
        slot.turns.advance();
        slot.turns.advance();
        assert_eq!(slot.turns.load(), 2);
        assert_eq!((slot.pid().as_raw(), slot.generation(), slot.stage()), (42, 7, Stage::Starting));
        assert_eq!((slot.requests.load(), slot.in_flight.load()), (1, 0));
        board.clear(0);
        assert_eq!((slot.pid().as_raw(), slot.generation(), slot.stage()), (0, 0, Stage::Free));
        assert_eq!((slot.requests.load(), slot.turns.load(), slot.request()), (0, 0, None));
    }

    #[test]
    fn what_is_counted_outlives_the_worker_and_goes_on_with_the_next_one() {
        let board = Scoreboard::new(2).unwrap();
        for worker in 1..=3 {
            board.slot(1).claim(1, Stage::Starting);
            board.slot(1).counters.request("GET", Some(200));
            board.slot(1).active.increment();
            assert_eq!(board.slot(1).counters.requests[0][1].load(), worker);
            board.clear(1);
        }
        assert_eq!((board.slot(1).counters.requests[0][1].load(), board.slot(1).active.load()), (3, 0));
        assert_eq!(board.slot(0).counters.requests[0][1].load(), 0);
    }

    #[test]
    fn what_the_master_says_lies_beside_the_slots() {
        let board = Scoreboard::new(1).unwrap();
        board.server().generation.store(u64::MAX);
        board.server().restarts.iter().for_each(|restarts| restarts.add(u64::MAX));
        assert_eq!((board.slot(0).generation(), board.slot(0).stage()), (0, Stage::Free));
        assert_eq!(board.server().generation.load(), u64::MAX);
    }

    #[test]
    fn one_worker_speaks_for_each_generation_whatever_its_slot() {
        let (board, descriptor) = Scoreboard::shared(2).unwrap();
        let other = Scoreboard::attach(&descriptor).unwrap();
        let asked =
            [(&board, 1), (&other, 1), (&other, 2), (&board, 2), (&board, 1), (&board, 4), (&other, 3)];
        let spoken = asked.map(|(board, generation)| board.speak_for(generation));
        assert_eq!(spoken, [true, false, true, false, false, true, false]);
    }

    #[test]
    fn that_the_server_ends_is_said_to_all_and_not_to_those_that_come_later() {
        let board = Scoreboard::new(2).unwrap();
        board.end();
        assert!(board.slots().iter().all(Slot::is_ending));
        board.slot(1).claim(1, Stage::Starting);
        assert!(!board.slot(1).is_ending());
    }

    #[test]
    fn that_listeners_turn_away_is_said_to_the_generations_that_have_them() {
        let board = Scoreboard::new(3).unwrap();
        let told = || [0, 1, 2].map(|slot| board.slot(slot).is_turning_away());
        (0..3).for_each(|slot| board.slot(slot).claim(slot as u32 + 1, Stage::Ready));
        board.turn_away(|generation| generation < 2);
        assert_eq!(told(), [true, false, false]);
        board.slot(0).claim(1, Stage::Starting);
        assert_eq!(told(), [false; 3]);
        board.end();
        assert_eq!(told(), [true; 3]);
    }
}
