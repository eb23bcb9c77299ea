//! From the command line, the environment and one file to settings, in the order of precedence.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::PathBuf,
    time::Duration,
};

use crate::{
    agreement,
    cli::{self, Said, Words},
    config::Config,
    error::Error,
    file::File,
    layer::{Entry, Layer},
    migration::Migration,
    note::Note,
    resolve::resolve,
    setting::{Flag, Setting},
    settled::{Purpose, Settled},
    table::SETTINGS,
    variables::{self, ARGUMENTS, Variables},
    words,
};

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// To print this text, which ends with a line break, to standard output and exit 0.
    Print(String),
    /// To look at how Gunicorn is started, print what becomes of it, and exit.
    Migrate(Migration),
    /// To go on with these settings.
    Draft(Draft),
}

/// The settings as far as they are known without a file. It stays the same while the server runs, so that it can be finished
/// again with what a file says at a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What is below the file.
    environment: Layer,
    /// What is above the file.
    given: Layer,
    file: FileChoice,
    early: Early,
    purpose: Purpose,
    notes: Vec<Note>,
    program: String,
}

/// Which settings file to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChoice {
    /// This one, in TOML or in Python: see [`Table::of`](crate::Table::of). A relative path counts from the start directory.
    Path(PathBuf),
    /// What this Python module defines.
    Module(String),
    /// The first of `rwsgi.toml`, `pyproject.toml` if it has `[tool.rwsgi]`, and `gunicorn.conf.py` that is in the start
    /// directory. So `-c ''` too, as in Gunicorn: scripts write `-c "$CONF"`.
    Default,
    /// None, by `-c /dev/null`, where there would be nothing to read.
    None,
}

/// What must be known before a file in Python can be executed; the file itself cannot change it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Early {
    /// The Python, or the virtual environment, to run (native program only).
    pub python: Option<PathBuf>,
    /// Directories to put first on `sys.path`, in this order.
    pub pythonpath: Vec<PathBuf>,
    /// The directory to change to.
    pub chdir: Option<PathBuf>,
    /// How long the file may run; `None` is for ever.
    pub boot_timeout: Option<Duration>,
}

/// The program that asks, for the texts that name it.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The name in the usage line and in examples, for example `rwsgi`.
    pub name: &'a str,
    /// What `--version` prints after the name, for example `0.1.0`.
    pub version: &'a str,
}

/// Reads all sources but the file: `args`, the first of which is the program and is not looked at, and the environment.
///
/// # Errors
///
/// What is wrong whatever a file says: an unknown option, a value of the command line that its setting does not take, and the
/// like in a variable that holds options.
pub fn open(
    args: Vec<OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    program: Program<'_>,
) -> Result<Opened, Error> {
    let variables: Variables = environment.into_iter().collect();
    let mut notes = Vec::new();
    let mut given = match cli::read(SETTINGS, Words { words: args, variable: None }, program)? {
        Said::Given(layer) => layer,
        Said::Print(text) => return Ok(Opened::Print(text)),
        Said::Migrate(migration) => return Ok(Opened::Migrate(migration)),
    };
    for variable in ARGUMENTS.into_iter().rev() {
        match arguments(variable, &variables, program)? {
            Some(Said::Given(layer)) => given = given.over(without_application(variable, layer, &mut notes)),
            Some(Said::Print(text)) => return Ok(Opened::Print(text)),
            Some(Said::Migrate(migration)) => return Ok(Opened::Migrate(migration)),
            None => {}
        }
    }
    // What the command line gives wins over any file, so it can be judged before one is executed.
    resolve(SETTINGS, &given)?;
    let environment = variables::read(SETTINGS, &variables);
    notes.extend(variables::unknown(SETTINGS, &variables));
    let layer = given.clone().over(environment.clone()).over(Layer::defaults(SETTINGS));
    let (early, purpose) = early(&layer)?;
    let file = choice(&layer);
    let program = program.name.to_owned();
    Ok(Opened::Draft(Draft { environment, given, file, early, purpose, notes, program }))
}

