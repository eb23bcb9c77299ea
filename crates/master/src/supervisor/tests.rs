use super::*;

const GRACEFUL: Duration = Duration::from_secs(30);
const CODE_3: Ending = Ending::Code(3);
const CODE_4: Ending = Ending::Code(4);
const SEGFAULT: Ending = Ending::Signal { number: 11, core_dumped: false };
const KILLED: Ending = Ending::Signal { number: 9, core_dumped: false };

/// A supervisor with a clock that only the test moves, and a world in which every fork works unless
/// `refuse_forks`.
struct World {
    supervisor: Supervisor,
    now: Instant,
    last_pid: i32,
    refuse_forks: bool,
    births: Vec<Birth>,
    sent: Vec<(i32, Signal)>,
    facts: Vec<Fact>,
    freed: Vec<usize>,
    listening: bool,
    finished: Option<ExitReason>,
}

impl World {
    fn start(workers: usize) -> Self {
        let now = Instant::now();
        let settings = Settings { workers, slots: 2 * workers + 2, graceful_timeout: GRACEFUL };
        let mut world = Self {
            supervisor: Supervisor::new(settings, now),
            now,
            last_pid: 0,
            refuse_forks: false,
            births: Vec::new(),
            sent: Vec::new(),
            facts: Vec::new(),
            freed: Vec::new(),
            listening: true,
            finished: None,
        };
        world.event(Event::Tick);
        world
    }

    fn serving(workers: usize) -> Self {
        let mut world = Self::start(workers);
        for pid in 1..=world.last_pid {
            world.say(pid, Report::Ready);
        }
        world
    }

    fn event(&mut self, event: Event) {
        let mut events = std::collections::VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let mut actions = Vec::new();
            self.supervisor.step(self.now, event, &mut actions);
            for action in actions {
                match action {
                    Action::Fork(birth) if self.refuse_forks => events.push_back(Event::ForkFailed(birth)),
                    Action::Fork(birth) => {
                        self.last_pid += 1;
                        self.births.push(birth);
                        events.push_back(Event::Forked(birth, Pid::from_raw(self.last_pid)));
                    }
                    Action::Signal(pid, signal) => self.sent.push((pid.as_raw(), signal)),
                    Action::FreeSlot(slot) => self.freed.push(slot),
                    Action::CloseListeners => self.listening = false,
                    Action::Log(fact) => self.facts.push(fact),
                    Action::Finish(reason) => self.finished = Some(reason),
                }
            }
        }
    }

    fn say(&mut self, pid: i32, report: Report) {
        self.event(Event::Said(Pid::from_raw(pid), report));
    }

    fn exit(&mut self, pid: i32, ending: Ending) {
        let exit = Exit { pid: Pid::from_raw(pid), ending, out_of_memory: false };
        self.event(Event::Exited(exit));
    }

    fn intent(&mut self, intent: Intent) {
        self.event(Event::Intent(intent));
    }

    /// Sleeps as the driver does: until the supervisor wants to be woken.
    fn sleep(&mut self) -> Duration {
        let wake = self.supervisor.next_wake().expect("something is due");
        let slept = wake.saturating_duration_since(self.now);
        self.now = self.now.max(wake);
        self.event(Event::Tick);
        slept
    }

    fn sent(&mut self) -> Vec<(i32, Signal)> {
        std::mem::take(&mut self.sent)
    }
}

#[test]
fn all_workers_start_at_once_in_their_own_slots() {
    let world = World::start(3);
    let slots: Vec<usize> = world.births.iter().map(|birth| birth.slot).collect();
    let numbers: Vec<u64> = world.births.iter().map(|birth| birth.number).collect();
    assert_eq!((slots, numbers), (vec![0, 1, 2], vec![1, 2, 3]));
    assert_eq!(world.supervisor.next_wake(), None);
}

#[test]
fn readiness_is_announced_once() {
    let mut world = World::start(2);
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
    let mut world = World::serving(2);
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
    let mut world = World::start(1);
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
    world.exit(9, SEGFAULT);
    assert_eq!(world.last_pid, 10, "it had been ready");
    world.exit(10, SEGFAULT);
    assert_eq!(world.last_pid, 11, "the first retry comes at once again");
}

#[test]
fn one_failing_seat_does_not_hold_up_another() {
    let mut world = World::serving(2);
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
        let mut world = World::start(2);
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
    let mut world = World::serving(2);
    world.exit(1, KILLED);
    world.exit(3, CODE_4);
    world.exit(4, CODE_3);
    assert_eq!((world.finished, world.listening), (None, true));
    assert_eq!(world.sleep(), Duration::from_secs(1));
    assert_eq!(world.last_pid, 5);
}

#[test]
fn one_ready_worker_is_enough_for_the_server_to_stay() {
    let mut world = World::start(2);
    world.say(1, Report::Ready);
    world.exit(2, CODE_4);
    assert_eq!((world.finished, world.last_pid), (None, 3));
}

#[test]
fn other_codes_and_signals_before_ready_do_not_end_the_first_start() {
    for ending in [KILLED, SEGFAULT, Ending::Code(1), Ending::Code(0), Ending::Code(70)] {
        let mut world = World::start(1);
        world.exit(1, ending);
        assert_eq!((world.finished, world.last_pid), (None, 2), "{ending:?}");
    }
}

#[test]
fn a_retiring_worker_is_replaced_at_once_and_keeps_its_slot_until_it_is_gone() {
    let mut world = World::serving(1);
    world.say(1, Report::Retiring);
    assert_eq!(world.births[1].slot, 1);
    assert_eq!(world.freed, []);
    world.exit(1, Ending::Code(0));
    assert_eq!(world.freed, [0]);
    assert_eq!(world.last_pid, 2, "it was replaced already");
}

