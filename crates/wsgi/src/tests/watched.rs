//! What goes with the head of an answer for the access log.

use super::mock::Request;
use super::site::{Site, options};
use crate::Options;

/// What is watched of the environ of a request to this application.
fn watched(source: &str) -> Vec<Option<String>> {
    let names = ["request_method", "wsgi.url_scheme", "user.number", "user.broken", "no"];
    let options = Options { watched: names.map(str::to_owned).into(), ..options() };
    let mut served = Site::new(source).serve_with(&options, [Request::get("/")]);
    let head = served.answers.remove(0).head.expect("there is an answer");
    let values = head.environ.iter();
    values.map(|value| value.as_ref().map(|value| String::from_utf8(value.to_vec()).unwrap())).collect()
}

fn expected() -> Vec<Option<String>> {
    [Some("GET"), Some("http"), Some("7"), None, None].map(|value| value.map(str::to_owned)).into()
}

#[test]
fn variables_are_shown_as_the_application_left_them() {
    let source = "
class Broken:
    def __str__(self):
        raise ValueError

def application(environ, start_response):
    start_response('200 OK', [])
    environ['User.Number'] = 7
    environ['user.broken'] = Broken()
    return [b'hello']
";
    assert_eq!(watched(source), expected());
    // Without a body, in two chunks, and as a generator that starts late.
    assert_eq!(watched(&source.replace("[b'hello']", "[]")), expected());
    assert_eq!(watched(&source.replace("[b'hello']", "[b'a', b'b']")), expected());
    assert_eq!(watched(&source.replace("return [b'hello']", "yield b'a'")), expected());
}
