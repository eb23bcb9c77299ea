//! What process lists show for this process instead of its command line.

use std::{
    ffi::{CStr, c_char},
    ops::Range,
    ptr,
    sync::{
        Once,
        atomic::{AtomicU8, Ordering},
    },
};

use crate::stat::Stat;

/// Has process lists show this instead of the command line (`ps`, `/proc/PID/cmdline`), as far as there is room where the command line
/// was. The name of the process, which `pgrep -x` compares, stays. Children begin with the title of their parent.
///
/// Whoever looks at the arguments of the process later finds the title: see [`crate::Invocation::arguments`].
///
/// `false` where the kernel does not tell where they are (no `/proc`): nothing is changed then.
#[must_use]
pub fn set_title(title: &str) -> bool {
    let Some(room) = room().filter(|room| !room.is_empty()) else { return false };
    keep_program_name(&room);
    // A last byte that is not NUL tells the kernel that the title goes on behind it, in the environment.
    let last = room.end - 1;
    let bytes = title.bytes().chain(std::iter::repeat(0));
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

// errno(3) has these: names of this program for messages, which both point into the arguments.
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
