//! Real masters with trivial workers: each case starts this program again as a server and watches it from
//! outside.
//!
//! Everything that a server prints (its log, and its workers' own lines) comes through one pipe that all its
//! processes hold, so the end of that pipe is the end of the last of them.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod endings;
mod files;
mod health;
mod molds;
mod reload;
mod served;
mod server;
mod service;
mod upgrade;

use std::{env, process::ExitCode};

type Case = (&'static str, fn());

const CASES: [&[Case]; 7] = [
    &endings::CASES,
    &files::CASES,
    &health::CASES,
    &reload::CASES,
    &molds::CASES,
    &upgrade::CASES,
    &service::CASES,
];

fn main() -> ExitCode {
    if let Ok(behaviour) = env::var(served::CASE) {
        return served::serve(&behaviour);
    }
    let filter = env::args().nth(1).filter(|argument| !argument.starts_with('-')).unwrap_or_default();
    let mut failed = 0;
    for (name, case) in CASES.iter().copied().flatten().filter(|(name, _)| name.contains(&filter)) {
        let outcome = std::panic::catch_unwind(case);
        println!("test {name} ... {}", if outcome.is_ok() { "ok" } else { "FAILED" });
        failed += u32::from(outcome.is_err());
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
