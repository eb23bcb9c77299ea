//! The environment as a source: a variable for every setting, and those by which settings are known elsewhere.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use crate::{
    error::printable,
    layer::{Layer, Source},
    near::nearest,
    note::Note,
    setting::{OWN_VARIABLES, Setting},
};

/// The variables of a process with their values.
pub(crate) type Variables = BTreeMap<OsString, OsString>;

/// The variables that hold options, from the lowest to the highest.
pub(crate) const ARGUMENTS: [&str; 2] = ["GUNICORN_CMD_ARGS", "RWSGI_CMD_ARGS"];

/// Takes every variable that the table names: `RWSGI_WORKERS` over `WEB_CONCURRENCY`. An empty variable is one that is not
/// set: that is how container files switch one off. Only where an empty value means something safer than the default does
/// it count.
pub(crate) fn read(table: &[Setting], variables: &Variables) -> Layer {
    let mut layer = Layer::default();
    for setting in table {
        let empty_counts = setting.env.is_some_and(|variable| variable.empty_counts);
        let text =
            |name: &str| variables.get(OsStr::new(name)).filter(|text| empty_counts || !text.is_empty());
        if let Some(own) = setting.variable()
            && let Some(text) = text(&own)
        {
            layer.insert(setting, several(setting, text), Source::Environment(own));
        } else if let Some(variable) = setting.env
            && let Some(text) = text(variable.name)
        {
            let mut value = OsString::from(variable.prefix);
            value.push(text);
            layer.insert(setting, vec![value], Source::Environment(variable.name.to_owned()));
        }
    }
    layer
}

/// The values within a variable's text.
fn several(setting: &Setting, text: &OsStr) -> Vec<OsString> {
    let Some(separator) = setting.separator() else { return vec![text.to_owned()] };
    text.as_bytes()
        .split(|byte| char::from(*byte) == separator)
        .map(<[u8]>::trim_ascii)
        .filter(|part| !part.is_empty())
        .map(|part| OsStr::from_bytes(part).to_owned())
        .collect()
}

/// A remark for every variable that looks like a setting's own and is none.
pub(crate) fn unknown(table: &[Setting], variables: &Variables) -> Vec<Note> {
    let known: Vec<_> = table.iter().filter_map(Setting::variable).collect();
    let is_ours = |name: &&str| {
        known.iter().any(|own| own == name)
            || ARGUMENTS.contains(name)
            || PRIVATE.contains(name)
            || SERVICES.iter().any(|begin| name.starts_with(begin))
    };
    variables
        .keys()
        .filter_map(|name| name.to_str())
        .filter(|name| name.starts_with(OWN_VARIABLES) && !is_ours(name))
        .map(|name| {
            let meant = nearest(name, known.iter().map(String::as_str).chain(ARGUMENTS));
            let text =
                format!("there is no setting for the environment variable `{}`", printable(name.as_ref()));
            Note::warning(text, meant.map(|meant| format!("did you mean `{meant}`?")))
        })
        .collect()
}

/// By which one master hands its sockets to the next.
const PRIVATE: [&str; 2] = ["RWSGI_LISTENERS", "RWSGI_PREDECESSOR"];

/// What Kubernetes and Docker set for a service that somebody has named `rwsgi`.
const SERVICES: [&str; 3] = ["RWSGI_SERVICE_", "RWSGI_PORT", "RWSGI_NAME"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::SETTINGS;

    fn texts(pairs: &[(&str, &str)]) -> Vec<String> {
        let variables = pairs.iter().map(|(name, value)| (name.into(), value.into())).collect();
        unknown(SETTINGS, &variables)
            .into_iter()
            .map(|note| note.text + note.hint.map(|hint| format!(" ({hint})")).as_deref().unwrap_or_default())
            .collect()
    }

    #[test]
    fn unknown_variables_are_named_with_what_was_meant() {
        let unknown = |name: &str| format!("there is no setting for the environment variable `{name}`");
        for (name, hint) in [
            ("RWSGI_WROKERS", " (did you mean `RWSGI_WORKERS`?)"),
            ("RWSGI_KEEP_ALIVE", " (did you mean `RWSGI_KEEPALIVE`?)"),
            ("RWSGI_CMD_ARG", " (did you mean `RWSGI_CMD_ARGS`?)"),
            ("RWSGI_ELSEWHERE", ""),
        ] {
            assert_eq!(texts(&[(name, "x")]), [unknown(name) + hint]);
        }
    }

    #[test]
    fn variables_that_are_known_or_of_others_need_no_remark() {
        let nothing: [&str; 0] = [];
        for name in [
            "RWSGI_WORKERS",
            "RWSGI_CONFIG",
            "RWSGI_CMD_ARGS",
            "RWSGI_LISTENERS",
            "RWSGI_SERVICE_HOST",
            "RWSGI_PORT_80_TCP_ADDR",
            "GUNICORN_WROKERS",
            "PATH",
        ] {
            assert_eq!(texts(&[(name, "x")]), nothing, "{name}");
        }
    }
}
