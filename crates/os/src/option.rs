use std::{
    ffi::c_int,
    io,
    os::fd::{AsRawFd, BorrowedFd},
};

/// Sets an option of this level and name, of those that take an int (setsockopt(2)).
pub(crate) fn set_option(
    socket: BorrowedFd<'_>,
    (level, name): (c_int, c_int),
    value: c_int,
) -> io::Result<()> {
    let size = libc::socklen_t::try_from(size_of_val(&value)).expect("an int is small");
    // SAFETY: the descriptor is open as long as it is borrowed; the kernel reads one int, which lives through the call.
    match unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), size) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
