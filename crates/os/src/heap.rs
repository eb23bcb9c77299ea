/// How much all heaps of a process may keep together, and one of them, in bytes. The latter is what glibc arrives at by itself in
/// a process that has once freed a block of [`LARGE`], from which size on one is mapped apart.
#[cfg(target_env = "gnu")]
const KEPT: usize = 2 * KEPT_BY_ONE;
#[cfg(target_env = "gnu")]
const KEPT_BY_ONE: usize = 64 * 1024 * 1024;
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 32 * 1024 * 1024;

/// Whoever sets these knows better.
#[cfg(target_env = "gnu")]
const VARIABLES: [&str; 3] = ["GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"];

/// Lets the heaps of `threads` threads, of which each may have one, keep what is freed for the next request, up to 128 MiB together and
/// 64 MiB each: by default a body of some hundred KiB goes back to the kernel, which then has to clear as many pages for the next
/// one. [`release_memory`] gives back what is kept, but for what is free at the end of another thread's heap than the main one's.
/// Does nothing with another C library, or where the environment says how the heap is to be.
#[cfg_attr(not(target_env = "gnu"), expect(unused_variables))]
pub fn keep_memory(threads: usize) {
    #[cfg(target_env = "gnu")]
    if VARIABLES.iter().all(|name| std::env::var_os(name).is_none()) {
        let kept = (KEPT / threads.max(1)).min(KEPT_BY_ONE);
        // SAFETY: `mallopt` takes no pointers and locks the arenas itself.
        unsafe {
            libc::mallopt(libc::M_TRIM_THRESHOLD, kept.try_into().unwrap_or(libc::c_int::MAX));
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        }
    }
}

/// Gives memory that was freed in the middle of the heap back to the kernel (`malloc_trim(3)`), which glibc does not do
/// by itself. Takes milliseconds when the heap is large; does nothing with another C library.
pub fn release_memory() {
    // SAFETY: `malloc_trim` takes no pointers and locks the arenas itself.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Pid, resident_memory};

    const BLOCK: usize = 1024 * 1024;
    const BLOCKS: usize = 24;

    fn resident() -> usize {
        usize::try_from(resident_memory(Pid::this()).unwrap()).unwrap()
    }

    #[test]
    #[cfg_attr(not(target_env = "gnu"), ignore = "does nothing there")]
    fn what_is_freed_is_kept_until_it_is_released() {
        keep_memory(1);
        let before = resident();
        let mut blocks: Vec<_> = (0..BLOCKS).map(|_| vec![1_u8; BLOCK]).collect();
        assert_eq!(blocks.iter().map(|block| usize::from(block[BLOCK / 2])).sum::<usize>(), BLOCKS);
        // Behind them, so that they are not the end of this thread's heap.
        let last = blocks.pop();
        drop(blocks);
        // Half of it for what other tests do meanwhile.
        let kept = resident();
        assert!(kept > before + BLOCKS / 2 * BLOCK, "{before} {kept}");
        release_memory();
        let released = resident();
        assert!(released < kept - BLOCKS / 2 * BLOCK, "{kept} {released}");
        drop(last);
    }
}
