//! The values of a Python settings file, as the process that has executed it reports them: JSON.
//!
//! `{"path": PATH, "values": [{"name": NAME, "line": NUMBER or null, "value": VALUE}, …]}`, where what JSON has no word for
//! is an object with one key: `map`, `function`, `class`, `module`, `bytes` or `other`.

use serde_json::Value as Json;

use crate::value::{Assignment, Value};

/// Reads the report: the file's path and its names.
pub(crate) fn parse(json: &str) -> Option<(String, Vec<Assignment>)> {
    let report: Json = serde_json::from_str(json).ok()?;
    let path = report.get("path")?.as_str()?.to_owned();
    let values = report.get("values")?.as_array()?;
    Some((path, values.iter().map(assignment).collect::<Option<_>>()?))
}

fn assignment(json: &Json) -> Option<Assignment> {
    Some(Assignment {
        name: json.get("name")?.as_str()?.to_owned(),
        line: json.get("line").and_then(Json::as_u64).and_then(|line| line.try_into().ok()),
        value: value(json.get("value")?)?,
    })
}

fn value(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => Value::Nothing,
        Json::Bool(is_true) => Value::Truth(*is_true),
        Json::Number(number) => number.as_i128().map_or_else(
            // A whole number that is too large for every setting, too.
            || Value::Decimal(number.as_f64().unwrap_or(f64::MAX)),
            Value::Integer,
        ),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(value).collect::<Option<_>>()?),
        Json::Object(object) => {
            let (kind, content) = object.iter().next()?;
            tagged(kind, content)?
        }
    })
}

fn tagged(kind: &str, content: &Json) -> Option<Value> {
    let text = || content.as_str().map(str::to_owned);
    Some(match kind {
        "map" => Value::Map(content.as_array()?.iter().map(pair).collect::<Option<_>>()?),
        "function" => Value::Function {
            name: content.get("name")?.as_str()?.to_owned(),
            parameters: content.get("parameters").and_then(Json::as_u64).map(|count| count as usize),
        },
        "class" => Value::Class(text()?),
        "module" => Value::Module,
        "bytes" => Value::Bytes,
        _ => Value::Other(text()?),
    })
}

fn pair(json: &Json) -> Option<(Value, Value)> {
    match json.as_array()?.as_slice() {
        [name, content] => Some((value(name)?, value(content)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_the_report_is_read() {
        let json = r#"{"path": "/srv/gunicorn.conf.py", "values": [
            {"name": "a", "line": 3, "value": [1, -2, 2.5, true, null, "x"]},
            {"name": "b", "line": null, "value": {"map": [["k", {"class": "m.C"}], [1, {"module": "os"}]]}},
            {"name": "c", "line": 4, "value": {"function": {"name": "c()", "parameters": null}}},
            {"name": "d", "line": 5, "value": {"function": {"name": "d()", "parameters": 2}}},
            {"name": "e", "line": 6, "value": [{"bytes": "x"}, {"other": "Path"}]},
            {"name": "f", "line": 7, "value": 100000000000000000000000000000000000000000000}
        ]}"#;
        let function = |name: &str, parameters| Value::Function { name: name.to_owned(), parameters };
        let expected = [
            (
                "a",
                Some(3),
                Value::List(vec![
                    Value::Integer(1),
                    Value::Integer(-2),
                    Value::Decimal(2.5),
                    Value::Truth(true),
                    Value::Nothing,
                    Value::Text("x".into()),
                ]),
            ),
            (
                "b",
                None,
                Value::Map(vec![
                    (Value::Text("k".into()), Value::Class("m.C".into())),
                    (Value::Integer(1), Value::Module),
                ]),
            ),
            ("c", Some(4), function("c()", None)),
            ("d", Some(5), function("d()", Some(2))),
            ("e", Some(6), Value::List(vec![Value::Bytes, Value::Other("Path".into())])),
            ("f", Some(7), Value::Decimal(1e44)),
        ]
        .map(|(name, line, value)| Assignment { name: name.to_owned(), line, value });
        assert_eq!(parse(json), Some(("/srv/gunicorn.conf.py".to_owned(), expected.to_vec())));
    }

    #[test]
    fn what_is_no_report_is_not_read() {
        for json in [
            "",
            "{",
            "[]",
            r#"{"values": []}"#,
            r#"{"path": "a"}"#,
            r#"{"path": "a", "values": [{"name": "b"}]}"#,
            r#"{"path": "a", "values": [{"name": "b", "value": {}}]}"#,
            r#"{"path": "a", "values": [{"name": "b", "value": {"map": [[1]]}}]}"#,
            r#"{"path": "a", "values": [{"name": "b", "value": {"other": 1}}]}"#,
        ] {
            assert_eq!(parse(json), None, "{json}");
        }
    }
}