#[test]
fn workers_that_retire_faster_than_they_leave_wait_for_a_slot() {
    let mut world = World::serving(1);
    for pid in 1..=4 {
        world.say(pid, Report::Ready);
        world.say(pid, Report::Retiring);
    }
    assert_eq!(world.last_pid, 4, "there are four slots");
    assert_eq!(world.supervisor.next_wake(), None, "no time brings a slot");
    world.exit(2, Ending::Code(0));
    assert_eq!(world.births[4].slot, 1);
}

#[test]
fn a_worker_that_retires_before_it_was_ready_is_a_failure() {
    let mut world = World::start(1);
    world.say(1, Report::Retiring);
    assert_eq!(world.last_pid, 1);
    world.exit(1, Ending::Code(0));
    world.exit(2, Ending::Code(0));
    assert_eq!(world.sleep(), Duration::from_secs(1));
}

#[test]
fn the_end_of_a_worker_that_was_ready_is_told_from_that_of_one_that_was_not() {
    let mut world = World::start(2);
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
fn term_waits_then_kills_then_ends_with_0() {
    let mut world = World::serving(2);
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
    let mut world = World::serving(1);
    world.intent(Intent::StopNow);
    assert_eq!(world.sent(), [(1, Signal::SIGQUIT)]);
    assert_eq!(world.sleep(), Duration::from_secs(2));
    assert_eq!(world.sent(), [(1, Signal::SIGKILL)]);
}

#[test]
fn a_second_signal_while_stopping_kills_at_once() {
    for (first, second) in
        [(Intent::Stop, Intent::Stop), (Intent::Stop, Intent::StopNow), (Intent::StopNow, Intent::Stop)]
    {
        let mut world = World::serving(2);
        world.intent(first);
        world.sent();
        world.intent(second);
        assert_eq!(world.sent(), [(1, Signal::SIGKILL), (2, Signal::SIGKILL)]);
        world.intent(second);
        assert_eq!(world.sent(), [], "a third changes nothing");
        world.exit(1, KILLED);
        world.exit(2, KILLED);
        assert_eq!(world.finished, Some(ExitReason::Ok));
    }
}

#[test]
fn a_worker_that_cannot_be_killed_does_not_keep_the_server() {
    let mut world = World::serving(1);
    world.intent(Intent::Stop);
    world.sleep();
    assert_eq!(world.finished, None);
    world.sleep();
    assert_eq!(world.finished, Some(ExitReason::Ok));
    assert!(world.facts.contains(&Fact::Unkillable { workers: 1 }));
}

#[test]
fn a_stop_during_boot_reaches_workers_that_are_not_ready() {
    let mut world = World::start(2);
    world.say(1, Report::Ready);
    world.intent(Intent::Stop);
    assert_eq!(world.sent(), [(1, Signal::SIGTERM), (2, Signal::SIGTERM)]);
    world.exit(2, CODE_4);
    world.exit(1, Ending::Code(0));
    assert_eq!(world.finished, Some(ExitReason::Ok), "asked to end, not failed");
}

#[test]
fn a_stop_while_all_seats_wait_ends_at_once() {
    let mut world = World::start(1);
    world.exit(1, SEGFAULT);
    world.exit(2, SEGFAULT);
    world.intent(Intent::Stop);
    assert_eq!(world.finished, Some(ExitReason::Ok));
}

#[test]
fn a_worker_that_is_forked_into_the_stop_is_told() {
    let now = Instant::now();
    let settings = Settings { workers: 1, slots: 4, graceful_timeout: GRACEFUL };
    let mut supervisor = Supervisor::new(settings, now);
    let mut out = Vec::new();
    supervisor.step(now, Event::Tick, &mut out);
    let Some(&Action::Fork(birth)) = out.first() else { panic!("{out:?}") };
    out.clear();
    supervisor.step(now, Event::Intent(Intent::Stop), &mut out);
    assert_eq!(out, [Action::CloseListeners], "it does not end before the order is answered");
    out.clear();
    supervisor.step(now, Event::Forked(birth, Pid::from_raw(7)), &mut out);
    assert_eq!(out, [Action::Signal(Pid::from_raw(7), Signal::SIGTERM)]);
}

#[test]
fn deaths_and_retirements_while_stopping_fork_nothing() {
    let mut world = World::serving(3);
    world.intent(Intent::Stop);
    world.say(1, Report::Retiring);
    world.exit(2, SEGFAULT);
    world.now += Duration::from_secs(5);
    world.event(Event::Tick);
    assert_eq!((world.last_pid, world.finished), (3, None));
}

#[test]
fn strangers_are_ignored() {
    let mut world = World::start(1);
    world.exit(999, CODE_3);
    world.say(999, Report::Ready);
    world.say(999, Report::Retiring);
    assert_eq!((world.facts.len(), world.freed.len(), world.last_pid, world.finished), (0, 0, 1, None));
}

#[test]
fn a_fork_that_fails_is_tried_again_with_back_off() {
    let mut world = World::serving(1);
    world.refuse_forks = true;
    world.exit(1, KILLED);
    let waited: Vec<u64> = (0..4).map(|_| world.sleep().as_secs()).collect();
    assert_eq!(waited, [1, 1, 2, 4]);
    world.refuse_forks = false;
    world.sleep();
    assert_eq!(world.births.len(), 2);
    assert_eq!(world.births[1].slot, 0);
}

#[test]
fn an_unsupported_signal_changes_nothing() {
    let mut world = World::serving(1);
    world.facts.clear();
    world.intent(Intent::Unsupported(Signal::SIGHUP));
    assert_eq!(world.facts, [Fact::Unsupported(Signal::SIGHUP)]);
    assert_eq!((world.sent(), world.listening, world.finished), (vec![], true, None));
}
