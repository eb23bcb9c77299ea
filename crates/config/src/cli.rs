//! The command line as a source, and the help: a clap command made from the table.

use std::ffi::{OsStr, OsString};

use clap::{
    Arg, ArgAction, ArgMatches, Command,
    builder::OsStringValueParser,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{
    error::{Error, printable},
    kind::{Action, Kind},
    layer::{Layer, Source},
    read::Program,
    setting::{Flag, Setting},
};

/// What the command line says.
pub(crate) enum CommandLine {
    /// These settings.
    Given(Layer),
    /// To print this and end: the help or the version.
    Print(String),
}

/// Takes the command line apart; values are not looked at.
pub(crate) fn read(
    table: &'static [Setting],
    args: Vec<OsString>,
    program: Program<'_>,
) -> Result<CommandLine, Error> {
    match command(table, program).try_get_matches_from(args) {
        Ok(mut matches) => Ok(CommandLine::Given(layer(table, &mut matches))),
        Err(stop) => match stop.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                Ok(CommandLine::Print(stop.render().to_string()))
            }
            _ => Err(usage_error(table, &stop)),
        },
    }
}

fn layer(table: &'static [Setting], matches: &mut ArgMatches) -> Layer {
    let mut layer = Layer::default();
    for setting in table.iter().filter(|setting| !matches!(setting.kind, Kind::Action(_))) {
        let values = matches.remove_many::<OsString>(setting.name).into_iter().flatten().collect();
        layer.insert(setting, values, Source::CommandLine(setting.flag));
    }
    layer
}

/// The width of the help. Fixed, so that the same command prints the same text everywhere.
const HELP_WIDTH: usize = 100;

fn command(table: &'static [Setting], program: Program<'_>) -> Command {
    let name = program.name;
    Command::new(name.to_owned())
        .version(program.version.to_owned())
        .about("Serves a Python WSGI application with a master and worker processes.")
        .override_usage(format!("{name} [OPTIONS] APPLICATION"))
        .after_help(format!("Example: {name} mysite.wsgi:application --bind 0.0.0.0:8000 --workers 3"))
        .term_width(HELP_WIDTH)
        .infer_long_args(true)
        // As in Gunicorn, so that a script can append to a command line.
        .args_override_self(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(table.iter().map(argument))
}

fn argument(setting: &'static Setting) -> Arg {
    let action = match setting.kind {
        // `Help` would lay the text out in a second way for `--help`.
        Kind::Action(Action::Help) => ArgAction::HelpShort,
        Kind::Action(Action::Version) => ArgAction::Version,
        _ if setting.repeatable() => ArgAction::Append,
        _ => ArgAction::Set,
    };
    let mut arg = Arg::new(setting.name).help(help(setting));
    if action.takes_values() {
        arg = arg
            .value_name(setting.metavar)
            .value_parser(OsStringValueParser::new())
            // `--workers -1` is a wrong value, not an unknown option.
            .allow_negative_numbers(true);
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

fn help(setting: &Setting) -> String {
    let mut default = setting.default.unwrap_or_default().to_owned();
    if let Some(variable) = setting.env {
        default = format!("{}${}, else {default}", variable.prefix, variable.name);
    }
    if default.is_empty() {
        setting.help.to_owned()
    } else {
        format!("{} [default: {default}]", setting.help)
    }
}

/// Says in our words what clap found; its own text takes several lines.
fn usage_error(table: &[Setting], error: &clap::Error) -> Error {
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
        ErrorKind::UnknownArgument => Error::CommandLine {
            message: format!("unexpected argument `{}`", printable(OsStr::new(given))),
            hint: Some("one application is served; write a value straight after its option".into()),
        },
        ErrorKind::InvalidValue => missing_value(table, given),
        _ => {
            let text = error.render().to_string();
            let line = text.lines().next().unwrap_or_default();
            let message = line.trim_start_matches("error: ").replace('\'', "`");
            Error::CommandLine { message, hint: None }
        }
    }
}

fn unknown_option(table: &[Setting], given: &str, suggested: Option<&str>) -> Error {
    let flags = table.iter().flat_map(|setting| match setting.flag {
        Flag::Long(flag) => [Some(flag), setting.alias],
        Flag::Positional => [None, None],
    });
    let begun: Vec<_> = flags
        .flatten()
        .filter(|flag| given.strip_prefix("--").is_some_and(|begin| flag.starts_with(begin)))
        .map(|flag| format!("`--{flag}`"))
        .collect();
    let given = printable(OsStr::new(given));
    if begun.len() > 1 {
        let message = format!("the option `{given}` is the beginning of several options");
        return Error::CommandLine { message, hint: Some(format!("write one of {}", begun.join(", "))) };
    }
    Error::CommandLine {
        message: format!("unknown option `{given}`"),
        hint: suggested.map(|flag| format!("did you mean `{flag}`?")),
    }
}

/// `option` is clap's description of it, such as `--workers <N>`.
fn missing_value(table: &[Setting], option: &str) -> Error {
    let flag = option.split(' ').next().unwrap_or_default();
    let setting = table.iter().find(|setting| setting.flag.to_string() == format!("`{flag}`"));
    let expected = setting.map(|setting| format!(": expected {}", setting.expects()));
    Error::CommandLine {
        message: format!("no value for `{flag}`{}", expected.unwrap_or_default()),
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::SETTINGS;

    const PROGRAM: Program<'_> = Program { name: "rwsgi", version: "0.1.0" };

    fn help_text() -> String {
        let args = vec!["rwsgi".into(), "--help".into()];
        match read(SETTINGS, args, PROGRAM) {
            Ok(CommandLine::Print(text)) => text,
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
            let heading = format!("\n{}:\n", setting.section.title());
            let (_, section) = help.split_once(&heading).expect(setting.name);
            let section = section.split("\n\n").next().unwrap_or_default();
            assert!(section.contains(&format!("--{flag}")), "{flag} in {section}");
            let short = setting.short.map(|short| format!("-{short}, --{flag}"));
            assert!(short.is_none_or(|short| section.contains(&short)), "{flag}");
            assert!(flat.contains(setting.help), "{flag}");
            if let Some(default) = setting.default {
                assert!(flat.contains(&format!("{default}]")), "{flag}: {default}");
            }
        }
        assert!(flat.contains("[default: 0.0.0.0:$PORT, else 127.0.0.1:8000]"));
        assert!(help.contains("\nArguments:\n  [APPLICATION]"), "{help}");
    }

    #[test]
    fn the_short_help_is_the_help() {
        let args = vec!["rwsgi".into(), "-h".into()];
        let Ok(CommandLine::Print(text)) = read(SETTINGS, args, PROGRAM) else { panic!("no help") };
        assert_eq!(text, help_text());
    }
}
