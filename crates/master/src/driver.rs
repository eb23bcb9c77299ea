use std::{collections::VecDeque, time::Instant};

use rwsgi_os as os;

use crate::{
    Error, FirstMold, Options, Policy, Preparation, Prepared, Program, Role,
    children::Next,
    event::{Action, Event},
    generations::{Generations, Use},
    molds::SETTINGS_LIMIT,
    nursery::Nursery,
    report,
    service::Service,
    supervisor::{Settings, Supervisor},
    tally::Tally,
    watch::Watch,
};

/// Supervises until the server has ended; the files of unix sockets go with it. In every worker and every mold it
/// returns at once, see [`Role`].
///
/// # Errors
/// The process has more than one thread, or lacks a descriptor or memory that it needs to begin.
pub fn run(
    mut options: Options<'_>,
    program: &mut dyn Program,
    listeners: Vec<os::Listener>,
) -> Result<Role, Error> {
    let generations = Generations::new(options.policy, listeners);
    let mut events = VecDeque::new();
    let means = match Means::open(&mut options, &mut events) {
        Ok(means) => means,
        Err(error) => {
            generations.end(Use::of(options.predecessor.is_some()));
            return Err(error.into());
        }
    };
    report::listening(generations.listeners());
    report::using(options.worker_class);
    let mut driver = Driver::new(&options, program, generations, means);
    events.push_back(Event::Tick);
    loop {
        match driver.settle(&mut events) {
            Next::Wait => {
                if let Some(child) = driver.fork_helper() {
                    return Ok(driver.become_child(child));
                }
                match driver.wait() {
                    Ok(happened) => events = happened,
                    Err(error) => {
                        driver.finish();
                        return Err(error);
                    }
                }
            }
            Next::Become(child) => return Ok(driver.become_child(child)),
            Next::Finish(reason) => {
                driver.finish();
                report::shutting_down(reason);
                return Ok(Role::Master(reason));
            }
        }
    }
}

/// What the master cannot begin without.
struct Means<'a> {
    watch: Watch,
    nursery: Nursery<'a>,
    slots: usize,
}

impl<'a> Means<'a> {
    /// What has happened already becomes events.
    fn open(options: &mut Options<'a>, events: &mut VecDeque<Event>) -> Result<Self, os::Error> {
        os::assert_single_threaded()?;
        // A reload may want more workers than there are, and every worker may leave slowly while another starts.
        let slots = 4 * options.policy.workers.max(1) + 32;
        let nursery = Nursery::open(options.hooks, slots)?;
        let Some(FirstMold { pid, channel, signals }) = options.first_mold.take() else {
            return Ok(Self { watch: Watch::open(options.predecessor, None)?, nursery, slots });
        };
        let mut watch = Watch::open(options.predecessor, Some(signals))?;
        watch.molds.add(1, pid, channel);
        events.extend([Event::MoldForked(1, pid), Event::Evaluated(1)]);
        Ok(Self { watch, nursery, slots })
    }
}

/// Does what the [`Supervisor`] says.
pub(crate) struct Driver<'a> {
    supervisor: Supervisor,
    pub(crate) watch: Watch,
    pub(crate) nursery: Nursery<'a>,
    pub(crate) generations: Generations,
    service: Service,
    tally: Tally,
    pub(crate) program: &'a mut dyn Program,
    invocation: &'a os::Invocation,
    /// Another master uses the same sockets: the one that started this one, or one that this one started.
    is_shared: bool,
}

impl<'a> Driver<'a> {
    fn new(
        options: &Options<'a>,
        program: &'a mut dyn Program,
        generations: Generations,
        means: Means<'a>,
    ) -> Self {
        let &Options { policy, invocation, predecessor, giver, .. } = options;
        let Means { watch, nursery, slots } = means;
        let processors = rwsgi_os::available_cpus();
        let settings = Settings { policy, slots, processors, predecessor: predecessor.is_some() };
        let tally = Tally::begin(nursery.scoreboard().server());
        Self {
            supervisor: Supervisor::new(settings, Instant::now()),
            watch,
            nursery,
            generations,
            service: Service::open(giver),
            tally,
            program,
            invocation,
            is_shared: predecessor.is_some(),
        }
    }

    /// When the program wants a process for itself. Not while the server stops: nothing would come of it.
    pub(crate) fn helper_due(&self) -> Option<Instant> {
        self.program.helper_due().filter(|_| self.supervisor.is_serving())
    }

    fn wait(&mut self) -> Result<VecDeque<Event>, Error> {
        let helper = self.helper_due();
        let Self { supervisor, nursery, service, tally, program, generations, .. } = self;
        service.report(Instant::now(), supervisor.is_well(), || (supervisor.status(), nursery.answered()));
        let serving = |listener: &&os::Listener| listener.purpose() == os::Purpose::Serving;
        let statsd =
            program.numbers().map(|told| (told, generations.listeners().into_iter().filter(serving)));
        tally.report(Instant::now(), &supervisor.status(), nursery.scoreboard(), statsd);
        program.look(Instant::now());
        let wakes =
            [supervisor.next_wake(), service.next_wake(), tally.next_wake(), program.next_look(), helper];
        let wake = wakes.into_iter().flatten().min();
        self.watch.wait(wake, nursery)
    }

