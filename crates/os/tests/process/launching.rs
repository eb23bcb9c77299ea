//! What a process is given at its start, and gives on: listeners, an identity, a place in the background.

use std::{
    env,
    ffi::{CStr, c_char},
    fs,
    io::{Read, Write, pipe},
    net::{TcpListener, TcpStream},
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, IntoRawFd, OwnedFd},
        unix::fs::PermissionsExt,
    },
    path::Path,
};

use nix::{
    sys::{
        prctl,
        signal::{SigSet, SigmaskHow},
        stat::{Mode, umask},
    },
    unistd::{alarm, getpid, getppid},
};
use rwsgi_os::{
    BindAddress, Detached, Ending, ExitReason, Handover, Identity, Invocation, Lifeline, Listener, NoHooks,
    Pid, PidFile, Scoreboard, Signal, Socket, SocketPlan, Streams, allow_descriptors, detach,
    die_with_parent, discard, exit_now, reap, set_title, take_activated, without_title,
};

use super::{child, ending_of, watch_children};

/// Set for the process that [`succeed`]s.
pub(crate) const SUCCESSOR: &str = "RWSGI_OS_SUCCESSOR";

/// The descriptors that are not the predecessor's.
const STRANGERS: &str = "RWSGI_OS_STRANGERS";

fn listen(address: BindAddress) -> Listener {
    Listener::bind(&SocketPlan::new(address)).unwrap()
}

fn local_port() -> BindAddress {
    BindAddress::Tcp { host: "127.0.0.1".to_owned(), port: 0 }
}

/// The descriptors of this process.
fn descriptors() -> Vec<i32> {
    let entries: Vec<_> = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap()).collect();
    // Not the directory that was being read.
    let open = entries.iter().filter(|entry| fs::read_link(entry.path()).is_ok());
    open.map(|entry| entry.file_name().to_str().unwrap().parse().unwrap()).collect()
}

pub(crate) fn a_successor_gets_the_listeners_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    // What was for this process only is not for the next one.
    // SAFETY: each case is a process with one thread.
    unsafe { env::set_var("LISTEN_PID", getpid().to_string()) };
    let invocation = Invocation::capture();
    // What whoever runs the tests has left open goes on to everybody.
    let strangers = descriptors();
    let signals = watch_children();
    let (_lifeline, _scoreboard) = (Lifeline::open().unwrap(), Scoreboard::new(1).unwrap());
    let _pid_file = PidFile::write(&folder.path().join("pid")).unwrap();
    let unix = BindAddress::Unix(path.clone());
    let (tcp, mut unix) = (listen(local_port()), listen(unix));
    let mut client = TcpStream::connect(tcp.url().strip_prefix("http://").unwrap()).unwrap();
    // It is let in when it speaks.
    client.write_all(b"x").unwrap();
    env::set_current_dir("/").unwrap();
    // A signal that is blocked here is none there.
    SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).unwrap();
    let path = path.to_str().unwrap().to_owned();
    let strangers = strangers.iter().map(i32::to_string).collect::<Vec<_>>().join(" ");
    let extra = [(SUCCESSOR, path.clone()), (STRANGERS, strangers)];
    let successor = invocation.spawn(&[&tcp, &unix], &extra).unwrap();
    SigSet::empty().thread_swap_mask(SigmaskHow::SIG_SETMASK).unwrap();
    for listener in [&tcp, &unix] {
        let flags = nix::fcntl::fcntl(listener.as_fd(), nix::fcntl::FcntlArg::F_GETFD).unwrap();
        assert_eq!(flags, nix::libc::FD_CLOEXEC, "closed by exec in this process as before");
    }
    unix.disown();
    assert!(unix.close().is_none());
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "served by the successor");
    assert_eq!(ending_of(successor, &signals), Ending::Code(0));
    assert!(!Path::new(&path).exists(), "the last server removes the file");
}

/// The server that takes the listeners over.
pub(crate) fn succeed() {
    let path = env::var(SUCCESSOR).unwrap();
    assert!(env::current_dir().unwrap() != Path::new("/"));
    assert_eq!(SigSet::thread_get_mask().unwrap(), SigSet::empty());
    let strangers = env::var(STRANGERS).unwrap();
    let mut given = descriptors();
    given.retain(|descriptor| !strangers.split(' ').any(|number| number == descriptor.to_string()));
    let mut handover = Handover::from_environment().unwrap().unwrap();
    assert_eq!((handover.giver(), handover.predecessor()), (getppid(), Some(getppid())));
    assert_eq!(given.len(), 2, "{given:?}");
    assert!(rwsgi_os::private_variables().all(|name| env::var(name).is_err()));
    assert!(handover.take(&BindAddress::Abstract("other".to_owned())).is_none());
    let Socket::Tcp(tcp) = handover.take(&local_port()).unwrap().into_socket() else { panic!() };
    let unix = handover.take(&BindAddress::Unix(path.into())).unwrap();
    assert_eq!(handover.take_activated().len(), 0);
    let (mut client, _) = tcp.accept().unwrap();
    client.read_exact(&mut [0]).unwrap();
    client.write_all(b"served by the successor").unwrap();
    assert!(unix.close().unwrap().remove_if_ours());
}

