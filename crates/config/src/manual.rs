//! The manual in its forms, all of them made from the table: a page for `man`, Markdown, JSON, and completions.

use crate::{
    draft::Program,
    setting::{Flag, Section, Setting},
};

mod completion;
mod json;
mod markdown;
mod page;

/// The words that `--generate` takes, in the order of [`text`].
pub(crate) const FORMS: &[&str] = &["man", "markdown", "json", "bash", "zsh", "fish"];

/// The manual in one of the [`FORMS`], with a line break at its end; none for any other word.
pub(crate) fn text(form: &str, table: &'static [Setting], program: Program<'_>) -> Option<String> {
    Some(match form {
        "man" => page::text(table, program),
        "markdown" => markdown::text(table, program),
        "json" => json::text(table),
        "bash" => completion::text(clap_complete::Shell::Bash, table, program),
        "zsh" => completion::text(clap_complete::Shell::Zsh, table, program),
        "fish" => completion::text(clap_complete::Shell::Fish, table, program),
        _ => return None,
    })
}

/// The headings with their settings, in the order of the table.
fn sections(table: &'static [Setting]) -> Vec<(Section, Vec<&'static Setting>)> {
    let mut sections: Vec<(Section, Vec<_>)> = Vec::new();
    for setting in table {
        match sections.last_mut() {
            Some((section, settings)) if *section == setting.section => settings.push(setting),
            _ => sections.push((setting.section, vec![setting])),
        }
    }
    sections
}

/// What is said under a heading before its settings.
const fn introduction(section: Section) -> &'static str {
    match section {
        Section::Hooks => {
            "Functions of a Python file, or the dotted name of one as a text. Each must take exactly the parameters that \
             are shown."
        }
        Section::WithoutEffect => {
            "Settings of Gunicorn that have no counterpart, and without which nothing breaks. A value other than the \
             default brings one warning at the start."
        }
        Section::Refused => {
            "Settings of Gunicorn without which the server would not be what was asked for. A value other than the \
             default is an error."
        }
        _ => "",
    }
}

/// What a setting does, as sentences.
fn sentence(setting: &Setting) -> String {
    let mut help = format!("{}{}.", if setting.negative() { "with `false`: " } else { "" }, setting.help);
    if let Some(first) = help.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !setting.more.is_empty() {
        help.push(' ');
        help.push_str(setting.more);
    }
    help
}

/// The ways to write the option, each with its value: `-w N`, `--workers N`.
fn options(setting: &Setting) -> Vec<String> {
    let value = if setting.switch() { String::new() } else { format!(" {}", setting.metavar) };
    let short = setting.short.map(|short| format!("-{short}{value}"));
    let value = if setting.optional() { format!("[={}]", setting.metavar) } else { value };
    let long = setting.long_options().map(|flag| format!("--{flag}{value}"));
    short.into_iter().chain(long).collect()
}

/// The environment variables that give the setting, the higher one first.
fn variables(setting: &Setting) -> Vec<String> {
    let classic = setting.env.map(|variable| variable.name.to_owned());
    setting.variable().into_iter().chain(classic).collect()
}

/// The default as the manual shows it, with the variable that comes before it.
fn default(setting: &Setting) -> Option<String> {
    let variable = setting.env.map(|variable| format!("{}${}", variable.prefix, variable.name));
    match (variable, setting.default) {
        (Some(variable), Some(default)) => Some(format!("{variable}, else {default}")),
        (Some(variable), None) => Some(variable),
        (None, default) => default.map(str::to_owned),
    }
}

/// Whether the command line gives it by its place.
fn positional(setting: &Setting) -> bool {
    setting.flag == Flag::Positional
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::SETTINGS;

    const PROGRAM: Program<'_> = Program { name: "rwsgi", version: "0.1.0" };

    #[test]
    fn every_form_is_written_and_ends_with_a_line_break() {
        for form in FORMS {
            let text = text(form, SETTINGS, PROGRAM).expect(form);
            assert!(text.len() > 1000 && text.ends_with('\n') && !text.ends_with("\n\n"), "{form}");
        }
        assert_eq!(text("pdf", SETTINGS, PROGRAM), None);
    }

    #[test]
    fn a_section_comes_once() {
        let sections = sections(SETTINGS);
        for (number, (section, _)) in sections.iter().enumerate() {
            assert!(sections[..number].iter().all(|(other, _)| other != section), "{section:?}");
        }
    }

    #[test]
    fn the_manual_names_every_setting_and_the_completions_what_the_help_shows() {
        for form in FORMS {
            let text = text(form, SETTINGS, PROGRAM)
                .expect(form)
                .replace("\\-", "-")
                .replace("\\fB", " ")
                .replace(" -l ", " --");
            let is_manual = ["man", "markdown", "json"].contains(form);
            for setting in SETTINGS {
                // What only prints has no name but its option.
                let is_named = text.contains(setting.name) || !setting.storable();
                assert!(!is_manual || is_named, "{form}: {}", setting.name);
                let Some(flag) = setting.long_options().next() else { continue };
                let is_there = text
                    .split(|letter: char| !letter.is_alphanumeric() && !"-_".contains(letter))
                    .any(|word| word.strip_prefix("--") == Some(flag));
                assert_eq!(is_there, is_manual || setting.in_help(), "{form}: {flag}");
            }
        }
    }
}
