//! Forks, signal handlers and endings of children: each case runs alone in a process of its own with one
//! thread, ended by an alarm when it hangs.

#![allow(clippy::unwrap_used, clippy::print_stdout, unsafe_code)]

use std::{
    env,
    io::{Read, Write, pipe},
    os::{
        fd::AsFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{Command, ExitCode},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, killpg, raise, sigaction},
    unistd::{alarm, getpid, getppid, pause},
};
use rwsgi_os::{
    Ending, ExitReason, Exited, ForkHooks, Forked, Lifeline, NoHooks, Pid, PidFile, Scoreboard, Signal,
    Signals, Stage, adopt_orphans, boot_handlers, die_with_parent, exit_now, fork, fork_for, kill, reap,
    replaced_handlers,
};

#[path = "process/launching.rs"]
mod launching;

const CASES: [(&str, fn()); 26] = [
    ("a_child_returns_its_code", a_child_returns_its_code),
    ("a_killed_child_tells_the_signal", a_killed_child_tells_the_signal),
    ("hooks_run_on_both_sides", hooks_run_on_both_sides),
    ("a_child_forked_for_the_grandparent_is_its_own", a_child_forked_for_the_grandparent_is_its_own),
    ("a_fork_for_a_stranger_gives_no_child", a_fork_for_a_stranger_gives_no_child),
    ("signals_come_in_order_and_never_twice", signals_come_in_order_and_never_twice),
    ("installing_unblocks", installing_unblocks),
    ("an_ignored_interrupt_stays_ignored", an_ignored_interrupt_stays_ignored),
    ("a_signal_to_a_child_is_not_told_to_the_parent", a_signal_to_a_child_is_not_told_to_the_parent),
    ("a_booting_child_leaves_on_term", a_booting_child_leaves_on_term),
    ("a_booting_child_ignores_hup", a_booting_child_ignores_hup),
    ("replaced_handlers_are_named", replaced_handlers_are_named),
    ("the_scoreboard_is_shared", the_scoreboard_is_shared),
    ("the_lifeline_ends_with_its_parent", the_lifeline_ends_with_its_parent),
    ("a_child_dies_with_its_parent", a_child_dies_with_its_parent),
    ("a_child_neither_removes_nor_unlocks_the_pid_file", a_child_neither_removes_nor_unlocks_the_pid_file),
    (
        "a_successor_gets_the_listeners_and_nothing_else",
        launching::a_successor_gets_the_listeners_and_nothing_else,
    ),
    ("a_handover_from_a_stranger_is_none", launching::a_handover_from_a_stranger_is_none),
    ("activated_sockets_are_for_one_process", launching::activated_sockets_are_for_one_process),
    ("an_identity_is_for_good", launching::an_identity_is_for_good),
    ("an_identity_knows_where_it_can_write", launching::an_identity_knows_where_it_can_write),
    ("the_foreground_hears_from_the_background", launching::the_foreground_hears_from_the_background),
    (
        "a_socket_file_has_the_mode_of_the_plan_whatever_the_umask",
        launching::a_socket_file_has_the_mode_of_the_plan_whatever_the_umask,
    ),
    ("a_handover_of_a_server_that_has_ended_is_one", launching::a_handover_of_a_server_that_has_ended_is_one),
    ("a_title_is_shown_instead_of_the_command_line", launching::a_title_is_shown_instead_of_the_command_line),
    ("descriptors_are_allowed_up_to_the_hard_limit", launching::descriptors_are_allowed_up_to_the_hard_limit),
];

