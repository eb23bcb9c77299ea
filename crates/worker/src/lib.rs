//! One worker process: joins HTTP and WSGI on one event loop that several threads take turns to drive.
//!
//! What this room does: loads the application, accepts its share of the connections, hands requests to Python threads
//! and answers to the loop, ends requests that take too long, drains and leaves.
//! What it must not know: settings and where they come from, the master, how Python came to be.
//! Who calls it: the program, in a process that has just been forked and in which Python runs.
//!
//! Read in this order: `run` (the story of a worker), `preload` (its application), `django` (its files), `lead` (who drives the loop: the rules),
//! `crew` (what the threads share), `member` (a Python
//! thread), `stand_in` (the thread that watches them), `drive` (the futures at the top of the loop), `job` (a request on
//! its way through Python), `live`, `course`, `deadline` and `inquiry` (requests that take long), `hooks`, `accept` and `admission`, `rates`, `refusal`, `notice`, `shutdown`, `meter`, `monitor` and `exposition` (numbers).

#![forbid(unsafe_code)]

mod accept;
mod admission;
mod course;
mod crew;
mod deadline;
mod django;
mod drive;
mod exposition;
mod hooks;
mod inquiry;
mod job;
mod lead;
mod live;
mod member;
mod meter;
mod monitor;
mod notice;
mod preload;
mod queue;
mod rates;
mod ready;
mod refusal;
mod run;
mod shutdown;
mod stand_in;

pub use django::{DjangoAssets, DjangoFiles, DjangoWishes};
pub use preload::{PreloadOptions, Preloaded, Source, explain, preload};
pub use run::{Error, Numbers, OpenAccessLog, Options, Place, run};
