//! What a driver and the kernel do.

use std::collections::VecDeque;

use rwsgi_os::{Ending, Pid, Report, Signal};

use super::{Boot, CODE_0, Happening, KILLED, Kind, Process, Settled, World, millis};
use crate::{
    Occasion, Policy,
    event::{Action, Event, Fact, Vitals},
    worker::Birth,
};

impl World {
    pub(super) fn perform(&mut self, action: Action, events: &mut VecDeque<Event>) {
        match action {
            Action::Fork(birth) => self.fork(birth, events),
            Action::Signal(pid, signal) => events.extend(self.signalled(pid, signal)),
            Action::FreeSlot(slot) => {
                assert!(self.slots.remove(&slot), "slot {slot} was not used");
                self.freed.push(slot);
            }
            Action::Look { with_memory } => self.look(with_memory, events),
            Action::Announce(generation, occasion) => self.announce(generation, occasion, events),
            Action::Release(pid) => self.release(pid.as_raw()),
            Action::Prepare(_)
            | Action::Accept(_)
            | Action::Load(_)
            | Action::StartMold(_)
            | Action::StartSuccessor => {
                self.deeds.push(action);
                self.obey(action, events);
            }
            Action::Adopt(generation) => {
                self.deeds.push(action);
                self.prepared.retain(|&prepared| prepared >= generation);
            }
            Action::GiveUp(generation) => {
                self.deeds.push(action);
                assert!(self.prepared.remove(&generation), "{generation} is not known");
            }
            Action::ReopenLogs | Action::SetSucceeded(_) | Action::Promote => self.deeds.push(action),
            Action::CloseListeners => self.listening = false,
            Action::Log(fact) => self.facts.push(fact),
            Action::Tell(word) => self.words.push(word),
            Action::Finish(reason) => {
                let unkillable = self.facts.iter().any(|fact| matches!(fact, Fact::Unkillable { .. }));
                let left = self.processes.values().any(|process| process.kind != Kind::Successor);
                assert!(unkillable || !left, "processes are left: {:?}", self.processes);
                self.finished = Some(reason);
            }
        }
    }

    fn fork(&mut self, birth: Birth, events: &mut VecDeque<Event>) {
        assert!(self.slots.insert(birth.slot) && birth.slot < self.capacity, "{birth:?}: slot is used");
        assert!(self.prepared.contains(&birth.generation), "{birth:?}: generation is not known");
        assert!(self.has_mold_if_needed(birth.generation), "{birth:?}: no mold is ready");
        assert!(self.open.contains(&birth.generation), "{birth:?}: hooks come first");
        self.births.push(birth);
        if self.hold_forks {
            self.held.push(birth);
        } else {
            events.extend(self.answer(birth));
        }
    }

    fn look(&mut self, with_memory: bool, events: &mut VecDeque<Event>) {
        self.looks += 1;
        self.memory_looks += usize::from(with_memory);
        let workers = self.processes.iter().filter(|(_, process)| process.kind == Kind::Worker);
        let ready = workers.filter(|(_, process)| process.ready);
        events.extend(ready.map(|(&pid, process)| {
            let memory = with_memory.then_some(process.memory);
            let vitals = Vitals { turns: process.turns, asleep: process.asleep, memory };
            Event::Vitals(Pid::from_raw(pid), vitals)
        }));
    }

