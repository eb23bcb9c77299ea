//! Runs each case below callgrind, which `counts.py` starts: it collects what [`collected`] does, and writes a profile each time
//! that this returns. To standard output go the version of CPython and then, in that order, the names of the cases with how often
//! each is run.

use std::io::{Write, stdout};

use rwsgi_micro::{Case, cases, with_python};

fn main() -> std::io::Result<()> {
    let (major, minor, _) = rwsgi_wsgi::linked_version();
    writeln!(stdout(), "{major}.{minor}")?;
    with_python(|| {
        for mut case in cases() {
            // The first time is for caches, also CPython's, and its profile holds calls from before it too: the second counts.
            (0..2).for_each(|_| collected(&mut case));
            writeln!(stdout(), "{} {}", case.name, case.rounds)?;
        }
        Ok(())
    })
}

#[inline(never)]
fn collected(case: &mut Case) {
    (0..case.rounds).for_each(|_| (case.run)());
}
