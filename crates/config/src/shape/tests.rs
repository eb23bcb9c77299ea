use super::*;
use crate::Config;

const SERVER_WORKER: Kind = Kind::Hook { parameters: &["server", "worker"] };
const POST_REQUEST: Kind = Kind::Hook { parameters: &["worker", "req", "environ=None", "resp=None"] };

fn function(parameters: impl Into<Option<usize>>) -> Value {
    Value::Function { name: "pre_fork()".into(), parameters: parameters.into() }
}

fn word(text: &str) -> Value {
    Value::Text(text.into())
}

fn refusal(kind: Kind, value: &Value) -> String {
    kind.texts(value).unwrap_err().reason
}

#[test]
fn a_hook_is_a_function_with_its_parameters_or_the_name_of_one() {
    let found = Ok(Some(vec!["<pre_fork()>".into()]));
    assert_eq!(SERVER_WORKER.texts(&function(2)), found);
    assert_eq!(SERVER_WORKER.texts(&function(None)), found, "it takes any number");
    for parameters in 2..=4 {
        assert_eq!(POST_REQUEST.texts(&function(parameters)), found);
    }
    assert_eq!(
        SERVER_WORKER.texts(&word(" site.hooks.pre_fork ")),
        Ok(Some(vec!["site.hooks.pre_fork".into()]))
    );
    assert_eq!(SERVER_WORKER.texts(&Value::Nothing), Ok(None));
}

#[test]
fn what_is_no_such_function_is_refused_with_what_was_found() {
    let expected = "expected a function with 2 parameters (server, worker)";
    for (value, found) in [
        (function(1), ", found one with 1"),
        (function(3), ", found one with 3"),
        (function(0), ", found one with none"),
        (Value::Truth(true), ", or its dotted name, found `true`"),
        (word("pre_fork"), ", or its dotted name, found the text `pre_fork`"),
        (word("a..b"), ", or its dotted name, found the text `a..b`"),
        (word("a.1"), ", or its dotted name, found the text `a.1`"),
        (Value::Class("m.C".into()), ", or its dotted name, found the class `m.C`"),
        (Value::List(vec![]), ", or its dotted name, found a list"),
    ] {
        assert_eq!(refusal(SERVER_WORKER, &value), format!("{expected}{found}"));
    }
    let expected = "expected a function with 2 to 4 parameters (worker, req, environ, resp), found one with";
    assert_eq!(refusal(POST_REQUEST, &function(1)), format!("{expected} 1"));
    assert_eq!(refusal(POST_REQUEST, &function(5)), format!("{expected} 5"));
    let one = Kind::Hook { parameters: &["server"] };
    assert_eq!(refusal(one, &function(2)), "expected a function with 1 parameter (server), found one with 2");
}

#[test]
fn a_class_goes_by_its_dotted_name() {
    let kind = Kind::Class { check: |_| Ok(()), expects: "a class", store: |_, _| {} };
    assert_eq!(kind.texts(&Value::Class("m.C".into())), Ok(Some(vec!["m.C".into()])));
    assert_eq!(kind.texts(&word("sync")), Ok(Some(vec!["sync".into()])));
    assert_eq!(refusal(kind, &function(2)), "expected a class, found a function");
}

#[test]
fn a_dictionary_becomes_json_in_which_only_python_can_say_is_null() {
    let kind = Kind::Dictionary(|_, _| {});
    let value = Value::Map(vec![
        (word("version"), Value::Integer(1)),
        (word("off"), Value::Truth(false)),
        (word("class"), Value::Class("logging.StreamHandler".into())),
        (word("stream"), Value::Other("TextIOWrapper".into())),
        (word("handlers"), Value::List(vec![word("a"), Value::Nothing, Value::Decimal(0.5)])),
        (Value::Integer(7), Value::Map(vec![])),
    ]);
    let texts = kind.texts(&value).unwrap().unwrap();
    let json = r#"{"7":{},"class":"logging.StreamHandler","handlers":["a",null,0.5],"off":false,"stream":null,"version":1}"#;
    assert_eq!(texts, [json]);
    assert_eq!(kind.store(&texts, &mut Config::default()), Ok(()));
    assert_eq!(refusal(kind, &word("{}")), "expected a dictionary, found the text `{}`");
}

#[test]
fn whole_numbers_are_those_of_pythons_source() {
    for (text, number) in [
        ("0x10", 16),
        ("0XfF", 255),
        ("0o17", 15),
        ("0b101", 5),
        ("1_000", 1000),
        ("0x_1", 1),
        (" 7 ", 7),
        ("0", 0),
    ] {
        assert_eq!(literal(text), Some(number), "{text}");
    }
    for text in ["", "0x", "_1", "1_", "1__0", "0022", "-1", "+1", "0x-1", "1.0", "ten", "64M", "0b2", "é"] {
        assert_eq!(literal(text), None, "{text}");
    }
}