    /// Feeds the events to the supervisor until neither they nor its actions leave anything to do.
    fn settle(&mut self, events: &mut VecDeque<Event>) -> Next {
        let mut actions = Vec::new();
        while let Some(event) = events.pop_front() {
            if let Event::Exited(exit) = event
                && self.supervisor.is_serving()
            {
                self.program.child_ended(exit.pid, exit.ending);
            }
            self.tally.hear(&event, self.nursery.scoreboard().server());
            self.supervisor.step(Instant::now(), event, &mut actions);
            for action in actions.drain(..) {
                if let Some(end) = self.perform(action, events) {
                    return end;
                }
            }
        }
        Next::Wait
    }

    /// Does it; what is known of it at once becomes an event.
    fn perform(&mut self, action: Action, events: &mut VecDeque<Event>) -> Option<Next> {
        match action {
            Action::Fork(birth) => return self.fork(birth, events),
            Action::StartMold(generation) => return self.start_mold(generation, events),
            Action::Finish(reason) => return Some(Next::Finish(reason)),
            Action::Signal(pid, signal) => {
                // Its end shows whether it arrived; a refusal (its user is not ours any more) cannot be
                // helped.
                let _ = os::kill(pid, signal);
            }
            Action::FreeSlot(slot) => self.nursery.free_slot(slot).iter().for_each(report::lost),
            Action::Look { with_memory } => {
                let vitals = self.nursery.vitals(with_memory);
                events.extend(vitals.into_iter().map(|(pid, vitals)| Event::Vitals(pid, vitals)));
            }
            Action::Prepare(generation) => events.push_back(self.prepare(generation)),
            Action::Accept(generation) => events.push_back(self.accept(generation)),
            Action::Load(generation) => {
                let attended = |policy: &&Policy| policy.attended;
                let policy = self.generations.policy(generation).filter(attended);
                self.watch.molds.load(generation, policy.map(|policy| policy.boot_timeout));
            }
            Action::Announce(generation, occasion) => self.watch.molds.announce(generation, occasion),
            Action::Release(pid) => self.watch.molds.release(pid),
            Action::Adopt(generation) => {
                self.nursery.announce_turning_away(|of| of < generation);
                self.generations.adopt(generation, self.use_of_sockets());
                self.program.adopt(generation);
            }
            Action::GiveUp(generation) => {
                self.nursery.announce_turning_away(|of| of == generation);
                self.generations.give_up(generation, self.use_of_sockets());
                self.program.give_up(generation);
            }
            Action::ReopenLogs => self.program.reopen_logs(),
            Action::StartSuccessor => events.push_back(self.start_successor()),
            Action::SetSucceeded(succeeded) => self.is_shared = succeeded,
            Action::Promote => {
                self.is_shared = false;
                self.service.promoted();
                self.program.promote();
            }
            Action::CloseListeners => {
                if self.use_of_sockets() == Use::Alone {
                    self.nursery.announce_end();
                }
                self.generations.close(self.use_of_sockets());
            }
            Action::Log(fact) => {
                // Whoever has read the line finds it counted.
                self.tally.heed(&fact, self.nursery.scoreboard().server());
                report::log(&fact);
                self.service.heed(&fact);
            }
            Action::Tell(word) => self.service.tell(word),
        }
        None
    }

    fn prepare(&mut self, generation: u32) -> Event {
        match self.program.prepare(generation) {
            Preparation::Ready(prepared) => self.open(generation, &prepared),
            Preparation::NeedsMold => Event::NeedsMold(generation),
            Preparation::Failed => Event::PrepareFailed(generation),
        }
    }

    /// Looks at what a mold has told.
    fn accept(&mut self, generation: u32) -> Event {
        let told = self.watch.molds.take_settings(generation);
        let read = told.and_then(|told| match os::read_sealed(told, SETTINGS_LIMIT) {
            Ok(json) => Some(json),
            Err(error) => {
                report::failed(&error);
                self.program.give_up(generation);
                None
            }
        });
        match read.and_then(|json| self.program.settings(generation, json)) {
            Some(prepared) => self.open(generation, &prepared),
            None => Event::PrepareFailed(generation),
        }
    }

    fn open(&mut self, generation: u32, prepared: &Prepared) -> Event {
        match self.generations.prepare(generation, prepared) {
            Ok(policy) => Event::Prepared(generation, policy),
            Err(error) => {
                report::cannot_listen(&error);
                self.program.give_up(generation);
                Event::PrepareFailed(generation)
            }
        }
    }

    fn start_successor(&mut self) -> Event {
        let extra: Vec<(&str, String)> = self.service.bequest().into_iter().collect();
        match self.invocation.spawn(&self.generations.listeners(), &extra) {
            Ok(pid) => Event::SuccessorStarted(pid),
            Err(error) => {
                report::failed(&error);
                Event::SuccessorFailed
            }
        }
    }

    fn finish(self) {
        let sockets = self.use_of_sockets();
        self.generations.end(sockets);
    }

    fn use_of_sockets(&self) -> Use {
        Use::of(self.is_shared)
    }
}
