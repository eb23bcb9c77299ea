use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt,
    path::Path,
};

use nix::{
    fcntl::AtFlags,
    unistd::{Gid, Uid, fchownat},
};

/// A user and a group that a file is given to; `None` leaves it with whom it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user id.
    pub user: Option<u32>,
    /// The group id.
    pub group: Option<u32>,
}

/// Gives a log file, opened as `path`, to whom it shall belong, so that a process of that user can open it again.
///
/// Only what is surely a log of its own: a regular file with one name, found without a link at the end of its path. Who may
/// write to the directory of the log could otherwise have any file of the system given away.
///
/// # Errors
/// The kernel refuses, for instance on a file system of another machine.
pub fn give_log(file: &File, path: &Path, owner: Owner) -> io::Result<()> {
    let (found, named) = (file.metadata()?, fs::symlink_metadata(path)?);
    let is_its_own = found.is_file() && found.nlink() == 1;
    if is_its_own && (found.dev(), found.ino()) == (named.dev(), named.ino()) {
        return give(file, owner);
    }
    Ok(())
}

/// Gives an open file away; a handle (`O_PATH`) will do.
pub(crate) fn give(file: &File, owner: Owner) -> io::Result<()> {
    if owner == Owner::default() {
        return Ok(());
    }
    let (user, group) = (owner.user.map(Uid::from_raw), owner.group.map(Gid::from_raw));
    Ok(fchownat(file, "", user, group, AtFlags::AT_EMPTY_PATH)?)
}

#[cfg(test)]
mod tests {
    use nix::unistd::geteuid;

    use super::*;

    #[test]
    fn only_a_file_of_its_own_is_given_away() {
        if !geteuid().is_root() {
            eprintln!("NOT TESTED: giving files away needs root");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["log", "precious"] {
            File::create(path(name)).unwrap();
        }
        std::os::unix::fs::symlink(path("precious"), path("link")).unwrap();
        let owner = Owner { user: Some(54321), group: Some(54322) };
        let owner_of = |name: &str| fs::metadata(path(name)).map(|found| (found.uid(), found.gid())).unwrap();
        for name in ["log", "link"] {
            give_log(&File::open(path(name)).unwrap(), &path(name), owner).unwrap();
        }
        assert_eq!((owner_of("log"), owner_of("precious")), ((54321, 54322), (0, 0)));
        fs::hard_link(path("precious"), path("second")).unwrap();
        give_log(&File::open(path("second")).unwrap(), &path("second"), owner).unwrap();
        assert_eq!(owner_of("precious"), (0, 0));
    }
}
