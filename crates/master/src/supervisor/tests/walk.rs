//! Random walks: whatever comes, in whatever order, some things hold after every step, and when it has ended the
//! server is what it should be.

use std::{collections::BTreeSet, time::Duration};

use rwsgi_os::{Ending, Pid, Report};

use super::{Phase, world::*};
use crate::{Occasion, Policy, event::Event, intent::Intent};

/// Numbers that look like chance and are the same each time (xorshift).
struct Chance(u64);

impl Chance {
    fn seed(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// From 0 to `end` - 1.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn one_in(&mut self, end: u64) -> bool {
        self.below(end) == 0
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let count = u64::try_from(choices.len()).unwrap();
        (count > 0).then(|| choices[usize::try_from(self.below(count)).unwrap()])
    }

    fn size(&mut self, end: u64) -> usize {
        usize::try_from(self.below(end)).unwrap()
    }

    fn time(&mut self) -> Duration {
        match self.below(10) {
            0..=3 => millis(0),
            4..=7 => millis(self.below(900)),
            8 => millis(self.below(10_000)),
            _ => millis(self.below(100_000)),
        }
    }

    fn ending(&mut self) -> Ending {
        self.of(&[CODE_0, CODE_3, CODE_4, SEGFAULT, KILLED, Ending::Code(71)]).unwrap()
    }

    fn boot(&mut self) -> Boot {
        match self.below(8) {
            0 => Boot::Hangs,
            1 => Boot::EndsAfter(millis(self.below(3_000)), self.ending()),
            2 => Boot::ReadyThenEnds(millis(self.below(2_000)), millis(self.below(20_000)), self.ending()),
            _ => Boot::ReadyAfter(millis(self.below(4_000))),
        }
    }

    fn policy(&mut self) -> Policy {
        let attended = self.one_in(3);
        Policy {
            workers: self.size(7),
            graceful_timeout: seconds(self.below(40)),
            silence: self.one_in(3).then(|| millis(100 + self.below(60_000))),
            kill_after: millis(self.below(8_000)),
            boot_timeout: (!self.one_in(3)).then(|| millis(2_000 + self.below(60_000))),
            surge: self.size(4),
            max_unavailable: self.size(3),
            lifetime: self.one_in(3).then(|| (seconds(100), seconds(100))),
            memory: self.one_in(3).then_some(1000),
            mold: attended || self.one_in(2),
            attended,
            patient: self.one_in(2),
        }
    }
}

/// What holds after every step.
fn check(world: &World) {
    let supervisor = &world.supervisor;
    if supervisor.phase != Phase::Serving {
        return;
    }
    let mut seated = BTreeSet::new();
    for seat in &supervisor.seats {
        let candidates = seat.candidates.iter().filter_map(|candidate| candidate.pid);
        for pid in candidates.chain(seat.occupant()) {
            assert!(seated.insert(pid), "{pid} has two seats");
            assert!(supervisor.crew.worker(pid).is_some(), "{pid} has a seat and is gone");
        }
        if let Some(pid) = seat.occupant() {
            assert!(supervisor.crew.is_ready(pid));
        }
        let generations: BTreeSet<u32> =
            seat.candidates.iter().map(|candidate| candidate.generation).collect();
        assert_eq!(generations.len(), seat.candidates.len(), "two candidates of one generation");
    }
    assert_eq!(supervisor.seats.len(), supervisor.seats_wanted());
    let staying = supervisor.crew.workers.iter().filter(|worker| worker.process.leaving.is_none());
    let staying: Vec<Pid> = staying.map(|worker| worker.process.pid).collect();
    assert!(staying.iter().all(|pid| seated.contains(pid)), "nobody knows of a worker: {supervisor:?}");
    let surge = supervisor.generations.policy(supervisor.target()).surge.max(1);
    assert!(staying.len() <= supervisor.seats.len() + surge, "too many workers: {supervisor:?}");
}

