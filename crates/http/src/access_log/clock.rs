//! Local time as logs show it, made once a second: the rules of a time zone are not looked up for each line.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::Local;

#[derive(Default)]
struct Second {
    number: Option<u64>,
    common: String,
    date: String,
    offset: String,
}

thread_local! {
    static SECOND: RefCell<Second> = RefCell::default();
}

/// `[22/Nov/2026:15:04:05 +0000]`, for the Common Log Format.
pub(super) fn with_common(show: impl FnOnce(&str)) {
    with_second(|second, _| show(&second.common));
}

/// `2026-11-22T15:04:05`, the milliseconds, and `+00:00`, for ISO 8601.
pub(super) fn with_iso(show: impl FnOnce(&str, u32, &str)) {
    with_second(|second, millis| show(&second.date, millis, &second.offset));
}

fn with_second(show: impl FnOnce(&Second, u32)) {
    // A clock before 1970 is wrong anyway.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    SECOND.with_borrow_mut(|second| {
        if second.number != Some(now.as_secs()) {
            let local = Local::now();
            *second = Second {
                number: Some(now.as_secs()),
                common: local.format("[%d/%b/%Y:%H:%M:%S %z]").to_string(),
                date: local.format("%Y-%m-%dT%H:%M:%S").to_string(),
                offset: local.format("%:z").to_string(),
            };
        }
        show(second, now.subsec_millis());
    });
}
