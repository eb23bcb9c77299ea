use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process,
};

use crate::Error;

/// A pid file that says who runs, and is believed only while that process holds its lock (`flock`): a file
/// that a crash, a reboot or a container left behind is stale whatever number is in it.
///
/// Dropping it in the process that wrote it removes the file if it is still the same one. A forked child must
/// drop its copy early (that removes and unlocks nothing), else the lock outlives the master in the child.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: File,
    owner: u32,
}

impl PidFile {
    /// Writes the pid of this process and a line feed, atomically: a reader finds the old file, none, or the
    /// whole new one.
    ///
    /// # Errors
    /// Another process runs under that file, or it cannot be written.
    pub fn write(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::PidFile { path: path.to_owned(), source };
        let owner = process::id();
        let temporary = temporary_beside(path, owner);
        let placed = draft(&temporary, owner).and_then(|file| Ok((file, place(&temporary, path)?)));
        if placed.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        match placed.map_err(failed)? {
            (file, Placed::Ours) => Ok(Self { path: path.to_owned(), file, owner }),
            (_, Placed::Taken { pid }) => {
                let _ = fs::remove_file(&temporary);
                Err(Error::AlreadyRunning { pid, path: path.to_owned() })
            }
        }
    }

    /// Writes the file again if somebody has removed it, or has put another one in its place that no live process holds.
    ///
    /// # Errors
    /// As [`PidFile::write`]; nothing has changed then.
    pub fn restore(&mut self) -> Result<(), Error> {
        let failed = |source| Error::PidFile { path: self.path.clone(), source };
        if !same_file(&self.file, &self.path).map_err(failed)? {
            *self = Self::write(&self.path)?;
        }
        Ok(())
    }

    /// Gives the file another name: the one of a server that has ended, whose place this one has taken.
    ///
    /// # Errors
    /// Another process runs under that name, or it cannot be written; the file stays where it is.
    pub fn rename(&mut self, path: &Path) -> Result<(), Error> {
        match place(&self.path, path).map_err(|source| Error::PidFile { path: path.to_owned(), source })? {
            Placed::Ours => {
                self.path = path.to_owned();
                Ok(())
            }
            Placed::Taken { pid } => Err(Error::AlreadyRunning { pid, path: path.to_owned() }),
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if self.owner == process::id() && same_file(&self.file, &self.path).unwrap_or(false) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

enum Placed {
    Ours,
    Taken { pid: String },
}

fn temporary_beside(path: &Path, owner: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{owner}.new"));
    PathBuf::from(name)
}

/// The new file, written and locked before anybody can find it under its name.
fn draft(temporary: &Path, owner: u32) -> io::Result<File> {
    // What a crashed process of the same pid left.
    let _ = fs::remove_file(temporary);
    let mut file = File::create_new(temporary)?;
    writeln!(file, "{owner}")?;
    file.try_lock()?;
    Ok(file)
}

/// Moves the draft to its name, unless a live process holds the file there. Starts over when somebody else
/// moved first.
fn place(temporary: &Path, path: &Path) -> io::Result<Placed> {
    loop {
        match File::open(path) {
            Ok(mut present) => match present.try_lock() {
                Ok(()) if same_file(&present, path)? => {
                    // The lock on the stale file keeps others out until the new one is in place.
                    fs::rename(temporary, path)?;
                    return Ok(Placed::Ours);
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Ok(Placed::Taken { pid: recorded_pid(&mut present) });
                }
                Err(TryLockError::Error(error)) => return Err(error),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::hard_link(temporary, path) {
                Ok(()) => {
                    fs::remove_file(temporary)?;
                    return Ok(Placed::Ours);
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error),
        }
    }
}

fn recorded_pid(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.take(32).read_to_string(&mut text);
    let number = text.trim();
    if number.parse::<u32>().is_ok() { number.to_owned() } else { "unknown".to_owned() }
}

fn same_file(open: &File, path: &Path) -> io::Result<bool> {
    let open = open.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((open.dev(), open.ino()) == (found.dev(), found.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rwsgi.pid");
        (dir, path)
    }

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn it_holds_our_pid_and_goes_with_us() {
        let (dir, path) = directory();
        let file = PidFile::write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", process::id()));
        assert_eq!(names(dir.path()), ["rwsgi.pid"]);
        drop(file);
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_stale_file_is_replaced_whatever_it_says() {
        let (dir, path) = directory();
        for stale in ["", "garbage", "1\n", "99999999\n", &format!("{}\n", process::id())] {
            fs::write(&path, stale).unwrap();
            let file = PidFile::write(&path).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", process::id()), "{stale:?}");
            drop(file);
        }
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_live_one_is_refused_and_named() {
        let (dir, path) = directory();
        let _first = PidFile::write(&path).unwrap();
        let refusal = PidFile::write(&path).unwrap_err();
        let expected = format!("already running with pid {}, pid file `{}`", process::id(), path.display());
        assert_eq!(refusal.to_string(), expected);
        assert_eq!(names(dir.path()), ["rwsgi.pid"]);
    }

    #[test]
    fn the_file_of_a_successor_is_left_alone() {
        let (dir, path) = directory();
        let first = PidFile::write(&path).unwrap();
        fs::rename(&path, dir.path().join("moved")).unwrap();
        let _second = PidFile::write(&path).unwrap();
        drop(first);
        assert!(path.exists());
    }

    #[test]
    fn it_takes_the_name_of_a_server_that_has_ended_and_of_no_other() {
        let (dir, path) = directory();
        let second = dir.path().join("rwsgi.pid.2");
        let predecessor = PidFile::write(&path).unwrap();
        let mut file = PidFile::write(&second).unwrap();
        assert!(matches!(file.rename(&path), Err(Error::AlreadyRunning { .. })));
        assert!(second.exists());
        drop(predecessor);
        file.rename(&path).unwrap();
        assert_eq!(names(dir.path()), ["rwsgi.pid"]);
        fs::write(&second, "stale").unwrap();
        file.rename(&second).unwrap();
        assert_eq!(names(dir.path()), ["rwsgi.pid.2"]);
        drop(file);
        assert!(names(dir.path()).is_empty());
    }

    #[test]
    fn a_removed_one_is_written_again_and_goes_with_us() {
        let (dir, path) = directory();
        let mut file = PidFile::write(&path).unwrap();
        file.restore().unwrap();
        fs::remove_file(&path).unwrap();
        file.restore().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", process::id()));
        assert!(PidFile::write(&path).is_err(), "locked again");
        fs::rename(&path, dir.path().join("moved")).unwrap();
        let other = PidFile::write(&path).unwrap();
        assert!(matches!(file.restore(), Err(Error::AlreadyRunning { .. })));
        drop(other);
        file.restore().unwrap();
        drop(file);
        assert_eq!(names(dir.path()), ["moved"]);
    }

    #[test]
    fn a_missing_directory_has_a_hint() {
        let refusal = PidFile::write(Path::new("/nonexistent/rwsgi.pid")).unwrap_err();
        assert!(refusal.hint().unwrap().contains("directory"), "{refusal}");
    }
}
