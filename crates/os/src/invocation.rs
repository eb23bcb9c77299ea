use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    os::{
        fd::{AsFd, AsRawFd, RawFd},
        unix::{ffi::OsStrExt, fs::MetadataExt, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::Command,
};

use nix::unistd::Pid;

use crate::{Error, Listener, handover, private_variables};

/// How this process was started: what is needed to start the same program again.
#[derive(Debug, Clone)]
pub struct Invocation {
    arguments: Vec<OsString>,
    directory: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
}

impl Invocation {
    /// To be called at the start, before anything changes the current directory, the environment or the title
    /// ([`crate::set_title`]).
    #[must_use]
    pub fn capture() -> Self {
        let environment: Vec<_> = env::vars_os().collect();
        let written = environment.iter().find(|(name, _)| name == "PWD").map(|(_, value)| Path::new(value));
        Self { arguments: arguments(), directory: directory(written), environment }
    }

    /// The command line as it was typed; the first is the program, which in the wheel is the interpreter.
    #[must_use]
    pub fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// Where it was started, as the shell wrote it; none where there was no such directory.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Starts the program again with these listeners, in a child that finds them by [`crate::Handover::from_environment`],
    /// and with `extra` in its environment. What is started is the file that is there now, not the one that this process
    /// runs: after an upgrade they differ.
    ///
    /// The child has no other descriptor of ours but the standard streams, no signal blocked, and no handler of ours.
    ///
    /// # Errors
    /// The file cannot be executed, or there is no room for another process.
    pub fn spawn(&self, listeners: &[&Listener], extra: &[(&str, String)]) -> Result<Pid, Error> {
        let name = self.arguments.first().map_or(OsStr::new(""), OsString::as_os_str);
        let failed = |source| Error::Execute { program: name.to_owned().into(), source };
        let mut command = Command::new(self.program(name));
        command.arg0(name).args(self.arguments.iter().skip(1));
        let is_private = |name: &OsStr| private_variables().any(|private| name == private);
        let environment = self.environment.iter().filter(|(name, _)| !is_private(name));
        command.env_clear().envs(environment.map(|(name, value)| (name, value)));
        command.envs(handover::variables(listeners)).envs(extra.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let descriptors = listeners.iter().map(|listener| listener.as_fd().as_raw_fd()).collect();
        prepare(&mut command, descriptors);
        // It is waited for with all other children, by `reap`.
        let child = command.spawn().map_err(failed)?;
        i32::try_from(child.id()).map(Pid::from_raw).map_err(|_| failed(io::ErrorKind::InvalidData.into()))
    }

    /// A relative path counts from where this process was started; a name alone is looked up in `PATH`.
    fn program(&self, name: &OsStr) -> PathBuf {
        match &self.directory {
            Some(directory) if name.as_bytes().contains(&b'/') => directory.join(name),
            _ => PathBuf::from(name),
        }
    }
}

/// The exact command line, which in the wheel begins with the interpreter; what the standard library knows where there is
/// no `/proc`.
fn arguments() -> Vec<OsString> {
    let Ok(line) = fs::read("/proc/self/cmdline") else { return env::args_os().collect() };
    let line = line.strip_suffix(b"\0").unwrap_or(&line);
    line.split(|byte| *byte == 0).map(|argument| OsStr::from_bytes(argument).to_owned()).collect()
}

/// The current directory as the shell wrote it (`PWD`), if that is the same one: where releases are directories that a link
/// names in turn, it is the link that counts.
fn directory(written: Option<&Path>) -> Option<PathBuf> {
    let identity = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    match written {
        Some(path) if path.is_absolute() && identity(path) == identity(Path::new(".")) => {
            Some(path.to_owned())
        }
        _ => env::current_dir().ok(),
    }
}

/// Has the child keep these descriptors, and no signal blocked.
fn prepare(command: &mut Command, descriptors: Vec<RawFd>) {
    let keep = move || {
        for descriptor in &descriptors {
            // SAFETY: a plain system call that signal-safety(7) allows; the listeners are borrowed until the child runs.
            if unsafe { libc::fcntl(*descriptor, libc::F_SETFD, 0) } == -1 {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: the set is a local that `sigemptyset` fills in; all three calls are allowed by signal-safety(7). Handlers
        // of ours end with the exec, but not what is ignored.
        unsafe {
            let mut none = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        }
        Ok(())
    };
    // SAFETY: `keep` allocates nothing, takes no lock, and calls only what signal-safety(7) allows between fork and exec, so
    // it may run in the copy of a process that has Python in it.
    unsafe { command.pre_exec(keep) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_the_one_that_the_shell_wrote_if_it_is_the_same() {
        let here = env::current_dir().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("current");
        std::os::unix::fs::symlink(&here, &link).unwrap();
        assert_eq!(directory(Some(&link)), Some(link.clone()));
        assert_eq!(directory(Some(folder.path())), Some(here.clone()));
        assert_eq!(directory(Some(Path::new("."))), Some(here.clone()));
        assert_eq!(directory(None), Some(here));
    }

    #[test]
    fn a_relative_program_counts_from_the_start() {
        let invocation =
            Invocation { arguments: Vec::new(), directory: Some("/srv".into()), environment: Vec::new() };
        let program = |name: &str| invocation.program(OsStr::new(name));
        assert_eq!(program("bin/rwsgi"), Path::new("/srv/bin/rwsgi"));
        assert_eq!(program("/usr/bin/rwsgi"), Path::new("/usr/bin/rwsgi"));
        assert_eq!(program("rwsgi"), Path::new("rwsgi"));
    }

    #[test]
    fn the_command_line_is_exact() {
        let invocation = Invocation::capture();
        assert_eq!(invocation.arguments, env::args_os().collect::<Vec<_>>());
    }

    #[test]
    fn a_program_that_is_gone_is_an_error_of_the_caller() {
        let mut invocation = Invocation::capture();
        invocation.arguments[0] = "/nonexistent/rwsgi".into();
        let refusal = invocation.spawn(&[], &[]).unwrap_err();
        assert_eq!(refusal.to_string(), "cannot start `/nonexistent/rwsgi`");
    }
}
