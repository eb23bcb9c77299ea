//! Settings: from text to one typed [`Config`].
//!
//! **Does:** reads the command line and the environment by one table of settings, parses every value
//! once, and says in one sentence what is wrong with a value, for which setting and from which source.
//!
//! **Must not know:** files, sockets, processes, Python, the sibling crates. It performs no I/O and
//! prints nothing; the environment is handed in as a function.
//!
//! **Called by** the program (`rwsgi`), once, before anything else happens.
//!
//! **Read in this order:** `table` (the data) and `setting` (what a row is), `config` (the result),
//! `kind` (text to values) with the larger grammars `account`, `application`, `bind`, `header`, `mode`,
//! `network`, `prefix`, `size` and `syslog`, `layer` (the law of precedence), `cli` and `env` (the two sources),
//! `resolve` (layers to `Config`), `agreement` (settings that depend on each other), `read` (all of it in a
//! row), `error`.
//!
//! **Adding a setting:** one row in the file of its section below `table`, one field in `config`. The
//! row's `kind` names the grammar and stores the value in the field; the option, its help, the default,
//! the environment variable and the error messages follow from the row.
#![forbid(unsafe_code)]

mod account;
mod agreement;
mod application;
mod bind;
mod cli;
mod config;
mod env;
mod error;
mod header;
mod kind;
mod layer;
mod mode;
mod network;
mod prefix;
mod read;
mod resolve;
mod setting;
mod size;
mod syslog;
mod table;

pub use bind::Address;
pub use config::{Config, HeaderMap, LogFormat, LogLevel, LogTarget, ProxyProtocol, ReloadEngine, Workers};
pub use error::Error;
pub use network::Networks;
pub use read::{Program, Request, read};
pub use setting::{Flag, Gunicorn, Section, Setting, Variable};
pub use syslog::{SyslogAddress, SyslogSocket};
pub use table::SETTINGS;