/// One thing that may happen.
fn disturb(world: &mut World, chance: &mut Chance) {
    match chance.below(28) {
        0 | 1 => {
            world.settled = match chance.below(5) {
                0 => Settled::NoGood,
                1 => Settled::InFile(Policy { mold: true, ..chance.policy() }),
                _ => Settled::To(chance.policy()),
            };
            world.intent(Intent::Reload);
        }
        2 => world.intent(Intent::MoreWorkers),
        3 => world.intent(Intent::FewerWorkers),
        4 => world.intent(Intent::StopWorkers),
        5 => world.intent(Intent::Upgrade),
        6 => world.intent(Intent::ReopenLogs),
        7 => world.event(Event::PredecessorGone),
        8..=14 => disturb_process(world, chance),
        15 => world.refuse_forks = chance.one_in(3),
        16 if world.hold_forks => world.answer_forks(),
        16 => world.hold_forks = true,
        17 => {
            let generation = u32::try_from(chance.below(20)).unwrap();
            let boot = chance.boot();
            world.boots.insert(generation, boot);
            world.molds = chance.boot();
        }
        18 => {
            let stranger = chance.of(&[Report::Ready, Report::Retiring, Report::Tired]).unwrap();
            world.say(1_000_000, stranger);
        }
        19 => disqualify_mold(world, chance),
        20 => world.hooks_fail = chance.one_in(4),
        21 => thread_mold(world, chance),
        _ => {
            let time = chance.time();
            world.run(time);
        }
    }
}

fn disturb_process(world: &mut World, chance: &mut Chance) {
    let workers = world.pids(Kind::Worker);
    match chance.below(7) {
        0..=2 => {
            let all: Vec<i32> = world.processes.keys().copied().collect();
            let ending = chance.ending();
            chance.of(&all).into_iter().for_each(|pid| world.exit(pid, ending));
        }
        3 | 4 => {
            let report = chance.of(&[Report::Retiring, Report::Tired, Report::Closed]).unwrap();
            chance.of(&workers).into_iter().for_each(|pid| world.say(pid, report));
        }
        5 => {
            let stuck = chance.one_in(2);
            let chosen = chance.of(&workers).and_then(|pid| world.processes.get_mut(&pid));
            chosen.into_iter().for_each(|process| process.stuck = stuck);
        }
        _ => {
            let chosen = chance.of(&workers).and_then(|pid| world.processes.get_mut(&pid));
            chosen.into_iter().for_each(|process| process.memory = 2000);
        }
    }
}

fn disqualify_mold(world: &mut World, chance: &mut Chance) {
    // Only a mold that is there can say so.
    let molds = world.pids(Kind::Mold);
    if let Some(mold) = chance.of(&molds).map(|pid| world.processes[&pid].clone())
        && !mold.ready
    {
        world.event(Event::MoldUnfit(mold.generation));
    }
}

fn thread_mold(world: &mut World, chance: &mut Chance) {
    let molds = world.pids(Kind::Mold);
    if let Some(mold) = chance.of(&molds).map(|pid| world.processes[&pid].clone()) {
        world.mold_has_threads(mold.generation);
    }
}

/// The end of all trouble.
fn calm(world: &mut World, chance: &mut Chance) {
    (world.refuse_forks, world.hooks_fail) = (false, false);
    if world.hold_forks {
        world.answer_forks();
    }
    world.start_unanswered_successor();
    world.boots = [(0, Boot::ReadyAfter(seconds(1)))].into();
    world.molds = Boot::ReadyAfter(seconds(1));
    for process in world.processes.values_mut() {
        (process.stuck, process.memory) = (false, 0);
    }
    let policy = Policy { lifetime: None, boot_timeout: Some(seconds(30)), ..chance.policy() };
    world.settled = Settled::To(policy);
    world.intent(Intent::Reload);
    world.run(seconds(600));
}

