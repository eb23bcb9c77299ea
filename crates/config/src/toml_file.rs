//! The values of a settings file in TOML.

use toml::de::{DeTable, DeValue};

use crate::{
    error::{Error, printable},
    file::Table,
    layer::Place,
    value::{Assignment, Value},
};

/// Reads the settings of a file, or of its table for this program.
pub(crate) fn parse(path: &str, text: &str, table: Table) -> Result<Vec<Assignment>, Error> {
    let document = DeTable::parse(text).map_err(|error| Error::File {
        place: Place { path: path.to_owned(), line: error.span().map(|span| line(text, span.start)) },
        message: format!("this is not TOML: {}", printable(error.message().as_ref())),
        hint: None,
    })?;
    let settings = match table {
        Table::Whole => Some(document.get_ref()),
        Table::ToolRwsgi => own_table(document.get_ref()),
    };
    let entries = settings.into_iter().flatten();
    Ok(entries
        .map(|(name, content)| Assignment {
            name: name.get_ref().to_string(),
            line: Some(line(text, name.span().start)),
            value: value(content.get_ref()),
        })
        .collect())
}

/// Whether there is a table for this program, or seems to be one in what is no TOML.
pub(crate) fn has_own_table(text: &str) -> bool {
    match DeTable::parse(text) {
        Ok(document) => own_table(document.get_ref()).is_some(),
        Err(_) => text.lines().any(|line| line.trim_start().starts_with("[tool.rwsgi")),
    }
}

fn own_table<'a>(document: &'a DeTable<'a>) -> Option<&'a DeTable<'a>> {
    document.get("tool")?.get_ref().as_table()?.get("rwsgi")?.get_ref().as_table()
}

/// The line of a place in the text, counted from 1.
fn line(text: &str, place: usize) -> u32 {
    let before = &text.as_bytes()[..place.min(text.len())];
    1 + before.iter().filter(|byte| **byte == b'\n').count() as u32
}

fn value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
            // Too large for every setting; a number in another base would be far longer than any line.
            .map_or_else(|_| Value::Decimal(number.as_str().parse().unwrap_or(f64::MAX)), Value::Integer),
        DeValue::Float(number) => number.as_str().parse().map_or(Value::Decimal(f64::NAN), Value::Decimal),
        DeValue::Boolean(is_true) => Value::Truth(*is_true),
        DeValue::Datetime(_) => Value::Other("date".into()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| self::value(item.get_ref())).collect()),
        DeValue::Table(table) => Value::Map(
            table
                .iter()
                .map(|(name, content)| {
                    (Value::Text(name.get_ref().to_string()), self::value(content.get_ref()))
                })
                .collect(),
        ),
    }
}
