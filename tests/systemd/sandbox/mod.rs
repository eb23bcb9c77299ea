//! A real systemd, process 1 of its own namespaces: processes, mounts, network, cgroups. `/etc` is a copy, `/srv` holds the
//! sites of the test, `/run`, `/var` and `/tmp` are empty, and the ports are all free: units run as they are shipped.

mod site;

use std::fs;
use std::io::Write as _;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::unistd::geteuid;
use tempfile::TempDir;

pub(crate) use site::Site;

use crate::harness::{Client, Lines, PATIENCE, children};

const SYSTEMD: &str = "/lib/systemd/systemd";

/// What units hang on by themselves; the machine's own targets would start its own services.
const TARGETS: [&str; 9] =
    ["boot", "basic", "sysinit", "sockets", "network", "network-online", "multi-user", "shutdown", "umount"];

const JOURNAL: [&str; 3] =
    ["systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket"];

/// A systemd that runs. Dropping it ends everything in it.
#[derive(Debug)]
pub(crate) struct Sandbox {
    holder: Child,
    /// The sandbox lives for as long as this end of a pipe is open.
    lifeline: Option<ChildStdin>,
    /// What comes before systemd, and why it does not come up.
    console: Lines,
    /// Process 1, by its number outside.
    init: u32,
    /// Lies below everything that is mounted.
    work: TempDir,
}

impl Sandbox {
    /// Boots systemd for these sites; `None`, with the reason on standard error, where that is not possible.
    pub(crate) fn boot(sites: &[Site]) -> Option<Self> {
        static OBSTACLE: OnceLock<Option<String>> = OnceLock::new();
        match OBSTACLE.get_or_init(|| obstacle().or_else(|| Self::come_up(&[]).err())) {
            None => Some(Self::come_up(sites).unwrap()),
            Some(reason) => {
                let test = thread::current().name().unwrap_or_default().to_owned();
                let text = format!("\nSKIPPED {test}: a systemd of its own cannot run here: {reason}\n");
                // Not by `eprintln!`, which the test runner keeps to itself when a test passes.
                std::io::stderr().write_all(text.as_bytes()).unwrap();
                None
            }
        }
    }

