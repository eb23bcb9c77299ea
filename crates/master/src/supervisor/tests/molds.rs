use rwsgi_os::{ExitReason, Pid, Signal};

use super::world::*;
use crate::{
    Policy,
    event::{Action, Event, Fact},
    intent::Intent,
};

fn preloaded(workers: usize) -> Policy {
    Policy { mold: true, ..policy(workers) }
}

fn still() -> World {
    World::with(preloaded(2), 40, Boot::Hangs)
}

#[test]
fn no_worker_is_forked_before_the_mold_is_ready() {
    let mut world = still();
    assert_eq!((world.deeds.clone(), world.births.len()), (vec![Action::StartMold(1)], 0));
    world.event(Event::Tick);
    assert_eq!(world.last_pid, 1, "one is enough");
    world.mold_ready(1);
    assert_eq!(world.births.len(), 2);
}

#[test]
fn workers_are_forked_directly_where_the_mold_is_unfit() {
    let mut world = still();
    world.event(Event::MoldUnfit(1));
    assert_eq!((world.births.len(), world.sent()), (2, vec![]));
    world.exit(1, CODE_0);
    world.run(seconds(20));
    assert_eq!(world.deeds, [Action::StartMold(1)], "no other is made");
    world.exit(2, SEGFAULT);
    assert_eq!(world.births.len(), 3);
}

#[test]
fn an_unfit_mold_that_does_not_end_is_killed() {
    let mut world = still();
    world.event(Event::MoldUnfit(1));
    assert_eq!(world.sleep(), seconds(5));
    assert_eq!(world.sent(), [(1, Signal::SIGKILL)]);
}

#[test]
fn a_mold_that_fails_at_the_first_start_ends_the_server_with_its_code() {
    for (ending, reason) in [(CODE_3, ExitReason::BootFailed), (CODE_4, ExitReason::AppLoadFailed)] {
        let mut world = still();
        world.exit(1, ending);
        assert_eq!((world.finished, world.last_pid), (Some(reason), 1));
        assert!(matches!(world.facts[0], Fact::MoldExited { generation: 1, was_ready: false, .. }));
    }
}

