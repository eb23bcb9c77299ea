use std::{collections::BTreeMap, rc::Rc};

use rwsgi_os as os;

use crate::{Policy, Prepared, report};

/// The generations of the configuration of which workers may be forked, each with its sockets. One that several have is
/// open once.
pub(crate) struct Generations {
    all: BTreeMap<u32, Generation>,
    /// The one that all workers serve, or are to serve at the start.
    current: u32,
    /// Left by listeners that are closed in this process, for the end of the server.
    files: Vec<os::SocketFile>,
}

/// Who uses the sockets of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Its own processes.
    Alone,
    /// Another server too, which this one has started or was started by.
    Shared,
}

struct Generation {
    policy: Policy,
    listeners: Vec<Rc<os::Listener>>,
}

impl Use {
    pub(crate) fn of(is_shared: bool) -> Self {
        if is_shared { Self::Shared } else { Self::Alone }
    }
}

impl Generations {
    /// Begins with generation 1.
    pub(crate) fn new(policy: Policy, listeners: Vec<os::Listener>) -> Self {
        let first = Generation { policy, listeners: listeners.into_iter().map(Rc::new).collect() };
        Self { all: BTreeMap::from([(1, first)]), current: 1, files: Vec::new() }
    }

    /// Opens what this generation has more than those before it. A socket is known by its address: one that is open is
    /// kept as it is, since a second one could not be bound beside it.
    ///
    /// # Errors
    /// An address cannot be bound; nothing is left open then.
    pub(crate) fn prepare(&mut self, generation: u32, prepared: &Prepared) -> Result<Policy, os::Error> {
        let mut listeners: Vec<Rc<os::Listener>> = Vec::new();
        let mut opened = Vec::new();
        for plan in &prepared.sockets {
            let is_free = |open: &&Rc<os::Listener>| {
                *open.address() == plan.address
                    && open.purpose() == plan.purpose
                    && !listeners.iter().any(|taken| Rc::ptr_eq(taken, open))
            };
            if let Some(open) = self.open().find(is_free) {
                listeners.push(Rc::clone(open));
                continue;
            }
            match os::Listener::bind(plan) {
                Ok(listener) => {
                    let listener = Rc::new(listener);
                    opened.push(Rc::clone(&listener));
                    listeners.push(listener);
                }
                Err(error) => {
                    drop(listeners);
                    let opened = opened.into_iter().filter_map(Rc::into_inner);
                    remove(opened.filter_map(os::Listener::close));
                    return Err(error);
                }
            }
        }
        if !opened.is_empty() {
            report::listening(opened.iter().map(Rc::as_ref));
        }
        self.all.insert(generation, Generation { policy: prepared.policy, listeners });
        Ok(prepared.policy)
    }

    /// Closes what only generations before this one have.
    pub(crate) fn adopt(&mut self, generation: u32, sockets: Use) {
        self.current = generation;
        let kept = self.all.split_off(&generation);
        let earlier = std::mem::replace(&mut self.all, kept);
        self.let_go(earlier.into_values(), sockets);
    }

    /// Closes what only this generation has.
    pub(crate) fn give_up(&mut self, generation: u32, sockets: Use) {
        let removed = self.all.remove(&generation);
        self.let_go(removed.into_iter(), sockets);
    }

    fn let_go(&mut self, generations: impl Iterator<Item = Generation>, sockets: Use) {
        // All handles are taken before the first one is looked at: several of these may share a listener.
        let handles: Vec<Rc<os::Listener>> = generations.flat_map(|gone| gone.listeners).collect();
        let closed: Vec<os::Listener> = handles.into_iter().filter_map(Rc::into_inner).collect();
        if closed.is_empty() {
            return;
        }
        report::no_longer_listening(&closed);
        let files = close_all(closed, sockets);
        match sockets {
            Use::Alone => remove(files),
            Use::Shared => self.files.extend(files),
        }
    }

    /// Closes everything; new generations may still be forked, and accept nothing.
    pub(crate) fn close(&mut self, sockets: Use) {
        let lists = self.all.values_mut().map(|generation| std::mem::take(&mut generation.listeners));
        let handles: Vec<Rc<os::Listener>> = lists.flatten().collect();
        let closed = handles.into_iter().filter_map(Rc::into_inner).collect();
        self.files.extend(close_all(closed, sockets));
    }

    /// The server has ended: nothing of its sockets is left in the file system, unless others have taken their place, or
    /// another server listens on them still.
    pub(crate) fn end(mut self, sockets: Use) {
        self.close(sockets);
        match sockets {
            Use::Alone => remove(self.files),
            // The other one may be ending at this very moment, or may never have had all of them.
            Use::Shared => self.files.iter().for_each(|file| {
                file.remove_if_abandoned();
            }),
        }
    }

    /// What the generation listens on that all workers serve.
    pub(crate) fn listeners(&self) -> Vec<&os::Listener> {
        self.listeners_of(self.current)
    }

    /// What this generation listens on.
    pub(crate) fn listeners_of(&self, generation: u32) -> Vec<&os::Listener> {
        let of_it = self.all.get(&generation).into_iter();
        of_it.flat_map(|generation| &generation.listeners).map(Rc::as_ref).collect()
    }

    /// How this generation is supervised, if it is known.
    pub(crate) fn policy(&self, generation: u32) -> Option<&Policy> {
        self.all.get(&generation).map(|generation| &generation.policy)
    }

    /// How many workers serve this generation, as far as the settings go.
    pub(crate) fn workers(&self, generation: u32) -> usize {
        self.all.get(&generation).map_or(1, |generation| generation.policy.workers.max(1))
    }

    /// In a forked process: what this generation listens on. All else is closed; the socket files are the master's.
    pub(crate) fn into_listeners(mut self, generation: u32) -> Vec<os::Listener> {
        let handles = self.all.remove(&generation).map(|kept| kept.listeners).unwrap_or_default();
        drop(self);
        let mut listeners: Vec<_> = handles.into_iter().filter_map(Rc::into_inner).collect();
        listeners.iter_mut().for_each(os::Listener::disown);
        listeners
    }

    fn open(&self) -> impl Iterator<Item = &Rc<os::Listener>> {
        self.all.values().flat_map(|generation| &generation.listeners)
    }
}

/// Closes them, and hands out their files. Whoever connects from now on is refused rather than reset when the last worker has
/// closed the socket.
fn close_all(listeners: Vec<os::Listener>, sockets: Use) -> Vec<os::SocketFile> {
    if sockets == Use::Alone {
        let concerned = listeners.iter().filter(|listener| is_served(listener) && is_ours(listener));
        let failed: Vec<os::Error> = concerned.filter_map(|listener| listener.turn_away().err()).collect();
        // What the system does not allow for one, it does not allow for any.
        failed.first().into_iter().for_each(report::cannot_turn_away);
    }
    listeners.into_iter().filter_map(os::Listener::close).collect()
}

/// Who asks for numbers is answered to the end.
fn is_served(listener: &os::Listener) -> bool {
    listener.purpose() != os::Purpose::Metrics
}

/// Whoever has passed a socket to us, such as systemd, goes on using it.
fn is_ours(listener: &os::Listener) -> bool {
    match listener.address() {
        os::BindAddress::Tcp { .. } | os::BindAddress::Unix(_) | os::BindAddress::Abstract(_) => true,
        os::BindAddress::Inherited(_) | os::BindAddress::Activated(_) => false,
    }
}

fn remove(files: impl IntoIterator<Item = os::SocketFile>) {
    for file in files {
        file.remove_if_ours();
    }
}