    /// Does what is answered with an event.
    fn obey(&mut self, action: Action, events: &mut VecDeque<Event>) {
        match action {
            Action::Prepare(generation) => match self.settled {
                Settled::InFile(_) | Settled::To(Policy { attended: true, .. }) => {
                    self.in_file.insert(generation);
                    self.prepared.insert(generation);
                    events.push_back(Event::NeedsMold(generation));
                }
                Settled::To(policy) => events.push_back(self.prepare(generation, policy)),
                Settled::NoGood => events.push_back(Event::PrepareFailed(generation)),
                Settled::Unanswered => {}
            },
            Action::Accept(generation) => match self.settled {
                Settled::InFile(policy) | Settled::To(policy) => {
                    assert!(self.prepared.contains(&generation) && self.in_file.contains(&generation));
                    events.push_back(self.prepare(generation, policy));
                }
                Settled::NoGood => {
                    self.prepared.remove(&generation);
                    events.push_back(Event::PrepareFailed(generation));
                }
                Settled::Unanswered => {}
            },
            Action::Load(generation) => self.load(generation),
            Action::StartMold(generation) => {
                assert!(self.prepared.contains(&generation));
                if self.hold_forks {
                    self.held_molds.push(generation);
                } else {
                    events.push_back(self.answer_mold(generation));
                }
            }
            Action::StartSuccessor => {
                if self.refuse_forks {
                    events.push_back(Event::SuccessorFailed);
                } else if !self.hold_forks {
                    let pid = self.born(Kind::Successor, 0, Boot::Hangs);
                    events.push_back(Event::SuccessorStarted(pid));
                }
            }
            _ => {}
        }
    }

    /// The mold that was there before the master, and has told its settings.
    pub(in super::super) fn first_mold(&mut self) {
        let pid = self.born(Kind::Mold, 1, Boot::Hangs);
        self.processes.entry(pid.as_raw()).and_modify(|mold| mold.evaluating = false);
        self.event(Event::MoldForked(1, pid));
        self.event(Event::Evaluated(1));
    }

    /// A hook has come to its end.
    pub(in super::super) fn attended(&mut self, generation: u32, occasion: Occasion, content: bool) {
        if content {
            self.open.insert(generation);
        }
        self.event(Event::Attended(generation, occasion, content));
    }

    pub(in super::super) fn mold_has_threads(&mut self, generation: u32) {
        self.unfit.insert(generation);
        self.event(Event::MoldThreads(generation));
    }

    fn load(&mut self, generation: u32) {
        let is_its = |process: &&mut Process| process.kind == Kind::Mold && process.generation == generation;
        let waiting = |process: &&mut Process| is_its(process) && !process.ready && !process.evaluating;
        let known = self.processes.iter_mut().rev().find(|(_, process)| waiting(process));
        let pid = *known.expect("who is to load has executed its file").0;
        if let Boot::ReadyAfter(after) | Boot::ReadyThenEnds(after, ..) = self.molds {
            self.happenings.push((self.now + after, Happening::Ready(pid)));
        }
    }

    fn announce(&mut self, generation: u32, occasion: Occasion, events: &mut VecDeque<Event>) {
        self.occasions.push((generation, occasion));
        let mold = self
            .processes
            .iter()
            .rev()
            .find(|(_, process)| process.kind == Kind::Mold && process.generation == generation);
        let (&pid, mold) = mold.expect("only molds that are there are told");
        assert!(self.policies[&generation].attended);
        if mold.stuck || self.leaves_after.is_none() {
            return;
        }
        if occasion == Occasion::Exiting {
            assert!(self.pids(Kind::Worker).is_empty(), "there is more to be said");
            self.happenings.push((self.now + millis(1), Happening::End(pid, CODE_0)));
        }
        let is_gate = matches!(occasion, Occasion::Ready | Occasion::Reloaded);
        let content = !(is_gate && self.hooks_fail);
        if is_gate && content {
            self.open.insert(generation);
        }
        events.push_back(Event::Attended(generation, occasion, content));
    }

    fn release(&mut self, pid: i32) {
        let mold = &self.processes[&pid];
        assert_eq!(mold.kind, Kind::Mold);
        if self.leaves_after.is_some() {
            self.happenings.push((self.now + millis(1), Happening::End(pid, CODE_0)));
        }
    }

    fn has_mold_if_needed(&self, generation: u32) -> bool {
        let mut molds = self
            .processes
            .values()
            .filter(|process| process.kind == Kind::Mold && process.generation == generation);
        let ordered = self.deeds.contains(&Action::StartMold(generation));
        !ordered || self.unfit.contains(&generation) || molds.any(|mold| mold.ready)
    }

