//! Loading the application: every form of its name, and a sentence with a hint for every mistake.

use std::ffi::CString;
use std::sync::{Mutex, PoisonError};

use pyo3::Python;
use pyo3::types::{PyAnyMethods, PyModule};

use super::site::python;
use crate::{Application, LoadError};

/// A module called `name`, known to `import`.
fn module(name: &str, source: &str) {
    python();
    let text = |text: &str| CString::new(text).unwrap();
    Python::attach(|py| PyModule::from_code(py, &text(source), &text("app.py"), &text(name)).map(drop))
        .unwrap();
}

/// One at a time: before 3.11.5 CPython fails at random when two threads use `ast.parse` at once.
fn load(spec: &str) -> Result<Application, LoadError> {
    static ONE: Mutex<()> = Mutex::new(());
    python();
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    Application::load(spec)
}

fn returned(spec: &str) -> String {
    let application = load(spec).unwrap_or_else(|error| panic!("{spec}: {error:?}"));
    Python::attach(|py| application.callable().bind(py).call1((py.None(), py.None())).unwrap().to_string())
}

fn error(spec: &str) -> LoadError {
    load(spec).map(drop).unwrap_err()
}

/// The sentence and the hint.
fn words(spec: &str) -> (String, Option<String>) {
    let error = error(spec);
    assert_eq!(error.spec, spec);
    (error.reason, error.hint)
}

#[test]
fn every_form_of_the_name_is_understood() {
    module(
        "forms.wsgi",
        "
def application(environ, start_response): return 'application'
def other(environ, start_response): return 'other'
class site:
    class wsgi:
        app = staticmethod(lambda environ, start_response: 'attribute')
    @staticmethod
    def make(): return lambda environ, start_response: 'made by site'
def factory(*arguments, **named):
    return lambda environ, start_response: repr((arguments, named))
class Callable:
    def __call__(self, environ, start_response): return 'object'
",
    );
    module("forms", "");
    assert_eq!(returned("forms.wsgi"), "application");
    assert_eq!(returned("forms.wsgi:other"), "other");
    assert_eq!(returned("forms.wsgi:site.wsgi.app"), "attribute");
    assert_eq!(returned("forms.wsgi:Callable()"), "object");
    assert_eq!(returned("forms.wsgi:site.make()"), "made by site");
    assert_eq!(returned("forms.wsgi:factory()"), "((), {})");
    assert_eq!(
        returned(r#"forms.wsgi:factory("a:b", -1, None, key=[1, {"x": True}])"#),
        "(('a:b', -1, None), {'key': [1, {'x': True}]})"
    );
}

#[test]
fn what_cannot_be_read_is_shown() {
    let form = r#"expected `name`, `name.attribute` or `factory("argument", key=1)` with literal arguments"#;
    for (expression, reason) in [
        ("a b", "`a b` is not understood: invalid syntax"),
        ("", "`` is not understood: "),
        ("a[0]", "`a[0]` is not understood: neither a name nor a call of one"),
        ("f()()", "`f()()` is not understood: neither a name nor a call of one"),
        ("lambda: 0", "`lambda: 0` is not understood: neither a name nor a call of one"),
        ("f(g())", "`f(g())` is not understood: malformed node or string"),
        ("f(**{})", "`f(**{})` is not understood: "),
    ] {
        let (sentence, hint) = words(&format!("json:{expression}"));
        assert!(sentence.starts_with(reason), "{sentence}");
        assert_eq!(hint.as_deref(), Some(form));
    }
}

#[test]
fn a_path_is_no_module() {
    assert_eq!(
        words("mysite/wsgi.py:app"),
        (
            "`mysite/wsgi.py` is not a module name".to_owned(),
            Some("give the module, `package.module`, not its path".to_owned())
        )
    );
    assert_eq!(words(":app"), ("`` is not a module name".to_owned(), None));
    assert_eq!(words("1up"), ("`1up` is not a module name".to_owned(), None));
}

#[test]
fn a_module_that_is_not_there() {
    let where_to =
        "start rwsgi in the directory that holds it, or name that directory with `--chdir` or `--pythonpath`";
    let (reason, hint) = words("no_such_site.wsgi");
    assert_eq!((&*reason, hint.as_deref()), ("there is no module `no_such_site`", Some(where_to)));
    let (_, hint) = words("json.py:app");
    assert_eq!(hint.as_deref(), Some("give the module without its ending: `json`"));
}

#[test]
fn a_module_that_its_package_does_not_have() {
    let (reason, hint) = words("json.no_such_part:app");
    assert_eq!(reason, "`json` has no module `no_such_part`");
    let hint = hint.unwrap();
    assert!(hint.starts_with("is the name mistyped? If not, the `json` in `/"), "{hint}");
    let _directory = directory("imports_mistyped", "__import__('json.no_such_part')\n");
    let error = error("imports_mistyped:app");
    assert_eq!(
        error.reason,
        "the module `imports_mistyped` imports `json.no_such_part`, and `json` has no module `no_such_part`"
    );
    assert_eq!(error.hint, Some(hint));
}

/// A directory of modules on `sys.path`, for those whose import fails.
fn directory(name: &str, source: &str) -> tempfile::TempDir {
    python();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(format!("{name}.py")), source).unwrap();
    crate::prepend_paths(&[directory.path().to_owned()]).unwrap();
    directory
}

