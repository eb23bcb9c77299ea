use rwsgi_os::{Pid, Report, Signal};

use super::world::*;
use crate::{
    Policy,
    event::{Action, Fact, Word},
    intent::Intent,
};

#[test]
fn a_reload_replaces_one_worker_after_another_and_loses_no_place() {
    let mut world = World::lively(policy(3));
    world.intent(Intent::Reload);
    assert_eq!(world.deeds, [Action::Prepare(2)]);
    assert_eq!(world.words, [Word::Reloading]);
    let begun = world.now;
    let (mut least, mut most) = (3, 3);
    world.run_until(|world| {
        least = least.min(world.serving().len());
        most = most.max(world.workers(|process| process.told.is_empty()).len());
        world.words.len() > 1
    });
    assert_eq!((least, most), (3, 4));
    assert_eq!(world.sent(), [1, 2, 3].map(|pid| (pid, Signal::SIGTERM)));
    assert_eq!(
        (world.generations(), world.words.clone()),
        (vec![2, 2, 2], vec![Word::Reloading, Word::Ready])
    );
    assert_eq!(world.deeds, [Action::Prepare(2), Action::Adopt(2)]);
    let took = world.now - begun;
    assert_eq!(world.facts.first(), Some(&Fact::ReloadBegun { generation: 2 }));
    world.assert_told(Fact::Reloaded { generation: 2, workers: 3, took });
    assert_eq!(took, millis(3_500), "three boots of a second and the probation");
    assert!(!world.facts.iter().any(|fact| matches!(fact, Fact::AllReady { .. } | Fact::Retiring(_))));
}

#[test]
fn the_first_worker_is_on_probation_and_the_others_are_not() {
    let mut world = World::still_serving(2);
    world.intent(Intent::Reload);
    assert_eq!(world.births.len(), 3, "one at a time");
    world.say(3, Report::Ready);
    assert_eq!((world.sent(), world.births.len()), (vec![], 3));
    assert_eq!(world.sleep(), millis(500));
    assert_eq!(world.sent(), [(1, Signal::SIGTERM)]);
    assert_eq!(world.births.len(), 4);
    world.say(4, Report::Ready);
    assert_eq!(world.sent(), [(2, Signal::SIGTERM)]);
    assert_eq!(world.supervisor.status().generation, 2);
}

#[test]
fn a_reload_is_not_complete_while_an_old_worker_may_let_somebody_in() {
    let mut world = World::still_serving(2);
    world.forget();
    world.intent(Intent::Reload);
    world.say(3, Report::Ready);
    world.sleep();
    world.say(4, Report::Ready);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM), (2, Signal::SIGTERM)]);
    let is_announced = |world: &World| {
        let told = world.facts.iter().any(|fact| matches!(fact, Fact::Reloaded { generation: 2, .. }));
        assert_eq!((told, !told), (world.words.contains(&Word::Ready), world.supervisor.status().reloading));
        told
    };
    assert!(!is_announced(&world));
    world.say(2, Report::Retiring);
    assert!(!is_announced(&world));
    world.say(1, Report::Retiring);
    assert!(is_announced(&world));
}

#[test]
fn a_worker_that_is_gone_or_killed_does_not_hold_a_reload_up() {
    for killed in [false, true] {
        let mut world = World::still_serving(1);
        world.intent(Intent::Reload);
        world.say(2, Report::Ready);
        world.sleep();
        assert!(world.supervisor.status().reloading);
        if killed {
            assert_eq!(world.sleep(), GRACEFUL);
        } else {
            world.exit(1, CODE_0);
        }
        assert!(!world.supervisor.status().reloading);
        assert_eq!(world.words.last(), Some(&Word::Ready));
    }
}

#[test]
fn the_next_reload_ends_one_that_waits_for_old_workers() {
    let mut world = World::still_serving(1);
    world.intent(Intent::Reload);
    world.say(2, Report::Ready);
    world.sleep();
    world.forget();
    world.intent(Intent::Reload);
    assert_eq!(world.words, [Word::Ready, Word::Reloading]);
    assert!(matches!(world.facts[0], Fact::Reloaded { generation: 2, .. }), "{:?}", world.facts);
}

