//! The command line as a source, and the help: a clap command made from the table.

use std::ffi::{OsStr, OsString};

use clap::{
    Arg, ArgAction, ArgMatches, Command,
    builder::OsStringValueParser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{
    draft::Program,
    error::{Error, printable},
    kind::{Action, Kind},
    layer::{Layer, Source},
    manual,
    migration::Migration,
    setting::{Flag, Gunicorn, Setting},
    variables::ARGUMENTS,
};

/// What the words of a command line say.
pub(crate) enum Said {
    /// These settings.
    Given(Layer),
    /// To print this and end: the help or the version.
    Print(String),
    /// To look at how Gunicorn is started, and end.
    Migrate(Migration),
}

/// Words as the shell makes them, the first of which names the program.
pub(crate) struct Words {
    pub(crate) words: Vec<OsString>,
    /// The environment variable that holds them, if they are not the command line itself.
    pub(crate) variable: Option<&'static str>,
}

/// Takes the words apart; values are not looked at.
pub(crate) fn read(table: &'static [Setting], words: Words, program: Program<'_>) -> Result<Said, Error> {
    let Words { words, variable } = words;
    let mut command = command(table, program);
    if variable == Some(ARGUMENTS[0]) {
        // None of them is used. As in Gunicorn: `-w 3 # as many as there are cores`.
        let applications = table.iter().filter(|setting| setting.flag == Flag::Positional);
        for setting in applications {
            command = command.mut_arg(setting.name, |arg| arg.action(ArgAction::Append).num_args(0..));
        }
    }
    match command.try_get_matches_from(joined(table, words)) {
        Ok(mut matches) => {
            if let Some(text) = printed(table, program, &mut matches)? {
                return Ok(Said::Print(text));
            }
            let migration = migration(table, &mut matches).map(Said::Migrate);
            Ok(migration.unwrap_or_else(|| Said::Given(layer(table, &mut matches, variable))))
        }
        Err(stop) => match stop.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Said::Print(stop.render().to_string())),
            _ => {
                let (message, hint) = usage_error(table, &stop);
                Err(Error::CommandLine { variable, message, hint })
            }
        },
    }
}

/// The form of the manual that is asked for, if one is.
fn printed(
    table: &'static [Setting],
    program: Program<'_>,
    matches: &mut ArgMatches,
) -> Result<Option<String>, Error> {
    let Some(setting) = table.iter().find(|setting| matches!(setting.kind, Kind::Manual)) else {
        return Ok(None);
    };
    let Some(form) = matches.remove_one::<OsString>(setting.name) else { return Ok(None) };
    let text = form.to_str().and_then(|form| manual::text(form, table, program));
    text.map(Some).ok_or_else(|| Error::Value {
        setting: setting.name,
        value: Some(printable(&form)),
        origin: Box::new(Source::CommandLine(setting.flag)),
        reason: format!("expected {}", setting.expects()),
        hint: None,
    })
}

/// What is to be looked at, if anything is.
fn migration(table: &'static [Setting], matches: &mut ArgMatches) -> Option<Migration> {
    table.iter().find_map(|setting| match setting.kind {
        Kind::Migration(made) => matches.remove_one::<OsString>(setting.name).map(made),
        _ => None,
    })
}

