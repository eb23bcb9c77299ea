//! Settings in files that molds execute, and the occasions that they are told of.

use rwsgi_os::{Ending, ExitReason, Pid, Signal};

use super::world::*;
use crate::{
    Occasion, Policy,
    event::{Action, Event, Fact},
    intent::Intent,
};

/// With server hooks.
fn attended(workers: usize) -> Policy {
    Policy { mold: true, attended: true, ..policy(workers) }
}

fn in_file(policy: Policy) -> Settled {
    Settled::InFile(Policy { mold: true, ..policy })
}

fn told(world: &World) -> Vec<Occasion> {
    world.occasions.iter().map(|(_, occasion)| *occasion).collect()
}

#[test]
fn a_reload_begins_with_a_mold_that_executes_the_file() {
    let mut world = World::lively(policy(2));
    world.settled = in_file(policy(2));
    world.reload();
    let deeds =
        [Action::Prepare(2), Action::StartMold(2), Action::Accept(2), Action::Load(2), Action::Adopt(2)];
    assert_eq!(world.deeds, deeds);
    assert_eq!((world.generations(), world.pids(Kind::Mold).len()), (vec![2, 2], 1));
}

#[test]
fn while_the_file_is_executed_the_old_generation_lives_as_ever() {
    let mut world = World::lively(policy(2));
    (world.settled, world.molds) = (in_file(policy(2)), Boot::ReadyAfter(seconds(30)));
    world.intent(Intent::Reload);
    let worker = world.serving()[0];
    world.exit(worker, KILLED);
    world.run(seconds(5));
    assert_eq!(world.generations(), [1, 1]);
    world.intent(Intent::MoreWorkers);
    world.run(seconds(5));
    assert_eq!(world.generations(), [1, 1, 1]);
    world.run(seconds(120));
    assert_eq!(world.generations(), [2, 2, 2]);
}

#[test]
fn a_file_that_does_not_end_is_given_up_in_the_time_of_those_that_serve() {
    let mut world = World::lively(Policy { boot_timeout: Some(seconds(7)), ..policy(2) });
    let before = world.serving();
    (world.settled, world.molds) = (in_file(policy(2)), Boot::Hangs);
    world.intent(Intent::Reload);
    let mold = world.pids(Kind::Mold)[0];
    assert_eq!(world.sleep(), seconds(7));
    world.assert_told(Fact::SettingsTimeout { pid: Pid::from_raw(mold), limit: seconds(7) });
    world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
    assert_eq!(world.sent(), [(mold, Signal::SIGABRT)]);
    world.run(seconds(60));
    assert_eq!((world.serving(), world.pids(Kind::Mold).len()), (before, 0));
    assert_eq!(world.deeds, [Action::Prepare(2), Action::StartMold(2), Action::GiveUp(2)]);
}

#[test]
fn the_time_for_loading_begins_when_the_settings_are_accepted() {
    let mut world = World::lively(policy(2));
    (world.settled, world.molds) = (in_file(policy(2)), Boot::ReadyAfter(seconds(50)));
    world.reload();
    world.run(seconds(60));
    assert_eq!(world.generations(), [2, 2], "twice fifty seconds, of sixty each");
}

#[test]
fn a_mold_that_ends_before_its_settings_ends_the_reload() {
    for ending in [CODE_0, CODE_3, Ending::Code(1), SEGFAULT] {
        let mut world = World::lively(policy(2));
        (world.settled, world.molds) = (in_file(policy(2)), Boot::EndsAfter(seconds(1), ending));
        world.reload();
        world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
        assert_eq!((world.finished, world.generations()), (None, vec![1, 1]));
        assert_eq!(world.deeds, [Action::Prepare(2), Action::StartMold(2), Action::GiveUp(2)], "not again");
    }
}

#[test]
fn settings_that_are_no_good_send_their_mold_away() {
    let mut world = World::lively(policy(2));
    world.settled = in_file(policy(2));
    world.intent(Intent::Reload);
    world.settled = Settled::NoGood;
    world.run(seconds(60));
    world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
    assert_eq!((world.generations(), world.pids(Kind::Mold).len()), (vec![1, 1], 0));
}

