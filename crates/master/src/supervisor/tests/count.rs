use rwsgi_os::{Report, Signal};

use super::world::*;
use crate::{
    Policy,
    event::{Action, Fact},
    intent::Intent,
};

#[test]
fn ttin_starts_one_worker_more_each() {
    let mut world = World::lively(policy(2));
    world.intent(Intent::MoreWorkers);
    world.intent(Intent::MoreWorkers);
    assert_eq!(world.facts, [3, 4].map(|workers| Fact::WorkersWanted { workers }));
    world.run(seconds(2));
    assert_eq!(world.serving(), [1, 2, 3, 4]);
}

#[test]
fn ttou_retires_the_oldest() {
    let mut world = World::lively(policy(3));
    world.exit(1, SEGFAULT);
    world.run(seconds(2));
    world.intent(Intent::FewerWorkers);
    assert_eq!(world.sent(), [(2, Signal::SIGTERM)]);
    assert_eq!(world.facts.last(), Some(&Fact::WorkersWanted { workers: 2 }));
    world.run(seconds(60));
    assert_eq!(world.serving(), [3, 4]);
}

#[test]
fn ttou_takes_the_seat_where_nobody_serves_first() {
    let mut world = World::still_serving(3);
    world.exit(3, KILLED);
    world.intent(Intent::FewerWorkers);
    assert_eq!(world.sent(), [(4, Signal::SIGTERM)], "it still loads");
    assert_eq!(world.serving(), [1, 2]);
    world.exit(4, CODE_0);
    assert_eq!(world.last_pid, 4);
}

#[test]
fn ttou_never_takes_the_last() {
    let mut world = World::lively(policy(2));
    for _ in 0..5 {
        world.intent(Intent::FewerWorkers);
    }
    assert_eq!(world.facts, [Fact::WorkersWanted { workers: 1 }]);
    world.intent(Intent::MoreWorkers);
    assert_eq!(world.facts.last(), Some(&Fact::WorkersWanted { workers: 2 }), "nothing was owed");
    world.run(seconds(60));
    assert_eq!(world.serving().len(), 2);
}

#[test]
fn a_worker_for_a_seat_that_is_gone_is_sent_away() {
    let mut world = World::still_serving(1);
    world.hold_forks = true;
    world.intent(Intent::MoreWorkers);
    world.intent(Intent::FewerWorkers);
    assert_eq!(world.sent(), [], "nobody who serves goes for it");
    world.answer_forks();
    assert_eq!(world.sent(), [(2, Signal::SIGTERM)]);
    world.exit(2, CODE_0);
    assert_eq!((world.last_pid, world.freed.clone()), (2, vec![1]));
}

#[test]
fn what_was_added_survives_a_reload_and_counts_from_the_new_number() {
    let mut world = World::lively(policy(2));
    world.intent(Intent::MoreWorkers);
    world.run(seconds(5));
    world.intent(Intent::Reload);
    world.run(seconds(60));
    assert_eq!(world.generations(), [2, 2, 2]);
    world.settled = Settled::To(policy(4));
    world.intent(Intent::Reload);
    world.run(seconds(60));
    assert_eq!(world.generations(), [3; 5]);
    world.settled = Settled::To(policy(1));
    world.intent(Intent::Reload);
    world.run(seconds(60));
    assert_eq!(world.generations(), [4, 4]);
}

#[test]
fn workers_come_and_go_during_a_reload_too() {
    let mut world = World::lively(policy(3));
    world.intent(Intent::Reload);
    world.intent(Intent::MoreWorkers);
    world.run(millis(1_600));
    world.intent(Intent::MoreWorkers);
    world.run(seconds(60));
    assert_eq!(world.generations(), [2; 5]);
    world.intent(Intent::Reload);
    world.run(millis(1_600));
    world.intent(Intent::FewerWorkers);
    world.intent(Intent::FewerWorkers);
    world.run(seconds(60));
    assert_eq!(world.generations(), [3; 3]);
    assert_eq!(world.pids(Kind::Worker).len(), 3);
}

#[test]
fn no_more_workers_than_the_scoreboard_has_room_for() {
    let mut world = World::with(policy(2), 4, Boot::ReadyAfter(seconds(1)));
    world.run(seconds(10));
    world.forget();
    world.intent(Intent::MoreWorkers);
    world.intent(Intent::MoreWorkers);
    assert_eq!(world.facts, [Fact::WorkersWanted { workers: 3 }, Fact::TooManyWorkers { most: 3 }]);
    world.settled = Settled::To(policy(100));
    world.intent(Intent::Reload);
    world.run(seconds(60));
    world.assert_told(Fact::TooManyWorkers { most: 3 });
    assert_eq!(world.generations(), [2, 2, 2]);
}

