//! What a server hands to the one that takes its place, and how that one finds it: a list of descriptors in the environment.

use std::{
    fmt::Write,
    fs,
    os::fd::{AsFd, AsRawFd, RawFd},
};

use nix::{
    errno::Errno,
    sys::signal::kill,
    unistd::{Pid, getppid},
};

use crate::{
    BindAddress, Error, Listener, SocketFile, address::ACTIVATED, environment::take_variable,
    inherited::adopt, socket::Socket,
};

/// One listener a line: its descriptor, device and inode of its socket file if that is to be removed at the end, `=`, and
/// its address.
const LISTENERS: &str = "RWSGI_LISTENERS";

/// The pid of the server that hands over: the parent of the one that takes.
const PREDECESSOR: &str = "RWSGI_PREDECESSOR";

pub(crate) const VARIABLES: [&str; 2] = [LISTENERS, PREDECESSOR];

/// Only for sockets that do not listen yet, and these do.
const BACKLOG: i32 = 2048;

/// What this server has from the one before it. What is not taken out is closed when this is dropped.
#[derive(Debug)]
pub struct Handover {
    giver: Pid,
    has_giver_ended: bool,
    listeners: Vec<Handed>,
}

#[derive(Debug)]
struct Handed {
    address: String,
    socket: Socket,
    file: Option<(u64, u64)>,
}

impl Handover {
    /// Takes what the parent of this process hands over, and the variables that tell of it out of the environment; `None`
    /// when it hands over nothing, or the variables come from another process. A parent that has ended meanwhile has handed
    /// over all the same: nobody else has the sockets then. To be called at the start, before there are threads.
    ///
    /// # Errors
    /// The list names a descriptor that is no listener, or the process has more than one thread.
    pub fn from_environment() -> Result<Option<Self>, Error> {
        let (listeners, predecessor) = (take_variable(LISTENERS)?, take_variable(PREDECESSOR)?);
        let predecessor = predecessor.and_then(|text| text.parse().ok()).map(Pid::from_raw);
        let Some(giver) = predecessor else { return Ok(None) };
        let has_giver_ended = giver != getppid();
        if has_giver_ended && !has_ended(giver) {
            return Ok(None);
        }
        let listeners = listeners.as_deref().unwrap_or_default();
        let listeners = listeners.lines().map(Handed::take).collect::<Result<_, _>>()?;
        Ok(Some(Self { giver, has_giver_ended, listeners }))
    }

    /// The process that hands over, unless it has ended. It goes on serving until it is told otherwise.
    #[must_use]
    pub fn predecessor(&self) -> Option<Pid> {
        (!self.has_giver_ended).then_some(self.giver)
    }

    /// The process that hands over, or has: its pid may be another's by now.
    #[must_use]
    pub fn giver(&self) -> Pid {
        self.giver
    }

    /// The listener for this address. The file of a unix socket becomes ours to remove, if it was the predecessor's.
    pub fn take(&mut self, address: &BindAddress) -> Option<Listener> {
        let text = address.to_string();
        let place = self.listeners.iter().position(|handed| handed.address == text)?;
        let Handed { socket, file, .. } = self.listeners.remove(place);
        let file = match (address, file) {
            (BindAddress::Unix(path), Some(identity)) => SocketFile::known(path, identity),
            _ => None,
        };
        Some(Listener::new(socket, address.clone(), file))
    }

    /// The listeners that the predecessor, or one before it, had from systemd.
    pub fn take_activated(&mut self) -> Vec<Listener> {
        let is_activated = |handed: &mut Handed| handed.address.starts_with(ACTIVATED);
        let found = self.listeners.extract_if(.., is_activated);
        found
            .map(|Handed { address, socket, .. }| {
                let name = address.trim_start_matches(ACTIVATED).to_owned();
                Listener::new(socket, BindAddress::Activated(name), None)
            })
            .collect()
    }
}

impl Handed {
    fn take(line: &str) -> Result<Self, Error> {
        let failed = |source| Error::Bind { address: line.to_owned(), source };
        let Some(Line { descriptor, file, address }) = parse(line) else {
            return Err(failed(std::io::ErrorKind::InvalidInput.into()));
        };
        let socket = adopt(descriptor, BACKLOG).map_err(failed)?;
        Ok(Self { address, socket, file })
    }
}

/// The variables by which a successor, which will be a child of this process, finds these listeners.
pub(crate) fn variables(listeners: &[&Listener]) -> [(&'static str, String); 2] {
    let mut list = String::new();
    for listener in listeners {
        let descriptor = listener.as_fd().as_raw_fd();
        let file = listener.file().map(SocketFile::identity);
        let file = file.map_or_else(String::new, |(device, inode)| format!(":{device}:{inode}"));
        let _ = writeln!(list, "{descriptor}{file}={}", escape(&listener.address().to_string()));
    }
    [(LISTENERS, list), (PREDECESSOR, std::process::id().to_string())]
}

/// Whether a process is gone, buried or not.
fn has_ended(pid: Pid) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with(['Z', 'X'])),
        Err(_) => pid.as_raw() > 0 && kill(pid, None) == Err(Errno::ESRCH),
    }
}

/// What a line of the list says.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    descriptor: RawFd,
    file: Option<(u64, u64)>,
    address: String,
}

fn parse(line: &str) -> Option<Line> {
    let (numbers, address) = line.split_once('=')?;
    let mut numbers = numbers.split(':');
    let descriptor = numbers.next()?.parse().ok()?;
    let file = match (numbers.next(), numbers.next()) {
        (Some(device), Some(inode)) => Some((device.parse().ok()?, inode.parse().ok()?)),
        _ => None,
    };
    Some(Line { descriptor, file, address: unescape(address) })
}

/// The path of a unix socket may hold a line feed.
fn escape(address: &str) -> String {
    address.replace('%', "%25").replace('\n', "%0A")
}

fn unescape(text: &str) -> String {
    text.replace("%0A", "\n").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SocketPlan;

    #[test]
    fn the_list_says_where_each_listener_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a%0A\nb=c.sock");
        let bind = |address| Listener::bind(&SocketPlan::new(address)).unwrap();
        let tcp = bind(BindAddress::Tcp { host: "127.0.0.1".to_owned(), port: 0 });
        let mut unix = bind(BindAddress::Unix(path.clone()));
        let [(_, list), (_, predecessor)] = variables(&[&tcp, &unix]);
        assert_eq!(predecessor, std::process::id().to_string());
        let [first, second] = list.lines().collect::<Vec<_>>().try_into().unwrap();
        let descriptor = |listener: &Listener| listener.as_fd().as_raw_fd();
        let first = parse(first).unwrap();
        assert_eq!(
            first,
            Line { descriptor: descriptor(&tcp), file: None, address: "127.0.0.1:0".to_owned() }
        );
        let second = parse(second).unwrap();
        let (file, address) = (unix.file().map(SocketFile::identity), format!("unix:{}", path.display()));
        assert!(file.is_some());
        assert_eq!(second, Line { descriptor: descriptor(&unix), file, address });
        unix.disown();
        let [(_, list), _] = variables(&[&unix]);
        assert_eq!(parse(list.trim_end()).unwrap().file, None);
    }

    #[test]
    fn nonsense_is_no_listener() {
        for text in ["", "3", "x=a", "3:1:y=a"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
