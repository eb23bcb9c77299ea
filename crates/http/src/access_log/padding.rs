//! Flags, width and precision of a conversion, as Python's `%` has them ("printf-style String Formatting").

/// How a value is brought to its width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Padding {
    left: bool,
    zeros: bool,
    sign: Option<u8>,
    width: usize,
    precision: Option<usize>,
    is_number: bool,
}

/// More is a slip of the keyboard.
const WIDEST: usize = 4096;

impl Padding {
    /// Reads what stands behind an atom: the flags, the conversion's letter, and what is left.
    pub(super) fn parse(text: &str) -> Option<(Self, char, &str)> {
        let mut padding = Self::default();
        let mut rest = text;
        while let Some(flag) = rest.bytes().next().filter(|byte| b"-0+ #".contains(byte)) {
            match flag {
                b'-' => padding.left = true,
                b'0' => padding.zeros = true,
                b'+' => padding.sign = Some(b'+'),
                b' ' => padding.sign = padding.sign.or(Some(b' ')),
                _ => {}
            }
            rest = &rest[1..];
        }
        (padding.width, rest) = digits(rest)?;
        if let Some(after) = rest.strip_prefix('.') {
            let (precision, after) = digits(after)?;
            padding.precision = Some(precision);
            rest = after;
        }
        // A length means nothing to Python.
        rest = rest.strip_prefix(['h', 'l', 'L']).unwrap_or(rest);
        let conversion = rest.chars().next()?;
        Some((padding, conversion, &rest[conversion.len_utf8()..]))
    }

    /// What is left to do of it for this conversion; `None`: nothing.
    pub(super) fn of_conversion(mut self, conversion: char) -> Option<Self> {
        self.is_number = conversion != 's';
        (self != Self { is_number: self.is_number, ..Self::default() }).then_some(self)
    }

    /// Brings what stands in `out` from `start` on to its width.
    pub(super) fn apply(self, out: &mut Vec<u8>, start: usize) {
        if self.is_number {
            self.number(out, start);
        } else if let Some(precision) = self.precision {
            out.truncate(out.len().min(start + precision));
        }
        let missing = self.width.saturating_sub(out.len() - start);
        if self.left {
            out.resize(out.len() + missing, b' ');
        } else {
            out.splice(start..start, std::iter::repeat_n(b' ', missing));
        }
    }

    fn number(self, out: &mut Vec<u8>, start: usize) {
        // A missing number is a dash, which has no digits.
        if !out[start..].first().is_some_and(u8::is_ascii_digit) {
            return;
        }
        let filled =
            if self.zeros && !self.left { self.width.saturating_sub(self.sign.iter().len()) } else { 0 };
        let wanted = self.precision.unwrap_or_default().max(filled);
        let missing = wanted.saturating_sub(out.len() - start);
        out.splice(start..start, self.sign.into_iter().chain(std::iter::repeat_n(b'0', missing)));
    }
}

fn digits(text: &str) -> Option<(usize, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let number = if end == 0 { 0 } else { text[..end].parse().ok().filter(|width| *width <= WIDEST)? };
    Some((number, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn padded(specification: &str, value: &str) -> String {
        let (padding, conversion, rest) = Padding::parse(specification).unwrap();
        assert_eq!(rest, "");
        let mut out = b">".to_vec();
        out.extend_from_slice(value.as_bytes());
        if let Some(padding) = padding.of_conversion(conversion) {
            padding.apply(&mut out, 1);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn widths_are_pythons() {
        // Each expected value is what CPython prints.
        for (specification, value, expected) in [
            ("s", "ab", ">ab"),
            ("5s", "ab", ">   ab"),
            ("-5s", "ab", ">ab   "),
            ("05s", "ab", ">   ab"),
            (".1s", "ab", ">a"),
            ("4.1s", "ab", ">   a"),
            ("d", "42", ">42"),
            ("5d", "42", ">   42"),
            ("05d", "42", ">00042"),
            ("+05d", "42", ">+0042"),
            (" d", "42", "> 42"),
            ("-05d", "42", ">42   "),
            (".4d", "42", ">0042"),
            ("6.4ld", "42", ">  0042"),
            ("05d", "-", ">    -"),
        ] {
            assert_eq!(padded(specification, value), expected, "%{specification}");
        }
    }

    #[test]
    fn what_is_no_specification_is_none() {
        for text in ["", "5", "-", "5.", "99999s", "*s5."] {
            assert!(Padding::parse(text).is_none_or(|(_, conversion, _)| conversion == '*'), "{text}");
        }
    }
}
