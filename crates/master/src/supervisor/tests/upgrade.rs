use rwsgi_os::{ExitReason, Pid, Signal};

use super::{Settings, world::*};
use crate::{
    event::{Action, Event, Fact, Word},
    intent::Intent,
};

#[test]
fn usr2_starts_a_successor_and_only_one() {
    let mut world = World::lively(policy(1));
    world.intent(Intent::Upgrade);
    assert_eq!(world.deeds, [Action::StartSuccessor, Action::SetSucceeded(true)]);
    assert_eq!(world.facts, [Fact::UpgradeBegun(Pid::from_raw(2))]);
    world.intent(Intent::Upgrade);
    assert_eq!(world.facts.last(), Some(&Fact::UpgradeIgnored { successor: true }));
    assert_eq!(world.last_pid, 2);
}

#[test]
fn a_successor_that_ends_makes_room_for_another() {
    let mut world = World::lively(policy(1));
    world.intent(Intent::Upgrade);
    world.exit(2, CODE_3);
    assert_eq!(world.deeds.last(), Some(&Action::SetSucceeded(false)));
    assert!(matches!(world.facts.last(), Some(Fact::SuccessorExited(exit)) if exit.pid.as_raw() == 2));
    assert_eq!((world.finished, world.serving()), (None, vec![1]));
    world.intent(Intent::Upgrade);
    assert_eq!(world.last_pid, 3);
}

#[test]
fn a_successor_that_could_not_be_started_makes_room_for_another() {
    let mut world = World::lively(policy(1));
    world.refuse_forks = true;
    world.intent(Intent::Upgrade);
    world.refuse_forks = false;
    world.intent(Intent::Upgrade);
    assert_eq!(world.deeds, [Action::StartSuccessor, Action::StartSuccessor, Action::SetSucceeded(true)]);
}

#[test]
fn gunicorns_procedure_hands_over_to_the_successor() {
    let mut world = World::lively(policy(2));
    world.intent(Intent::Upgrade);
    world.intent(Intent::StopWorkers);
    world.run(seconds(60));
    assert_eq!(world.pids(Kind::Worker).len(), 0);
    world.forget();
    world.intent(Intent::Stop);
    assert_eq!(world.words, [Word::MainPid(Pid::from_raw(3))]);
    assert_eq!((world.finished, world.sent()), (Some(ExitReason::Ok), vec![]), "the successor lives on");
}

#[test]
fn gunicorns_procedure_goes_back_to_the_old_master() {
    let mut world = World::lively(policy(2));
    world.intent(Intent::Upgrade);
    world.intent(Intent::StopWorkers);
    world.run(seconds(60));
    world.intent(Intent::Reload);
    world.exit(3, CODE_0);
    world.run(seconds(60));
    assert_eq!(world.serving().len(), 2);
    world.intent(Intent::Stop);
    assert_eq!(world.words.last(), Some(&Word::Stopping));
}

#[test]
fn a_successor_refuses_usr2_until_it_is_promoted() {
    let settings = Settings { policy: policy(1), slots: 36, processors: MANY, predecessor: true };
    let mut world = World::asleep(settings, Boot::Hangs);
    world.event(Event::Tick);
    world.intent(Intent::Upgrade);
    assert_eq!(world.facts, [Fact::UpgradeIgnored { successor: false }]);
    world.event(Event::PredecessorGone);
    world.event(Event::PredecessorGone);
    assert_eq!(world.deeds, [Action::Promote]);
    assert_eq!(world.facts.last(), Some(&Fact::Promoted));
    world.intent(Intent::Upgrade);
    assert_eq!(world.deeds.last(), Some(&Action::SetSucceeded(true)));
}

#[test]
fn a_promoted_master_ends_the_reload_that_its_predecessor_had_begun() {
    let settings = Settings { policy: policy(1), slots: 36, processors: MANY, predecessor: true };
    let mut world = World::asleep(settings, Boot::ReadyAfter(seconds(1)));
    world.event(Event::Tick);
    world.run(seconds(60));
    let told = world.words.len();
    world.event(Event::PredecessorGone);
    assert_eq!(world.words[told..], [Word::Ready]);
}

#[test]
fn a_successor_that_starts_into_the_stop_becomes_the_service() {
    let mut world = World::lively(policy(1));
    world.hold_forks = true;
    world.intent(Intent::Upgrade);
    world.intent(Intent::Stop);
    world.exit(1, CODE_0);
    assert_eq!((world.finished, world.sent()), (None, vec![(1, Signal::SIGTERM)]));
    let pid = world.start_successor();
    assert_eq!(world.words, [Word::Stopping, Word::MainPid(pid)]);
    assert_eq!(world.finished, Some(ExitReason::Ok));
}