#[test]
fn a_patient_server_waits_when_its_mold_fails() {
    let mut world = World::with(Policy { patient: true, ..preloaded(2) }, 40, Boot::Hangs);
    world.exit(1, CODE_4);
    world.assert_told(Fact::WaitingForReload);
    assert_eq!((world.last_pid, world.supervisor.next_wake()), (1, None));
    world.intent(Intent::Reload);
    world.mold_ready(2);
    assert_eq!(world.births.iter().map(|birth| birth.generation).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn a_mold_that_crashes_at_the_first_start_is_tried_again_with_back_off() {
    let mut world = World::with(Policy { boot_timeout: None, ..preloaded(2) }, 40, Boot::Hangs);
    world.exit(1, SEGFAULT);
    let mut waited = Vec::new();
    for pid in 2..6 {
        assert_eq!(world.last_pid, pid);
        world.exit(pid, SEGFAULT);
        waited.push(world.sleep().as_secs());
    }
    assert_eq!(waited, [1, 2, 4, 8]);
}

#[test]
fn a_mold_that_hangs_is_aborted_then_killed() {
    let mut world = still();
    assert_eq!(world.sleep(), seconds(60));
    world.assert_told(Fact::BootTimeout {
        kind: crate::event::Kind::Mold,
        pid: Pid::from_raw(1),
        limit: seconds(60),
    });
    assert_eq!(world.sleep(), seconds(5));
    assert_eq!(world.sent(), [(1, Signal::SIGABRT), (1, Signal::SIGKILL)]);
    assert_eq!(world.last_pid, 1, "not two at a time");
    world.exit(1, KILLED);
    assert_eq!(world.last_pid, 2);
}

#[test]
fn a_mold_that_dies_is_rebuilt_and_the_workers_live_on() {
    let mut world = World::lively(preloaded(2));
    let mold = world.pids(Kind::Mold)[0];
    let workers = world.serving();
    world.exit(mold, KILLED);
    assert_eq!(world.deeds, [Action::StartMold(1)]);
    world.exit(workers[0], KILLED);
    assert_eq!(world.births.len(), 0, "a worker waits for it");
    world.run(seconds(3));
    assert_eq!(world.births.len(), 1);
    assert_eq!(world.serving().len(), 2);
    assert!(world.serving().contains(&workers[1]));
    assert_eq!(world.sent(), []);
}

#[test]
fn a_mold_that_does_not_load_any_more_does_not_end_the_server() {
    let mut world = World::lively(preloaded(2));
    world.molds = Boot::EndsAfter(millis(100), CODE_4);
    let mold = world.pids(Kind::Mold)[0];
    world.exit(mold, KILLED);
    world.run(seconds(120));
    assert_eq!((world.finished, world.serving().len(), world.sent()), (None, 2, vec![]));
    assert!(world.deeds.len() > 3 && world.deeds.len() < 12, "{}", world.deeds.len());
}

#[test]
fn a_reload_builds_a_new_mold_and_ends_the_old_one() {
    let mut world = World::lively(preloaded(2));
    let old = world.pids(Kind::Mold)[0];
    world.intent(Intent::Reload);
    assert_eq!(world.deeds, [Action::Prepare(2), Action::StartMold(2)]);
    world.run(seconds(60));
    assert_eq!(world.generations(), [2, 2]);
    assert!(world.sent.contains(&(old, Signal::SIGTERM)));
    assert_eq!(world.pids(Kind::Mold).len(), 1);
    assert_eq!(world.deeds.last(), Some(&Action::Adopt(2)));
}

#[test]
fn a_mold_that_fails_fails_the_reload() {
    for boot in [Boot::EndsAfter(seconds(1), CODE_4), Boot::EndsAfter(seconds(1), SEGFAULT), Boot::Hangs] {
        let mut world = World::lively(preloaded(2));
        let (mold, workers) = (world.pids(Kind::Mold), world.serving());
        world.molds = boot;
        world.intent(Intent::Reload);
        world.run(seconds(120));
        world.assert_told(Fact::ReloadFailed { failed: 2, serving: 1 });
        assert_eq!((world.serving(), world.births.len()), (workers, 0));
        assert_eq!(world.pids(Kind::Mold), mold);
        assert_eq!(world.deeds, [Action::Prepare(2), Action::StartMold(2), Action::GiveUp(2)]);
    }
}

#[test]
fn the_old_mold_serves_until_the_new_generation_is_proven() {
    let mut world = World::lively(preloaded(2));
    world.molds = Boot::ReadyAfter(seconds(30));
    let worker = world.serving()[0];
    world.intent(Intent::Reload);
    world.run(seconds(1));
    world.exit(worker, KILLED);
    world.run(seconds(2));
    assert_eq!(world.generations(), [1, 1]);
    world.run(seconds(60));
    assert_eq!(world.generations(), [2, 2]);
}

#[test]
fn a_failed_reload_ends_its_mold() {
    let mut world = World::lively(preloaded(2));
    let old = world.pids(Kind::Mold);
    world.boots.insert(2, Boot::EndsAfter(seconds(1), CODE_4));
    world.intent(Intent::Reload);
    world.run(seconds(60));
    assert_eq!(world.pids(Kind::Mold), old);
}

#[test]
fn preload_can_come_and_go_with_a_reload() {
    let mut world = World::lively(policy(2));
    world.settled = Settled::To(preloaded(2));
    world.intent(Intent::Reload);
    world.run(seconds(60));
    assert_eq!((world.generations(), world.pids(Kind::Mold).len()), (vec![2, 2], 1));
    world.settled = Settled::To(policy(2));
    world.intent(Intent::Reload);
    world.run(seconds(60));
    assert_eq!((world.generations(), world.pids(Kind::Mold).len()), (vec![3, 3], 0));
}

#[test]
fn molds_are_seen_out_like_workers() {
    let mut world = World::lively(preloaded(1));
    let (mold, worker) = (world.pids(Kind::Mold)[0], world.serving()[0]);
    world.leaves_after = None;
    world.intent(Intent::Stop);
    assert_eq!(world.sent(), [(worker, Signal::SIGTERM), (mold, Signal::SIGTERM)]);
    world.exit(worker, CODE_0);
    assert_eq!(world.finished, None);
    assert_eq!(world.sleep(), GRACEFUL);
    assert_eq!(world.sent(), [(mold, Signal::SIGKILL)]);
    world.exit(mold, KILLED);
    assert_eq!(world.finished, Some(ExitReason::Ok));
}

#[test]
fn a_stop_while_the_mold_loads_sees_it_out() {
    let mut world = still();
    world.intent(Intent::StopNow);
    assert_eq!(world.sent(), [(1, Signal::SIGQUIT)]);
    world.exit(1, CODE_4);
    assert_eq!((world.finished, world.last_pid), (Some(ExitReason::Ok), 1));
}

#[test]
fn a_mold_that_cannot_be_forked_is_tried_again() {
    let mut world = still();
    world.exit(1, SEGFAULT);
    world.molds = Boot::Hangs;
    world.processes.remove(&2);
    let exit = crate::event::Exit { pid: Pid::from_raw(2), ending: SEGFAULT, out_of_memory: false };
    world.refuse_forks = true;
    world.event(Event::Exited(exit));
    assert_eq!(world.sleep(), seconds(1));
    world.assert_told(Fact::ForkFailed { delay: seconds(2) });
    world.refuse_forks = false;
    assert_eq!(world.sleep(), seconds(2));
    assert_eq!(world.last_pid, 3);
}

#[test]
fn a_mold_that_has_lasted_starts_the_back_off_over() {
    let mut world = still();
    for pid in 1..4 {
        if world.last_pid < pid {
            world.sleep();
        }
        world.exit(pid, SEGFAULT);
    }
    assert_eq!(world.sleep(), seconds(2));
    world.mold_ready(4);
    world.now += seconds(5);
    world.exit(4, KILLED);
    assert_eq!(world.pids(Kind::Mold).len(), 1);
    let mold = world.last_pid;
    world.exit(mold, KILLED);
    assert_eq!(world.pids(Kind::Mold).len(), 1, "the first failure is retried at once");
}

#[test]
fn without_its_mold_the_old_generation_does_not_leave_its_seats_to_the_unproven() {
    let mut world = World::lively(preloaded(4));
    world.molds = Boot::Hangs;
    world.boots.insert(2, Boot::Hangs);
    for pid in world.processes.keys().copied().collect::<Vec<_>>() {
        if pid != 2 {
            world.exit(pid, KILLED);
        }
    }
    world.settled = Settled::To(policy(4));
    world.intent(Intent::Reload);
    world.run(seconds(10));
    world.exit(2, KILLED);
    assert_eq!(world.births.iter().map(|birth| birth.generation).collect::<Vec<_>>(), [2], "surge is one");
}

#[test]
fn a_mold_that_is_forked_into_the_stop_is_seen_out() {
    let mut world = World::asleep(
        super::Settings { policy: preloaded(1), slots: 36, processors: MANY, predecessor: false },
        Boot::Hangs,
    );
    world.hold_forks = true;
    world.event(Event::Tick);
    world.intent(Intent::Stop);
    assert_eq!(world.finished, None);
    world.answer_forks();
    assert_eq!(world.sent(), [(1, Signal::SIGTERM)]);
    world.exit(1, CODE_0);
    assert_eq!(world.finished, Some(ExitReason::Ok));
}
