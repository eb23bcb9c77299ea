use std::{
    collections::VecDeque,
    ffi::OsString,
    fmt, io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    process,
    time::{Duration, Instant},
};

use rwsgi_os::{self as os, Pid};

/// Words that systemd had no room for yet; when more of them pile up, it is not coming back.
const UNSENT: usize = 64;

/// How long to wait before such a word is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// What the master tells the service manager that started it, by sd_notify(3); mute when it was started otherwise.
///
/// `NOTIFY_SOCKET` names the socket, `WATCHDOG_USEC` and `WATCHDOG_PID` say whether signs of life are wanted
/// (sd_watchdog_enabled(3)). Nothing here ever waits: a word that finds the socket full is kept and goes with a later one.
/// The crate `sd-notify` would block then, and with it the supervision of all workers.
#[derive(Debug)]
pub(crate) struct Systemd {
    /// Connected to the service manager; none when there is none.
    socket: Option<UnixDatagram>,
    unsent: VecDeque<String>,
    status: String,
    watchdog: Option<Watchdog>,
}

/// What the service manager is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Word {
    /// `READY=1`: the server serves; after [`Word::Reloading`], that the reload is over.
    Ready,
    /// `RELOADING=1`, with the `MONOTONIC_USEC=` that `Type=notify-reload` asks for.
    Reloading,
    /// `STOPPING=1`: no more than an orderly end is to be expected.
    Stopping,
    /// `MAINPID=`: another process is the master from now on. Only the one that was it before is believed.
    MainPid(Pid),
}

/// The signs of life that the service manager waits for.
#[derive(Debug, Clone, Copy)]
struct Watchdog {
    /// Half of what it waits for.
    interval: Duration,
    due: Instant,
}

impl Systemd {
    /// Finds out from the environment whom to speak to. A socket that cannot be reached is told in the log, and that
    /// is all: a server is worth more than its reports. What was asked of `giver`, the master that this one takes over from, is asked of this
    /// one.
    pub(crate) fn open(giver: Option<Pid>) -> Self {
        Self::from_environment(&|name| std::env::var_os(name), giver, Instant::now())
    }

    fn from_environment(
        variable: &dyn Fn(&str) -> Option<OsString>,
        giver: Option<Pid>,
        now: Instant,
    ) -> Self {
        let name = variable("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let socket = name.and_then(|name| {
            let opened = connect(name.as_bytes());
            if let Err(error) = &opened {
                let name = name.to_string_lossy();
                tracing::warn!("Cannot tell systemd anything through NOTIFY_SOCKET `{name}`: {error}");
            }
            opened.ok()
        });
        let watchdog = socket.as_ref().and_then(|_| Watchdog::wanted(variable, giver, now));
        Self { socket, unsent: VecDeque::new(), status: String::new(), watchdog }
    }

    /// Whether there is somebody to speak to.
    pub(crate) fn is_heard(&self) -> bool {
        self.socket.is_some()
    }

    /// Says one word.
    pub(crate) fn tell(&mut self, word: Word) {
        self.send(word.to_string());
    }

    /// Shows `line` in `systemctl status`; says nothing when it is shown already.
    pub(crate) fn status(&mut self, line: &str) {
        // A line break would begin another assignment.
        let line = line.replace(['\n', '\r'], " ");
        if line != self.status {
            self.send(format!("STATUS={line}"));
            self.status = line;
        }
    }

    /// The next line is sent even if it is the same as the last one.
    pub(crate) fn forget_status(&mut self) {
        self.status.clear();
    }

    /// When [`Systemd::beat`] has something to do next.
    pub(crate) fn next_beat(&self) -> Option<Instant> {
        let again = (!self.unsent.is_empty()).then(|| Instant::now() + AGAIN);
        let due = self.watchdog.map(|watchdog| watchdog.due);
        again.into_iter().chain(due).min()
    }

    /// Gives the sign of life if it is due and the server is `well`. One that is not well is looked at more often, so
    /// that the sign comes soon after it has recovered. Says what could not be said before, too.
    pub(crate) fn beat(&mut self, now: Instant, well: bool) {
        self.flush();
        let Some(watchdog) = self.watchdog.as_mut().filter(|watchdog| watchdog.due <= now) else { return };
        watchdog.due = now + if well { watchdog.interval } else { watchdog.interval / 4 };
        if well {
            self.send("WATCHDOG=1".to_owned());
        }
    }

    /// What the environment of a successor must say so that it keeps the signs of life up: they were asked of this
    /// process, whose pid is not its own.
    pub(crate) fn bequest(&self) -> Option<(&'static str, String)> {
        self.watchdog.map(|_| ("WATCHDOG_PID", process::id().to_string()))
    }

    fn send(&mut self, text: String) {
        if self.socket.is_none() {
            return;
        }
        // Only the newest of these counts; of the others the order is the meaning.
        if let Some(kind) = ["STATUS=", "WATCHDOG="].into_iter().find(|kind| text.starts_with(kind)) {
            self.unsent.retain(|older| !older.starts_with(kind));
        }
        self.unsent.push_back(text);
        self.flush();
    }

    fn flush(&mut self) {
        let Some(socket) = &self.socket else { return };
        while let Some(text) = self.unsent.front() {
            match socket.send(text.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && self.unsent.len() < UNSENT => {
                    return;
                }
                Err(error) => {
                    tracing::warn!("Cannot tell systemd anything any more: {error}");
                    self.fall_silent();
                    return;
                }
                Ok(_) => drop(self.unsent.pop_front()),
            }
        }
    }

    fn fall_silent(&mut self) {
        self.socket = None;
        self.watchdog = None;
        self.unsent.clear();
    }
}

impl Watchdog {
    /// Signs of life are wanted, and from this process or from the one that it takes over from.
    fn wanted(variable: &dyn Fn(&str) -> Option<OsString>, giver: Option<Pid>, now: Instant) -> Option<Self> {
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        let is_meant = |pid| {
            i32::try_from(pid).is_ok_and(|pid| [Some(Pid::this()), giver].contains(&Some(Pid::from_raw(pid))))
        };
        if variable("WATCHDOG_PID").is_some() && !number("WATCHDOG_PID").is_some_and(is_meant) {
            return None;
        }
        let interval = Duration::from_micros(number("WATCHDOG_USEC").filter(|&micros| micros > 0)?) / 2;
        Some(Self { interval, due: now + interval })
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("READY=1"),
            Self::Reloading => write!(f, "RELOADING=1\nMONOTONIC_USEC={}", os::monotonic_micros()),
            Self::Stopping => f.write_str("STOPPING=1"),
            Self::MainPid(pid) => write!(f, "MAINPID={pid}"),
        }
    }
}

/// A name that begins with `@` is in the abstract namespace; others are paths.
fn connect(name: &[u8]) -> io::Result<UnixDatagram> {
    let address = match name {
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest)?,
        [b'/', ..] => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))?,
        _ => {
            let reason = "expected a path, or a name that begins with `@`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect_addr(&address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests;
