use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    os::fd::OwnedFd,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, SealFlag, fcntl},
    sys::memfd::{MFdFlags, memfd_create},
};

use crate::Error;

/// A text that does not fit into a message of a [`crate::Channel`]: in memory, whose descriptor goes along with one. Nobody can
/// change it any more.
///
/// # Errors
/// No memory or descriptor is left.
pub fn seal_text(text: &str) -> Result<OwnedFd, Error> {
    let sealed = || -> io::Result<OwnedFd> {
        let memory = memfd_create("rwsgi-text", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?;
        let mut file = File::from(memory);
        file.write_all(text.as_bytes())?;
        fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK))?;
        Ok(file.into())
    };
    sealed().map_err(|source| Error::system("keep a text in memory", source))
}

/// The text behind a descriptor of [`seal_text`].
///
/// # Errors
/// It is longer than `limit` bytes, or no text.
pub fn read_sealed(memory: OwnedFd, limit: u64) -> Result<String, Error> {
    let read = || -> io::Result<String> {
        let mut file = File::from(memory);
        if file.metadata()?.len() > limit {
            return Err(Errno::EFBIG.into());
        }
        // The position came along with the descriptor.
        file.rewind()?;
        let mut text = String::new();
        file.take(limit).read_to_string(&mut text)?;
        Ok(text)
    };
    read().map_err(|source| Error::system("read a text from memory", source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_unless_it_is_too_long() {
        let text = "ä".repeat(100_000);
        assert_eq!(read_sealed(seal_text(&text).unwrap(), 200_000).unwrap(), text);
        assert!(read_sealed(seal_text(&text).unwrap(), 199_999).is_err());
    }

    #[test]
    fn a_text_cannot_be_changed() {
        let mut file = File::from(seal_text("x").unwrap());
        assert!(file.write_all(b"y").is_err() && file.set_len(0).is_err());
    }
}
