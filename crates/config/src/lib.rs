//! Settings: from text to one typed [`Config`].
//!
//! **Does:** reads the command line, the environment and the text of one settings file by one table of settings, parses every
//! value once, and says in one sentence what is wrong with a value, for which setting and from which source.
//!
//! **Must not know:** files, sockets, processes, Python, the sibling crates. It performs no I/O and
//! prints nothing; the environment and what a file holds are handed in.
//!
//! **Called by** the program (`rwsgi`): [`open`] once, before anything else happens, and [`Draft::finish`] with the settings file
//! at the start and at each reload.
//!
//! **Read in this order:** `table` (the data) and `setting` (what a row is), `config` (the result),
//! `kind` (text to values) with the larger grammars `account`, `application`, `bind`, `header`, `mode`,
//! `network`, `prefix`, `protection`, `size`, `syslog` and `worker_class`, `layer` (the law of precedence), the sources: `cli`, `variables`, and `file` with `python` and
//! `toml_file` (a file to a `value` for each name) and `shape` (such a value to texts), `resolve` (layers to `Config`), `agreement`
//! (settings that depend on each other), `draft` (all of it in a row), `settled`, `typed`, `note`, `near` and
//! `error`; beside all that `manual`, which the table is printed by.
//!
//! **The sources,** from the lowest to the highest: the defaults, the environment (`WEB_CONCURRENCY` and its like, over them
//! `RWSGI_WORKERS` and its like), the file, `GUNICORN_CMD_ARGS`, `RWSGI_CMD_ARGS`, the command line. A list is replaced whole.
//!
//! **Adding a setting:** one row in the file of its section below `table`, one field in `config`. The
//! row's `kind` names the grammar and stores the value in the field; the option, its help, the default,
//! the environment variable, the name in files and the error messages follow from the row.
#![forbid(unsafe_code)]

mod account;
mod acme;
mod agreement;
mod application;
mod bind;
mod choices;
mod cli;
mod compression;
mod config;
mod draft;
mod error;
mod file;
mod header;
mod http_version;
mod kind;
mod layer;
mod manual;
mod migration;
mod mode;
mod near;
mod network;
mod note;
mod prefix;
mod protection;
mod python;
mod resolve;
mod setting;
mod settled;
mod shape;
mod size;
mod static_files;
mod statsd;
mod syslog;
mod table;
mod tls;
mod toml_file;
mod trial;
mod typed;
mod value;
mod variables;
mod words;
mod worker_class;

pub use acme::Acme;
pub use bind::Address;
pub use choices::{HeaderMap, LogFormat, LogLevel, LogTarget, ProxyProtocol, ReloadEngine, Workers};
pub use compression::{Compression, ContentCoding};
pub use config::Config;
pub use draft::{Draft, Early, FileChoice, Opened, Program, open};
pub use error::Error;
pub use file::{File, Table};
pub use http_version::{Cleartext, HttpVersion};
pub use layer::{Place, Source};
pub use migration::Migration;
pub use network::Networks;
pub use note::Note;
pub use protection::{PathRate, Rate};
pub use setting::{Flag, Gunicorn, Section, Setting, Variable};
pub use settled::{Purpose, Settled};
pub use static_files::{DjangoStatic, StaticFiles, StaticMiss};
pub use statsd::StatsdAddress;
pub use syslog::{SyslogAddress, SyslogSocket};
pub use table::SETTINGS;
pub use tls::{CIPHERS, CertReqs, TlsVersion};
pub use trial::Objection;