fn main() -> ExitCode {
    let wanted = env::args().nth(1);
    if env::var_os(launching::SUCCESSOR).is_some() {
        launching::succeed();
        return ExitCode::SUCCESS;
    }
    if let Some((_, case)) =
        CASES.iter().find(|(name, _)| env::var("RWSGI_OS_CASE").is_ok_and(|case| case == *name))
    {
        alarm::set(30);
        case();
        return ExitCode::SUCCESS;
    }
    let filter = wanted.filter(|argument| !argument.starts_with('-')).unwrap_or_default();
    let mut failed = 0;
    for (name, _) in CASES.iter().filter(|(name, _)| name.contains(&filter)) {
        let mut command = Command::new(env::current_exe().unwrap());
        let mut case = command.env("RWSGI_OS_CASE", name).process_group(0).spawn().unwrap();
        let status = case.wait().unwrap();
        // What a failed case left behind.
        let _ = killpg(Pid::from_raw(case.id().try_into().unwrap()), Signal::SIGKILL);
        println!("test {name} ... {}", if status.success() { "ok" } else { "FAILED" });
        if let Some(signal) = status.signal() {
            println!("    ended by {}", rwsgi_os::signal_name(signal));
        }
        failed += u32::from(!status.success());
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Forks; the child runs `job` and leaves with its answer. Its panic becomes code 101 by the standard
/// library's usual way.
fn child(job: impl FnOnce() -> ExitReason) -> Pid {
    match fork(&NoHooks).unwrap() {
        Forked::Parent(pid) => pid,
        Forked::Child => exit_now(job()),
    }
}

fn wait_for(signals: &Signals) {
    poll(&mut [PollFd::new(signals.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).ok();
}

/// Waits for `CHLD` on `signals` until `pid` is reaped.
fn ending_of(pid: Pid, signals: &Signals) -> Ending {
    loop {
        if let Some(Exited { ending, .. }) = reap().into_iter().find(|gone| gone.pid == pid) {
            return ending;
        }
        wait_for(signals);
        signals.drain();
    }
}

fn watch_children() -> Signals {
    Signals::install(&[Signal::SIGCHLD]).unwrap()
}

fn a_child_returns_its_code() {
    let signals = watch_children();
    let pid = child(|| ExitReason::AppLoadFailed);
    assert_eq!(ending_of(pid, &signals), Ending::Code(4));
    assert_eq!(reap(), []);
}

fn a_killed_child_tells_the_signal() {
    let signals = watch_children();
    let pid = child(|| {
        loop {
            pause();
        }
    });
    kill(pid, Signal::SIGKILL).unwrap();
    assert_eq!(ending_of(pid, &signals), Ending::Signal { number: 9, core_dumped: false });
    kill(pid, Signal::SIGKILL).expect("a process that is gone is no error");
}

fn hooks_run_on_both_sides() {
    struct Hooks(std::cell::RefCell<Vec<&'static str>>);
    impl ForkHooks for Hooks {
        fn before(&self) {
            self.0.borrow_mut().push("before");
        }
        fn parent(&self) {
            self.0.borrow_mut().push("parent");
        }
        fn child(&self) {
            self.0.borrow_mut().push("child");
        }
    }
    let signals = watch_children();
    let hooks = Hooks(Vec::new().into());
    match fork(&hooks).unwrap() {
        Forked::Child => exit_now(if *hooks.0.borrow() == ["before", "child"] {
            ExitReason::Ok
        } else {
            ExitReason::Internal
        }),
        Forked::Parent(pid) => {
            assert_eq!(*hooks.0.borrow(), ["before", "parent"]);
            assert_eq!(ending_of(pid, &signals), Ending::Code(0));
        }
    }
    assert_eq!(SigSet::thread_get_mask().unwrap(), SigSet::empty());
}

/// In the one that forks: nothing is left of the process between, and no signal blocked.
fn a_child_forked_for_the_grandparent_is_its_own() {
    let signals = watch_children();
    adopt_orphans().unwrap();
    let grandparent = getpid();
    let (mut told, mut tell) = pipe().unwrap();
    let parent = child(|| match fork_for(grandparent, &NoHooks).unwrap() {
        Forked::Child => {
            let ours = getppid() == grandparent && SigSet::thread_get_mask() == Ok(SigSet::empty());
            exit_now(if ours { ExitReason::Timeout } else { ExitReason::Internal })
        }
        Forked::Parent(pid) => {
            tell.write_all(&pid.as_raw().to_ne_bytes()).unwrap();
            let clean = reap().is_empty() && SigSet::thread_get_mask() == Ok(SigSet::empty());
            if clean { ExitReason::Ok } else { ExitReason::Internal }
        }
    });
    let mut pid = [0; 4];
    told.read_exact(&mut pid).unwrap();
    let mut gone: Vec<Exited> = Vec::new();
    while gone.len() < 2 {
        wait_for(&signals);
        signals.drain();
        gone.extend(reap());
    }
    gone.sort_by_key(|gone| gone.ending == Ending::Code(0));
    let child = Exited { pid: Pid::from_raw(i32::from_ne_bytes(pid)), ending: Ending::Code(71) };
    assert_eq!(gone, [child, Exited { pid: parent, ending: Ending::Code(0) }]);
}

fn a_fork_for_a_stranger_gives_no_child() {
    let signals = watch_children();
    adopt_orphans().unwrap();
    // Nobody's pid: not even a child that the kernel gives to this process is its own.
    match fork_for(Pid::from_raw(i32::MAX), &NoHooks).unwrap() {
        Forked::Child => exit_now(ExitReason::Ok),
        Forked::Parent(pid) => assert_eq!(ending_of(pid, &signals), Ending::Code(72)),
    }
}

fn signals_come_in_order_and_never_twice() {
    let signals = Signals::install(&[Signal::SIGTERM, Signal::SIGHUP]).unwrap();
    assert_eq!(signals.drain(), []);
    raise(Signal::SIGHUP).unwrap();
    raise(Signal::SIGTERM).unwrap();
    raise(Signal::SIGTERM).unwrap();
    assert_eq!(signals.drain(), [Signal::SIGHUP, Signal::SIGTERM, Signal::SIGTERM]);
    assert_eq!(signals.drain(), []);
}

fn installing_unblocks() {
    SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK).unwrap();
    let signals = Signals::install(&[Signal::SIGTERM]).unwrap();
    raise(Signal::SIGTERM).unwrap();
    assert_eq!(signals.drain(), [Signal::SIGTERM]);
}

fn an_ignored_interrupt_stays_ignored() {
    // SAFETY: SIG_IGN runs no code.
    unsafe {
        sigaction(Signal::SIGINT, &SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty()))
    }
    .unwrap();
    let signals = Signals::install(&[Signal::SIGINT]).unwrap();
    raise(Signal::SIGINT).unwrap();
    boot_handlers().unwrap();
    raise(Signal::SIGINT).unwrap();
    assert_eq!(signals.drain(), []);
}

fn a_signal_to_a_child_is_not_told_to_the_parent() {
    // The boot handlers replace the first one's, and leave the second one's in place.
    for signal in [Signal::SIGHUP, Signal::SIGURG] {
        let signals = Signals::install(&[signal, Signal::SIGCHLD]).unwrap();
        let (alive, mut hold) = pipe().unwrap();
        let pid = child(|| {
            raise(signal).unwrap();
            hold.write_all(b"+").unwrap();
            loop {
                pause();
            }
        });
        (&alive).read_exact(&mut [0]).unwrap();
        assert_eq!(signals.drain(), []);
        raise(signal).unwrap();
        assert_eq!(signals.drain(), [signal]);
        kill(pid, Signal::SIGKILL).unwrap();
        ending_of(pid, &signals);
    }
}

fn a_booting_child_leaves_on_term() {
    let signals = watch_children();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        let pid = child(|| {
            loop {
                pause();
            }
        });
        kill(pid, signal).unwrap();
        assert_eq!(ending_of(pid, &signals), Ending::Code(0), "{signal}");
    }
}

fn a_booting_child_ignores_hup() {
    let signals = watch_children();
    let pid = child(|| {
        for signal in [Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2, Signal::SIGWINCH] {
            raise(signal).unwrap();
        }
        ExitReason::Timeout
    });
    assert_eq!(ending_of(pid, &signals), Ending::Code(71));
}

fn replaced_handlers_are_named() {
    boot_handlers().unwrap();
    assert_eq!(replaced_handlers(), []);
    // SAFETY: SIG_DFL runs no code of ours.
    unsafe {
        sigaction(Signal::SIGTERM, &SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty()))
    }
    .unwrap();
    assert_eq!(replaced_handlers(), [Signal::SIGTERM]);
    let signals = Signals::install(&[Signal::SIGTERM]).unwrap();
    assert_eq!(replaced_handlers(), []);
    raise(Signal::SIGTERM).unwrap();
    assert_eq!(signals.drain(), [Signal::SIGTERM]);
}

fn the_scoreboard_is_shared() {
    let signals = watch_children();
    let board = Scoreboard::new(2).unwrap();
    let pid = child(|| {
        board.slot(1).claim(3, Stage::Ready);
        board.slot(1).set_pid(getpid());
        board.slot(1).set_request("GET", "/from/the/child", 9);
        ExitReason::Ok
    });
    assert_eq!(ending_of(pid, &signals), Ending::Code(0));
    assert_eq!((board.slot(1).pid(), board.slot(1).generation(), board.ready_workers()), (pid, 3, 1));
    assert_eq!(board.slot(1).request().unwrap().line, "GET /from/the/child");
}

/// A parent with a child, both children of the case; the case holds a pipe that tells what the grandchild
/// sees.
fn grandchild(job: impl FnOnce(Pid, Lifeline, &mut dyn Write)) -> (Pid, impl Read) {
    let (told, mut teller) = pipe().unwrap();
    let parent = child(|| {
        let lifeline = Lifeline::open().unwrap();
        let parent = getpid();
        if let Forked::Child = fork(&NoHooks).unwrap() {
            job(parent, lifeline, &mut teller);
            exit_now(ExitReason::MasterGone);
        }
        loop {
            pause();
        }
    });
    (parent, told)
}

fn the_lifeline_ends_with_its_parent() {
    let (parent, mut told) = grandchild(|_, lifeline, teller| {
        let end = lifeline.into_end();
        assert!(!end.is_cut());
        teller.write_all(b"+").unwrap();
        poll(&mut [PollFd::new(end.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
        teller.write_all(if end.is_cut() { b"-" } else { b"?" }).unwrap();
    });
    let mut byte = [0];
    told.read_exact(&mut byte).unwrap();
    kill(parent, Signal::SIGKILL).unwrap();
    told.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"-");
}

fn a_child_dies_with_its_parent() {
    let (parent, mut told) = grandchild(|parent, _, teller| {
        assert!(die_with_parent(parent, Signal::SIGTERM));
        assert!(!die_with_parent(Pid::from_raw(getppid().as_raw() + 1), Signal::SIGTERM));
        teller.write_all(b"+").unwrap();
        loop {
            pause();
        }
    });
    let mut byte = [0];
    told.read_exact(&mut byte).unwrap();
    kill(parent, Signal::SIGKILL).unwrap();
    assert_eq!(told.read(&mut byte).unwrap(), 0, "its end of the pipe closes with it");
}

fn a_child_neither_removes_nor_unlocks_the_pid_file() {
    let signals = watch_children();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pid");
    let mut file = Some(PidFile::write(&path).unwrap());
    let pid = child(|| {
        drop(file.take());
        ExitReason::Ok
    });
    assert_eq!(ending_of(pid, &signals), Ending::Code(0));
    assert!(path.exists());
    assert!(PidFile::write(&path).is_err(), "still locked");
    drop(file);
    assert!(!path.exists());
}
