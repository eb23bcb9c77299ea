//! The story: look at the certificate, renew it when it is due, and so on for ever.

use std::error::Error as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use tokio::runtime::Builder;
use tokio::time::sleep;

use crate::order::fulfil;
use crate::schedule::{Standing, retry};
use crate::{Error, Store};

/// A clock that is set, or a machine that sleeps, is noticed after so long.
const LOOK: Duration = Duration::from_secs(3600);

/// What is ordered, where, and how it is proved.
#[derive(Clone, Debug)]
pub struct Options {
    /// The URL of the authority's directory (RFC 8555 section 7.1.1).
    pub directory: String,
    /// The certificate by which the authority is known, if it is not one of those that the system knows. PEM.
    pub root: Option<PathBuf>,
    /// The names that the certificate is for.
    pub domains: Vec<String>,
    /// Where the authority writes to when a certificate is about to end.
    pub email: Option<String>,
    /// Where the server can be asked for the proof.
    pub address: SocketAddr,
}

/// Keeps the certificate in `store` as it should be. Comes back only with an error of the system; what goes wrong with an order is
/// logged, and tried again later.
///
/// # Errors
/// There is no event loop.
pub fn keep(options: &Options, store: &Store) -> Result<std::convert::Infallible, Error> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)?;
    runtime.block_on(async {
        let mut failures = 0;
        loop {
            let until = match look(options, store).await {
                Ok(Look::NotDue(due)) => due,
                Ok(Look::Renewed) => {
                    failures = 0;
                    continue;
                }
                Err(error) => {
                    failures += 1;
                    let pause = retry(failures, &error);
                    tracing::error!(
                        "no certificate for {}: {}; trying again in {}",
                        options.domains.join(", "),
                        chain(&error),
                        for_people(pause)
                    );
                    SystemTime::now() + pause
                }
            };
            wait(until).await;
        }
    })
}

enum Look {
    Renewed,
    /// Not before then.
    NotDue(SystemTime),
}

async fn look(options: &Options, store: &Store) -> Result<Look, Error> {
    if let Some(due) = due(options, store)? {
        return Ok(Look::NotDue(due));
    }
    tracing::info!("Ordering a certificate for {} from {}", options.domains.join(", "), options.directory);
    fulfil(options, store).await?;
    due(options, store)?.ok_or(Error::Useless)?;
    tracing::info!("New certificate for {}", options.domains.join(", "));
    Ok(Look::Renewed)
}

/// When the certificate is to be renewed; `None`: now.
fn due(options: &Options, store: &Store) -> Result<Option<SystemTime>, Error> {
    let path = store.certificate();
    let standing = store.read(&path)?.map(|text| Standing::of(&path, &text)).transpose()?;
    let Some(standing) = standing.filter(|standing| !standing.is_placeholder) else { return Ok(None) };
    if let Some(other) = store.authority()?.filter(|url| *url != options.directory) {
        tracing::info!(
            "The certificate is from {other}: it stays in use until there is one from {}",
            options.directory
        );
        return Ok(None);
    }
    Ok(Some(standing.due(&options.domains)).filter(|due| *due > SystemTime::now()))
}

fn for_people(time: Duration) -> String {
    match time.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds => format!("{} minutes", seconds / 60),
    }
}

/// Timers stand still while a machine sleeps, the calendar does not.
async fn wait(until: SystemTime) {
    while let Ok(left) = until.duration_since(SystemTime::now())
        && !left.is_zero()
    {
        sleep(left.min(LOOK)).await;
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
