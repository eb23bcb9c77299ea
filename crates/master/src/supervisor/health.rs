use std::time::{Duration, Instant};

use rwsgi_os::{Pid, Signal};

use crate::{
    Policy,
    event::{Action, Fact, Vitals},
    supervisor::Supervisor,
    worker::{Pulse, Worker},
};

const SHORTEST_LOOK: Duration = Duration::from_millis(250);
const LONGEST_LOOK: Duration = Duration::from_secs(10);
const LONGEST_SLEEP: Duration = Duration::from_secs(600);

impl Supervisor {
    /// Asks for the life signs of the workers from time to time, if anything depends on them.
    pub(super) fn look(&mut self) {
        let policy = self.generations.policy(self.target());
        let anyone = self.crew.workers.iter().any(|worker| worker.process.is_ready());
        let pause = pause(policy).filter(|_| anyone);
        if let (Some(_), Some(due)) = (pause, self.next_look)
            && due > self.now
        {
            return;
        }
        if self.next_look.is_some() && pause.is_some() {
            let is_limited =
                |worker: &Worker| self.generations.policy(worker.process.generation).memory.is_some();
            let with_memory = self.crew.workers.iter().any(is_limited);
            self.out.push(Action::Look { with_memory });
        }
        self.next_look = pause.map(|pause| self.now + pause);
    }

    /// What a look at a worker has shown.
    ///
    /// An idle loop does not turn by itself, so one that has not turned is woken, but for one that says it sleeps: that is woken
    /// when it has slept for long, for it may have been stopped. Silent is who does not turn then. Waking counts from when it was
    /// done, because the master itself may have slept.
    pub(super) fn examine(&mut self, pid: Pid, vitals: Vitals) {
        let now = self.now;
        let Some(worker) = self.crew.worker_mut(pid).filter(|worker| worker.process.is_ready()) else {
            return;
        };
        let policy = *self.generations.policy(worker.process.generation);
        if let (false, Some(limit), Some(memory)) = (worker.tired, policy.memory, vitals.memory)
            && memory >= limit
        {
            worker.tired = true;
            self.out.push(Action::Log(Fact::TooBig { pid, memory }));
        }
        let unchanged = worker.pulse.filter(|pulse| pulse.turns == vitals.turns);
        let Some(mut pulse) = unchanged else {
            worker.pulse = Some(Pulse { turns: vitals.turns, since: now, prodded: None });
            return;
        };
        let Some(limit) = policy.silence else { return };
        let silence = now.saturating_duration_since(pulse.since);
        if vitals.asleep && pulse.prodded.is_none() && silence < LONGEST_SLEEP {
            return;
        }
        let prodded = *pulse.prodded.get_or_insert(now);
        worker.pulse = Some(pulse);
        if silence >= limit && now.saturating_duration_since(prodded) >= limit / 2 {
            self.give_up_silent(pid, silence);
        } else {
            self.signal(pid, Signal::SIGWINCH);
        }
    }

    /// A worker whose loop stands still: another gets its place at once.
    fn give_up_silent(&mut self, pid: Pid, silence: Duration) {
        let Some(process) = self.find_process(pid).copied() else { return };
        self.log(Fact::Silent { pid, silence });
        self.lose(&process, false);
        self.abort(pid);
    }

    /// Workers that have reached their age want to be replaced.
    pub(super) fn notice_age(&mut self) {
        let old = |worker: &&Worker| self.lifetime_end(worker).is_some_and(|end| end <= self.now);
        let old: Vec<Worker> = self.crew.workers.iter().filter(old).copied().collect();
        for worker in old {
            let pid = worker.process.pid;
            let age = self.now.saturating_duration_since(worker.process.ready.unwrap_or(self.now));
            self.crew.tire(pid);
            self.log(Fact::TooOld { pid, age });
        }
    }

    pub(super) fn lifetimes(&self) -> impl Iterator<Item = Instant> {
        self.crew.workers.iter().filter_map(|worker| self.lifetime_end(worker))
    }

    /// When a worker has reached its age; none if it has, or never does.
    fn lifetime_end(&self, worker: &Worker) -> Option<Instant> {
        let (base, jitter) = self.generations.policy(worker.process.generation).lifetime?;
        let ready = worker.process.ready.filter(|_| worker.process.is_ready() && !worker.tired)?;
        Some(ready + base + jitter.mul_f64(share(worker.number)))
    }
}

/// How long to wait between two looks.
fn pause(policy: &Policy) -> Option<Duration> {
    let silence = policy.silence.map(|silence| (silence / 4).clamp(SHORTEST_LOOK, LONGEST_LOOK));
    silence.or(policy.memory.map(|_| LONGEST_LOOK))
}

/// A number from 0 up to 1 that looks like chance and depends on nothing but `number` (the finaliser of
/// MurmurHash3, by Austin Appleby, public domain).
fn share(number: u64) -> f64 {
    let mut hash = number;
    for factor in [0xff51_afd7_ed55_8ccd, 0xc4ce_b9fe_1a85_ec53] {
        hash = (hash ^ (hash >> 33)).wrapping_mul(factor);
    }
    let bits = u32::try_from((hash ^ (hash >> 33)) >> 32).expect("32 bits are left of 64");
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}