pub(crate) fn a_handover_from_a_stranger_is_none() {
    // SAFETY: each case is a process with one thread.
    unsafe {
        env::set_var("RWSGI_LISTENERS", "0=127.0.0.1:80\n");
        env::set_var("RWSGI_PREDECESSOR", getpid().to_string());
    }
    assert!(Handover::from_environment().unwrap().is_none());
    assert!(env::var("RWSGI_LISTENERS").is_err() && env::var("RWSGI_PREDECESSOR").is_err());
}

pub(crate) fn a_handover_of_a_server_that_has_ended_is_one() {
    let signals = watch_children();
    let gone = child(|| ExitReason::Ok);
    ending_of(gone, &signals);
    // SAFETY: each case is a process with one thread.
    unsafe {
        env::set_var("RWSGI_LISTENERS", "");
        env::set_var("RWSGI_PREDECESSOR", gone.to_string());
    }
    let handover = Handover::from_environment().unwrap().unwrap();
    assert_eq!((handover.giver(), handover.predecessor()), (gone, None));
}

/// In a process of its own, since the umask is the whole process's.
pub(crate) fn a_socket_file_has_the_mode_of_the_plan_whatever_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    for (mode, mask) in [(0o660, 0o777), (0o777, 0o022), (0o600, 0)] {
        umask(Mode::from_bits_truncate(mask));
        let path = folder.path().join(format!("{mode:o}"));
        let plan = SocketPlan { mode, ..SocketPlan::new(BindAddress::Unix(path.clone())) };
        let _listener = Listener::bind(&plan).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        assert_eq!(umask(Mode::empty()).bits(), mask, "it is what it was");
    }
}

pub(crate) fn activated_sockets_are_for_one_process() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let local = held.local_addr().unwrap();
    let announce = |pid: Pid, count: &str| {
        // SAFETY: each case is a process with one thread.
        unsafe {
            env::set_var("LISTEN_PID", pid.to_string());
            env::set_var("LISTEN_FDS", count);
            env::set_var("LISTEN_FDNAMES", "web.socket");
        }
    };
    announce(getppid(), "1");
    assert_eq!(take_activated().unwrap().len(), 0);
    assert!(rwsgi_os::private_variables().all(|name| env::var(name).is_err()));
    announce(getpid(), "1");
    // SAFETY: whatever the number 3 stands for is not used again in this case.
    let mut third = unsafe { OwnedFd::from_raw_fd(3) };
    nix::unistd::dup2(&held, &mut third).unwrap();
    nix::fcntl::fcntl(&third, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    let _ = (third.into_raw_fd(), held.into_raw_fd());
    let [listener] = take_activated().unwrap().try_into().unwrap();
    assert_eq!(listener.address().to_string(), "systemd:web.socket#3");
    assert_eq!(listener.url(), format!("http://{local}"));
    announce(getpid(), "7000");
    let refusal = take_activated().unwrap_err();
    assert!(refusal.to_string().starts_with("cannot listen on `systemd:web.socket#3`"), "{refusal}");
}

fn is_root() -> bool {
    let is_root = nix::unistd::geteuid().is_root();
    if !is_root {
        println!("NOT TESTED: changing the user needs root");
    }
    is_root
}