    pub(in super::super) fn prepare(&mut self, generation: u32, policy: Policy) -> Event {
        self.prepared.insert(generation);
        self.policies.insert(generation, policy);
        if !policy.attended {
            self.open.insert(generation);
        }
        Event::Prepared(generation, policy)
    }

    /// Forks as ordered, or does not.
    fn answer(&mut self, birth: Birth) -> Option<Event> {
        if self.refuse_forks {
            return Some(Event::ForkFailed(birth));
        }
        let boot = *self.boots.get(&birth.generation).unwrap_or(&self.boots[&0]);
        let pid = self.born(Kind::Worker, birth.generation, boot);
        Some(Event::Forked(birth, pid))
    }

    fn answer_mold(&mut self, generation: u32) -> Event {
        if self.refuse_forks {
            return Event::MoldForkFailed(generation);
        }
        Event::MoldForked(generation, self.born(Kind::Mold, generation, self.molds))
    }

    /// Answers the forks that were held back.
    pub(in super::super) fn answer_forks(&mut self) {
        self.hold_forks = false;
        for generation in std::mem::take(&mut self.held_molds) {
            let event = self.answer_mold(generation);
            self.event(event);
        }
        for birth in std::mem::take(&mut self.held) {
            if let Some(event) = self.answer(birth) {
                self.event(event);
            }
        }
    }

    /// Answers the order for a successor if one was held back.
    pub(in super::super) fn start_unanswered_successor(&mut self) {
        if self.supervisor.upgrade.is_ordered() {
            self.start_successor();
        }
    }

    /// Answers the order for a successor that was held back.
    pub(in super::super) fn start_successor(&mut self) -> Pid {
        let pid = self.born(Kind::Successor, 0, Boot::Hangs);
        self.event(Event::SuccessorStarted(pid));
        pid
    }

    fn born(&mut self, kind: Kind, generation: u32, boot: Boot) -> Pid {
        self.last_pid += 1;
        let pid = self.last_pid;
        let process = Process {
            kind,
            generation,
            ready: false,
            told: Vec::new(),
            turns: 0,
            asleep: false,
            stuck: false,
            memory: 0,
            evaluating: kind == Kind::Mold && self.in_file.contains(&generation),
            deaf: false,
        };
        self.processes.insert(pid, process);
        match boot {
            Boot::Hangs => {}
            Boot::ReadyAfter(after) => self.happenings.push((self.now + after, Happening::Ready(pid))),
            Boot::EndsAfter(after, ending) => {
                self.happenings.push((self.now + after, Happening::End(pid, ending)));
            }
            Boot::ReadyThenEnds(after, then, ending) => {
                self.happenings.push((self.now + after, Happening::Ready(pid)));
                self.happenings.push((self.now + after + then, Happening::End(pid, ending)));
            }
        }
        Pid::from_raw(pid)
    }

    /// What comes of a signal; a worker that serves says that it closes its doors.
    fn signalled(&mut self, receiver: Pid, signal: Signal) -> Option<Event> {
        let pid = receiver.as_raw();
        self.sent.push((pid, signal));
        let process = self.processes.get_mut(&pid).expect("signals go to processes that exist");
        process.told.push(signal);
        process.turns += u64::from(!process.stuck);
        let after = self.leaves_after?;
        let closes =
            signal == Signal::SIGTERM && process.ready && process.kind == Kind::Worker && !process.stuck;
        let (delay, ending) = match signal {
            Signal::SIGTERM | Signal::SIGQUIT if process.deaf => return None,
            Signal::SIGTERM if process.ready && !process.stuck => (after, CODE_0),
            Signal::SIGTERM if process.stuck && process.ready => return None,
            Signal::SIGTERM | Signal::SIGQUIT => (millis(1), CODE_0),
            Signal::SIGABRT if !process.stuck => {
                (millis(1), Ending::Signal { number: 6, core_dumped: false })
            }
            Signal::SIGKILL => (millis(1), KILLED),
            _ => return None,
        };
        self.happenings.push((self.now + delay, Happening::End(pid, ending)));
        closes.then_some(Event::Said(receiver, Report::Retiring))
    }
}