#[test]
fn a_newer_reload_takes_the_place_of_a_file_that_is_executed() {
    let mut world = World::lively(policy(2));
    (world.settled, world.molds) = (in_file(policy(2)), Boot::Hangs);
    world.intent(Intent::Reload);
    let mold = world.pids(Kind::Mold)[0];
    world.molds = Boot::ReadyAfter(seconds(1));
    world.reload();
    world.assert_told(Fact::ReloadOvertaken { generation: 2 });
    assert!(world.sent.contains(&(mold, Signal::SIGTERM)));
    assert_eq!((world.generations(), world.pids(Kind::Mold).len()), (vec![3, 3], 1));
}

#[test]
fn a_stop_ends_a_file_that_is_executed() {
    let mut world = World::lively(policy(1));
    (world.settled, world.molds) = (in_file(policy(1)), Boot::Hangs);
    world.intent(Intent::Reload);
    let mold = world.pids(Kind::Mold)[0];
    world.intent(Intent::Stop);
    assert!(world.sent.contains(&(mold, Signal::SIGTERM)));
    world.run(seconds(5));
    assert_eq!(world.finished, Some(ExitReason::Ok));
}

#[test]
fn a_mold_that_has_told_its_settings_before_the_start_is_not_asked_again() {
    let settings = super::Settings { policy: attended(2), slots: 40, processors: MANY, predecessor: false };
    let mut world = World::asleep(settings, Boot::ReadyAfter(seconds(1)));
    world.first_mold();
    world.event(Event::Tick);
    assert_eq!(world.deeds, [Action::Load(1)]);
    world.run(seconds(60));
    assert_eq!((world.serving().len(), told(&world)), (2, vec![Occasion::Ready]));
}

#[test]
fn a_mold_that_dies_executes_the_file_again_and_is_told_nothing_twice() {
    let mut world = World::lively(attended(2));
    let mold = world.pids(Kind::Mold)[0];
    world.exit(mold, KILLED);
    world.run(seconds(60));
    assert_eq!(world.deeds, [Action::StartMold(1), Action::Load(1)]);
    assert_eq!((told(&world), world.pids(Kind::Mold).len()), (vec![], 1));
}

#[test]
fn no_worker_is_forked_before_the_hook_is_done() {
    let mut world = World::with(attended(2), 40, Boot::ReadyAfter(seconds(1)));
    world.leaves_after = None;
    world.run(seconds(30));
    assert_eq!((told(&world), world.births.len()), (vec![Occasion::Ready], 0));
    world.attended(1, Occasion::Ready, true);
    assert_eq!(world.births.len(), 2);
}

#[test]
fn a_start_that_its_hook_refuses_ends_with_the_code_of_a_wrong_configuration() {
    let mut world = World::asleep(
        super::Settings { policy: attended(2), slots: 40, processors: MANY, predecessor: false },
        Boot::ReadyAfter(seconds(1)),
    );
    world.hooks_fail = true;
    world.event(Event::Tick);
    world.run(seconds(30));
    assert_eq!((world.finished, world.births.len()), (Some(ExitReason::Config), 0));
}

#[test]
fn a_reload_tells_of_the_count_then_of_itself_and_can_be_refused() {
    let mut world = World::lively(attended(2));
    world.settled = Settled::To(attended(3));
    world.reload();
    let changed = Occasion::WorkersChanged { new: 3, old: Some(2) };
    assert_eq!(world.occasions[..2], [(2, changed), (2, Occasion::Reloaded)]);
    let before = world.serving();
    (world.hooks_fail, world.settled) = (true, Settled::To(attended(1)));
    world.reload();
    world.assert_told(Fact::ReloadFailed { failed: 3, serving: 2 });
    assert_eq!((world.serving(), world.pids(Kind::Mold).len()), (before, 1));
}