#[test]
fn whatever_happens_the_server_comes_back_to_what_is_wanted() {
    let (mut ended, mut reloads, mut occasions) = (0, 0, 0);
    for seed in 0..150 {
        let mut chance = Chance::seed(seed);
        let policy = chance.policy();
        let mut world = World::with(policy, 4 * policy.workers.max(1) + 10, Boot::ReadyAfter(seconds(1)));
        for _ in 0..400 {
            disturb(&mut world, &mut chance);
            check(&world);
            if world.finished.is_some() {
                break;
            }
        }
        if world.supervisor.phase != Phase::Serving {
            // The application never loaded.
            ended += 1;
            calm(&mut world, &mut chance);
            assert!(world.finished.is_some(), "seed {seed}: {:?}", world.supervisor);
            continue;
        }
        calm(&mut world, &mut chance);
        check(&world);
        let has_mold = matches!(world.settled, Settled::To(policy) if policy.mold);
        let census = world.supervisor.status();
        reloads += census.generation;
        occasions += world.occasions.len();
        assert_eq!(world.serving().len(), census.wanted, "seed {seed}: {:?}", world.supervisor);
        assert!(world.generations().iter().all(|&generation| generation == census.generation), "seed {seed}");
        assert!(!census.reloading && world.supervisor.is_well(), "seed {seed}");
        let molds = usize::from(has_mold);
        let alive = (world.pids(Kind::Worker).len(), world.pids(Kind::Mold).len());
        assert_eq!(alive, (census.wanted, molds), "seed {seed}: somebody is left: {:?}", world.processes);
        assert_eq!(world.prepared, BTreeSet::from([census.generation]), "seed {seed}");
        world.intent(Intent::Stop);
        world.run(seconds(600));
        assert!(world.finished.is_some(), "seed {seed}");
        let has_hooks = matches!(world.settled, Settled::To(policy) if policy.attended);
        let last_words = world.occasions.last() == Some(&(census.generation, Occasion::Exiting));
        assert_eq!(last_words, has_hooks, "seed {seed}");
    }
    assert!(
        ended < 75 && reloads > 500 && occasions > 500,
        "{ended} {reloads} {occasions}: they went nowhere"
    );
}

#[test]
fn whatever_happens_the_server_can_be_stopped() {
    for seed in 0..150 {
        let mut chance = Chance::seed(seed);
        let policy = chance.policy();
        let mut world = World::with(policy, 4 * policy.workers.max(1) + 10, Boot::ReadyAfter(seconds(1)));
        for _ in 0..chance.below(60) {
            disturb(&mut world, &mut chance);
        }
        world.intent(if chance.one_in(2) { Intent::Stop } else { Intent::StopNow });
        for _ in 0..20 {
            if world.finished.is_none() {
                disturb(&mut world, &mut chance);
                check(&world);
            }
        }
        if world.hold_forks && world.finished.is_none() {
            world.answer_forks();
        }
        world.start_unanswered_successor();
        world.run(seconds(60));
        assert!(world.finished.is_some(), "seed {seed}: {:?}", world.processes);
    }
}

#[test]
fn no_reload_ever_costs_a_worker_that_serves() {
    for seed in 0..150 {
        let mut chance = Chance::seed(seed);
        let (surge, max_unavailable) = (chance.size(4), chance.size(3));
        let policy = Policy { surge, max_unavailable, mold: chance.one_in(2), ..policy(4) };
        let mut world = World::lively(policy);
        let mut tried = 1;
        for _ in 0..300 {
            match chance.below(8) {
                0 => {
                    tried += 1;
                    let attended = chance.one_in(3);
                    let policy = Policy { mold: attended || chance.one_in(2), attended, ..policy };
                    world.settled = if chance.one_in(2) {
                        Settled::To(policy)
                    } else {
                        Settled::InFile(Policy { mold: true, ..policy })
                    };
                    world.hooks_fail = chance.one_in(4);
                    world.intent(Intent::Reload);
                }
                1 => {
                    let tired = chance.of(&world.serving());
                    tired.into_iter().for_each(|pid| world.say(pid, Report::Tired));
                }
                2 => {
                    // One that nobody has tried yet: what has proven itself keeps its word.
                    let generation = tried + 1;
                    let boot = match chance.below(4) {
                        0 => Boot::Hangs,
                        1 => Boot::EndsAfter(millis(chance.below(3_000)), chance.ending()),
                        2 => Boot::ReadyThenEnds(seconds(1), millis(chance.below(500)), chance.ending()),
                        _ => Boot::ReadyAfter(millis(chance.below(4_000))),
                    };
                    world.boots.insert(generation, boot);
                }
                3 => {
                    let loading: Vec<i32> = world.workers(|process| !process.ready);
                    let victim = chance.of(&loading).filter(|_| chance.one_in(4));
                    let ending = chance.ending();
                    victim.into_iter().for_each(|pid| world.exit(pid, ending));
                }
                _ => {
                    let end = world.now + chance.time();
                    // Not `run`: every moment counts.
                    while world.turn(end) {
                        check(&world);
                        let serving = world.serving().len();
                        assert!(serving + max_unavailable >= 4, "seed {seed}: {:?}", world.supervisor);
                    }
                    world.now = end;
                }
            }
            assert!(world.serving().len() + max_unavailable >= 4, "seed {seed}");
        }
    }
}
