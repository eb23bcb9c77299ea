//! The grammar of the application argument: `pkg.mod`, `pkg.mod:name`, `pkg.mod:attr.sub`, `pkg.mod:factory("a", k=1)`.
//!
//! Python's own parser reads the part behind the colon, so that literals mean what they mean in Python.

use pyo3::types::{PyAnyMethods, PyDict, PyDictMethods, PyModule, PyTypeMethods};
use pyo3::{Bound, Py, PyAny, PyResult, Python};

/// What the argument says.
#[derive(Debug)]
pub(crate) struct Spec {
    /// The module to import.
    pub(crate) module: String,
    /// The chain of attributes, `application` when none was given.
    pub(crate) attributes: Vec<String>,
    /// Arguments of the factory call, when it is one.
    pub(crate) call: Option<(Vec<Py<PyAny>>, Py<PyDict>)>,
}

impl Spec {
    /// Reads the argument; the error is a reason and a hint.
    pub(crate) fn parse(py: Python<'_>, text: &str) -> Result<Self, (String, Option<String>)> {
        let (module, expression) = text.split_once(':').unwrap_or((text, "application"));
        if module.is_empty() || !module.split('.').all(is_identifier) {
            let hint =
                text.contains('/').then(|| "give the module, `package.module`, not its path".to_owned());
            return Err((format!("`{module}` is not a module name"), hint));
        }
        expression_of(py, expression)
            .map(|(attributes, call)| Self { module: module.to_owned(), attributes, call })
            .map_err(|reason| {
                let hint = r#"expected `name`, `name.attribute` or `factory("argument", key=1)` with literal arguments"#;
                (format!("`{expression}` is not understood: {reason}"), Some(hint.to_owned()))
            })
    }
}

type Expression = (Vec<String>, Option<(Vec<Py<PyAny>>, Py<PyDict>)>);

fn expression_of(py: Python<'_>, text: &str) -> Result<Expression, String> {
    // Most are names, and a start is sooner without the import of `ast`.
    if text.split('.').all(is_identifier) {
        return Ok((text.split('.').map(str::to_owned).collect(), None));
    }
    let one_line = |error: pyo3::PyErr| error.value(py).to_string();
    let ast = PyModule::import(py, "ast").map_err(one_line)?;
    let options = PyDict::new(py);
    options.set_item("mode", "eval").map_err(one_line)?;
    let tree = ast
        .getattr("parse")
        .and_then(|parse| parse.call((text,), Some(&options)))
        .and_then(|tree| tree.getattr("body"))
        .map_err(one_line)?;
    let is_call = kind(&tree).map_err(one_line)? == "Call";
    let name = if is_call { tree.getattr("func").map_err(one_line)? } else { tree.clone() };
    let mut attributes = Vec::new();
    chain(&name, &mut attributes)?;
    let call = if is_call { Some(arguments(&ast, &tree).map_err(one_line)?) } else { None };
    Ok((attributes, call))
}

/// Collects `a.b.c` from its nested nodes.
fn chain(node: &Bound<'_, PyAny>, names: &mut Vec<String>) -> Result<(), String> {
    let text = |name: &str| node.getattr(name).and_then(|value| value.extract::<String>());
    let failed = |error: pyo3::PyErr| error.to_string();
    match kind(node).map_err(failed)?.as_str() {
        "Name" => names.push(text("id").map_err(failed)?),
        "Attribute" => {
            chain(&node.getattr("value").map_err(failed)?, names)?;
            names.push(text("attr").map_err(failed)?);
        }
        _ => return Err("neither a name nor a call of one".to_owned()),
    }
    Ok(())
}

fn arguments(ast: &Bound<'_, PyModule>, call: &Bound<'_, PyAny>) -> PyResult<(Vec<Py<PyAny>>, Py<PyDict>)> {
    let literal = ast.getattr("literal_eval")?;
    let mut positional = Vec::new();
    for node in call.getattr("args")?.try_iter()? {
        positional.push(literal.call1((node?,))?.unbind());
    }
    let named = PyDict::new(ast.py());
    for node in call.getattr("keywords")?.try_iter()? {
        let node = node?;
        let name: String = node.getattr("arg")?.extract()?;
        named.set_item(name, literal.call1((node.getattr("value")?,))?)?;
    }
    Ok((positional, named.unbind()))
}

fn kind(node: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(node.get_type().name()?.to_string())
}

fn is_identifier(part: &str) -> bool {
    let mut characters = part.chars();
    characters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && characters.all(|character| character.is_alphanumeric() || character == '_')
}