#[test]
fn an_old_worker_that_does_not_leave_in_time_is_killed() {
    let mut world = World::still_serving(1);
    world.intent(Intent::Reload);
    world.say(2, Report::Ready);
    world.sleep();
    assert_eq!(world.sent(), [(1, Signal::SIGTERM)]);
    assert_eq!(world.sleep(), GRACEFUL);
    assert_eq!(world.sent(), [(1, Signal::SIGKILL)]);
    world.assert_told(Fact::Overdue { kind: crate::event::Kind::Worker, pid: Pid::from_raw(1) });
    world.exit(1, KILLED);
    assert!(matches!(world.facts.last(), Some(Fact::Exited { killed: true, was_ready: true, .. })));
    assert_eq!((world.last_pid, world.supervisor.next_wake()), (2, None));
}

#[test]
fn settings_that_are_no_good_change_nothing() {
    let mut world = World::still_serving(2);
    world.settled = Settled::NoGood;
    world.forget();
    world.intent(Intent::Reload);
    world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
    assert_eq!(world.words, [Word::Reloading, Word::Ready]);
    assert_eq!(
        (world.deeds.clone(), world.births.len(), world.sent()),
        (vec![Action::Prepare(2)], 0, vec![])
    );
    assert!(!world.supervisor.status().reloading);
}

#[test]
fn new_code_that_does_not_load_has_cost_no_old_worker() {
    for ending in [CODE_3, CODE_4, SEGFAULT, KILLED, CODE_0] {
        let mut world = World::lively(policy(3));
        world.boots.insert(2, Boot::EndsAfter(seconds(1), ending));
        world.reload();
        assert_eq!((world.serving(), world.sent()), (vec![1, 2, 3], vec![]));
        assert_eq!(world.births.len(), 1, "it was tried once");
        world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
        assert_eq!(world.words, [Word::Reloading, Word::Ready]);
        assert_eq!(world.deeds, [Action::Prepare(2), Action::GiveUp(2)]);
        assert!(!world.facts.iter().any(|fact| matches!(fact, Fact::Replacing { .. })));
    }
}

#[test]
fn new_code_that_dies_within_its_probation_has_cost_no_old_worker() {
    let mut world = World::lively(policy(2));
    world.boots.insert(2, Boot::ReadyThenEnds(seconds(1), millis(499), SEGFAULT));
    world.reload();
    assert_eq!((world.serving(), world.sent()), (vec![1, 2], vec![]));
    world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
}

#[test]
fn new_code_that_leaves_within_its_probation_has_failed() {
    let mut world = World::still_serving(1);
    world.intent(Intent::Reload);
    world.say(2, Report::Ready);
    world.say(2, Report::Retiring);
    world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
    world.exit(2, CODE_0);
    assert_eq!((world.serving(), world.last_pid), (vec![1], 2));
}

#[test]
fn new_code_that_hangs_is_aborted_and_given_up() {
    let mut world = World::lively(policy(2));
    world.boots.insert(2, Boot::Hangs);
    let begun = world.now;
    world.intent(Intent::Reload);
    world.run_until(|world| world.words.len() > 1);
    assert_eq!(world.now - begun, seconds(60));
    world.run(seconds(60));
    assert_eq!((world.serving(), world.sent()), (vec![1, 2], vec![(3, Signal::SIGABRT)]));
    world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
    assert_eq!(world.deeds, [Action::Prepare(2), Action::GiveUp(2)]);
}

#[test]
fn a_failure_half_way_brings_the_old_generation_back_to_its_seats() {
    let mut world = World::lively(policy(3));
    world.intent(Intent::Reload);
    world.run_until(|world| world.generations() == [1, 2, 2]);
    let last = world.last_pid;
    world.exit(last, CODE_4);
    world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
    assert_eq!(world.words, [Word::Reloading, Word::Ready]);
    assert_eq!(world.deeds, [Action::Prepare(2)], "workers of it still serve");
    let mut least = 3;
    world.run_until(|world| {
        least = least.min(world.serving().len());
        world.generations() == [1, 1, 1]
    });
    assert_eq!((least, world.deeds.last()), (3, Some(&Action::GiveUp(2))));
    world.run(seconds(60));
    assert_eq!(world.pids(Kind::Worker).len(), 3);
}