#[test]
fn a_module_whose_own_import_fails() {
    let _directory = directory("imports_missing", "import no_such_library.part\n");
    let error = error("imports_missing:app");
    assert_eq!(
        error.reason,
        "the module `imports_missing` imports `no_such_library`, which is not installed"
    );
    assert_eq!(
        error.hint.as_deref(),
        Some("install the package that has `no_such_library` into the environment that rwsgi runs in")
    );
    let traceback = error.traceback.unwrap();
    assert!(traceback.contains("imports_missing.py\", line 1"), "{traceback}");
    assert!(traceback.ends_with("ModuleNotFoundError: No module named 'no_such_library'"), "{traceback}");
}

#[test]
fn a_module_that_raises() {
    for (name, source, exception) in [
        ("raises_value", "raise ValueError('settings are wrong')\n", "ValueError: settings are wrong"),
        ("raises_exit", "raise SystemExit(1)\n", "SystemExit: 1"),
        ("raises_syntax", "def:\n", "SyntaxError"),
    ] {
        let _directory = directory(name, source);
        let error = error(name);
        assert_eq!(error.reason, format!("importing the module `{name}` raised an exception"));
        assert!(error.traceback.unwrap().contains(exception));
    }
}

#[test]
fn an_attribute_that_is_not_there() {
    module(
        "attributes",
        "def app(e, s): pass\ndef wsgi(e, s): pass\n_hidden = app\nnumber = 1\nclass site: pass\n",
    );
    assert_eq!(
        words("attributes"),
        (
            "the module `attributes` has no attribute `application`".to_owned(),
            Some("it has these callables: `app`, `site`, `wsgi`".to_owned())
        )
    );
    let (reason, _) = words("attributes:site.app");
    assert_eq!(reason, "the object before it has no attribute `app`");
}

#[test]
fn what_cannot_be_called() {
    module("values", "number = 1\ndef make(): return {}\ndef bad(): raise ValueError('no database')\n");
    let hint = Some("a WSGI application is called with `environ` and `start_response`".to_owned());
    assert_eq!(
        words("values:number"),
        ("`number` is a `int`, which cannot be called".to_owned(), hint.clone())
    );
    assert_eq!(
        words("values:make()"),
        ("the factory returned a `dict`, which cannot be called".to_owned(), hint)
    );
    let error = error("values:bad()");
    assert_eq!(error.reason, "the factory raised an exception");
    assert!(error.traceback.unwrap().ends_with("ValueError: no database"));
}

#[test]
fn the_whole_sentence() {
    let error = error("no_such_site.wsgi:app");
    assert_eq!(
        error.to_string(),
        "cannot load the application `no_such_site.wsgi:app`: there is no module `no_such_site`"
    );
}
