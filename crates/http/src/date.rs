//! The `Date` of answers, written once a second.

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

thread_local! {
    static DATE: RefCell<Option<Date>> = const { RefCell::new(None) };
}

/// The text of a second.
struct Date {
    text: String,
    /// When the next one begins.
    end: Instant,
}

/// Appends the date at `now`, which has been read just now, as a field's value (RFC 9110 section 5.6.7).
pub(crate) fn extend(out: &mut Vec<u8>, now: Instant) {
    DATE.with_borrow_mut(|date| {
        let date = match date {
            Some(date) if now < date.end => date,
            _ => date.insert(Date::at(now)),
        };
        out.extend_from_slice(date.text.as_bytes());
    });
}

impl Date {
    fn at(now: Instant) -> Self {
        let time = SystemTime::now();
        let begun = time.duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
        let left = Duration::from_secs(1) - Duration::from_nanos(begun.into());
        Self { text: httpdate::fmt_http_date(time), end: now + left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_true_to_the_second() {
        let mut text = Vec::new();
        let (before, now) = (SystemTime::now(), Instant::now());
        extend(&mut text, now);
        let date = httpdate::parse_http_date(str::from_utf8(&text).unwrap()).unwrap();
        assert!(date <= SystemTime::now() && date + Duration::from_secs(2) > before);
    }

    #[test]
    fn a_date_is_not_older_than_its_second() {
        let now = Instant::now();
        extend(&mut Vec::new(), now);
        let end = DATE.with_borrow(|date| date.as_ref().unwrap().end);
        assert!(end > now && end <= now + Duration::from_secs(1));
        extend(&mut Vec::new(), end);
        assert!(DATE.with_borrow(|date| date.as_ref().unwrap().end) > end, "it has been read anew");
    }
}
