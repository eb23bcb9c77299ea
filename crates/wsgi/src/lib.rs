//! PEP 3333 in Python's world: the sans-I/O bridge between a parsed request and a WSGI application.
//!
//! What this room does: boots CPython or borrows the one it lives in, imports the application, turns a request
//! head into an environ, calls the application and turns what it returns into a response head and chunks.
//! What it must not know: sockets, tokio, hyper, processes, settings. A request comes and an answer leaves
//! through the [`Exchange`] trait, so that the whole of PEP 3333 is tested with byte slices.
//! Who calls it: `worker` (one [`Bridge`] for each Python thread) and `rwsgi` (the two hosts).
//!
//! Read in this order: `exchange`, `call`, `environ`, `input`, `start_response`, `head`, `body`, then
//! `request_timeout` and `deadline`, `application` with `rehearsal` and `settle` for one that is loaded before the fork,
//! `django` for what its settings tell, `settings_file`, `hooks` and `loggers` for what applications know from Gunicorn (their Python halves are in `python/`), and `ffi` for everything that needs `unsafe`.
//!
//! | PEP 3333 | file |
//! |---|---|
//! | environ variables | `environ`, `kept`, `names`, `header_rules` |
//! | input and error streams | `input`, `errors` |
//! | `start_response()`, the write() callable, `exc_info` | `start_response`, `head` |
//! | handling the Content-Length header, buffering and streaming, `close()` | `call`, `body` |
//! | optional platform-specific file handling | `file_wrapper` |

mod application;
mod body;
mod call;
mod deadline;
mod django;
mod embedded;
mod environ;
mod error;
mod errors;
mod exchange;
mod ffi;
mod file_wrapper;
mod head;
mod header_rules;
mod hooks;
mod input;
mod kept;
mod log_bridge;
mod loggers;
mod names;
mod process;
mod rehearsal;
mod request_timeout;
mod settings_file;
mod settle;
mod sources;
mod spec;
mod stack;
mod start_response;
mod thread;
mod watched;

#[cfg(test)]
mod tests;

pub use application::Application;
pub use call::{Bridge, Options};
pub use deadline::{Deadline, NoTime};
pub use django::DjangoSettings;
pub use error::{Error, LoadError};
pub use exchange::{Body, Chunk, Exchange, FileBody, Flow, Head, Proxied, Tls};
pub use ffi::embed::{Embedding, boot, finalize, linked_version};
pub use ffi::fork::{after_in_child, after_in_parent, before as before_fork};
pub use ffi::gil::{detached, park, resume, run_python, unparked};
pub use header_rules::{HeaderRules, Told};
pub use hooks::{Duties, Hook, HookError, Hooks, ServerFacts};
pub use log_bridge::{LogThread, LoggerSettings, publish_glogging, reopen_file_handlers};
pub use loggers::{LoggerOptions, Loggers};
pub use process::{
    begin_setproctitle, end_descendant, has_setproctitle, prepend_paths, set_environment, unset_environment,
};
pub use request_timeout::{PythonThread, RequestTimeout, allow_interrupts, publish_request_timeout};
pub use settings_file::{FileError, SettingsFile, SettingsSource};
pub use settle::{KnownThread, python_threads, settle};
pub use sources::source_directories;
pub use stack::{StackDump, dump_crashes, dump_no_crashes};
pub use thread::spawn;
