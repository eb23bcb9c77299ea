//! From settings to what is refused before the application is asked, and to the headers of every answer.

use http::{HeaderName, HeaderValue, Method};
use rwsgi_config::{Config, Rate};
use rwsgi_http::{DeniedPaths, Hosts, Pace, Protection, RateLimit, RateLimits};

/// What is refused; where it is counted how often clients ask is added by the worker.
pub(crate) fn protection(config: &Config) -> Protection {
    let general = config.rate_limit.map(|rate| RateLimit {
        method: None,
        path: String::new(),
        pace: pace(rate),
        name: text(rate),
    });
    let paths = config.rate_limit_path.iter().map(|limit| RateLimit {
        // The setting takes only letters for it.
        method: limit.method.as_ref().and_then(|name| Method::from_bytes(name.as_bytes()).ok()),
        path: limit.path.clone(),
        pace: pace(limit.rate),
        name: format!(
            "{}{}{}/={}",
            limit.method.as_deref().unwrap_or_default(),
            if limit.method.is_some() { ":" } else { "" },
            limit.path,
            text(limit.rate),
        ),
    });
    Protection {
        hosts: Hosts::new("`allow_host`", config.allow_host.iter().map(String::as_str)),
        denied_paths: DeniedPaths::new(config.deny_path.iter().map(String::as_str)),
        rate_limits: RateLimits::new(paths.chain(general)),
        table: None,
    }
}

/// The headers of every answer.
pub(crate) fn headers(config: &Config) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    // The setting takes only what these are made of.
    config.header.iter().filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::from_str(value).ok()?))
    })
}

fn pace(rate: Rate) -> Pace {
    Pace { interval: rate.period / rate.count, burst: rate.burst }
}

/// As the setting writes it.
fn text(rate: Rate) -> String {
    let unit = match rate.period.as_secs() {
        1 => 's',
        60 => 'm',
        _ => 'h',
    };
    let Rate { count, burst, .. } = rate;
    if count == burst { format!("{count}r/{unit}") } else { format!("{count}r/{unit},burst={burst}") }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rate_is_named_as_it_was_written() {
        let rate = |period, count, burst| Rate { count, period: Duration::from_secs(period), burst };
        assert_eq!(text(rate(1, 20, 20)), "20r/s");
        assert_eq!(text(rate(60, 5, 10)), "5r/m,burst=10");
        assert_eq!(text(rate(3600, 1, 1)), "1r/h");
        assert_eq!(pace(rate(60, 5, 10)), Pace { interval: Duration::from_secs(12), burst: 10 });
    }
}
