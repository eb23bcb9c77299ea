//! The grammar of a size in bytes: `4094`, `64K`, `1M`, `1G`, each suffix a power of 1024.

use crate::kind::Refusal;

/// Reads a size; 0 is no limit. Suffixes may be written in any case and end in `B` or `iB`.
pub(crate) fn parse(text: &str) -> Result<Option<u64>, Refusal> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = text.split_at(digits);
    let shift = match suffix.to_ascii_lowercase().as_str() {
        _ if number.is_empty() => return Err(unexpected()),
        "" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        _ => return Err(unexpected()),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    match bytes {
        Some(0) => Ok(None),
        Some(bytes) if bytes <= MOST_BYTES => Ok(Some(bytes)),
        _ => Err(Refusal::new(format!("expected at most {}G", MOST_BYTES >> 30))),
    }
}

/// What a size must be, as the end of a sentence that begins with "expected".
pub(crate) const EXPECTS: &str = "a number of bytes, such as `4096`, `64K`, `16M` or `1G`";

/// The kernel counts the bytes of a file in a signed number (`off_t`).
const MOST_BYTES: u64 = i64::MAX as u64;

fn unexpected() -> Refusal {
    Refusal::new(format!("expected {EXPECTS}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_powers_of_1024() {
        for (text, bytes) in [
            ("1", 1),
            ("4094", 4094),
            ("64K", 65_536),
            ("64k", 65_536),
            ("64KB", 65_536),
            ("64KiB", 65_536),
            ("3M", 3 << 20),
            ("3mib", 3 << 20),
            (" 1G ", 1 << 30),
            ("1GB", 1 << 30),
            ("9223372036854775807", i64::MAX as u64),
        ] {
            assert_eq!(parse(text), Ok(Some(bytes)), "{text}");
        }
    }

    #[test]
    fn zero_is_no_limit_with_any_suffix() {
        for text in ["0", "00", "0K", "0GiB"] {
            assert_eq!(parse(text), Ok(None), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in ["", "K", "-1", "+1", "1.5G", "1 K", "1T", "1Ki", "1B", "0x10", "1e6", "1_000", "١"] {
            assert_eq!(parse(text), Err(unexpected()), "{text}");
        }
        for text in ["9223372036854775808", "8589934592G", "99999999999999999999", "18446744073709551615K"] {
            assert_eq!(parse(text).unwrap_err().reason, "expected at most 8589934591G", "{text}");
        }
    }
}
