use std::time::Duration;

use rwsgi_os::{Ending, ExitReason, Report, Signal};

use super::world::*;
use crate::{
    event::{Action, Event, Fact, Word},
    intent::Intent,
};

#[test]
fn term_waits_then_kills_then_ends_with_0() {
    let mut world = World::still_serving(2);
    world.intent(Intent::Stop);
    assert!(!world.listening);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM), (2, Signal::SIGTERM)]);
    world.exit(1, Ending::Code(0));
    assert_eq!((world.last_pid, world.finished), (2, None));
    assert_eq!(world.sleep(), GRACEFUL);
    assert_eq!(world.sent(), [(2, Signal::SIGKILL)]);
    assert!(world.facts.contains(&Fact::Killing { workers: 1 }));
    world.exit(2, KILLED);
    assert!(matches!(world.facts.last(), Some(Fact::Exited { killed: true, .. })));
    assert_eq!(world.finished, Some(ExitReason::Ok));
    assert_eq!(world.supervisor.next_wake(), None);
}

#[test]
fn a_quick_stop_waits_two_seconds() {
    let mut world = World::still_serving(1);
    world.intent(Intent::StopNow);
    assert_eq!(world.sent(), [(1, Signal::SIGQUIT)]);
    assert_eq!(world.sleep(), Duration::from_secs(2));
    assert_eq!(world.sent(), [(1, Signal::SIGKILL)]);
}

#[test]
fn a_worker_that_cannot_be_killed_does_not_keep_the_server() {
    let mut world = World::still_serving(1);
    world.intent(Intent::Stop);
    world.sleep();
    assert_eq!(world.finished, None);
    world.sleep();
    assert_eq!(world.finished, Some(ExitReason::Ok));
    assert!(world.facts.contains(&Fact::Unkillable { workers: 1 }));
}

#[test]
fn a_stop_during_boot_reaches_workers_that_are_not_ready() {
    let mut world = World::still(2);
    world.say(1, Report::Ready);
    world.intent(Intent::Stop);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM), (2, Signal::SIGTERM)]);
    world.exit(2, CODE_4);
    world.exit(1, Ending::Code(0));
    assert_eq!(world.finished, Some(ExitReason::Ok), "asked to end, not failed");
}

#[test]
fn a_stop_while_all_seats_wait_ends_at_once() {
    let mut world = World::still(1);
    world.exit(1, SEGFAULT);
    world.exit(2, SEGFAULT);
    world.intent(Intent::Stop);
    assert_eq!(world.finished, Some(ExitReason::Ok));
}

#[test]
fn deaths_and_retirements_while_stopping_fork_nothing() {
    let mut world = World::still_serving(3);
    world.intent(Intent::Stop);
    world.say(1, Report::Retiring);
    world.exit(2, SEGFAULT);
    world.now += Duration::from_secs(5);
    world.event(Event::Tick);
    assert_eq!((world.last_pid, world.finished), (3, None));
}

#[test]
fn a_second_term_changes_nothing() {
    let mut world = World::still_serving(2);
    world.intent(Intent::Stop);
    world.now += Duration::from_secs(10);
    world.sent();
    world.intent(Intent::Stop);
    assert_eq!(world.sent(), [], "a shell and a supervisor may both send it");
    assert_eq!(world.sleep(), Duration::from_secs(20), "nor does it give more time");
    assert_eq!(world.sent(), [(1, Signal::SIGKILL), (2, Signal::SIGKILL)]);
}

#[test]
fn int_during_a_graceful_stop_makes_it_quick_and_again_kills() {
    let mut world = World::still_serving(2);
    world.intent(Intent::Stop);
    world.sent();
    world.intent(Intent::StopNow);
    assert_eq!(world.sent(), [(1, Signal::SIGQUIT), (2, Signal::SIGQUIT)]);
    assert_eq!(world.supervisor.next_wake(), Some(world.now + Duration::from_secs(2)));
    world.intent(Intent::Stop);
    assert_eq!(world.sent(), [], "it does not become gentle again");
    world.intent(Intent::StopNow);
    assert_eq!(world.sent(), [(1, Signal::SIGKILL), (2, Signal::SIGKILL)]);
    world.intent(Intent::StopNow);
    assert_eq!(world.sent(), [], "a third changes nothing");
    world.exit(1, KILLED);
    world.exit(2, KILLED);
    assert_eq!(world.finished, Some(ExitReason::Ok));
}

#[test]
fn int_near_the_end_of_a_graceful_stop_does_not_lengthen_it() {
    let mut world = World::still_serving(1);
    world.intent(Intent::Stop);
    world.now += Duration::from_secs(29);
    world.intent(Intent::StopNow);
    assert_eq!(world.sleep(), Duration::from_secs(1));
}

