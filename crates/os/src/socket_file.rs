use std::{
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use nix::fcntl::OFlag;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::{Owner, ownership::give};

/// The file of a unix socket, known by device and inode, so that the file of a successor at the same path is
/// left alone.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    /// While it is open the file system gives the inode to no other file, not even when this one has been removed and nobody
    /// listens on it any more. Closed by `exec`.
    handle: File,
    identity: (u64, u64),
}

impl SocketFile {
    /// The socket file at `path`.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        // `O_PATH` needs no permission, follows no link here, and does not connect.
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW;
        let handle = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)?;
        let found = handle.metadata()?;
        if !found.file_type().is_socket() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "somebody has replaced the socket file"));
        }
        Ok(Self { path: path.to_owned(), identity: (found.dev(), found.ino()), handle })
    }

    /// A file that another process has bound, unless it is there no more. To be asked for while the socket is open here: that
    /// too keeps its inode from others.
    pub(crate) fn known(path: &Path, identity: (u64, u64)) -> Option<Self> {
        Self::at(path).ok().filter(|found| found.identity == identity)
    }

    /// Device and inode.
    pub(crate) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// Gives it away by its handle: whoever may write to the directory cannot have another file given away by putting it in
    /// this one's place.
    pub(crate) fn give(&self, owner: Owner) -> io::Result<()> {
        give(&self.handle, owner)
    }

    /// Removes the file unless another one has taken its place; whether it did.
    pub fn remove_if_ours(&self) -> bool {
        let ours =
            fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.identity);
        ours && fs::remove_file(&self.path).is_ok()
    }

    /// The same, but only if no process listens on it any more. One that does gets a connection that ends at once.
    pub fn remove_if_abandoned(&self) -> bool {
        is_refused(&self.path).unwrap_or(false) && self.remove_if_ours()
    }
}

/// Never waits: a server whose listen queue is full is a server.
fn is_refused(path: &Path) -> io::Result<bool> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let connected = socket.connect(&SockAddr::unix(path)?);
    Ok(connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use socket2::SockRef;

    use super::*;

    #[test]
    fn a_file_is_abandoned_when_the_last_one_who_listened_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let other = listener.try_clone().unwrap();
        let file = SocketFile::at(&path).unwrap();
        drop(listener);
        assert!(!file.remove_if_abandoned());
        // The listen queue is full from the look before: no sign of an end.
        SockRef::from(&other).listen(0).unwrap();
        assert!(!file.remove_if_abandoned());
        drop(other);
        assert!(file.remove_if_abandoned());
        assert!(!path.exists() && !file.remove_if_abandoned());
    }

    /// Beside the program of the tests, on a disk: ext4 gives out the number of a removed file again, tmpfs does not.
    #[test]
    fn the_file_of_a_successor_stays_even_if_it_would_get_the_inode_of_the_first() {
        let program = std::env::current_exe().unwrap();
        let folder = tempfile::tempdir_in(program.parent().unwrap()).unwrap();
        let path = folder.path().join("socket");
        for _ in 0..100 {
            let listener = UnixListener::bind(&path).unwrap();
            let first = SocketFile::at(&path).unwrap();
            drop(listener);
            fs::remove_file(&path).unwrap();
            let _successor = UnixListener::bind(&path).unwrap();
            assert!(!first.remove_if_ours() && path.exists());
            fs::remove_file(&path).unwrap();
        }
    }
}
