//! The native host: a binary that embeds CPython.

use std::process::ExitCode;

use rwsgi::{Host, run};

fn main() -> ExitCode {
    run(std::env::args_os().collect(), Host::Native).into()
}
