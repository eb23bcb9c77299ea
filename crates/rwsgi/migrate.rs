//! What becomes of a command line or a unit of Gunicorn: the one of rwsgi, and what is different. Nothing is executed.

mod command;
mod file;
mod options;
mod report;
mod unit;
mod words;

use std::path::{Path, PathBuf};

use rwsgi_config::Gunicorn;

use self::command::Command;
use self::options::{Given, Part};
use self::report::Report;
use self::unit::Unit;
use self::words::Reader;

/// What a file holds, if it can be read as text.
pub(crate) type Files<'a> = &'a dyn Fn(&Path) -> Option<String>;

/// What there is to say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Migration {
    /// For the terminal; ends with a line break.
    pub(crate) text: String,
    /// Whether the printed command line can be used as it is.
    pub(crate) usable: bool,
}

/// Looks at a command line, started in this directory; `None` if Gunicorn is not in it.
pub(crate) fn line(text: &str, directory: &Path, files: Files<'_>) -> Option<Migration> {
    let command = Command::find(text, Reader::Shell)?;
    let mut look = Look { report: Report::default(), directory: directory.to_owned(), files };
    let line = look.at(&command, None);
    Some(look.report.finish(&[line]))
}

/// Looks at a unit file; `None` if it does not start Gunicorn.
pub(crate) fn unit(path: &Path, text: &str, files: Files<'_>) -> Option<Migration> {
    let unit = Unit::read(text, files);
    let written = unit.command.as_ref()?;
    let command = Command::find(&written.text, Reader::Systemd)?;
    let directory = unit.directory.clone().unwrap_or_else(|| PathBuf::from("/"));
    let mut look = Look { report: Report::default(), directory, files };
    let line = look.at(&command, unit.variable("GUNICORN_CMD_ARGS"));
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

/// Settings that everybody notices who does not give them, and what is different then.
const FELT_BY_ALL: [&str; 2] = ["timeout", "keepalive"];

/// The same for those who listen on a socket file.
const FELT_ON_SOCKET_FILES: [&str; 2] = ["umask", "forwarded_allow_ips"];

impl Look<'_> {
    /// Looks at all that is given to Gunicorn; the command line of rwsgi.
    fn at(&mut self, command: &Command, variable: Option<&str>) -> String {
        self.report.first(&command.install);
        let mut words = Vec::new();
        for part in &command.parts {
            match part {
                Part::Given(given) if self.keeps(given, given.written()) => words.extend(given.words.clone()),
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
        for part in &further {
            if let Part::Given(given) = part {
                let _ = self.keeps(given, format!("{} in GUNICORN_CMD_ARGS", given.written()));
            }
        }
        let given: Vec<_> = command
            .parts
            .iter()
            .chain(&further)
            .filter_map(|part| if let Part::Given(given) = part { Some(given) } else { None })
            .collect();
        let has_application = command.parts.iter().any(|part| matches!(part, Part::Application(_)));
        self.at_settings_file(&given, has_application);
        self.at_defaults(&given);
        command.with(&words)
    }

    fn application(&mut self, word: &words::Word) -> bool {
        let setting = options::named("wsgi_app").expect("the table has a row for the application");
        let objection = if word.open { None } else { setting.try_value(&word.value).err() };
        if let Some(objection) = &objection {
            self.report.refused(&word.raw, &objection.reason, objection.hint.as_deref());
        }
        objection.is_none()
    }

    /// Takes down what is to be said of an option; whether it is kept.
    fn keeps(&mut self, given: &Given, written: String) -> bool {
        if given.prints() {
            return true;
        }
        match given.setting.gunicorn {
            Gunicorn::Refused { .. } | Gunicorn::WithoutEffect(_) if given.is_default() => return false,
            Gunicorn::Refused { why, instead } => {
                self.report.refused(&written, why, Some(instead));
                return false;
            }
            Gunicorn::WithoutEffect(why) => {
                self.report.ignored(&written, why);
                return false;
            }
            _ => {}
        }
        if let Some(objection) = given.objection() {
            self.report.refused(&written, &objection.reason, objection.hint.as_deref());
            return false;
        }
        if let Gunicorn::Differs(what) = given.setting.gunicorn {
            self.report.changed(&written, what);
        }
        true
    }

    /// What is different without anybody having asked for it.
    fn at_defaults(&mut self, given: &[&Given]) {
        let is_given = |name: &str| given.iter().any(|given| given.setting.name == name);
        let has_socket_file = given.iter().any(|given| {
            given.setting.name == "bind"
                && given.value.as_ref().is_some_and(|value| value.starts_with("unix:"))
        });
        let on_socket_files = FELT_ON_SOCKET_FILES.iter().filter(|_| has_socket_file);
        for name in FELT_BY_ALL.iter().chain(on_socket_files).filter(|name| !is_given(name)) {
            let setting = options::named(name).expect("the names are those of rows");
            if let Gunicorn::Differs(what) = setting.gunicorn {
                self.report.changed(&format!("{name}, not given here"), what);
            }
        }
    }

    /// Looks for the settings file, and at the names in it.
    fn at_settings_file(&mut self, given: &[&Given], has_application: bool) {
        let named = given.iter().rev().find(|given| given.setting.name == "config");
        let value = named.and_then(|given| given.value.as_deref());
        if let Some(module) = value.and_then(|value| value.strip_prefix("python:")) {
            self.report
                .note(&format!("the module `{module}` is imported as it is; nobody has looked at it here"));
            return;
        }
        let path = value.map(|value| value.strip_prefix("file:").unwrap_or(value));
        let place = self.directory.join(path.unwrap_or("gunicorn.conf.py"));
        match (self.files)(&place) {
            Some(text) => self.at_file(&place, &text),
            None if named.is_some() => self.report.note(&format!(
                "the settings file `{}` cannot be read from here; rwsgi reads it as it is",
                named.map(|given| given.words.last().cloned().unwrap_or_default()).unwrap_or_default()
            )),
            None if !has_application => {
                let hint = "name the module, such as `mysite.wsgi`, as Gunicorn is given it";
                self.report.refused(
                    "no application",
                    "neither the command line nor a file names one",
                    Some(hint),
                );
            }
            None => {}
        }
    }

    fn at_file(&mut self, place: &Path, text: &str) {
        let shown = words::quoted(&place.to_string_lossy());
        for found in file::definitions(text) {
            let Some(setting) = options::named(&found.name) else { continue };
            let name = format!("{} in {shown}:{}", found.name, found.line);
            let value = found.value.as_deref();
            let is_default = value.is_some_and(|value| setting.is_default(value));
            let objection =
                value.filter(|value| *value != "None").and_then(|value| setting.try_value(value).err());
            match setting.gunicorn {
                Gunicorn::Refused { .. } | Gunicorn::WithoutEffect(_) if is_default => {}
                Gunicorn::Refused { why, instead } => self.report.refused(&name, why, Some(instead)),
                Gunicorn::WithoutEffect(why) => self.report.ignored(&name, why),
                _ if objection.is_some() => {
                    let objection = objection.expect("it was looked for");
                    self.report.refused(&name, &objection.reason, objection.hint.as_deref());
                }
                Gunicorn::Differs(what) => self.report.changed(&name, what),
                Gunicorn::Same | Gunicorn::Own => {}
            }
        }
        self.report.note(&format!(
            "the settings file is read as it is; only its plain lines were looked at here, and none was executed: \
             `rwsgi -c {shown} --check-config` does that"
        ));
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
