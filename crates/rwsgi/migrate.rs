//! What becomes of a command line or a unit of Gunicorn: the one of rwsgi, and what is different. Nothing is executed.

mod command;
mod file;
mod options;
mod relevance;
mod report;
mod unit;
mod words;

use std::path::{Path, PathBuf};
use std::{env, fs};

use rwsgi_config::{Gunicorn, Migration, SETTINGS};
use rwsgi_os::ExitReason;

use self::command::Command;
use self::file::Definition;
use self::options::{Given, Part};
use self::report::Report;
use self::unit::Unit;
use self::words::Reader;
use crate::error::Error;
use crate::ui;

/// Prints what becomes of it. The exit code says whether that can be used as it is.
pub(crate) fn show(migration: &Migration) -> Result<ExitReason, Error> {
    let files = |path: &Path| fs::read_to_string(path).ok();
    let directory = env::current_dir().map_err(Error::CurrentDirectory)?;
    let found = match migration {
        Migration::Command(text) => line(&text.to_string_lossy(), &directory, &files),
        Migration::Unit(path) => {
            let text =
                fs::read_to_string(path).map_err(|source| Error::ReadUnit { path: path.clone(), source })?;
            unit(path, &text, &files)
        }
    };
    let Some(found) = found else { return Err(Error::NoGunicorn(migration.clone())) };
    ui::print(&found.text);
    Ok(if found.usable { ExitReason::Ok } else { ExitReason::Config })
}

/// What a file holds, if it can be read as text.
type Files<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// What there is to say.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    /// For the terminal; ends with a line break.
    text: String,
    /// Whether the printed command line can be used as it is.
    usable: bool,
}

/// Looks at a command line, started in this directory; `None` if Gunicorn is not in it.
fn line(text: &str, directory: &Path, files: Files<'_>) -> Option<Outcome> {
    let command = Command::find(text, Reader::Shell)?;
    let mut look = Look { report: Report::default(), directory: directory.to_owned(), files };
    let line = look.at(&command, command.variable.as_deref());
    Some(look.report.finish(&[line]))
}

/// Looks at a unit file; `None` if it does not start Gunicorn.
fn unit(path: &Path, text: &str, files: Files<'_>) -> Option<Outcome> {
    let unit = Unit::read(text, files);
    let written = unit.command.as_ref()?;
    let command = Command::find(&written.text, Reader::Systemd)?;
    let directory = unit.directory.clone().unwrap_or_else(|| PathBuf::from("/"));
    let mut look = Look { report: Report::default(), directory, files };
    let line = look.at(&command, command.variable.as_deref().or(unit.variable("GUNICORN_CMD_ARGS")));
    look.at_unit(&unit, &command);
    let was = format!("- ExecStart={}{}", written.prefix, written.text);
    let is = format!("+ ExecStart={}{line}", written.prefix);
    Some(look.report.finish(&[format!("{}:", path.display()), was, is]))
}

struct Look<'a> {
    report: Report,
    /// Where the server is started.
    directory: PathBuf,
    files: Files<'a>,
}

