//! The only place that speaks to the person who typed the command.

use std::io::Write;

use rwsgi_config::{LogLevel, Note};
use rwsgi_os::ExitReason;

use crate::error::Error;
use crate::logging;

/// Prints what was asked for to stdout. A reader that has enough is no failure.
pub(crate) fn print(text: &str) -> ExitReason {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    ExitReason::Ok
}

/// Says what failed and what to do, on stderr.
pub(crate) fn explain(error: &dyn std::error::Error, hint: Option<&str>) {
    let mut text = format!("rwsgi: error: {}\n", chain(error));
    if let Some(hint) = hint {
        text.push_str(&format!("hint: {hint}\n"));
    }
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Says in the log what failed and what to do, while the server runs.
pub(crate) fn complain(error: &dyn std::error::Error, hint: Option<&str>) {
    tracing::error!("{}", chain(error));
    if let Some(hint) = hint {
        tracing::error!("hint: {hint}");
    }
}

/// Says in the log what is to be known of the settings.
pub(crate) fn remark(note: &Note) {
    match note.level {
        LogLevel::Debug => tracing::debug!("{}", note.text),
        _ => tracing::warn!("{}", note.text),
    }
    if let Some(hint) = &note.hint {
        tracing::warn!("hint: {hint}");
    }
}

/// Says on stderr what is to be known of the settings, where there is no log.
pub(crate) fn warn(note: &Note) {
    if note.level == LogLevel::Debug {
        return;
    }
    warn_of(&note.text);
    if let Some(hint) = &note.hint {
        let _ = writeln!(std::io::stderr().lock(), "hint: {hint}");
    }
}

/// Says on stderr what is to be known, where there is no log.
pub(crate) fn warn_of(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "rwsgi: warning: {text}");
}

/// Says why a process of the server cannot go on: in the log if there is one, else on stderr. What it ends with.
pub(crate) fn tell(error: &Error) -> ExitReason {
    if !logging::is_started() {
        return fail(error, false);
    }
    error.traceback().into_iter().for_each(|traceback| tracing::error!("{traceback}"));
    complain(error, error.hint().as_deref());
    error.exit()
}

/// Explains why the server does not start; also in the error log, if that is read elsewhere.
pub(crate) fn fail(error: &Error, logs_elsewhere: bool) -> ExitReason {
    if logs_elsewhere {
        tracing::error!("{}", chain(error));
    }
    if let Some(traceback) = error.traceback() {
        let _ = writeln!(std::io::stderr().lock(), "{}", traceback.trim_end());
    }
    explain(error, error.hint().as_deref());
    error.exit()
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
