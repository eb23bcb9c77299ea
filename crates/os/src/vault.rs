use std::{
    io,
    mem::size_of,
    num::NonZeroUsize,
    ptr::NonNull,
    sync::atomic::{AtomicU64, Ordering, fence},
};

use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap_anonymous, munmap};

use crate::Error;

/// How many bytes a vault holds at most.
const ROOM: usize = 1024 * 1024;
const WORD: usize = size_of::<u64>();

/// Bytes that one process hands to all that are forked from it, at the start and later, such as private keys: in memory without a
/// file, which is left out of core dumps and gone with the last of these processes.
///
/// There are two places for them, written in turn; the number of the version says in which one the valid bytes are.
#[derive(Debug)]
pub struct Vault {
    base: NonNull<Shared>,
}

/// What is mapped. It begins as zeroes: no version, and no bytes.
#[derive(Debug)]
#[repr(C)]
struct Shared {
    version: AtomicU64,
    places: [Place; 2],
}

#[derive(Debug)]
#[repr(C)]
struct Place {
    length: AtomicU64,
    words: [AtomicU64; ROOM / WORD],
}

// SAFETY: the mapping lives until `drop`, and is reached only as `&Shared`, of which all fields are atomics.
unsafe impl Send for Vault {}
// SAFETY: as above.
unsafe impl Sync for Vault {}

impl Vault {
    /// An empty one, of version 0. Memory is used for what is put in, not for what could be.
    ///
    /// # Errors
    /// The kernel has no address space for it.
    pub fn new() -> Result<Self, Error> {
        let failed = |source: nix::Error| Error::system("map memory for certificates", source);
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_SHARED | MapFlags::MAP_NORESERVE;
        // SAFETY: a fresh mapping at an address that the kernel chooses overlaps nothing.
        let base = unsafe { mmap_anonymous(None, SIZE, access, flags) }.map_err(failed)?;
        // A kernel that cannot leave it out of core dumps has none of the other things that this server needs.
        // SAFETY: the advice is about exactly what was mapped, and changes nothing that a process can read.
        let _ = unsafe { madvise(base, SIZE.get(), MmapAdvise::MADV_DONTDUMP) };
        Ok(Self { base: base.cast() })
    }

    fn shared(&self) -> &Shared {
        // SAFETY: a `Shared` is mapped here, page-aligned and zeroed, which is a value of every atomic in it; it is unmapped in
        // `drop` only, which the borrow of `self` excludes.
        unsafe { self.base.as_ref() }
    }

    /// The number of what is in it; 0: nothing yet.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.shared().version.load(Ordering::Acquire)
    }

    /// Puts in other bytes, which all processes see from now on. One process may do so, with one thread.
    ///
    /// # Errors
    /// They are more than 1 MiB; what was there is left.
    pub fn put(&self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > ROOM {
            let source = io::Error::new(io::ErrorKind::FileTooLarge, "they are more than 1 MiB in all");
            return Err(Error::system("keep the certificates in memory", source));
        }
        let version = self.version() + 1;
        let place = self.shared().place(version);
        // Before the first word, in the eyes of whoever still reads what is two versions old.
        fence(Ordering::Release);
        place.length.store(bytes.len() as u64, Ordering::Relaxed);
        for (word, chunk) in place.words.iter().zip(bytes.chunks(WORD)) {
            let mut padded = [0; WORD];
            padded[..chunk.len()].copy_from_slice(chunk);
            word.store(u64::from_ne_bytes(padded), Ordering::Relaxed);
        }
        self.shared().version.store(version, Ordering::Release);
        Ok(())
    }

    /// What is in it, with its number.
    #[must_use]
    pub fn take(&self) -> (u64, Vec<u8>) {
        loop {
            let version = self.version();
            let place = self.shared().place(version);
            let length = usize::try_from(place.length.load(Ordering::Relaxed)).unwrap_or(ROOM).min(ROOM);
            let words = place.words.iter().take(length.div_ceil(WORD));
            let mut bytes: Vec<u8> =
                words.flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes()).collect();
            bytes.truncate(length);
            // The place is written again only after the version has moved on.
            fence(Ordering::Acquire);
            if self.shared().version.load(Ordering::Relaxed) == version {
                return (version, bytes);
            }
        }
    }
}

impl Shared {
    fn place(&self, version: u64) -> &Place {
        &self.places[usize::from(version % 2 == 1)]
    }
}

const SIZE: NonZeroUsize = NonZeroUsize::new(size_of::<Shared>()).expect("it has a size");

impl Drop for Vault {
    fn drop(&mut self) {
        // SAFETY: exactly this was mapped, and nobody borrows it any more. Other processes keep theirs.
        let _ = unsafe { munmap(self.base.cast(), SIZE.get()) };
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::*;

    #[test]
    fn what_was_put_in_last_is_in_it() {
        let vault = Vault::new().unwrap();
        assert_eq!(vault.take(), (0, Vec::new()));
        for (version, bytes) in [(1, &b"twelve bytes"[..]), (2, b""), (3, &[7; ROOM]), (4, b"x")] {
            vault.put(bytes).unwrap();
            assert_eq!(vault.take(), (version, bytes.to_vec()));
        }
        assert!(vault.put(&[0; ROOM + 1]).is_err());
        assert_eq!(vault.take(), (4, b"x".to_vec()));
    }

    #[test]
    fn nobody_sees_half_of_one_and_half_of_another() {
        let vault = Arc::new(Vault::new().unwrap());
        vault.put(&[1; 1000]).unwrap();
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let vault = Arc::clone(&vault);
                thread::spawn(move || {
                    while vault.version() < 2000 {
                        let (version, bytes) = vault.take();
                        assert!(bytes.iter().all(|byte| *byte == bytes[0]), "version {version}");
                        assert_eq!(bytes.len(), 1000 + usize::from(bytes[0] - 1), "version {version}");
                    }
                })
            })
            .collect();
        for number in 0..2000_usize {
            let byte = (number % 200 + 1) as u8;
            vault.put(&vec![byte; 1000 + usize::from(byte - 1)]).unwrap();
        }
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    }
}
