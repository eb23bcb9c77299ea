//! The manual as a page for `man`.

use roff::{Inline, Roff, bold, italic, roman};

use super::{default, introduction, options, positional, sections, sentence, variables};
use crate::{
    draft::Program,
    setting::{Gunicorn, Setting},
};

pub(super) fn text(table: &'static [Setting], program: Program<'_>) -> String {
    let name = program.name;
    let mut page = Roff::new();
    page.control("TH", [&*name.to_uppercase(), "1", "", &format!("{name} {}", program.version)]);
    page.control("SH", ["NAME"]);
    page.text([roman(format!(
        "{name} - serves a Python WSGI application with a master and worker processes"
    ))]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([bold(name), roman(" [OPTIONS] "), italic("APPLICATION")]);
    page.control("SH", ["DESCRIPTION"]);
    paragraphs(&mut page, DESCRIPTION);
    for (section, settings) in sections(table) {
        page.control("SH", [&*section.title().to_uppercase()]);
        paragraphs(&mut page, introduction(section));
        for setting in settings {
            entry(&mut page, setting);
        }
    }
    for (heading, rows) in [("SIGNALS", SIGNALS), ("EXIT STATUS", EXIT_STATUS), ("FILES", FILES)] {
        page.control("SH", [heading]);
        for (term, meaning) in rows {
            page.control("TP", []);
            page.text([bold(*term)]);
            page.text(marked(meaning));
        }
    }
    page.control("SH", ["EXAMPLES"]);
    paragraphs(&mut page, EXAMPLES);
    page.to_roff()
}

const DESCRIPTION: &str = "\
A master process binds the addresses and forks workers, each of which loads the application and serves requests. The settings are \
Gunicorn's, and more.

A setting is taken from, the later one over the earlier one: its default; the environment; one file; the options in \
`GUNICORN_CMD_ARGS`, then in `RWSGI_CMD_ARGS`; the command line. A list is replaced, never extended.

Below, the name behind `file:` is what a settings file calls the setting. Long options may be shortened as long as it is clear which one is meant. \
Sizes are bytes, or take the suffixes K, M, G (powers of 1024). Times are seconds, with decimals if need be.";

const SIGNALS: &[(&str, &str)] = &[
    ("TERM", "graceful stop: what runs may end, within `graceful_timeout`"),
    ("INT, QUIT", "quick stop"),
    ("HUP", "reload settings and application; what is no good leaves the old one serving"),
    ("TTIN, TTOU", "one worker more, one fewer"),
    ("USR1", "open the log files again"),
    ("USR2", "start the program on the disk as another master on the same sockets"),
    ("WINCH", "in the background: all workers leave, the master stays"),
];

const EXIT_STATUS: &[(&str, &str)] = &[
    ("0", "the server was asked to end"),
    ("1", "the settings cannot be used, or an address cannot be bound"),
    ("2", "the command line cannot be understood"),
    ("3", "a worker could not boot at the first start"),
    ("4", "the application could not be loaded at the first start"),
];

const FILES: &[(&str, &str)] = &[
    ("rwsgi.toml", "settings, in the start directory"),
    ("pyproject.toml", "settings in its table `tool.rwsgi`, if there is no `rwsgi.toml`"),
    ("gunicorn.conf.py", "settings and hooks in Python, if there is neither"),
];

const EXAMPLES: &str = "\
`rwsgi mysite.wsgi:application --bind 0.0.0.0:8000 --workers 3`

`rwsgi -b unix:/run/mysite/socket -w auto --threads 4 --access-logfile - mysite.wsgi:application`";

fn entry(page: &mut Roff, setting: &Setting) {
    page.control("TP", []);
    let mut spellings = options(setting);
    if positional(setting) {
        spellings.push(setting.metavar.to_owned());
    } else if spellings.is_empty() {
        spellings.push(setting.name.to_owned());
    }
    page.text([bold(spellings.join(", "))]);
    page.text(marked(&sentence(setting)));
    let mut facts = Vec::new();
    if setting.storable() {
        facts.push(format!("file: `{}`", setting.name));
        let variables = variables(setting);
        if !variables.is_empty() {
            facts.push(format!("environment: `{}`", variables.join("`, `")));
        }
        facts.push(format!("value: {}", setting.expects()));
        facts.extend(default(setting).map(|default| format!("default: `{default}`")));
    }
    match setting.gunicorn {
        Gunicorn::Same => {}
        Gunicorn::Own => facts.push("Gunicorn has no such setting".into()),
        Gunicorn::Differs(why) => facts.push(format!("other than in Gunicorn: {why}")),
        Gunicorn::WithoutEffect(why) => facts.push(format!("without effect: {why}")),
        Gunicorn::Refused { why, instead } => facts.push(format!("refused: {why}; instead: {instead}")),
    }
    for fact in facts {
        page.control("br", []);
        page.text(marked(&fact));
    }
}

fn paragraphs(page: &mut Roff, text: &str) {
    for (number, paragraph) in text.split("\n\n").filter(|paragraph| !paragraph.is_empty()).enumerate() {
        if number > 0 {
            page.control("PP", []);
        }
        page.text(marked(paragraph));
    }
}

/// What stands in backticks is bold.
fn marked(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(number, part)| if number % 2 == 1 { bold(part) } else { roman(part) }).collect()
}
