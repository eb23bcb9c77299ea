//! What process lists show for this process instead of its command line.

use std::{
    ffi::{CStr, OsString, c_char},
    fs, iter,
    ops::Range,
    os::unix::ffi::OsStrExt,
    ptr,
    sync::{
        Once,
        atomic::{AtomicU8, Ordering},
    },
};

use nix::sys::prctl;

use crate::stat::Stat;

/// Has process lists show this instead of the command line (`ps`, `/proc/PID/cmdline`), as far as there is room where the command line
/// was. The name of the process, which `pgrep -x` compares, stays. Children begin with the title of their parent.
///
/// Whoever looks at the arguments of the process later finds the title: see [`crate::Invocation::arguments`].
///
/// `false` where the kernel does not tell where they are (no `/proc`): nothing is changed then.
#[must_use]
pub fn set_title(title: &str) -> bool {
    write(title.as_bytes())
}

/// Runs `work` while the command line is to be found where it was, for those who write titles themselves and look for it there. The
/// title and the name that the thread had are there again afterwards.
pub fn without_title<T>(arguments: &[OsString], work: impl FnOnce() -> T) -> T {
    let (title, name) = (fs::read("/proc/self/cmdline"), prctl::get_name());
    if title.is_ok() {
        write(
            &arguments.iter().flat_map(|argument| [argument.as_bytes(), b"\0"]).collect::<Vec<_>>().concat(),
        );
    }
    let result = work();
    if let Ok(title) = title {
        write(&title);
    }
    // It was a name before.
    let _ = name.map(|name| prctl::set_name(&name));
    result
}

fn write(title: &[u8]) -> bool {
    let Some(room) = room().filter(|room| !room.is_empty()) else { return false };
    keep_program_name(&room);
    // A last byte that is not NUL tells the kernel that the title goes on behind it, in the environment.
    let last = room.end - 1;
    let bytes = title.iter().copied().chain(iter::repeat(0));
    for (place, byte) in room.zip(bytes) {
        let byte = if place == last { 0 } else { byte };
        // SAFETY: the kernel has put the arguments there, on the stack of the first thread, which is mapped and writable as long as
        // the process lives (proc(5): `arg_start`, `arg_end`). Nobody in Rust has a reference into it, and a thread that reads an
        // argument through a pointer of C sees old bytes or new ones.
        unsafe { AtomicU8::from_ptr(ptr::with_exposed_provenance_mut(place)) }.store(byte, Ordering::Relaxed);
    }
    true
}

/// Where the arguments are, one behind the other, each with its NUL.
fn room() -> Option<Range<usize>> {
    let stat = Stat::read("self")?;
    let room = stat.field(48)?..stat.field(49)?;
    // Zeros stand for "not told".
    (room.start != 0).then_some(room)
}

// SAFETY: glibc and musl have both, of this type (program_invocation_name(3)): names of the program for messages, which point into the
// arguments.
unsafe extern "C" {
    static mut program_invocation_name: *mut c_char;
    static mut program_invocation_short_name: *mut c_char;
}

/// Has the C library use copies of them from now on.
fn keep_program_name(room: &Range<usize>) {
    static KEPT: Once = Once::new();
    KEPT.call_once(|| {
        // SAFETY: glibc and musl have set both at the start of the process, to strings that nothing but `set_title` overwrites, which
        // has not done so yet. The copies are never freed. Others read the pointers only for messages.
        unsafe {
            for name in [&raw mut program_invocation_name, &raw mut program_invocation_short_name] {
                if room.contains(&(*name).expose_provenance()) {
                    *name = CStr::from_ptr(*name).to_owned().into_raw();
                }
            }
        }
    });
}