    fn come_up(sites: &[Site]) -> Result<Self, String> {
        let work = tempfile::tempdir().unwrap();
        lay_out(work.path(), sites);
        let notify = UnixDatagram::bind(work.path().join("notify")).unwrap();
        notify.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", include_str!("hold.sh")])
            .env("WORK", work.path())
            .env("INIT", include_str!("init.sh"))
            .env("BINARY", env!("CARGO_BIN_EXE_rwsgi"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run `unshare`: {error}"))?;
        let console = Lines::of(holder.stderr.take().unwrap());
        let lifeline = holder.stdin.take();
        let mut sandbox = Self { holder, lifeline, console, init: 0, work };
        sandbox.wait_booted(&notify)?;
        let namespaces = children(sandbox.holder.id()).into_iter().flat_map(children).collect::<Vec<_>>();
        sandbox.init =
            namespaces.into_iter().find(|&pid| name_of(pid) == "systemd").ok_or("systemd is gone")?;
        sandbox.run("systemctl start systemd-journald.service");
        Ok(sandbox)
    }

    /// systemd says so itself, as to a container's manager.
    fn wait_booted(&mut self, notify: &UnixDatagram) -> Result<(), String> {
        let (limit, mut words) = (Instant::now() + PATIENCE, [0; 4096]);
        loop {
            let count = notify.recv(&mut words).unwrap_or(0);
            if String::from_utf8_lossy(&words[..count]).lines().any(|word| word == "READY=1") {
                return Ok(());
            }
            if self.holder.try_wait().unwrap().is_some() || Instant::now() > limit {
                return Err(format!("it does not come up:\n{}", self.console.text()));
            }
        }
    }

    /// Starts units, and waits until a worker of each is ready.
    pub(crate) fn start(&self, units: &str) {
        self.run(&format!("systemctl start {units}"));
        for unit in units.split(' ') {
            self.journal(unit).wait("Worker ready (pid: ");
        }
    }

    /// Lets one pass that waits at the gate of a site; `site.py` makes it.
    pub(crate) fn open_gate(&self, site: &str) {
        let path = format!("/proc/{}/root", self.init);
        let path = Path::new(&path).join("var/lib/private").join(site).join("gate");
        fs::write(path, "x").unwrap();
    }

    /// Changes the code of a site.
    pub(crate) fn edit(&self, site: &str, before: &str, after: &str) {
        let path = self.work.path().join("srv").join(site).join(site).join("wsgi.py");
        let source = fs::read_to_string(&path).unwrap();
        assert!(source.contains(before), "{before}");
        fs::write(path, source.replace(before, after)).unwrap();
    }

    /// Writes a file below the `/etc` of the sandbox.
    pub(crate) fn write_etc(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.work.path().join("etc").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Runs a shell command beside systemd; it must succeed. What it printed.
    pub(crate) fn run(&self, line: &str) -> String {
        let output = self.try_run(line);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "`{line}`: {}\n{out}{err}\n{}", output.status, self.report());
        out
    }

    /// Runs a shell command beside systemd.
    pub(crate) fn try_run(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// A property of a unit.
    pub(crate) fn property(&self, unit: &str, name: &str) -> String {
        self.run(&format!("systemctl show --value --property {name} {unit}")).trim().to_owned()
    }

    /// The journal of a unit, with what systemd says of it: what is in it and what comes, without the time before it.
    pub(crate) fn journal(&self, unit: &str) -> Lines {
        let line = format!("exec journalctl --follow --lines all --output cat --unit {unit}");
        let mut follower = self.command(&line).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = Lines::of(follower.stdout.take().unwrap());
        // It ends with the sandbox.
        thread::spawn(move || follower.wait());
        lines
    }

    /// A connection to a port in the sandbox.
    pub(crate) fn client(&self, port: u16) -> Client {
        self.inside(|| Client::tcp(&format!("127.0.0.1:{port}")))
    }

    /// Does something on a thread that is in the network of the sandbox.
    pub(crate) fn inside<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        let network = fs::File::open(format!("/proc/{}/ns/net", self.init)).unwrap();
        let visit = move || {
            setns(network, CloneFlags::CLONE_NEWNET).unwrap();
            act()
        };
        thread::scope(|scope| scope.spawn(visit).join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args([
            "--target",
            &self.init.to_string(),
            "--cgroup",
            "--ipc",
            "--mount",
            "--net",
            "--pid",
            "--uts",
        ]);
        command.args(["--wd=/", "sh", "-c", line]).env_remove("LD_LIBRARY_PATH").stdin(Stdio::null());
        command
    }

    /// What may explain a failure.
    fn report(&self) -> String {
        let journal = self.try_run("journalctl --no-pager --output short-precise");
        format!("{}\n{}", self.console.text(), text(&journal.stdout))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if thread::panicking() && self.init != 0 {
            let mut text = self.report();
            text.insert(0, '\n');
            let _ = std::io::stderr().write_all(text.as_bytes());
        }
        drop(self.lifeline.take());
        let _ = self.holder.wait();
    }
}

/// Why there is no use in trying.
fn obstacle() -> Option<String> {
    if !geteuid().is_root() {
        return Some("it needs root".to_owned());
    }
    (!Path::new(SYSTEMD).exists()).then(|| format!("`{SYSTEMD}` is missing (package `systemd`)"))
}

/// Writes what is to be `/etc` and `/srv`.
fn lay_out(work: &Path, sites: &[Site]) {
    let etc = work.join("etc");
    let copied = Command::new("cp").args(["--archive", "/etc"]).arg(&etc).status().unwrap();
    assert!(copied.success(), "{copied}");
    let units = etc.join("systemd/system");
    // The machine's own units are not for here.
    let _ = fs::remove_dir_all(etc.join("systemd"));
    fs::create_dir_all(&units).unwrap();
    for name in TARGETS {
        let text = format!("[Unit]\nDescription={name}\nDefaultDependencies=no\n");
        fs::write(units.join(format!("{name}.target")), text).unwrap();
    }
    for name in JOURNAL {
        // Where they are missing systemd does not come up, and says so.
        let _ = fs::copy(Path::new("/lib/systemd/system").join(name), units.join(name));
    }
    fs::write(
        etc.join("systemd/journald.conf"),
        "[Journal]\nStorage=volatile\nReadKMsg=no\nRateLimitBurst=0\n",
    )
    .unwrap();
    fs::create_dir_all(work.join("srv")).unwrap();
    for site in sites {
        site.lay_out(&etc, &work.join("srv"));
    }
    let _ = fs::set_permissions(work, std::os::unix::fs::PermissionsExt::from_mode(0o755));
}

fn name_of(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