pub(crate) fn an_identity_is_for_good() {
    if !is_root() {
        return;
    }
    let identity = Identity::resolve(Some("54321"), Some("54322"), false).unwrap().unwrap();
    let other = Identity::resolve(Some("54399"), None, false).unwrap().unwrap();
    let signals = watch_children();
    let parent = getpid();
    let pid = child(|| {
        assert!(die_with_parent(parent, Signal::SIGTERM));
        identity.assume().unwrap();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        assert_eq!(line("Uid:"), "Uid:\t54321\t54321\t54321\t54321");
        assert_eq!(line("Gid:"), "Gid:\t54322\t54322\t54322\t54322");
        assert_eq!(line("Groups:").trim_end(), "Groups:\t54322");
        assert_eq!(line("CapEff:"), "CapEff:\t0000000000000000");
        assert_eq!(nix::sys::prctl::get_pdeathsig().unwrap(), Some(Signal::SIGTERM));
        assert!(nix::sys::prctl::get_dumpable().unwrap());
        assert!(fs::read_link("/proc/self/fd/0").is_ok());
        let refusal = Identity::resolve(Some("54399"), None, false).unwrap_err();
        let message = "cannot change to user `54399`: the server was not started as root";
        assert_eq!(refusal.to_string(), message);
        let refusal = Identity::resolve(Some("54321"), Some("54399"), false).unwrap_err();
        assert!(refusal.to_string().contains("group `54399`"), "{refusal}");
        assert_eq!(Identity::resolve(Some("54321"), Some("54322"), false).unwrap(), None);
        other.assume().expect_err("nobody can become another user a second time");
        ExitReason::Ok
    });
    assert_eq!(ending_of(pid, &signals), Ending::Code(0));
}

pub(crate) fn an_identity_knows_where_it_can_write() {
    if !is_root() {
        return;
    }
    let identity = Identity::resolve(Some("54321"), None, false).unwrap().unwrap();
    let folder = tempfile::tempdir().unwrap();
    assert!(!identity.can_write(folder.path()).unwrap());
    nix::unistd::chown(folder.path(), Some(54321.into()), None).unwrap();
    assert!(identity.can_write(folder.path()).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(reap(), []);
}

pub(crate) fn the_foreground_hears_from_the_background() {
    let session = nix::unistd::getsid(None).unwrap();
    for told in [Some(ExitReason::Ok), Some(ExitReason::Config), None] {
        let (mut reader, mut writer) = pipe().unwrap();
        match detach(&NoHooks).unwrap() {
            Detached::Foreground(heard) => {
                drop(writer);
                assert_eq!(heard, told);
                let mut text = String::new();
                reader.read_to_string(&mut text).unwrap();
                assert_eq!(text, "in a session of another, in silence");
            }
            Detached::Background(background) => {
                alarm::set(30);
                assert_ne!(nix::unistd::getsid(None).unwrap(), getpid(), "a leader could get a terminal");
                assert_ne!(nix::unistd::getsid(None).unwrap(), session);
                match told {
                    Some(reason) => background.tell(reason),
                    None => drop(background),
                }
                discard(Streams::All, Some(reader.as_fd())).unwrap();
                for descriptor in [0, 1, 2, reader.as_fd().as_raw_fd()] {
                    let target = fs::read_link(format!("/proc/self/fd/{descriptor}")).unwrap();
                    assert_eq!(target, Path::new("/dev/null"));
                }
                writer.write_all(b"in a session of another, in silence").unwrap();
                exit_now(ExitReason::Ok);
            }
        }
    }
}

pub(crate) fn descriptors_are_allowed_up_to_the_hard_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    setrlimit(Resource::RLIMIT_NOFILE, 100, 200).unwrap();
    assert_eq!(allow_descriptors(50).unwrap(), (100, 100));
    assert_eq!(allow_descriptors(150).unwrap(), (100, 150));
    assert_eq!(allow_descriptors(1000).unwrap(), (150, 200));
    assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (200, 200));
}

pub(crate) fn a_title_is_shown_instead_of_the_command_line() {
    let shown = || fs::read("/proc/self/cmdline").unwrap();
    let other = |file: &str| fs::read(format!("/proc/self/{file}")).unwrap();
    let (line, environment, name) = (shown(), other("environ"), other("comm"));
    let arguments = Invocation::capture().arguments().to_owned();
    let filled = |text: &[u8]| [text, &vec![0; line.len() - text.len()]].concat();
    assert!(set_title("short"));
    assert_eq!(shown(), filled(b"short"));
    assert!(set_title(&"long".repeat(line.len())));
    let cut = "long".repeat(line.len()).into_bytes()[..line.len() - 1].to_vec();
    assert_eq!(shown(), filled(&cut));
    let meanwhile = without_title(&arguments, || {
        prctl::set_name(c"other").unwrap();
        shown()
    });
    assert_eq!((meanwhile, shown()), (line.clone(), filled(&cut)));
    assert!(set_title(""));
    assert_eq!((shown(), other("environ"), other("comm")), (filled(b""), environment, name));
    // SAFETY: it is set at the start of the process, and this is its only thread.
    let known = unsafe { CStr::from_ptr(program_invocation_name) };
    assert_eq!(known.to_bytes(), line.split(|byte| *byte == 0).next().unwrap());
}

// SAFETY: the C library has it, of this type (program_invocation_name(3)).
unsafe extern "C" {
    static program_invocation_name: *const c_char;
}