#[test]
fn two_ints_kill_at_once() {
    let mut world = World::still_serving(1);
    world.intent(Intent::StopNow);
    world.intent(Intent::StopNow);
    assert_eq!(world.sent(), [(1, Signal::SIGQUIT), (1, Signal::SIGKILL)]);
}

#[test]
fn a_worker_that_is_forked_into_the_stop_is_told() {
    let mut world = World::still_serving(1);
    world.hold_forks = true;
    world.exit(1, KILLED);
    world.intent(Intent::Stop);
    assert_eq!((world.finished, world.listening), (None, false), "the order is not answered");
    world.answer_forks();
    assert_eq!(world.sent(), [(2, Signal::SIGTERM)]);
    world.exit(2, Ending::Code(0));
    assert_eq!(world.finished, Some(ExitReason::Ok));
}

/// A mold that is stuck in a fork.
#[test]
fn an_order_that_nobody_answers_does_not_lengthen_the_stop() {
    let mut world = World::still_serving(2);
    world.hold_forks = true;
    world.exit(1, KILLED);
    world.intent(Intent::Stop);
    assert_eq!(world.sent(), [(2, Signal::SIGTERM)]);
    assert_eq!(world.sleep(), Duration::from_secs(30));
    assert_eq!(world.sent(), [(2, Signal::SIGKILL)]);
    world.exit(2, KILLED);
    assert_eq!(world.finished, None, "the answer may bring a worker");
    world.answer_forks();
    assert_eq!(world.sent(), [(3, Signal::SIGKILL)]);
    world.exit(3, KILLED);
    assert_eq!(world.finished, Some(ExitReason::Ok));
}

#[test]
fn a_fork_that_fails_into_the_stop_ends_it() {
    let mut world = World::still_serving(1);
    (world.hold_forks, world.refuse_forks) = (true, true);
    world.exit(1, KILLED);
    world.intent(Intent::Stop);
    world.answer_forks();
    assert_eq!(world.finished, Some(ExitReason::Ok));
}

#[test]
fn a_worker_that_retires_already_keeps_its_own_time_and_hears_term_once() {
    let mut world = World::still_serving(2);
    world.intent(Intent::FewerWorkers);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM)]);
    world.now += Duration::from_secs(20);
    world.intent(Intent::Stop);
    assert_eq!(world.sent(), [(2, Signal::SIGTERM)]);
    assert_eq!(world.sleep(), Duration::from_secs(10));
    assert_eq!(world.sent(), [(1, Signal::SIGKILL)]);
    assert_eq!(world.sleep(), Duration::from_secs(20));
    assert_eq!(world.sent(), [(2, Signal::SIGKILL)]);
    world.assert_told(Fact::Killing { workers: 1 });
}

#[test]
fn a_quick_stop_reaches_those_that_retire() {
    let mut world = World::still_serving(2);
    world.say(1, Report::Retiring);
    world.intent(Intent::StopNow);
    assert_eq!(world.sent(), [(1, Signal::SIGQUIT), (2, Signal::SIGQUIT), (3, Signal::SIGQUIT)]);
}

#[test]
fn a_stop_during_a_reload_sees_both_generations_out() {
    let mut world = World::still_serving(2);
    world.intent(Intent::Reload);
    world.say(3, Report::Ready);
    world.words.clear();
    world.intent(Intent::Stop);
    assert_eq!(world.words, [Word::Stopping]);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM), (2, Signal::SIGTERM), (3, Signal::SIGTERM)]);
    for pid in 1..=3 {
        assert_eq!(world.finished, None);
        world.exit(pid, Ending::Code(0));
    }
    assert_eq!((world.finished, world.last_pid), (Some(ExitReason::Ok), 3));
}

#[test]
fn settings_that_are_read_into_the_stop_start_nothing() {
    let mut world = World::still_serving(1);
    world.settled = Settled::Unanswered;
    world.intent(Intent::Reload);
    world.intent(Intent::Stop);
    let prepared = world.prepare(2, policy(1));
    world.event(prepared);
    assert_eq!((world.last_pid, world.births.len()), (1, 1));
}

#[test]
fn nothing_but_the_end_is_possible_while_stopping() {
    let mut world = World::still_serving(1);
    world.intent(Intent::Stop);
    world.sent();
    world.facts.clear();
    for intent in
        [Intent::Reload, Intent::MoreWorkers, Intent::FewerWorkers, Intent::Upgrade, Intent::StopWorkers]
    {
        world.intent(intent);
    }
    assert_eq!((world.sent(), world.facts.len(), world.deeds.len()), (vec![], 0, 0));
    world.intent(Intent::ReopenLogs);
    assert_eq!((world.sent(), world.deeds.len()), (vec![(1, Signal::SIGUSR1)], 1));
    assert_eq!(world.deeds, [Action::ReopenLogs]);
    world.event(Event::Tick);
}