#[test]
fn workers_of_a_failed_generation_that_load_yet_are_ended() {
    let mut world = World::still_serving(3);
    world.boots.insert(2, Boot::Hangs);
    world.settled = Settled::To(Policy { surge: 2, ..policy(3) });
    world.intent(Intent::Reload);
    assert_eq!(world.births.len(), 5);
    world.exit(4, CODE_4);
    assert_eq!(world.sent(), [(5, Signal::SIGTERM)]);
    assert!(!world.deeds.contains(&Action::GiveUp(2)), "one still loads");
    assert_eq!(world.sleep(), seconds(5));
    assert_eq!(world.sent(), [(5, Signal::SIGKILL)]);
    world.exit(5, KILLED);
    assert!(world.deeds.contains(&Action::GiveUp(2)));
}

#[test]
fn an_old_worker_that_dies_while_the_new_code_is_unproven_is_replaced_from_the_old() {
    let mut world = World::still_serving(2);
    world.intent(Intent::Reload);
    world.exit(1, KILLED);
    assert_eq!(world.births.last().map(|birth| birth.generation), Some(1));
    world.exit(2, KILLED);
    assert_eq!(world.births.last().map(|birth| birth.generation), Some(1));
    world.say(4, Report::Ready);
    world.say(5, Report::Ready);
    world.exit(3, CODE_4);
    assert_eq!((world.serving(), world.sent()), (vec![4, 5], vec![]));
    world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
}

#[test]
fn an_old_worker_that_dies_afterwards_is_replaced_from_the_new() {
    let mut world = World::still_serving(3);
    world.intent(Intent::Reload);
    world.say(4, Report::Ready);
    world.sleep();
    world.forget();
    world.exit(3, KILLED);
    assert_eq!(world.births.iter().map(|birth| birth.generation).collect::<Vec<_>>(), [2]);
}

#[test]
fn when_the_old_worker_dies_its_successor_has_the_seat() {
    let mut world = World::still_serving(1);
    world.intent(Intent::Reload);
    world.say(2, Report::Ready);
    world.exit(1, KILLED);
    assert_eq!(world.births.len(), 2, "one serves");
    world.sleep();
    assert_eq!(world.deeds.last(), Some(&Action::Adopt(2)));
    assert_eq!((world.births.len(), world.serving()), (2, vec![2]));
}

#[test]
fn old_code_that_crashes_all_the_time_does_not_hold_up_the_new() {
    let mut world = World::lively(policy(2));
    world.boots.insert(1, Boot::EndsAfter(millis(100), SEGFAULT));
    world.exit(1, SEGFAULT);
    world.exit(2, SEGFAULT);
    world.run(seconds(45));
    assert_eq!(world.serving(), []);
    world.intent(Intent::Reload);
    world.run(seconds(2));
    assert_eq!(world.generations(), [2, 2]);
}

#[test]
fn a_crash_of_all_old_workers_does_not_end_the_reload() {
    let mut world = World::lively(policy(2));
    world.boots.insert(1, Boot::EndsAfter(millis(100), SEGFAULT));
    world.boots.insert(2, Boot::ReadyAfter(seconds(20)));
    world.intent(Intent::Reload);
    world.exit(1, SEGFAULT);
    world.exit(2, SEGFAULT);
    world.run(seconds(50));
    assert_eq!(world.generations(), [2, 2]);
    assert_eq!(world.deeds.last(), Some(&Action::Adopt(2)));
}

#[test]
fn a_second_reload_overtakes_the_first() {
    let mut world = World::lively(policy(3));
    world.intent(Intent::Reload);
    world.run_until(|world| world.generations() == [1, 2, 2]);
    world.intent(Intent::Reload);
    world.assert_told(Fact::ReloadOvertaken { generation: 2 });
    assert_eq!(world.births.last().map(|birth| birth.generation), Some(3));
    let mut least = 3;
    world.run_until(|world| {
        least = least.min(world.serving().len());
        world.generations() == [3, 3, 3]
    });
    world.run(seconds(60));
    assert_eq!((least, world.pids(Kind::Worker).len()), (3, 3));
    assert_eq!(world.prepared.iter().collect::<Vec<_>>(), [&3]);
    assert_eq!(world.words, [Word::Reloading, Word::Reloading, Word::Ready]);
    assert!(world.births.iter().all(|birth| birth.generation != 1), "nobody goes back in between");
}

