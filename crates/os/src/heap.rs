/// How much may be free at the end of the heap, and from which size on a block is mapped by itself, in bytes: what glibc arrives
/// at in a process that has once freed a block of 32 MiB.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 64 * 1024 * 1024;
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 32 * 1024 * 1024;

/// Whoever sets these knows better.
#[cfg(target_env = "gnu")]
const VARIABLES: [&str; 3] = ["GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"];

/// Lets the heap keep what is freed, up to 64 MiB, for the next request: by default a body of some hundred KiB goes back to the
/// kernel, which then has to clear as many pages for the next one. Does nothing with another C library, or where the environment
/// says how the heap is to be. [`release_memory`] gives back what is kept.
pub fn keep_memory() {
    #[cfg(target_env = "gnu")]
    if VARIABLES.iter().all(|name| std::env::var_os(name).is_none()) {
        // SAFETY: `mallopt` takes no pointers and locks the arenas itself.
        unsafe {
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
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
