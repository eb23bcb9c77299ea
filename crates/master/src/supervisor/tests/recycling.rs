use std::{collections::BTreeSet, time::Duration};

use rwsgi_os::{Pid, Report, Signal};

use super::world::*;
use crate::{Policy, event::Fact, intent::Intent};

#[test]
fn a_tired_worker_serves_until_another_is_ready() {
    let mut world = World::still_serving(2);
    world.say(1, Report::Tired);
    assert_eq!((world.sent(), world.births.len()), (vec![], 3));
    world.say(1, Report::Tired);
    world.say(3, Report::Ready);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM)]);
    world.exit(1, CODE_0);
    assert_eq!((world.serving(), world.last_pid), (vec![2, 3], 3));
}

#[test]
fn tired_workers_are_replaced_one_at_a_time() {
    let mut world = World::lively(policy(4));
    for pid in [3, 1, 4, 2] {
        world.say(pid, Report::Tired);
    }
    assert_eq!(world.births.len(), 1);
    let (mut least, mut most) = (4, 4);
    world.run_until(|world| {
        least = least.min(world.serving().len());
        most = most.max(world.workers(|process| process.told.is_empty()).len());
        world.serving() == [5, 6, 7, 8]
    });
    assert_eq!((least, most), (4, 5));
    assert_eq!(world.sent(), [3, 1, 2, 4].map(|pid| (pid, Signal::SIGTERM)), "the oldest next");
}

#[test]
fn a_tired_worker_goes_on_when_its_successor_does_not_load() {
    let mut world = World::lively(policy(2));
    world.boots.insert(1, Boot::EndsAfter(millis(100), CODE_4));
    world.say(1, Report::Tired);
    world.run(seconds(60));
    assert_eq!((world.serving(), world.sent(), world.finished), (vec![1, 2], vec![], None));
    assert!(world.births.len() > 3 && world.births.len() < 10, "{}", world.births.len());
    world.boots.insert(1, Boot::ReadyAfter(seconds(1)));
    world.run(seconds(60));
    assert_eq!(world.serving().len(), 2);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM)]);
}

#[test]
fn a_tired_worker_that_dies_leaves_its_seat_to_its_successor() {
    let mut world = World::still_serving(1);
    world.say(1, Report::Tired);
    world.exit(1, CODE_0);
    assert_eq!(world.last_pid, 2);
    world.say(2, Report::Ready);
    assert_eq!((world.serving(), world.last_pid), (vec![2], 2));
}

#[test]
fn a_reload_replaces_the_tired_anyway() {
    let mut world = World::lively(policy(2));
    world.intent(Intent::Reload);
    world.say(1, Report::Tired);
    world.run(seconds(60));
    assert_eq!((world.generations(), world.births.len()), (vec![2, 2], 2));
}

#[test]
fn a_reload_ends_the_recycling_that_is_under_way() {
    let mut world = World::still_serving(2);
    world.say(2, Report::Tired);
    world.intent(Intent::Reload);
    assert_eq!(world.sent(), [(3, Signal::SIGTERM)]);
    assert_eq!(world.births.last().map(|birth| birth.generation), Some(2));
}

#[test]
fn old_workers_are_replaced_and_not_all_at_once() {
    let (base, jitter) = (seconds(1000), seconds(500));
    let mut world = World::lively(Policy { lifetime: Some((base, jitter)), ..policy(4) });
    world.run(seconds(15_000));
    let aged = world.facts.iter().filter_map(|fact| match *fact {
        Fact::TooOld { age, .. } => Some(age),
        _ => None,
    });
    let ages: Vec<Duration> = aged.take(40).collect();
    assert!(ages.iter().all(|age| (base..=base + jitter).contains(age)), "{ages:?}");
    let spread: BTreeSet<Duration> = ages.iter().copied().collect();
    assert!(spread.len() > 30, "{ages:?}");
    let mean = ages.iter().sum::<Duration>() / 40;
    assert!((seconds(1150)..seconds(1350)).contains(&mean), "{mean:?}");
    assert_eq!(world.serving().len(), 4);
}

#[test]
fn the_age_of_a_worker_counts_from_when_it_was_ready() {
    let mut world =
        World::with(Policy { lifetime: Some((seconds(100), seconds(0))), ..policy(1) }, 36, Boot::Hangs);
    world.now += seconds(50);
    world.say(1, Report::Ready);
    assert_eq!(world.sleep(), seconds(100));
    world.assert_told(Fact::TooOld { pid: Pid::from_raw(1), age: seconds(100) });
    assert_eq!(world.births.len(), 2);
}

#[test]
fn a_worker_that_is_too_big_is_replaced_once() {
    let mut world = World::lively(Policy { memory: Some(1000), ..policy(2) });
    world.processes.get_mut(&2).unwrap().memory = 999;
    world.run(seconds(60));
    assert_eq!(world.facts, []);
    world.processes.get_mut(&2).unwrap().memory = 1000;
    world.run(seconds(60));
    assert_eq!(world.serving(), [1, 3]);
    let told = world.facts.iter().filter(|fact| matches!(fact, Fact::TooBig { memory: 1000, .. }));
    assert_eq!(told.count(), 1);
}

#[test]
fn nobody_is_recycled_while_a_reload_is_prepared() {
    let mut world = World::still_serving(2);
    world.settled = Settled::Unanswered;
    world.intent(Intent::Reload);
    world.say(1, Report::Tired);
    assert_eq!(world.births.len(), 2);
}

#[test]
fn failures_before_a_worker_was_replaced_do_not_count_against_its_successor() {
    let mut world = World::still_serving(1);
    world.say(1, Report::Tired);
    for pid in 2..5 {
        if world.last_pid < pid {
            world.sleep();
        }
        world.exit(pid, SEGFAULT);
    }
    world.sleep();
    world.say(5, Report::Ready);
    world.exit(5, SEGFAULT);
    assert_eq!(world.last_pid, 6, "its first failure");
}
