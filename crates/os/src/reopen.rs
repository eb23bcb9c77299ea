use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::AsRawFd,
    path::Path,
};

/// Opens the file at `path` again, for appending, behind the descriptor of `file`: whoever holds that descriptor writes
/// there from now on, with no moment in between (`logrotate` has renamed the old one). A write that is under way ends in
/// the old file.
///
/// # Errors
/// The file cannot be opened or made; `file` stays what it was.
pub fn reopen(file: &File, path: &Path) -> io::Result<()> {
    let fresh = OpenOptions::new().append(true).create(true).open(path)?;
    // SAFETY: two descriptors that are open, since both files are borrowed; the number of `file` stays open and its own.
    let answer = unsafe { libc::dup3(fresh.as_raw_fd(), file.as_raw_fd(), libc::O_CLOEXEC) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    #[test]
    fn a_renamed_file_keeps_what_it_has_and_the_new_one_gets_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (path, renamed) = (folder.path().join("log"), folder.path().join("log.1"));
        let file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        (&file).write_all(b"old\n").unwrap();
        fs::rename(&path, &renamed).unwrap();
        reopen(&file, &path).unwrap();
        (&file).write_all(b"new\n").unwrap();
        assert_eq!(fs::read_to_string(&renamed).unwrap(), "old\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
    }

    #[test]
    fn a_file_that_cannot_be_opened_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
        let error = reopen(&file, &folder.path().join("none/log")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        (&file).write_all(b"on\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "on\n");
    }
}