/// Spells options out, and puts a `=` between one whose value may be left out and its value, if the next word is one.
fn joined(table: &[Setting], args: Vec<OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::with_capacity(args.len());
    for word in args {
        let word = spelled_out(table, word);
        match joined.last_mut() {
            Some(option) if takes(table, option, &word) => {
                option.push("=");
                option.push(word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

/// The whole option for the beginning of one, where that means one option of Gunicorn: those that Gunicorn does not have must not
/// make it ambiguous.
fn spelled_out(table: &[Setting], word: OsString) -> OsString {
    let Some(text) = word.to_str().and_then(|word| word.strip_prefix("--")) else { return word };
    let (begin, value) = text.split_once('=').map_or((text, None), |(begin, value)| (begin, Some(value)));
    let is_whole = table.iter().flat_map(Setting::long_options).any(|flag| flag == begin);
    if begin.is_empty() || is_whole {
        return word;
    }
    let gunicorns = table.iter().filter(|setting| setting.gunicorn != Gunicorn::Own);
    let mut begun =
        gunicorns.filter_map(|setting| setting.long_options().find(|flag| flag.starts_with(begin)));
    match (begun.next(), begun.next(), value) {
        (Some(flag), None, Some(value)) => format!("--{flag}={value}").into(),
        (Some(flag), None, None) => format!("--{flag}").into(),
        _ => word,
    }
}

fn takes(table: &[Setting], option: &OsStr, word: &OsStr) -> bool {
    let (Some(option), Some(word)) = (option.to_str(), word.to_str()) else { return false };
    let Some(begin) = option.strip_prefix("--").filter(|begin| !begin.is_empty()) else { return false };
    let mut meant = table.iter().filter(|setting| setting.long_options().any(|flag| flag.starts_with(begin)));
    match (meant.next().map(|setting| setting.kind), meant.next()) {
        (Some(Kind::OptionalChoice { choice, .. }), None) => choice.contain(word),
        _ => false,
    }
}

fn layer(table: &'static [Setting], matches: &mut ArgMatches, variable: Option<&'static str>) -> Layer {
    let mut layer = Layer::default();
    for setting in table.iter().filter(|setting| has_words(setting)) {
        let values: Vec<_> = matches.remove_many::<OsString>(setting.name).into_iter().flatten().collect();
        if values.is_empty() {
            continue;
        }
        let source = match variable {
            None => Source::CommandLine(setting.flag),
            Some(variable) => Source::Arguments(variable, setting.flag),
        };
        layer.insert(setting, values, source);
    }
    layer
}

/// Whether the command line can hold values of it.
fn has_words(setting: &Setting) -> bool {
    setting.flag != Flag::None && setting.storable()
}

/// The width of the help. Fixed, so that the same command prints the same text everywhere.
const HELP_WIDTH: usize = 100;

/// The command line of these settings; those that only files give have no part in it.
pub(crate) fn command(table: &'static [Setting], program: Program<'_>) -> Command {
    let name = program.name;
    Command::new(name.to_owned())
        .version(program.version.to_owned())
        .about("Serves a Python WSGI application with a master and worker processes.")
        .override_usage(format!("{name} [OPTIONS] APPLICATION"))
        .after_help(format!(
            "Example: {name} mysite.wsgi:application --bind 0.0.0.0:8000 --workers 3\n\
             Every setting in full, hooks, and what becomes of Gunicorn's others: {name} --generate man | man -l -"
        ))
        .term_width(HELP_WIDTH)
        .infer_long_args(true)
        // As in Gunicorn, so that a script can append to a command line.
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(table.iter().filter(|setting| setting.flag != Flag::None).map(argument))
}

fn argument(setting: &'static Setting) -> Arg {
    let action = match setting.kind {
        // `Help` would lay the text out in a second way for `--help`.
        Kind::Action(Action::Help) => ArgAction::HelpShort,
        Kind::Action(Action::Version) => ArgAction::Version,
        _ if setting.repeatable() => ArgAction::Append,
        _ => ArgAction::Set,
    };
    let mut arg = Arg::new(setting.name).help(help(setting)).hide(!setting.in_help());
    if action.takes_values() {
        arg = valued(arg.value_parser(OsStringValueParser::new()), setting);
    }
    if let Flag::Long(flag) = setting.flag {
        // Without a heading clap puts an argument first, which is where the application belongs.
        arg = arg.long(flag).help_heading(setting.section.title());
    }
    if let Some(short) = setting.short {
        arg = arg.short(short);
    }
    if let Some(alias) = setting.alias {
        arg = arg.visible_alias(alias);
    }
    arg.action(action)
}

/// With as many values as the setting has on the command line, and what stands for one left out.
fn valued(arg: Arg, setting: &'static Setting) -> Arg {
    match setting.kind {
        Kind::Switch { flag, .. } => arg.num_args(0).default_missing_value(flag.to_string()),
        Kind::OptionalChoice { alone, .. } => {
            arg.value_name(setting.metavar).num_args(0..=1).require_equals(true).default_missing_value(alone)
        }
        // `--workers -1` is a wrong value, not an unknown option.
        _ => arg.value_name(setting.metavar).allow_negative_numbers(true),
    }
}

fn help(setting: &Setting) -> String {
    if setting.switch() {
        return setting.help.to_owned();
    }
    let variable = setting.env.map(|variable| format!("{}${}", variable.prefix, variable.name));
    let default = match (variable, setting.default) {
        (Some(variable), Some(default)) => format!("{variable}, else {default}"),
        (Some(variable), None) => variable,
        (None, Some(default)) => default.to_owned(),
        (None, None) => return setting.help.to_owned(),
    };
    format!("{} [default: {default}]", setting.help)
}

/// Says in our words what clap found, whose own text takes several lines; with what was probably meant.
fn usage_error(table: &[Setting], error: &clap::Error) -> (String, Option<String>) {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    let given = context(ContextKind::InvalidArg).unwrap_or_default();
    match error.kind() {
        ErrorKind::UnknownArgument if given.starts_with('-') => {
            unknown_option(table, given, context(ContextKind::SuggestedArg))
        }
        ErrorKind::UnknownArgument => (
            format!("unexpected argument `{}`", printable(OsStr::new(given))),
            Some("one application is served; write a value straight after its option".into()),
        ),
        ErrorKind::InvalidValue => (missing_value(table, given), None),
        _ => {
            let text = error.render().to_string();
            let line = text.lines().next().unwrap_or_default();
            (line.trim_start_matches("error: ").replace('\'', "`"), None)
        }
    }
}

fn unknown_option(table: &[Setting], given: &str, suggested: Option<&str>) -> (String, Option<String>) {
    let begun: Vec<_> = table
        .iter()
        .flat_map(Setting::long_options)
        .filter(|flag| given.strip_prefix("--").is_some_and(|begin| flag.starts_with(begin)))
        .map(|flag| format!("`--{flag}`"))
        .collect();
    let given = printable(OsStr::new(given));
    if begun.len() > 1 {
        let message = format!("the option `{given}` is the beginning of several options");
        return (message, Some(format!("write one of {}", begun.join(", "))));
    }
    (format!("unknown option `{given}`"), suggested.map(|flag| format!("did you mean `{flag}`?")))
}

/// `option` is clap's description of it, such as `--workers <N>`.
fn missing_value(table: &[Setting], option: &str) -> String {
    let flag = option.split(' ').next().unwrap_or_default();
    let setting = table.iter().find(|setting| setting.flag.to_string() == format!("`{flag}`"));
    let expected = setting.map(|setting| format!(": expected {}", setting.expects()));
    format!("no value for `{flag}`{}", expected.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::SETTINGS;

    const PROGRAM: Program<'_> = Program { name: "rwsgi", version: "0.1.0" };

    fn help_text() -> String {
        let args = vec!["rwsgi".into(), "--help".into()];
        match read(SETTINGS, Words { words: args, variable: None }, PROGRAM) {
            Ok(Said::Print(text)) => text,
            _ => panic!("no help"),
        }
    }

    #[test]
    fn clap_accepts_the_table() {
        command(SETTINGS, PROGRAM).debug_assert();
    }

    #[test]
    fn help_fits_the_screen() {
        for paragraph in help_text().split("\n\n") {
            assert!(paragraph.lines().count() <= 24, "{paragraph}");
        }
        for line in help_text().lines() {
            assert!(line.chars().count() <= HELP_WIDTH, "{line}");
            assert!(!line.contains('\u{1b}'), "{line}");
        }
    }

    #[test]
    fn help_names_every_option_under_its_heading_with_its_default() {
        let help = help_text();
        let flat = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for setting in SETTINGS {
            let Flag::Long(flag) = setting.flag else { continue };
            if !setting.in_help() {
                assert!(!help.contains(&format!("--{flag} ")), "{flag}");
                continue;
            }
            let heading = format!("\n{}:\n", setting.section.title());
            let (_, section) = help.split_once(&heading).expect(setting.name);
            let section = section.split("\n\n").next().unwrap_or_default();
            assert!(section.contains(&format!("--{flag}")), "{flag} in {section}");
            let short = setting.short.map(|short| format!("-{short}, --{flag}"));
            assert!(short.is_none_or(|short| section.contains(&short)), "{flag}");
            assert!(flat.contains(setting.help), "{flag}");
            if let Some(default) = setting.default.filter(|_| !setting.switch()) {
                assert!(flat.contains(&format!("{default}]")), "{flag}: {default}");
            }
        }
        assert!(flat.contains("[default: 0.0.0.0:$PORT, else 127.0.0.1:8000]"));
        assert!(flat.contains("[default: $SCRIPT_NAME]"));
        assert!(help.contains("\nArguments:\n  [APPLICATION]"), "{help}");
    }

    #[test]
    fn the_short_help_is_the_help() {
        let words = Words { words: vec!["rwsgi".into(), "-h".into()], variable: None };
        let Ok(Said::Print(text)) = read(SETTINGS, words, PROGRAM) else { panic!("no help") };
        assert_eq!(text, help_text());
    }
}
