//! What comes of a change: the new code serves, unless it does not load.

use std::fs;
use std::time::Instant;

use super::{reloading, start, wait_change};
use crate::harness::{PATIENCE, Server};

const APP: &str = "
from stage import answer
from page import TEXT
def application(environ, start_response):
    return answer(start_response, TEXT)
";

/// New connections may still reach an old worker while the reload goes on.
fn wait_for(server: &Server, text: &str) {
    let limit = Instant::now() + PATIENCE;
    while server.get("/").text() != text {
        assert!(Instant::now() < limit, "`{text}` is not served");
    }
}

#[test]
fn a_change_of_a_module_is_served() {
    let server = start(reloading(APP, "auto").file("page.py", "TEXT = 'old'\n"));
    assert_eq!(server.get("/").text(), "old");
    fs::write(server.folder().join("page.py"), "TEXT = 'new text'\n").unwrap();
    assert_eq!(wait_change(&server, 1), "page.py");
    wait_for(&server, "new text");
}

#[test]
fn a_mistake_leaves_the_old_code_serving_until_it_is_mended() {
    let server = start(reloading(APP, "auto").file("page.py", "TEXT = 'old'\n"));
    fs::write(server.folder().join("page.py"), "TEXT = (\n").unwrap();
    assert_eq!(wait_change(&server, 1), "page.py");
    server.wait_log("SyntaxError");
    server.wait_log("reload failed, still serving generation 1");
    assert_eq!(server.get("/").text(), "old");
    fs::write(server.folder().join("page.py"), "TEXT = 'mended text'\n").unwrap();
    assert_eq!(wait_change(&server, 2), "page.py");
    wait_for(&server, "mended text");
}
