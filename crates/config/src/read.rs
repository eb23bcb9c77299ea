//! From argv and the environment to a `Config`, in the order of precedence.

use std::ffi::OsString;

use crate::{
    agreement,
    cli::{self, CommandLine},
    config::Config,
    env,
    error::Error,
    layer::Layer,
    resolve::resolve,
    table::SETTINGS,
};

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// To serve an application.
    Run(Box<Config>),
    /// To print this text, which ends with a line break, to standard output and exit 0.
    Print(String),
}

/// The program that asks, for the texts that name it.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The name in the usage line and in examples, for example `rwsgi`.
    pub name: &'a str,
    /// What `--version` prints after the name, for example `0.1.0`.
    pub version: &'a str,
}

/// Reads the settings: the command line over the environment over the defaults.
///
/// `args[0]` is the program and is not looked at; `env` gives the value of an environment variable.
///
/// # Errors
///
/// Every error is a usage error (exit code 2): an unknown option, a value that its setting does not
/// take, two settings that contradict each other, or no application.
pub fn read(
    args: Vec<OsString>,
    env: &dyn Fn(&str) -> Option<OsString>,
    program: Program<'_>,
) -> Result<Request, Error> {
    let given = match cli::read(SETTINGS, args, program)? {
        CommandLine::Given(layer) => layer,
        CommandLine::Print(text) => return Ok(Request::Print(text)),
    };
    let layer = given.over(env::read(SETTINGS, env)).over(Layer::defaults(SETTINGS));
    let config = resolve(SETTINGS, &layer)?;
    if config.app.is_empty() {
        return Err(Error::NoApplication { program: program.name.to_owned() });
    }
    agreement::check(&config)?;
    Ok(Request::Run(Box::new(config)))
}

#[cfg(test)]
mod tests;
