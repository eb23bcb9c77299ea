//! The settings with the types that Gunicorn's users know them by: what hooks see as `cfg`.

use serde_json::{Map, Value as Json, json};

use crate::{kind::Kind, mode, setting::Setting, settled::Settled, table::SETTINGS};

impl Settled {
    /// A JSON object from each name to its value: null, a boolean, a number, a text, a list of texts, or
    /// `{"map": [[NAME, VALUE], …]}`. What only a Python file can give is `{"function": {}}`, for whoever has the file's own object.
    #[must_use]
    pub fn typed(&self) -> String {
        let rows = SETTINGS.iter().filter(|setting| setting.storable());
        let values: Map<String, Json> =
            rows.map(|setting| (setting.name.to_owned(), self.typed_value(setting))).collect();
        Json::Object(values).to_string()
    }

    fn typed_value(&self, setting: &Setting) -> Json {
        let texts = self.texts(setting);
        let is_single = matches!(setting.kind, Kind::Files(_)) && texts.len() < 2;
        if setting.repeatable() && !is_single {
            return json!(texts);
        }
        let Some(text) = texts.last() else { return Json::Null };
        match setting.kind {
            Kind::Number { .. }
            | Kind::LimitedNumber(_)
            | Kind::Size(_)
            | Kind::Workers(_)
            | Kind::Account(_)
            | Kind::Seconds(_)
            | Kind::Unread => number(text),
            Kind::Mode(_) => mode::parse(text).map_or_else(|_| json!(text), Json::from),
            Kind::Switch { .. } => json!(setting.kind.switch(text) == Ok(true)),
            Kind::Networks(_) | Kind::NameList(_) | Kind::UrlPaths(_) | Kind::Listed { .. } => {
                json!(parts(text).collect::<Vec<_>>())
            }
            Kind::SchemeHeaders(_) => {
                json!({ "map": parts(text).filter_map(|pair| pair.split_once('=')).collect::<Vec<_>>() })
            }
            Kind::Dictionary(_) | Kind::Hook { .. } => json!({ "function": {} }),
            _ => json!(text),
        }
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

/// A number if it is one.
fn number(text: &str) -> Json {
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(number), _) => Json::from(number),
        (_, Ok(number)) => Json::from(number),
        _ => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use crate::{File, Opened, Program, open};

    #[test]
    fn values_have_the_types_that_hooks_expect() {
        let args =
            ["rwsgi", "app", "--workers", "3", "--timeout", "1.5", "-b", "a:1", "-b", "unix:b", "-m", "0022"];
        let program = Program { name: "rwsgi", version: "0" };
        let opened = open(args.map(Into::into).to_vec(), [], program).unwrap();
        let Opened::Draft(draft) = opened else { panic!("it prints") };
        let json = r#"{"path": "/conf.py", "values": [{"name": "when_ready", "line": 1,
            "value": {"function": {"name": "when_ready()", "parameters": 1}}}]}"#;
        let settled = draft.finish(Some(&File::Python { json: json.into() })).unwrap();
        let typed: serde_json::Value = serde_json::from_str(&settled.typed()).unwrap();
        for (name, expected) in [
            ("workers", "3"),
            ("timeout", "1.5"),
            ("bind", r#"["a:1","unix:b"]"#),
            ("umask", "18"),
            ("preload_app", "false"),
            ("certfile", "null"),
            ("raw_env", "[]"),
            ("loglevel", r#""info""#),
            ("forwarded_allow_ips", r#"["127.0.0.1","::1","unix"]"#),
            ("when_ready", r#"{"function":{}}"#),
            ("on_exit", "null"),
        ] {
            assert_eq!(typed[name].to_string(), expected, "{name}");
        }
        let json = r#"{"path": "/conf.py", "values": [{"name": "umask", "line": 1, "value": 10},
            {"name": "preload_app", "line": 2, "value": "Y "}, {"name": "reload", "line": 3, "value": "True"},
            {"name": "wsgi_app", "line": 4, "value": "app"}]}"#;
        let args = vec!["rwsgi".into()];
        let Ok(Opened::Draft(draft)) = open(args, [], program) else { panic!("it prints") };
        let settled = draft.finish(Some(&File::Python { json: json.into() })).unwrap();
        let file: serde_json::Value = serde_json::from_str(&settled.typed()).unwrap();
        assert_eq!(file["umask"], 10, "in decimal, as the file has it");
        assert_eq!((&file["preload_app"], &file["reload"]), (&true.into(), &true.into()));
        assert_eq!(typed["secure_scheme_headers"]["map"][0][0], "X-FORWARDED-PROTOCOL");
    }
}
