//! The tables of settings in docs/migrating-from-gunicorn.md: they are what the table of settings says today.
//!
//! `make docs` sets `WRITE_DOCUMENTS`, and then they are written rather than compared.

#![allow(clippy::unwrap_used)]

use std::fmt::Write;
use std::{fs, path::Path};

use rwsgi_config::{Flag, Gunicorn, SETTINGS, Setting};

const PAGE: &str = "docs/migrating-from-gunicorn.md";

/// What stands round that part of the page.
const BEGIN: &str = "<!-- made by `make docs` from the table of settings -->\n";
const END: &str = "<!-- end of what is made -->\n";

#[test]
fn every_setting_of_gunicorn_that_is_not_the_same_has_its_row() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(PAGE);
    let page = fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{BEGIN}\n{}\n{END}{after}", tables());
    if std::env::var_os("WRITE_DOCUMENTS").is_some() {
        fs::write(file, wanted).unwrap();
    } else {
        assert!(
            page == wanted,
            "{PAGE} is not what the table of settings says; run `make docs` and commit it"
        );
    }
}

fn tables() -> String {
    let mut text = String::new();
    let mut table = |title: &str, head: &str, rows: &[(Vec<&Setting>, String)]| {
        let columns = "---|".repeat(head.matches('|').count() - 1);
        write!(text, "### {title}\n\n{head}\n|{columns}\n").unwrap();
        for (settings, rest) in rows {
            let names: Vec<String> = settings.iter().map(|setting| name(setting)).collect();
            writeln!(text, "| {} | {rest} |", names.join(", ")).unwrap();
        }
        text.push('\n');
    };
    let differs = grouped(|gunicorn| match gunicorn {
        Gunicorn::Differs(what) => Some(what.to_owned()),
        _ => None,
    });
    table("Different", "| setting | what is different |", &differs);
    let refused = grouped(|gunicorn| match gunicorn {
        Gunicorn::Refused { why, instead } => Some(format!("{why} | {instead}")),
        _ => None,
    });
    table("Refused, unless it is the default", "| setting | why | instead |", &refused);
    let without = grouped(|gunicorn| match gunicorn {
        Gunicorn::WithoutEffect(why) => Some(why.to_owned()),
        _ => None,
    });
    table("Accepted, without effect", "| setting | why |", &without);
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Settings of which the same is said, in the order of the table.
fn grouped(said: impl Fn(Gunicorn) -> Option<String>) -> Vec<(Vec<&'static Setting>, String)> {
    let mut rows: Vec<(Vec<&Setting>, String)> = Vec::new();
    for setting in SETTINGS {
        let Some(text) = said(setting.gunicorn) else { continue };
        match rows.iter_mut().find(|(_, known)| *known == text) {
            Some((settings, _)) => settings.push(setting),
            None => rows.push((vec![setting], text)),
        }
    }
    rows
}

fn name(setting: &Setting) -> String {
    match setting.flag {
        // Where the option is spelled like the name, once is enough.
        Flag::Long(flag) if flag.replace('-', "_") != setting.name => {
            format!("`{}` (`--{flag}`)", setting.name)
        }
        _ => format!("`{}`", setting.name),
    }
}
