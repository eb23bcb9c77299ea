use std::time::Duration;

use rwsgi_os::{Ending, ExitReason, Pid, Report, Signal};

use super::{Settings, world::*};
use crate::{
    Policy,
    event::{Event, Fact, Word},
    intent::Intent,
};

#[test]
fn all_workers_start_at_once_in_their_own_slots() {
    let world = World::still(3);
    let slots: Vec<usize> = world.births.iter().map(|birth| birth.slot).collect();
    let numbers: Vec<u64> = world.births.iter().map(|birth| birth.number).collect();
    assert_eq!((slots, numbers), (vec![0, 1, 2], vec![1, 2, 3]));
    assert_eq!(world.supervisor.next_wake(), None);
}

/// Five workers on two processors.
fn crowded() -> World {
    let policy = Policy { boot_timeout: None, ..policy(5) };
    let settings = Settings { policy, slots: 12, processors: 2, predecessor: false };
    let mut world = World::asleep(settings, Boot::Hangs);
    world.event(Event::Tick);
    world
}

#[test]
fn until_somebody_serves_no_more_load_at_a_time_than_there_are_processors() {
    let mut world = crowded();
    assert_eq!(world.last_pid, 2);
    world.exit(1, SEGFAULT);
    assert_eq!(world.last_pid, 3, "one for the one that has ended");
    world.say(2, Report::Ready);
    assert_eq!(world.last_pid, 6, "all of them");
    assert_eq!(world.supervisor.next_wake(), None);
}

#[test]
fn workers_that_load_slowly_hold_nobody_up_for_long() {
    let mut world = crowded();
    assert_eq!(world.sleep(), seconds(1));
    assert_eq!(world.last_pid, 5);
    assert_eq!(world.supervisor.next_wake(), None);
}

#[test]
fn where_one_serves_the_others_start_at_once() {
    let mut world = crowded();
    world.say(1, Report::Ready);
    for pid in 2..=5 {
        world.say(pid, Report::Ready);
    }
    world.now += seconds(10);
    for pid in 2..=5 {
        world.exit(pid, KILLED);
    }
    assert_eq!(world.last_pid, 9);
}

#[test]
fn readiness_is_announced_once() {
    let mut world = World::still(2);
    world.say(2, Report::Ready);
    assert_eq!(world.facts, []);
    world.say(1, Report::Ready);
    assert_eq!(world.facts, [Fact::AllReady { workers: 2 }]);
    world.exit(1, KILLED);
    world.facts.clear();
    world.say(3, Report::Ready);
    world.say(3, Report::Ready);
    assert_eq!(world.facts, []);
}

#[test]
fn a_serving_worker_that_dies_is_replaced_at_once() {
    let mut world = World::still_serving(2);
    world.exit(1, KILLED);
    assert_eq!(world.last_pid, 3);
    assert_eq!(world.freed, [0]);
    let birth = world.births[2];
    assert_eq!((birth.seat, birth.slot, birth.number), (0, 0, 3));
    assert!(world.facts.contains(&Fact::Replacing {
        pid: Pid::from_raw(1),
        delay: Duration::ZERO,
        failures: 0
    }));
}

#[test]
fn a_crash_storm_backs_off_for_each_seat_and_starts_over_when_ready() {
    let mut world = World::still(1);
    let mut waited = Vec::new();
    world.exit(1, SEGFAULT);
    for pid in 2..9 {
        assert_eq!(world.last_pid, pid);
        world.exit(pid, SEGFAULT);
        assert_eq!(world.last_pid, pid, "not before it is due");
        waited.push(world.sleep().as_secs());
    }
    assert_eq!(waited, [1, 2, 4, 8, 16, 30, 30]);
    assert_eq!(world.finished, None);
    world.say(9, Report::Ready);
    world.now += Duration::from_secs(5);
    world.exit(9, SEGFAULT);
    assert_eq!(world.last_pid, 10, "it had served for five seconds");
    world.exit(10, SEGFAULT);
    assert_eq!(world.last_pid, 11, "the first retry comes at once again");
}

#[test]
fn a_worker_that_dies_soon_after_it_was_ready_has_failed() {
    let mut world = World::still_serving(2);
    let mut waited = Vec::new();
    for pid in [1, 3, 4, 5, 6] {
        world.say(pid, Report::Ready);
        world.now += Duration::from_millis(4_999);
        world.exit(pid, SEGFAULT);
        // The first had lasted, the second failed for the first time.
        if pid > 3 {
            waited.push(world.sleep().as_secs());
        }
        assert_eq!(world.last_pid, pid.max(2) + 1);
    }
    assert_eq!(waited, [1, 1, 1]);
}

