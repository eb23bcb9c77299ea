//! All settings. Data only: what the columns mean stands in `setting`, what the kinds accept in `kind`.
//!
//! One file for each section of the help holds its rows.

use crate::{
    kind::{Action, Kind},
    setting::{Flag, Gunicorn, Section, Setting},
};

mod acme;
mod application;
mod bodies;
mod compression;
mod development;
mod hooks;
mod http2;
mod information;
mod limits;
mod logging;
mod mechanics;
mod metrics;
mod migration;
mod preload;
mod protection;
mod proxies;
mod python_loggers;
mod refused;
mod replacement;
mod slow_clients;
mod socket;
mod static_files;
mod syslog;
mod tls;
mod without_effect;
mod workers;

/// Every setting, in the order of the help.
pub static SETTINGS: &[Setting] = &joined();

const SECTIONS: &[&[Setting]] = &[
    application::ROWS,
    socket::ROWS,
    tls::ROWS,
    acme::ROWS,
    http2::ROWS,
    workers::ROWS,
    replacement::ROWS,
    preload::ROWS,
    limits::ROWS,
    slow_clients::ROWS,
    bodies::ROWS,
    static_files::ROWS,
    compression::ROWS,
    proxies::ROWS,
    protection::ROWS,
    mechanics::ROWS,
    logging::ROWS,
    syslog::ROWS,
    python_loggers::ROWS,
    metrics::ROWS,
    development::ROWS,
    hooks::ROWS,
    migration::ROWS,
    information::ROWS,
    without_effect::ROWS,
    refused::ROWS,
];

const COUNT: usize = {
    let (mut count, mut section) = (0, 0);
    while section < SECTIONS.len() {
        count += SECTIONS[section].len();
        section += 1;
    }
    count
};

/// The sections one after the other, put together by the compiler, so that every reader has one plain slice.
const fn joined() -> [Setting; COUNT] {
    let mut all = [ROW; COUNT];
    let (mut next, mut section) = (0, 0);
    while section < SECTIONS.len() {
        let mut row = 0;
        while row < SECTIONS[section].len() {
            all[next] = SECTIONS[section][row];
            next += 1;
            row += 1;
        }
        section += 1;
    }
    all
}

/// What a row says when it leaves a column out. Each file says its section once, in a `ROW` of its own.
const ROW: Setting = Setting {
    name: "",
    flag: Flag::Positional,
    short: None,
    alias: None,
    env: None,
    default: None,
    section: Section::Information,
    metavar: "",
    help: "",
    more: "",
    gunicorn: Gunicorn::Same,
    kind: Kind::Action(Action::Help),
    given: |_| {},
};
