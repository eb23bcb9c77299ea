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

struct Generation {
    policy: Policy,
    listeners: Vec<Rc<os::Listener>>,
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
                *open.address() == plan.address && !listeners.iter().any(|taken| Rc::ptr_eq(taken, open))
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
                    remove(opened.into_iter().filter_map(close));
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

    /// Closes what only generations before this one have. Files of sockets go with them if `files_too`, else at the end.
    pub(crate) fn adopt(&mut self, generation: u32, files_too: bool) {
        self.current = generation;
        let kept = self.all.split_off(&generation);
        let earlier = std::mem::replace(&mut self.all, kept);
        self.let_go(earlier.into_values(), files_too);
    }

    /// Closes what only this generation has.
    pub(crate) fn give_up(&mut self, generation: u32) {
        let removed = self.all.remove(&generation);
        self.let_go(removed.into_iter(), true);
    }

    fn let_go(&mut self, generations: impl Iterator<Item = Generation>, files_too: bool) {
        // All handles are taken before the first one is looked at: several of these may share a listener.
        let handles: Vec<Rc<os::Listener>> = generations.flat_map(|gone| gone.listeners).collect();
        let closed: Vec<os::Listener> = handles.into_iter().filter_map(Rc::into_inner).collect();
        if !closed.is_empty() {
            report::no_longer_listening(&closed);
        }
        let files = closed.into_iter().filter_map(os::Listener::close);
        if files_too { remove(files) } else { self.files.extend(files) }
    }

    /// Closes everything; new generations may still be forked, and accept nothing.
    pub(crate) fn close(&mut self) {
        let lists = self.all.values_mut().map(|generation| std::mem::take(&mut generation.listeners));
        let handles: Vec<Rc<os::Listener>> = lists.flatten().collect();
        self.files.extend(handles.into_iter().filter_map(close));
    }

    /// The server has ended: removes what its sockets have left in the file system if `files_too`, unless other sockets have
    /// taken their place.
    pub(crate) fn end(mut self, files_too: bool) {
        self.close();
        if files_too {
            remove(self.files);
        }
    }

    /// What the generation listens on that all workers serve.
    pub(crate) fn listeners(&self) -> Vec<&os::Listener> {
        self.all
            .get(&self.current)
            .into_iter()
            .flat_map(|current| &current.listeners)
            .map(Rc::as_ref)
            .collect()
    }

    /// How many workers serve this generation, as far as the settings go.
    pub(crate) fn workers(&self, generation: u32) -> usize {
        self.all.get(&generation).map_or(1, |generation| generation.policy.workers.max(1))
    }

    /// In a forked process: what this generation listens on. All else is closed.
    pub(crate) fn into_listeners(mut self, generation: u32) -> Vec<os::Listener> {
        let handles = self.all.remove(&generation).map(|kept| kept.listeners).unwrap_or_default();
        drop(self);
        handles.into_iter().filter_map(Rc::into_inner).collect()
    }

    fn open(&self) -> impl Iterator<Item = &Rc<os::Listener>> {
        self.all.values().flat_map(|generation| &generation.listeners)
    }
}

fn close(listener: Rc<os::Listener>) -> Option<os::SocketFile> {
    Rc::into_inner(listener)?.close()
}

fn remove(files: impl IntoIterator<Item = os::SocketFile>) {
    for file in files {
        file.remove_if_ours();
    }
}