#[test]
fn the_mold_of_a_worker_hears_of_its_end() {
    let mut world = World::lively(attended(2));
    let worker = world.serving()[0];
    world.exit(worker, KILLED);
    let exited = Occasion::ChildExited { pid: Pid::from_raw(worker), number: 1 };
    assert_eq!(world.occasions, [(1, exited)]);
    world.run(seconds(60));
    world.forget();
    world.reload();
    let of_old = world.occasions.iter().filter(|(generation, it)| *generation == 1 && is_exit(it)).count();
    assert_eq!(
        (of_old, world.pids(Kind::Mold).len()),
        (2, 1),
        "it stays until the last worker of it has left"
    );
}

fn is_exit(occasion: &Occasion) -> bool {
    matches!(occasion, Occasion::ChildExited { .. })
}

#[test]
fn nobody_hears_of_workers_that_fail_to_boot() {
    let mut world = World::lively(attended(1));
    world.boots.insert(1, Boot::EndsAfter(millis(1), CODE_4));
    let worker = world.serving()[0];
    world.exit(worker, KILLED);
    world.run(seconds(20));
    assert_eq!(told(&world).len(), 1);
}

#[test]
fn more_and_fewer_workers_and_a_successor_are_told() {
    let mut world = World::lively(attended(2));
    world.intent(Intent::MoreWorkers);
    world.intent(Intent::FewerWorkers);
    world.intent(Intent::Upgrade);
    let changed = |new, old| Occasion::WorkersChanged { new, old: Some(old) };
    assert_eq!(told(&world), [changed(3, 2), changed(2, 3), Occasion::Executing]);
    let mut silent = World::lively(Policy { mold: true, ..policy(2) });
    silent.intent(Intent::MoreWorkers);
    assert_eq!(told(&silent), []);
}

#[test]
fn the_last_words_come_when_all_workers_are_gone() {
    let mut world = World::lively(attended(2));
    let mold = world.pids(Kind::Mold)[0];
    world.intent(Intent::Stop);
    assert!(world.sent().iter().all(|(pid, _)| *pid != mold));
    world.run(seconds(10));
    assert_eq!(world.finished, Some(ExitReason::Ok));
    let order = told(&world);
    assert!(is_exit(&order[0]) && is_exit(&order[1]) && order[2..] == [Occasion::Exiting], "{order:?}");
}

#[test]
fn last_words_have_what_is_left_of_the_time_and_at_least_five_seconds() {
    let mut world = World::lively(attended(1));
    let (mold, worker) = (world.pids(Kind::Mold)[0], world.serving()[0]);
    world.leaves_after = None;
    world.intent(Intent::Stop);
    world.now += GRACEFUL - seconds(2);
    world.exit(worker, CODE_0);
    assert_eq!((world.sleep(), told(&world).len()), (seconds(5), 2));
    assert_eq!(world.sent().last(), Some(&(mold, Signal::SIGKILL)));
    world.exit(mold, KILLED);
    assert_eq!(world.finished, Some(ExitReason::Ok));
}

#[test]
fn a_mold_with_threads_stays_for_the_occasions_while_the_master_forks() {
    let mut world = World::with(attended(2), 40, Boot::ReadyAfter(seconds(1)));
    world.run(millis(1_500));
    world.mold_has_threads(1);
    world.run(seconds(60));
    assert_eq!((world.serving().len(), world.pids(Kind::Mold).len()), (2, 1));
    assert_eq!(told(&world), [Occasion::Ready]);
}

#[test]
fn a_mold_that_keeps_an_order_back_does_not_outlive_the_server() {
    let mut world = World::lively(attended(2));
    let (mold, worker) = (world.pids(Kind::Mold)[0], world.serving()[0]);
    world.hold_forks = true;
    world.exit(worker, KILLED);
    world.run(seconds(5));
    let birth = *world.births.last().expect("the order for another worker");
    world.intent(Intent::Stop);
    world.run(GRACEFUL + millis(500));
    assert_eq!((world.sent().last(), world.finished), (Some(&(mold, Signal::SIGKILL)), None));
    // Its end is the answer.
    world.event(Event::ForkFailed(birth));
    assert_eq!((world.finished, world.processes.len()), (Some(ExitReason::Ok), 0));
}
