//! The table as JSON, for programs: an array with an object for each setting.

use serde_json::{Value, json};

use super::{positional, variables};
use crate::setting::{Gunicorn, Setting};

pub(super) fn text(table: &'static [Setting]) -> String {
    let rows: Vec<Value> = table.iter().map(row).collect();
    format!("{:#}\n", Value::Array(rows))
}

/// `flags` has no short option and no value in it, `default` is what a user would write; a key without a value is null.
fn row(setting: &Setting) -> Value {
    json!({
        "name": setting.name,
        "positional": positional(setting),
        "flags": setting.long_options().map(|flag| format!("--{flag}")).collect::<Vec<_>>(),
        "short": setting.short.map(|short| format!("-{short}")),
        "environment": variables(setting),
        "default": setting.default,
        "expects": setting.expects(),
        "value": value(setting),
        "repeatable": setting.repeatable(),
        "section": setting.section.title(),
        "help": setting.help,
        "gunicorn": relation(setting.gunicorn),
    })
}

/// Whether the option stands with a value.
fn value(setting: &Setting) -> &'static str {
    match (setting.switch(), setting.optional()) {
        (true, _) => "none",
        (false, true) => "optional",
        (false, false) => "one",
    }
}

fn relation(gunicorn: Gunicorn) -> Value {
    match gunicorn {
        Gunicorn::Same => json!({"is": "same"}),
        Gunicorn::Differs(why) => json!({"is": "different", "why": why}),
        Gunicorn::WithoutEffect(why) => json!({"is": "without effect", "why": why}),
        Gunicorn::Refused { why, instead } => json!({"is": "refused", "why": why, "instead": instead}),
        Gunicorn::Own => json!({"is": "none"}),
    }
}
