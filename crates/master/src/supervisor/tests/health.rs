use rwsgi_os::{Pid, Report, Signal};

use super::world::*;
use crate::{Policy, event::Fact, intent::Intent};

fn watched(silence: u64) -> Policy {
    Policy { silence: Some(seconds(silence)), ..policy(2) }
}

#[test]
fn nobody_is_looked_at_without_need() {
    let mut world = World::lively(policy(2));
    assert_eq!((world.looks, world.supervisor.next_wake()), (0, None));
    world.run(seconds(1000));
    assert_eq!(world.looks, 0);
}

#[test]
fn looks_come_four_times_in_the_time_of_silence() {
    for (policy, pause) in [
        (watched(20), millis(5_000)),
        (Policy { silence: Some(millis(200)), ..policy(2) }, millis(250)),
        (watched(3600), seconds(10)),
        (Policy { memory: Some(1 << 30), ..policy(2) }, seconds(10)),
    ] {
        let mut world = World::lively(policy);
        world.run_until(|world| world.looks > 0);
        let (first, looks) = (world.now, world.looks);
        world.run_until(|world| world.looks > looks);
        let second = world.now;
        world.run_until(|world| world.looks > looks + 1);
        assert!(world.now - second == pause && second - first <= pause);
    }
}

#[test]
fn memory_is_read_only_where_it_is_limited() {
    let mut world = World::lively(watched(20));
    world.run(seconds(1000));
    assert!(world.looks > 8 && world.memory_looks == 0);
    let mut world = World::lively(Policy { memory: Some(1000), ..watched(20) });
    world.run(seconds(1000));
    assert_eq!(world.memory_looks, world.looks);
}

#[test]
fn an_idle_worker_turns_when_it_is_woken_and_lives() {
    let mut world = World::lively(watched(20));
    world.run(seconds(1000));
    assert_eq!(world.serving(), [1, 2]);
    assert!(world.sent.contains(&(1, Signal::SIGWINCH)));
    assert!(world.sent.iter().all(|&(_, signal)| signal == Signal::SIGWINCH));
}

#[test]
fn a_worker_that_sleeps_is_left_alone_and_one_that_does_not_wake_up_is_replaced() {
    let mut world = World::lively(watched(20));
    world.processes.values_mut().for_each(|process| process.asleep = true);
    world.run(seconds(500));
    assert_eq!(world.sent, []);
    world.run(seconds(500));
    assert_eq!(world.sent, [(1, Signal::SIGWINCH), (2, Signal::SIGWINCH)]);
    world.processes.get_mut(&1).unwrap().stuck = true;
    world.run(seconds(1000));
    assert_eq!(world.serving(), [2, 3]);
}

#[test]
fn a_worker_that_does_not_turn_is_aborted_and_replaced_at_once() {
    let mut world = World::lively(watched(20));
    world.run(seconds(100));
    world.forget();
    world.processes.get_mut(&1).unwrap().stuck = true;
    let begun = world.now;
    world.run_until(|world| !world.births.is_empty());
    let took = world.now - begun;
    assert!(took > seconds(15) && took <= seconds(25), "{took:?}");
    assert!(world.sent.contains(&(1, Signal::SIGABRT)));
    assert!(matches!(world.facts[..], [Fact::Silent { silence, .. }] if silence >= seconds(20)));
    world.run(seconds(4));
    assert_eq!(world.serving(), [2, 3]);
    assert!(world.processes.contains_key(&1), "a stopped process cannot be aborted");
    world.run(seconds(2));
    world.assert_told(Fact::Overdue { kind: crate::event::Kind::Worker, pid: Pid::from_raw(1) });
    assert!(world.sent.contains(&(1, Signal::SIGKILL)) && !world.processes.contains_key(&1));
    world.run(seconds(100));
    assert_eq!(world.serving(), [2, 3]);
}

#[test]
fn a_master_that_has_slept_for_long_blames_nobody() {
    let mut world = World::lively(watched(20));
    world.run(seconds(100));
    for _ in 0..10 {
        // Stopped with its whole group, and continued.
        world.now += seconds(3600);
        world.run(seconds(17));
    }
    assert_eq!((world.serving(), world.births.len()), (vec![1, 2], 0));
}

#[test]
fn a_worker_that_leaves_is_not_looked_at() {
    let mut world = World::still_serving(1);
    world.say(1, Report::Retiring);
    let vitals = crate::event::Vitals { turns: 0, asleep: false, memory: None };
    world.sent();
    world.event(crate::event::Event::Vitals(Pid::from_raw(1), vitals));
    world.event(crate::event::Event::Vitals(Pid::from_raw(99), vitals));
    world.event(crate::event::Event::Vitals(Pid::from_raw(1), vitals));
    assert_eq!(world.sent(), []);
}

#[test]
fn a_worker_that_leaves_by_itself_and_does_not_is_killed() {
    let mut world = World::lively(policy(1));
    world.processes.get_mut(&1).unwrap().stuck = true;
    world.say(1, Report::Retiring);
    world.say(1, Report::Retiring);
    assert_eq!(world.births.len(), 1);
    world.run(GRACEFUL + seconds(1));
    assert!(world.processes.contains_key(&1));
    world.run(seconds(2));
    assert_eq!(world.sent(), [(1, Signal::SIGKILL)]);
    assert_eq!(world.serving(), [2]);
}

#[test]
fn where_nobody_serves_nobody_is_looked_at() {
    let mut world = World::lively(watched(20));
    world.intent(Intent::StopWorkers);
    world.run(seconds(60));
    assert_eq!(world.supervisor.next_wake(), None);
    world.intent(Intent::MoreWorkers);
    let looks = world.looks;
    world.run(seconds(60));
    assert!(world.looks > looks + 8);
}
