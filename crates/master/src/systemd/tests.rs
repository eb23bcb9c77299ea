use std::{
    collections::HashMap,
    sync::atomic::{AtomicU32, Ordering},
};

use super::*;

/// The master before this one, which has ended.
const GIVER: Pid = Pid::from_raw(i32::MAX);

/// A service manager: an environment, and the socket that it names.
struct Manager {
    variables: HashMap<&'static str, OsString>,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("rwsgi-test-{}-{number}", process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { variables: HashMap::from([("NOTIFY_SOCKET", format!("@{name}").into())]), socket }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.insert(name, value.into());
        self
    }

    fn client(&self, now: Instant) -> Systemd {
        Systemd::from_environment(&|name| self.variables.get(name).cloned(), Some(GIVER), now)
    }

    /// All that was said since the last call.
    fn heard(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut bytes = [0; 512];
        while let Ok(count) = self.socket.recv(&mut bytes) {
            words.push(String::from_utf8(bytes[..count].to_vec()).unwrap());
        }
        words
    }
}

#[test]
fn words_are_what_sd_notify_calls_them() {
    let manager = Manager::new();
    let mut systemd = manager.client(Instant::now());
    let before = os::monotonic_micros();
    for word in [Word::Ready, Word::Reloading, Word::MainPid(Pid::from_raw(77)), Word::Stopping] {
        systemd.tell(word);
    }
    let heard = manager.heard();
    let (first, reloading) = (&heard[0], &heard[1]);
    assert_eq!(
        (first.as_str(), &heard[2..]),
        ("READY=1", &["MAINPID=77".to_owned(), "STOPPING=1".to_owned()][..])
    );
    let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().parse().unwrap();
    assert!((before..=os::monotonic_micros()).contains(&micros), "{reloading}");
}

#[test]
fn a_status_is_sent_when_it_changes_and_is_one_line() {
    let manager = Manager::new();
    let mut systemd = manager.client(Instant::now());
    for line in ["1/3 workers", "1/3 workers", "3/3 workers", "odd\nSTOPPING=1"] {
        systemd.status(line);
    }
    assert_eq!(manager.heard(), ["STATUS=1/3 workers", "STATUS=3/3 workers", "STATUS=odd STOPPING=1"]);
    systemd.forget_status();
    systemd.status("odd STOPPING=1");
    assert_eq!(manager.heard(), ["STATUS=odd STOPPING=1"], "who was not heard says it again");
}

#[test]
fn signs_of_life_come_at_half_of_the_time_and_only_when_well() {
    let begun = Instant::now();
    let after = |millis| begun + Duration::from_millis(millis);
    let manager =
        Manager::new().with("WATCHDOG_USEC", "4000000").with("WATCHDOG_PID", &process::id().to_string());
    let mut systemd = manager.client(begun);
    assert_eq!(systemd.next_beat(), Some(after(2000)));
    systemd.beat(after(1999), true);
    assert_eq!(manager.heard(), [""; 0]);
    systemd.beat(after(2000), true);
    assert_eq!((manager.heard(), systemd.next_beat()), (vec!["WATCHDOG=1".to_owned()], Some(after(4000))));
    systemd.beat(after(4000), false);
    assert_eq!((manager.heard(), systemd.next_beat()), (vec![], Some(after(4500))));
    systemd.beat(after(4500), true);
    assert_eq!(manager.heard(), ["WATCHDOG=1"]);
}

#[test]
fn whose_signs_of_life_are_meant() {
    let meant = |pid: &str| {
        let manager = Manager::new().with("WATCHDOG_USEC", "1000000").with("WATCHDOG_PID", pid);
        manager.client(Instant::now()).next_beat().is_some()
    };
    assert!(meant(&process::id().to_string()));
    assert!(meant(&GIVER.to_string()), "a successor takes over from it, whether it lives or not");
    for stranger in [&*nix::unistd::getppid().to_string(), "1073741824", "", "x"] {
        assert!(!meant(stranger), "{stranger}");
    }
    let anybody = Manager::new().with("WATCHDOG_USEC", "1000000").client(Instant::now());
    assert!(anybody.next_beat().is_some());
    assert_eq!(anybody.bequest(), Some(("WATCHDOG_PID", process::id().to_string())));
    for nonsense in ["0", "", "-1", "soon"] {
        let manager = Manager::new().with("WATCHDOG_USEC", nonsense);
        assert_eq!(manager.client(Instant::now()).next_beat(), None, "{nonsense}");
    }
}

#[test]
fn without_a_service_manager_nothing_is_said() {
    for name in ["", "relative", "/nowhere/at/all", "vsock:2:1"] {
        let variable = |asked: &str| {
            (asked != "WATCHDOG_PID").then(|| if asked == "NOTIFY_SOCKET" { name } else { "1000" }.into())
        };
        let mut systemd = Systemd::from_environment(&variable, None, Instant::now());
        systemd.tell(Word::Ready);
        systemd.status("3/3 workers");
        assert_eq!((systemd.next_beat(), systemd.bequest()), (None, None), "{name}");
    }
}

/// Says so much that the manager, which does not listen, has no room for more; how many words it has room for.
fn fill(systemd: &mut Systemd) -> usize {
    let said = (0..100_000).take_while(|_| {
        systemd.tell(Word::Ready);
        systemd.next_beat().is_none()
    });
    said.count()
}

#[test]
fn a_manager_that_does_not_listen_is_not_waited_for_and_hears_all_later() {
    let manager = Manager::new();
    let mut systemd = manager.client(Instant::now());
    let room = fill(&mut systemd);
    for line in ["1/3 workers", "2/3 workers"] {
        systemd.status(line);
    }
    systemd.tell(Word::Stopping);
    assert_eq!(manager.heard().len(), room);
    systemd.beat(systemd.next_beat().unwrap(), true);
    assert_eq!(manager.heard(), ["READY=1", "STATUS=2/3 workers", "STOPPING=1"]);
    assert_eq!(systemd.next_beat(), None);
}

#[test]
fn a_manager_that_is_gone_or_deaf_is_given_up() {
    let manager = Manager::new();
    let mut systemd = manager.client(Instant::now());
    fill(&mut systemd);
    for _ in 0..UNSENT {
        systemd.tell(Word::Ready);
    }
    assert_eq!(systemd.next_beat(), None, "deaf");
    let mut systemd = manager.client(Instant::now());
    drop(manager);
    systemd.tell(Word::Ready);
    assert_eq!(systemd.next_beat(), None, "gone");
}