#[test]
fn settings_that_come_after_they_were_overtaken_are_given_up() {
    let mut world = World::still_serving(1);
    world.settled = Settled::Unanswered;
    world.intent(Intent::Reload);
    world.intent(Intent::Reload);
    let second = world.prepare(2, policy(1));
    world.event(second);
    assert_eq!(world.deeds.last(), Some(&Action::GiveUp(2)));
    assert_eq!(world.last_pid, 1);
    let third = world.prepare(3, policy(1));
    world.event(third);
    assert_eq!(world.births.last().map(|birth| birth.generation), Some(3));
}

#[test]
fn a_failure_of_both_generations_ends_with_the_one_that_served() {
    let mut world = World::lively(policy(2));
    world.intent(Intent::Reload);
    world.run_until(|world| world.generations() == [1, 2]);
    world.boots.insert(3, Boot::EndsAfter(seconds(1), CODE_4));
    world.intent(Intent::Reload);
    world.run(seconds(60));
    assert_eq!(world.generations(), [1, 1]);
    assert_eq!(world.prepared.iter().collect::<Vec<_>>(), [&1]);
}

#[test]
fn a_reload_that_gets_no_process_goes_on_when_there_is_one() {
    let mut world = World::lively(policy(2));
    world.refuse_forks = true;
    world.intent(Intent::Reload);
    world.run(seconds(20));
    assert_eq!((world.serving(), world.words.len()), (vec![1, 2], 1));
    world.refuse_forks = false;
    world.run(seconds(60));
    assert_eq!(world.generations(), [2, 2]);
}

#[test]
fn nobody_is_killed_who_was_reaped() {
    let mut world = World::lively(policy(4));
    for _ in 0..20 {
        world.intent(Intent::Reload);
        world.run(millis(700));
    }
    world.run(seconds(60));
    assert_eq!(world.generations(), [21; 4]);
    assert_eq!(world.prepared.iter().collect::<Vec<_>>(), [&21]);
}

#[test]
fn the_oldest_goes_first() {
    let mut world = World::lively(policy(3));
    world.exit(1, SEGFAULT);
    world.run(seconds(10));
    world.reload();
    assert_eq!(world.sent(), [2, 3, 4].map(|pid| (pid, Signal::SIGTERM)));
}

#[test]
fn what_loads_of_the_old_generation_is_ended_when_the_new_one_is_proven() {
    let mut world = World::still_serving(2);
    world.intent(Intent::Reload);
    world.say(3, Report::Ready);
    world.exit(2, KILLED);
    assert_eq!(world.births.last().map(|birth| birth.generation), Some(1));
    world.sleep();
    assert_eq!(world.sent(), [(4, Signal::SIGTERM), (1, Signal::SIGTERM)]);
    assert_eq!(world.births.last().map(|birth| birth.generation), Some(2));
}

#[test]
fn a_reload_of_a_server_that_waited_fills_all_seats_at_once() {
    let mut world = World::with(Policy { patient: true, ..policy(3) }, 40, Boot::Hangs);
    world.exit(1, CODE_4);
    world.intent(Intent::Reload);
    world.say(4, Report::Ready);
    world.forget();
    world.intent(Intent::Reload);
    assert_eq!(world.births.iter().filter(|birth| birth.generation == 3).count(), 3);
}

#[test]
fn a_generation_is_not_given_up_while_a_fork_for_it_is_ordered() {
    let mut world = World::still_serving(1);
    world.hold_forks = true;
    world.intent(Intent::Reload);
    world.settled = Settled::NoGood;
    world.intent(Intent::Reload);
    world.answer_forks();
    assert_eq!(world.sent(), [(2, Signal::SIGTERM)]);
    assert_eq!(world.deeds, [Action::Prepare(2), Action::Prepare(3)]);
    world.exit(2, CODE_0);
    assert_eq!(world.deeds.last(), Some(&Action::GiveUp(2)));
}
