//! Finding and loading the application.

use crate::harness::{Builder, Failure, Server};

const FORMS: &str = r#"
from stage import answer

def named(text):
    def application(environ, start_response):
        return answer(start_response, text)
    return application

application = named("application")
other = named("other")

class holder:
    class inner:
        app = staticmethod(named("nested"))

def factory(text="default", *, key=0):
    return named(f"{text} {key!r}")

def broken_factory():
    raise RuntimeError("on purpose")

number = 42
"#;

/// Serves `spec`; what the application that was found says.
fn serves(server: Builder, spec: &str) -> String {
    server.application(Some(spec)).start().get("/").text().to_owned()
}

#[test]
fn every_form_of_the_application_argument_is_understood() {
    for (spec, text) in [
        ("app", "application"),
        ("app:other", "other"),
        ("app:holder.inner.app", "nested"),
        ("app:factory()", "default 0"),
        (r#"app:factory("text", key=(1, "a"))"#, "text (1, 'a')"),
    ] {
        assert_eq!(serves(Server::wsgi(FORMS), spec), text, "{spec}");
    }
}

#[test]
fn a_module_in_a_package_is_found_in_the_current_directory() {
    let server = Server::wsgi("").file("site_of_ours/__init__.py", "").file("site_of_ours/wsgi.py", FORMS);
    assert_eq!(serves(server, "site_of_ours.wsgi:other"), "other");
}

#[test]
fn the_python_path_is_searched_first_and_then_the_directory_to_change_to_and_that_of_the_start() {
    let show = "
import sys, os
from stage import answer
def application(environ, start_response):
    return answer(start_response, '\\n'.join([os.environ['GREETING'], os.getcwd(), *sys.path[:4]]))
";
    let server = Server::wsgi("raise RuntimeError('the wrong app')")
        .file("inside/app.py", show)
        .file("inside/stage.py", include_str!("../harness/stage.py"))
        .args(["--chdir", "inside", "--pythonpath", "first,second", "--env", "GREETING=hello there"])
        .start();
    let inside = server.folder().canonicalize().unwrap().join("inside");
    let path = |name: &str| inside.join(name).display().to_string();
    let outside = inside.parent().unwrap().display().to_string();
    let inside = inside.display().to_string();
    let expected = ["hello there".to_owned(), inside.clone(), path("second"), path("first"), inside, outside];
    assert_eq!(server.get("/").text().lines().collect::<Vec<_>>(), expected);
}

/// Tries to serve what cannot be loaded: code 4, and all that must be in the log.
#[track_caller]
fn fails_to_load(server: Builder, spec: &str, message: &[&str]) -> Failure {
    let failure = server.application(Some(spec)).fail();
    assert_eq!(failure.code, Some(4), "{failure:?}");
    for part in message.iter().chain(&["Reason: App failed to load."]) {
        assert!(failure.stderr.contains(part), "`{part}` is not in: {}", failure.stderr);
    }
    failure
}

#[test]
fn a_module_that_is_not_there() {
    fails_to_load(
        Server::wsgi(FORMS),
        "absent.wsgi",
        &[
            "ModuleNotFoundError: No module named 'absent'",
            "there is no module `absent`",
            "hint: start rwsgi in",
        ],
    );
}

#[test]
fn a_file_instead_of_a_module_is_a_wrong_argument() {
    let failure = Server::wsgi(FORMS).application(Some("app.py")).fail();
    assert_eq!(failure.code, Some(2));
    let hint = "hint: give the module, `app`, not the file";
    assert!(failure.stderr.contains("expected a module") && failure.stderr.contains(hint), "{failure:?}");
}

#[test]
fn a_module_that_needs_another_one() {
    fails_to_load(
        Server::wsgi("import nowhere_to_be_found"),
        "app",
        &[
            "Traceback (most recent call last):",
            "import nowhere_to_be_found",
            "the module `app` imports `nowhere_to_be_found`, which is not installed",
            "hint: install",
        ],
    );
}

#[test]
fn an_attribute_that_is_not_there_and_what_there_is() {
    fails_to_load(
        Server::wsgi(FORMS),
        "app:aplication",
        &["the module `app` has no attribute `aplication`", "hint: ", "`application`", "`other`"],
    );
}

#[test]
fn an_attribute_that_cannot_be_called() {
    let message = ["`number` is a `int`, which cannot be called", "hint: "];
    fails_to_load(Server::wsgi(FORMS), "app:number", &message);
}

#[test]
fn a_module_that_raises() {
    for (source, exception) in [
        ("raise RuntimeError('on purpose')", "RuntimeError: on purpose"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def application(:", "SyntaxError: invalid syntax"),
    ] {
        let message = ["Traceback (most recent call last):", exception, "importing the module `app` raised"];
        let message = if source.starts_with("def") { &message[1..] } else { &message };
        fails_to_load(Server::wsgi(source), "app", message);
    }
}

#[test]
fn a_factory_that_raises() {
    fails_to_load(
        Server::wsgi(FORMS),
        "app:broken_factory()",
        &["in broken_factory", "RuntimeError: on purpose", "the factory raised an exception"],
    );
}

#[test]
fn a_spec_that_means_nothing() {
    fails_to_load(
        Server::wsgi(FORMS),
        "app:factory(1 +",
        &["`factory(1 +` is not understood", "hint: expected"],
    );
}