impl Draft {
    /// Which settings file to read.
    #[must_use]
    pub fn file(&self) -> &FileChoice {
        &self.file
    }

    /// What must be known before a file in Python can be executed.
    #[must_use]
    pub fn early(&self) -> &Early {
        &self.early
    }

    /// What the settings are for as far as they are known without a file, which most often is all that there is to know.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// The settings, with what the file says if there is one.
    ///
    /// # Errors
    ///
    /// A value that its setting does not take, two settings that contradict each other, a file that cannot be understood, or
    /// no application.
    pub fn finish(&self, file: Option<&File>) -> Result<Settled, Error> {
        let (said, mut notes) = file.map(|file| file.read(SETTINGS)).transpose()?.unwrap_or_default();
        let lower = self.environment.clone().over(Layer::defaults(SETTINGS));
        let layer = self.given.clone().over(said).over(lower);
        let (config, remarks) = resolve(SETTINGS, &layer)?;
        if config.app.is_empty() {
            return Err(Error::NoApplication { program: self.program.clone() });
        }
        let disagreements = agreement::check(&config, &layer)?;
        notes.splice(0..0, self.notes.iter().cloned());
        notes.extend(remarks.into_iter().chain(disagreements));
        Ok(Settled::new(config, layer, notes))
    }
}

/// What a variable that holds options says, if it is set.
fn arguments(
    variable: &'static str,
    variables: &Variables,
    program: Program<'_>,
) -> Result<Option<Said>, Error> {
    let Some(text) = variables.get(OsStr::new(variable)) else { return Ok(None) };
    let split = words::split(text.as_bytes()).map_err(|found| Error::CommandLine {
        variable: Some(variable),
        message: format!("expected options as a shell reads them, found {found}"),
        hint: None,
    })?;
    let split = split.into_iter().map(OsString::from_vec);
    let words = std::iter::once(program.name.into()).chain(split).collect();
    cli::read(SETTINGS, Words { words, variable: Some(variable) }, program).map(Some)
}

/// As Gunicorn ignores the application in its variable.
fn without_application(variable: &str, mut layer: Layer, notes: &mut Vec<Note>) -> Layer {
    let application =
        SETTINGS.iter().filter(|setting| variable == ARGUMENTS[0] && setting.flag == Flag::Positional);
    for setting in application {
        if let Some(Entry { values, .. }) = layer.remove(setting) {
            let named = values.iter().map(|name| crate::error::printable(name)).collect::<Vec<_>>().join(" ");
            let text =
                format!("the application `{named}` in the environment variable `{variable}` is ignored");
            notes.push(Note::warning(
                text,
                Some(format!("name it on the command line, or in `{}`", ARGUMENTS[1])),
            ));
        }
    }
    layer
}

fn early(layer: &Layer) -> Result<(Early, Purpose), Error> {
    let needed = ["python", "pythonpath", "chdir", "boot_timeout", "check_config", "print_config"];
    let (config, _) = resolve(SETTINGS.iter().filter(|setting| needed.contains(&setting.name)), layer)?;
    let purpose = Purpose::of(&config);
    let Config { python, pythonpath, chdir, boot_timeout, .. } = config;
    Ok((Early { python, pythonpath, chdir, boot_timeout }, purpose))
}

fn choice(layer: &Layer) -> FileChoice {
    let entry =
        SETTINGS.iter().find(|setting| setting.name == "config").and_then(|row: &Setting| layer.entry(row));
    let Some(named) = entry.and_then(|entry| entry.values.last()) else { return FileChoice::Default };
    if let Some(module) = named.to_str().and_then(|text| text.strip_prefix("python:")) {
        return FileChoice::Module(module.to_owned());
    }
    let path = named.as_bytes().strip_prefix(b"file:").unwrap_or(named.as_bytes());
    match path {
        b"" => FileChoice::Default,
        b"/dev/null" => FileChoice::None,
        _ => FileChoice::Path(OsStr::from_bytes(path).into()),
    }
}

#[cfg(test)]
mod tests;