#[test]
fn the_only_worker_that_serves_is_replaced_at_once_however_often_it_dies() {
    let mut world = World::still(1);
    for pid in 1..10 {
        world.say(pid, Report::Ready);
        world.exit(pid, SEGFAULT);
        assert_eq!(world.last_pid, pid + 1);
    }
}

#[test]
fn one_failing_seat_does_not_hold_up_another() {
    let mut world = World::still_serving(2);
    world.exit(1, KILLED);
    world.exit(3, SEGFAULT);
    world.exit(4, SEGFAULT);
    assert_eq!(world.last_pid, 4, "seat 0 waits");
    world.exit(2, KILLED);
    assert_eq!(world.last_pid, 5, "seat 1 does not");
}

#[test]
fn a_boot_failure_at_the_first_start_ends_the_server_with_its_code() {
    for (ending, reason) in [(CODE_3, ExitReason::BootFailed), (CODE_4, ExitReason::AppLoadFailed)] {
        let mut world = World::still(2);
        world.exit(1, ending);
        assert_eq!((world.finished, world.listening), (None, false));
        assert_eq!(world.sent(), [(2, Signal::SIGTERM)]);
        world.exit(2, Ending::Code(0));
        assert_eq!(world.finished, Some(reason));
        assert_eq!(world.last_pid, 2, "nothing was forked any more");
    }
}

#[test]
fn a_boot_failure_after_the_server_was_ready_only_backs_off() {
    let mut world = World::still_serving(2);
    world.exit(1, KILLED);
    world.exit(3, CODE_4);
    world.exit(4, CODE_3);
    assert_eq!((world.finished, world.listening), (None, true));
    assert_eq!(world.sleep(), Duration::from_secs(1));
    assert_eq!(world.last_pid, 5);
}

#[test]
fn one_ready_worker_is_enough_for_the_server_to_stay() {
    let mut world = World::still(2);
    world.say(1, Report::Ready);
    world.exit(2, CODE_4);
    assert_eq!((world.finished, world.last_pid), (None, 3));
}

#[test]
fn a_retiring_worker_is_replaced_at_once_and_keeps_its_slot_until_it_is_gone() {
    let mut world = World::still_serving(1);
    world.say(1, Report::Retiring);
    assert_eq!(world.births[1].slot, 1);
    assert_eq!(world.freed, []);
    world.exit(1, Ending::Code(0));
    assert_eq!(world.freed, [0]);
    assert_eq!(world.last_pid, 2, "it was replaced already");
}

#[test]
fn workers_that_retire_faster_than_they_leave_wait_for_a_slot() {
    let mut world = World::still_serving(1);
    for pid in 1..=4 {
        world.say(pid, Report::Ready);
        world.now += Duration::from_secs(5);
        world.say(pid, Report::Retiring);
    }
    assert_eq!(world.last_pid, 4, "there are four slots");
    world.exit(2, Ending::Code(0));
    assert_eq!(world.births[4].slot, 1);
}

#[test]
fn a_worker_that_retires_before_it_was_ready_is_a_failure() {
    let mut world = World::still(1);
    world.say(1, Report::Retiring);
    assert_eq!(world.last_pid, 1);
    world.exit(1, Ending::Code(0));
    world.exit(2, Ending::Code(0));
    assert_eq!(world.sleep(), Duration::from_secs(1));
}

#[test]
fn the_end_of_a_worker_that_was_ready_is_told_from_that_of_one_that_was_not() {
    let mut world = World::still(2);
    world.say(1, Report::Ready);
    for (pid, expected) in [(1, true), (2, false)] {
        world.exit(pid, Ending::Code(3));
        let exited = |fact: &Fact| match *fact {
            Fact::Exited { exit, was_ready, .. } => (exit.pid.as_raw() == pid).then_some(was_ready),
            _ => None,
        };
        assert_eq!(world.facts.iter().find_map(exited), Some(expected), "{pid}");
    }
}

#[test]
fn strangers_are_ignored() {
    let mut world = World::still(1);
    world.exit(999, CODE_3);
    world.say(999, Report::Ready);
    world.say(999, Report::Retiring);
    assert_eq!((world.facts.len(), world.freed.len(), world.last_pid, world.finished), (0, 0, 1, None));
}

