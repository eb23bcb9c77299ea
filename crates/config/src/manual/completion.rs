//! Completions for shells: what the help shows, with the words and the kinds of files that a value can be.

use clap::{Arg, Command, ValueHint, builder::PossibleValuesParser};
use clap_complete::Shell;

use crate::{
    cli,
    draft::Program,
    kind::Kind,
    setting::{Flag, Setting},
};

pub(super) fn text(shell: Shell, table: &'static [Setting], program: Program<'_>) -> String {
    let mut command = cli::command(table, program);
    for setting in table.iter().filter(|setting| setting.flag != Flag::None) {
        command = command.mut_arg(setting.name, |arg| with_values(arg, setting));
    }
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut shown(&command, program), program.name, &mut script);
    let text = String::from_utf8(script).expect("the table is text, and so is what the shells are given");
    format!("{}\n", text.trim_end())
}

/// Without the hidden options, which some of the shells would be told of.
fn shown(command: &Command, program: Program<'_>) -> Command {
    let args = command.get_arguments().filter(|arg| !arg.is_hide_set()).cloned();
    Command::new(program.name.to_owned())
        .version(program.version.to_owned())
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(args)
}

fn with_values(arg: Arg, setting: &Setting) -> Arg {
    let words = match setting.kind {
        Kind::Choice { words, .. } => words,
        Kind::OptionalChoice { choice, .. } => choice.words,
        Kind::Class { .. } if setting.name == "worker_class" => &["sync", "gthread"],
        Kind::Manual => super::FORMS,
        _ => return arg.value_hint(hint(setting)),
    };
    arg.value_parser(PossibleValuesParser::new(words))
}

/// What stands for the value tells what it is.
fn hint(setting: &Setting) -> ValueHint {
    match setting.metavar {
        "DIR" => ValueHint::DirPath,
        "FILE" | "PATH" | "PATTERN" => ValueHint::FilePath,
        "USER" => ValueHint::Username,
        "" => ValueHint::Unknown,
        _ => ValueHint::Other,
    }
}
