//! `--reload`: what counts as a change, and what becomes of the process that watches.

mod changes;
mod code;
mod watcher;

use std::collections::BTreeSet;

use crate::harness::{Builder, Server, children};

const APP: &str = "
from stage import answer
def application(environ, start_response):
    return answer(start_response, 'hello')
";

/// With `--reload` by this engine.
fn reloading(source: &str, engine: &str) -> Builder {
    Server::wsgi(source).args(["--reload", "--log-level", "debug", "--reload-engine", engine])
}

/// Starts the server and waits until the watcher watches what the worker has told it.
fn start(builder: Builder) -> Server {
    let server = builder.start();
    server.wait_log("Reloader is ready");
    server.wait_log(&format!("Reloader watches `{}`", server.folder().canonicalize().unwrap().display()));
    server
}

/// The process that watches.
fn watcher_of(server: &Server) -> u32 {
    let booted = server.log().text();
    let workers: BTreeSet<u32> = booted
        .lines()
        .filter_map(|line| line.split_once("Booting worker with pid: ")?.1.trim().parse().ok())
        .collect();
    let mut others = children(server.pid()).into_iter().filter(|pid| !workers.contains(pid));
    let watcher = others.next().expect("a watcher");
    assert_eq!(others.next(), None, "one watcher");
    watcher
}

/// Waits until the master was told of the `count`th change, and of no more; what changed.
fn wait_change(server: &Server, count: usize) -> String {
    let lines = server.wait_log_times("Worker reloading: ", count);
    server.wait_log_times(" hup", count);
    assert_eq!(server.log().text().matches("Worker reloading: ").count(), count);
    let (_, path) = lines[count - 1].split_once("Worker reloading: ").unwrap();
    let path = path.strip_suffix(" modified").unwrap();
    let folder = server.folder().canonicalize().unwrap();
    path.strip_prefix(folder.to_str().unwrap()).map_or(path, |inside| &inside[1..]).to_owned()
}