impl Look<'_> {
    /// Looks at all that is given to Gunicorn; the command line of rwsgi.
    fn at(&mut self, command: &Command, variable: Option<&str>) -> String {
        self.report.first(&command.install);
        let mut words = Vec::new();
        for part in &command.parts {
            match part {
                Part::Given(given) if self.keeps(given, &given.written()) => {
                    words.extend(given.words.clone())
                }
                Part::Given(_) => {}
                Part::Application(word) => words.extend(self.application(word).then(|| word.raw.clone())),
                Part::Unknown(word) => {
                    self.report.refused(&word.raw, "no option of Gunicorn", Some("leave it out"))
                }
                Part::Surplus(word) => {
                    self.report.ignored(&word.raw, "one application is served; Gunicorn ignores it too")
                }
            }
        }
        let variable = variable.and_then(|text| words::split(text, Reader::Shell)).unwrap_or_default();
        let further = options::read(&variable);
        self.at_variable(&further);
        let given: Vec<_> = command
            .parts
            .iter()
            .chain(&further)
            .filter_map(|part| if let Part::Given(given) = part { Some(given) } else { None })
            .collect();
        let has_application = command.parts.iter().any(|part| matches!(part, Part::Application(_)));
        let in_file = self.at_settings_file(&given, has_application);
        self.at_defaults(&given, &in_file);
        command.with(&words)
    }

    /// Looks at the options in the variable, which is read by rwsgi too, and stays as it is.
    fn at_variable(&mut self, parts: &[Part]) {
        let mut refused = Vec::new();
        for part in parts {
            let Part::Given(given) = part else { continue };
            let written = format!("{} in GUNICORN_CMD_ARGS", given.written());
            let _ = self.keeps(given, &written);
            if self.report.refuses(&written) {
                refused.push(format!("`{}`", given.written()));
            }
        }
        if !refused.is_empty() {
            self.report.note(&format!(
                "rwsgi reads `GUNICORN_CMD_ARGS` too, which is not changed here: take {} out of it",
                refused.join(" and ")
            ));
        }
    }

    fn application(&mut self, word: &words::Word) -> bool {
        let known = Some(&word.value).filter(|_| !word.open);
        let objection = known.and_then(|value| relevance::row("wsgi_app").try_value(value).err());
        if let Some(objection) = &objection {
            self.report.refused(&word.raw, &objection.reason, objection.hint.as_deref());
        }
        objection.is_none()
    }

    /// Takes down what is to be said of an option; whether it is kept.
    fn keeps(&mut self, given: &Given, written: &str) -> bool {
        if given.prints() {
            return true;
        }
        match given.setting.gunicorn {
            Gunicorn::Refused { .. } | Gunicorn::WithoutEffect(_) if given.is_default() => return false,
            Gunicorn::Refused { why, instead } => {
                self.report.refused(written, why, Some(instead));
                return false;
            }
            Gunicorn::WithoutEffect(why) => {
                self.report.ignored(written, why);
                return false;
            }
            _ => {}
        }
        if let Some(objection) = given.objection() {
            self.report.refused(written, &objection.reason, objection.hint.as_deref());
            return false;
        }
        if let Gunicorn::Differs(what) = given.setting.gunicorn
            && relevance::is_felt(given.setting, given.value.as_deref())
        {
            self.report.changed(written, what);
        }
        true
    }

    /// What is different without anybody having asked for it.
    fn at_defaults(&mut self, given: &[&Given], in_file: &[Definition]) {
        let is_given = |name: &str| {
            given.iter().any(|given| given.setting.name == name)
                || in_file.iter().any(|found| found.name == name)
        };
        let is_socket_file =
            |value: &Option<String>| value.as_ref().is_some_and(|value| value.starts_with("unix:"));
        let has_socket_file =
            given.iter().any(|given| given.setting.name == "bind" && is_socket_file(&given.value))
                || in_file.iter().any(|found| found.name == "bind" && is_socket_file(&found.value));
        for setting in relevance::felt_without(has_socket_file).filter(|setting| !is_given(setting.name)) {
            if let Gunicorn::Differs(what) = setting.gunicorn {
                self.report.changed(&format!("{}, not given here", setting.name), what);
            }
        }
        self.report.note(&relevance::new_limits());
    }

    /// Looks for the settings file, and at the names in it.
    fn at_settings_file(&mut self, given: &[&Given], has_application: bool) -> Vec<Definition> {
        let named = given.iter().rev().find(|given| given.setting.name == "config");
        let value = named.and_then(|given| given.value.as_deref());
        if let Some(module) = value.and_then(|value| value.strip_prefix("python:")) {
            self.report
                .note(&format!("the module `{module}` is imported as it is; nobody has looked at it here"));
            return Vec::new();
        }
        let path = value.map_or("gunicorn.conf.py", |value| value.strip_prefix("file:").unwrap_or(value));
        match (self.files)(&self.directory.join(path)) {
            Some(text) => return self.at_file(path, &text),
            None if named.is_some() => self.report.note(&format!(
                "the settings file `{}` cannot be read from here; rwsgi reads it as it is",
                named.and_then(|given| given.words.last()).map_or(path, String::as_str)
            )),
            None if !has_application => {
                let hint = "name the module, such as `mysite.wsgi`";
                self.report.refused(
                    "no application",
                    "neither the command line nor a file names one",
                    Some(hint),
                );
            }
            None => {}
        }
        Vec::new()
    }

    fn at_file(&mut self, path: &str, text: &str) -> Vec<Definition> {
        let definitions = file::definitions(text);
        for found in &definitions {
            self.at_definition(found, path);
        }
        self.report.note(&format!(
            "the settings file is read as it is; only its plain lines were looked at here, and none was executed: \
             `rwsgi -c {} --check-config` does that",
            words::quoted(path)
        ));
        definitions
    }

    fn at_definition(&mut self, found: &Definition, path: &str) {
        let Some(setting) = SETTINGS.iter().find(|setting| setting.name == found.name) else { return };
        let name = format!("{} in {path}:{}", found.name, found.line);
        // `None` is no value, and what a list holds is not known.
        let value = found.value.as_deref().filter(|value| *value != "None");
        let is_default = found.value.as_deref().is_some_and(|value| setting.is_default(value));
        let objection = value.and_then(|value| setting.try_value(value).err());
        match setting.gunicorn {
            Gunicorn::Refused { .. } | Gunicorn::WithoutEffect(_) if is_default => {}
            Gunicorn::Refused { why, instead } => self.report.refused(&name, why, Some(instead)),
            Gunicorn::WithoutEffect(why) => self.report.ignored(&name, why),
            _ if objection.is_some() => {
                let reason = objection.as_ref().map_or("", |objection| &objection.reason);
                self.report.refused(
                    &name,
                    reason,
                    objection.as_ref().and_then(|objection| objection.hint.as_deref()),
                );
            }
            Gunicorn::Differs(what) if relevance::is_felt(setting, value) => self.report.changed(&name, what),
            Gunicorn::Differs(_) | Gunicorn::Same | Gunicorn::Own => {}
        }
    }

    /// What else a unit says that matters.
    fn at_unit(&mut self, unit: &Unit, command: &Command) {
        for path in &unit.unread {
            self.report.note(&format!(
                "the variables of `{}` are not known here: it cannot be read",
                path.display()
            ));
        }
        let grace = command.parts.iter().rev().find_map(|part| match part {
            Part::Given(given) if given.setting.name == "graceful_timeout" => given.value.clone(),
            _ => None,
        });
        let grace = grace.unwrap_or_else(|| "30".to_owned());
        let stop = unit.stop_after.as_deref();
        let seconds = stop.and_then(|text| text.trim_end_matches('s').trim_end().parse::<f64>().ok());
        if seconds.is_some_and(|seconds| seconds <= grace.parse().unwrap_or(0.0)) {
            self.report.note(&format!(
                "`TimeoutStopSec={}` ends requests that `graceful_timeout` would give {grace} s: let it be longer",
                stop.unwrap_or_default()
            ));
        }
    }
}

#[cfg(test)]
mod tests;
