//! How many workers a reload may make, or do without, at a time.

use rwsgi_os::{Report, Signal};

use super::world::*;
use crate::{Policy, event::Fact, intent::Intent};

#[test]
fn more_workers_come_when_the_new_generation_has_proven_itself() {
    let mut world = World::lively(policy(2));
    world.settled = Settled::To(policy(4));
    world.intent(Intent::Reload);
    world.run(millis(1_499));
    assert_eq!(world.births.len(), 1);
    world.run(seconds(60));
    assert_eq!(world.generations(), [2, 2, 2, 2]);
    assert!(world.facts.iter().any(|fact| matches!(fact, Fact::Reloaded { workers: 4, .. })));
}

#[test]
fn surplus_workers_serve_to_the_end_of_the_reload_and_are_not_replaced() {
    let mut world = World::lively(policy(5));
    world.settled = Settled::To(policy(2));
    world.intent(Intent::Reload);
    let mut least = 5;
    world.run_until(|world| {
        let done = world.words.len() > 1;
        least = least.min(if done { 5 } else { world.serving().len() });
        done
    });
    assert_eq!(least, 5);
    assert_eq!((world.generations(), world.births.len()), (vec![2, 2], 2));
    world.run(seconds(60));
    assert_eq!(world.pids(Kind::Worker).len(), 2);
}

#[test]
fn surplus_workers_stay_when_the_reload_fails() {
    let mut world = World::lively(policy(5));
    world.settled = Settled::To(policy(2));
    world.boots.insert(2, Boot::EndsAfter(seconds(1), CODE_4));
    world.reload();
    assert_eq!(world.serving(), [1, 2, 3, 4, 5]);
}

#[test]
fn surge_says_how_many_are_made_at_a_time() {
    let mut world = World::lively(policy(4));
    world.settled = Settled::To(Policy { surge: 3, ..policy(4) });
    let begun = world.now;
    world.intent(Intent::Reload);
    assert_eq!(world.births.len(), 3);
    world.run_until(|world| world.words.len() > 1);
    assert_eq!(world.now - begun, millis(2_500));
    assert_eq!(world.generations(), [2; 4]);
}

#[test]
fn max_unavailable_lets_old_workers_go_before_new_ones_are_there() {
    let mut world = World::lively(policy(4));
    world.settled = Settled::To(Policy { surge: 0, max_unavailable: 2, ..policy(4) });
    world.intent(Intent::Reload);
    assert_eq!(world.sent.len(), 1, "one place for the first, which is on probation");
    let (mut least, mut most) = (4, 4);
    world.run_until(|world| {
        least = least.min(world.serving().len());
        most = most.max(world.workers(|process| process.told.is_empty()).len());
        world.words.len() > 1
    });
    assert_eq!((least, most), (2, 4));
}

#[test]
fn without_surge_a_failure_gives_the_place_back() {
    let mut world = World::lively(policy(2));
    world.settled = Settled::To(Policy { surge: 0, max_unavailable: 1, ..policy(2) });
    world.boots.insert(2, Boot::EndsAfter(seconds(1), CODE_4));
    world.intent(Intent::Reload);
    let mut least = 2;
    world.run_until(|world| {
        least = least.min(world.serving().len());
        world.words.len() > 1
    });
    world.run(seconds(5));
    assert_eq!((least, world.generations()), (1, vec![1, 1]));
}

#[test]
fn neither_surge_nor_unavailable_is_taken_for_a_surge_of_one() {
    let mut world = World::lively(policy(2));
    world.settled = Settled::To(Policy { surge: 0, max_unavailable: 0, ..policy(2) });
    world.reload();
    assert_eq!(world.generations(), [2, 2]);
}

/// One worker fewer, none more.
fn frugal(workers: usize) -> Settled {
    Settled::To(Policy { surge: 0, max_unavailable: 1, boot_timeout: None, ..policy(workers) })
}

#[test]
fn without_surge_one_place_is_risked_and_no_second() {
    let mut world = World::still_serving(3);
    let many = Policy { surge: 0, max_unavailable: 2, boot_timeout: None, ..policy(3) };
    world.settled = Settled::To(many);
    world.intent(Intent::Reload);
    world.say(4, Report::Ready);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM)]);
    world.exit(1, CODE_0);
    assert_eq!(world.sleep(), millis(500));
    assert_eq!(world.sent(), [(2, Signal::SIGTERM), (3, Signal::SIGTERM)]);
}

#[test]
fn without_surge_a_place_where_nobody_serves_is_risked_first() {
    let mut world = World::still_serving(3);
    world.exit(2, KILLED);
    world.settled = frugal(3);
    world.intent(Intent::Reload);
    assert_eq!((world.serving(), world.sent()), (vec![1, 3], vec![(4, Signal::SIGTERM)]));
    assert_eq!(world.births.last().map(|birth| birth.generation), Some(2));
}

#[test]
fn without_surge_what_an_overtaken_reload_has_left_goes_first() {
    let mut world = World::still_serving(3);
    world.settled = frugal(3);
    world.intent(Intent::Reload);
    world.say(4, Report::Ready);
    world.sent();
    world.intent(Intent::Reload);
    assert_eq!(world.sent(), [(4, Signal::SIGTERM)], "it has not passed its probation");
}