#[test]
fn a_fork_that_fails_is_tried_again_with_back_off() {
    let mut world = World::still_serving(1);
    world.refuse_forks = true;
    world.exit(1, KILLED);
    let waited: Vec<u64> = (0..4).map(|_| world.sleep().as_secs()).collect();
    assert_eq!(waited, [1, 1, 2, 4]);
    world.refuse_forks = false;
    world.sleep();
    assert_eq!(world.last_pid, 2);
    assert!(world.births.iter().all(|birth| birth.slot == 0), "each try gave its slot back");
}

#[test]
fn other_codes_and_signals_before_ready_do_not_end_the_first_start() {
    for ending in [KILLED, SEGFAULT, Ending::Code(1), Ending::Code(0), Ending::Code(70)] {
        let mut world = World::still(1);
        world.exit(1, ending);
        assert_eq!((world.finished, world.last_pid), (None, 2), "{ending:?}");
    }
}

#[test]
fn systemd_hears_of_the_first_worker_that_is_ready() {
    let mut world = World::still(2);
    assert_eq!(world.words, []);
    world.say(2, Report::Ready);
    assert_eq!(world.words, [Word::Ready]);
    world.say(1, Report::Ready);
    world.exit(1, KILLED);
    world.say(3, Report::Ready);
    assert_eq!(world.words, [Word::Ready]);
}

#[test]
fn a_worker_that_hangs_while_it_loads_is_aborted_then_killed() {
    let mut world = World::with(policy(1), 36, Boot::Hangs);
    assert_eq!(world.sleep(), seconds(60));
    world.assert_told(Fact::BootTimeout {
        kind: crate::event::Kind::Worker,
        pid: Pid::from_raw(1),
        limit: seconds(60),
    });
    assert_eq!(world.sent(), [(1, Signal::SIGABRT)]);
    world.say(1, Report::Ready);
    assert_eq!(world.supervisor.status().ready, 0, "too late");
    assert_eq!(world.sleep(), seconds(5));
    assert_eq!(world.sent(), [(1, Signal::SIGKILL)]);
    world.assert_told(Fact::Overdue { kind: crate::event::Kind::Worker, pid: Pid::from_raw(1) });
    world.exit(1, KILLED);
    assert!(matches!(world.facts[2], Fact::Exited { killed: true, was_ready: false, .. }));
    assert_eq!(world.last_pid, 2, "it counts as one failure");
}

#[test]
fn without_a_boot_timeout_loading_may_take_for_ever() {
    let world = World::still(1);
    assert_eq!(world.supervisor.next_wake(), None);
}

#[test]
fn a_patient_server_waits_for_a_reload_when_the_application_does_not_load() {
    let mut world = World::with(Policy { patient: true, ..policy(3) }, 40, Boot::Hangs);
    world.exit(2, CODE_4);
    world.assert_told(Fact::WaitingForReload);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM), (3, Signal::SIGTERM)]);
    world.exit(1, CODE_0);
    world.exit(3, CODE_4);
    world.now += seconds(3600);
    world.event(Event::Tick);
    assert_eq!((world.last_pid, world.finished, world.supervisor.next_wake()), (3, None, None));
    assert!(world.supervisor.is_well());
    world.forget();
    world.settled = Settled::NoGood;
    world.intent(Intent::Reload);
    world.assert_told(Fact::WaitingForReload);
    assert_eq!(world.last_pid, 3, "nor does a reload that fails start the old one again");
    world.settled = Settled::To(policy(3));
    world.boots.insert(0, Boot::ReadyAfter(seconds(1)));
    world.leaves_after = Some(seconds(1));
    world.intent(Intent::Reload);
    world.run(seconds(10));
    assert_eq!(world.generations(), [3, 3, 3]);
    assert_eq!(world.words, [Word::Ready]);
}

#[test]
fn an_impatient_server_that_reloads_into_its_first_failure_goes_on() {
    let mut world = World::still(1);
    world.intent(Intent::Reload);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM)], "nobody serves, so nothing is lost");
    world.exit(1, CODE_4);
    assert_eq!(world.finished, None, "it was not asked for any more");
    world.say(2, Report::Ready);
    assert_eq!((world.words.clone(), world.generations()), (vec![Word::Ready], vec![2]));
    world.exit(2, CODE_4);
    assert_eq!(world.births.last().map(|birth| birth.generation), Some(1), "the reload has failed");
}
