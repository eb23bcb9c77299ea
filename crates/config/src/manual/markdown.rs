//! The manual as Markdown.

use std::fmt::Write;

use super::{default, introduction, options, positional, sections, sentence, variables};
use crate::{
    draft::Program,
    setting::{Gunicorn, Setting},
};

pub(super) fn text(table: &'static [Setting], program: Program<'_>) -> String {
    let mut text = OPENING.replace("rwsgi", program.name);
    let sections = sections(table);
    for (section, settings) in &sections {
        let names: Vec<_> = settings.iter().map(|setting| format!("[`{0}`](#{0})", setting.name)).collect();
        append(
            &mut text,
            format_args!("- [{}](#{}): {}\n", section.title(), anchor(section.title()), names.join(", ")),
        );
    }
    for (section, settings) in &sections {
        append(&mut text, format_args!("\n## {}\n", section.title()));
        let introduction = introduction(*section);
        if !introduction.is_empty() {
            append(&mut text, format_args!("\n{introduction}\n"));
        }
        for setting in settings {
            entry(&mut text, setting);
        }
    }
    text
}

const OPENING: &str = "\
# Settings

Made from the table of settings by `make docs`; `rwsgi --generate markdown` prints it, `rwsgi --generate man | man -l -` shows it.

The name at the head of a setting is what a file calls it, and what Gunicorn calls it if Gunicorn has such a setting. Its value is
taken from these, the later one over the earlier one:

1. its default;
2. the environment: the variables that Gunicorn reads too (`WEB_CONCURRENCY`, `PORT`, …), over them `RWSGI_` and the name in
   upper case. An empty one is one that is not set. Where a setting takes several values, the variable with its name holds
   addresses with commas between them, and other values one a line;
3. one file: what `--config` names, or in the start directory `rwsgi.toml`, `[tool.rwsgi]` of `pyproject.toml`, `gunicorn.conf.py`;
4. `GUNICORN_CMD_ARGS`, over it `RWSGI_CMD_ARGS`: options as on the command line;
5. the command line.

A list is replaced, never extended. `rwsgi --print-config …` shows each value and where it comes from. Long options may be shortened as long as it
is clear which one is meant; the value stands behind a space or a `=`. Sizes are bytes, or take the suffixes `K`, `M`, `G` (powers of 1024). Times are
seconds, with decimals if need be.

";

fn entry(text: &mut String, setting: &Setting) {
    append(text, format_args!("\n### `{}`\n\n{}\n\n", setting.name, sentence(setting)));
    let mut line = |label: &str, value: &str| append(text, format_args!("- {label}: {value}\n"));
    if positional(setting) {
        line("Command line", &format!("`{}`, the argument that is no option", setting.metavar));
    }
    let code =
        |texts: Vec<String>| texts.into_iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ");
    let options = options(setting);
    if !options.is_empty() {
        line("Command line", &code(options));
    } else if !positional(setting) {
        line("Command line", "no option");
    }
    if setting.storable() {
        let variables = variables(setting);
        if !variables.is_empty() {
            line("Environment", &code(variables));
        }
        line("Value", &setting.expects());
        line("Default", &default(setting).map_or("none".to_owned(), |default| code(vec![default])));
    }
    let (label, text) = relation(setting.gunicorn);
    line(label, &text);
}

/// What Gunicorn has to do with it, behind a label.
fn relation(gunicorn: Gunicorn) -> (&'static str, String) {
    match gunicorn {
        Gunicorn::Same => ("Gunicorn", "the same".into()),
        Gunicorn::Differs(why) => ("Gunicorn", format!("differs: {why}")),
        Gunicorn::WithoutEffect(why) => ("Without effect", why.into()),
        Gunicorn::Refused { why, instead } => ("Refused", format!("{why}. Instead: {instead}")),
        Gunicorn::Own => ("Gunicorn", "has no such setting".into()),
    }
}

/// What the usual renderers make of a heading.
fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}

fn append(text: &mut String, piece: std::fmt::Arguments<'_>) {
    text.write_fmt(piece).expect("a String takes every text");
}
