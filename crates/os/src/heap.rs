/// Gives memory that was freed in the middle of the heap back to the kernel (`malloc_trim(3)`), which glibc does not do
/// by itself. Takes milliseconds when the heap is large; does nothing with another C library.
pub fn release_memory() {
    // SAFETY: `malloc_trim` takes no pointers and locks the arenas itself.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}