#[test]
fn winch_stops_the_workers_and_ttin_brings_them_back() {
    let mut world = World::lively(policy(2));
    world.intent(Intent::MoreWorkers);
    world.run(seconds(5));
    world.forget();
    world.intent(Intent::StopWorkers);
    assert_eq!(world.sent(), [1, 2, 3].map(|pid| (pid, Signal::SIGTERM)));
    assert_eq!(world.facts, [Fact::WorkersStopped]);
    assert!(world.listening);
    world.run(seconds(60));
    assert_eq!((world.pids(Kind::Worker).len(), world.supervisor.next_wake()), (0, None));
    assert!(world.supervisor.is_well());
    assert_eq!(world.supervisor.status().wanted, 0);
    world.intent(Intent::StopWorkers);
    world.intent(Intent::FewerWorkers);
    assert_eq!(world.facts.last(), Some(&Fact::WinchIgnored));
    world.intent(Intent::MoreWorkers);
    assert_eq!(world.facts.last(), Some(&Fact::WorkersWanted { workers: 3 }));
    world.run(seconds(5));
    assert_eq!(world.serving().len(), 3);
}

#[test]
fn hup_brings_the_workers_back_with_new_code() {
    let mut world = World::lively(policy(2));
    world.intent(Intent::StopWorkers);
    world.run(seconds(60));
    world.forget();
    world.intent(Intent::Reload);
    world.run(seconds(60));
    assert_eq!(world.generations(), [2, 2]);
    assert_eq!(world.births.len(), 2, "none of the old generation in between");
}

#[test]
fn hup_brings_the_workers_back_with_old_code_when_the_new_is_no_good() {
    for refused in [Settled::NoGood, Settled::To(policy(2))] {
        let mut world = World::lively(policy(2));
        world.intent(Intent::StopWorkers);
        world.run(seconds(60));
        world.boots.insert(2, Boot::EndsAfter(seconds(1), CODE_4));
        world.settled = refused;
        world.intent(Intent::Reload);
        world.run(seconds(60));
        assert_eq!((world.generations(), world.finished), (vec![1, 1], None));
    }
}

#[test]
fn winch_during_a_reload_ends_that_too() {
    let mut world = World::lively(policy(2));
    world.intent(Intent::Reload);
    world.intent(Intent::StopWorkers);
    world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
    world.run(seconds(60));
    assert_eq!(world.pids(Kind::Worker).len(), 0);
    world.intent(Intent::MoreWorkers);
    world.run(seconds(60));
    assert_eq!(world.generations(), [1, 1]);
}

#[test]
fn winch_after_the_new_code_has_proven_itself_keeps_that() {
    let mut world = World::lively(policy(3));
    world.intent(Intent::Reload);
    world.run_until(|world| world.generations() == [1, 2, 2]);
    world.intent(Intent::StopWorkers);
    assert_eq!(world.deeds.last(), Some(&Action::Adopt(2)));
    world.run(seconds(60));
    world.intent(Intent::MoreWorkers);
    world.run(seconds(60));
    assert_eq!(world.generations(), [2, 2, 2]);
}

#[test]
fn a_window_that_changes_its_size_changes_nothing() {
    let mut world = World::lively(policy(2));
    world.intent(Intent::WindowChanged);
    assert_eq!((world.facts.clone(), world.sent()), (vec![Fact::WinchIgnored], vec![]));
}

#[test]
fn usr1_reaches_everybody_and_the_young_when_they_can_take_it() {
    let mut world = World::with(Policy { mold: true, ..policy(1) }, 36, Boot::Hangs);
    world.intent(Intent::ReopenLogs);
    assert_eq!((world.sent(), world.deeds.last()), (vec![(1, Signal::SIGUSR1)], Some(&Action::ReopenLogs)));
    world.mold_ready(1);
    assert_eq!(world.sent(), [(1, Signal::SIGUSR1)], "it had been too young");
    world.intent(Intent::ReopenLogs);
    assert_eq!(world.sent(), [2, 1].map(|pid| (pid, Signal::SIGUSR1)));
    world.say(2, Report::Ready);
    assert_eq!(world.sent(), [(2, Signal::SIGUSR1)]);
    world.say(2, Report::Retiring);
    world.say(3, Report::Ready);
    assert_eq!(world.sent(), [], "it has the new logs");
    world.intent(Intent::ReopenLogs);
    assert_eq!(world.sent(), [2, 3, 1].map(|pid| (pid, Signal::SIGUSR1)));
}

#[test]
fn a_worker_that_was_ordered_before_the_logs_were_opened_again_is_told() {
    let mut world = World::still_serving(1);
    world.hold_forks = true;
    world.exit(1, KILLED);
    world.intent(Intent::ReopenLogs);
    world.answer_forks();
    world.say(2, Report::Ready);
    assert_eq!(world.sent(), [(2, Signal::SIGUSR1)]);
}
