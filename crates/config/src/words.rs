//! The words of a variable that holds options: as Python's `shlex.split` makes them, which is what Gunicorn uses.
//!
//! That differs from a shell: a `#` begins no comment, nothing is expanded, and within double quotes a backslash stands for itself
//! unless a double quote or a backslash follows.

/// The words, with white space between them.
///
/// # Errors
///
/// What was found, as the end of a sentence: a quote that is not closed, or a backslash at the end.
pub(crate) fn split(text: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let mut words = Vec::new();
    // `None` between words: `''` is a word, too.
    let mut word: Option<Vec<u8>> = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => words.extend(word.take()),
            b'\'' | b'"' => quoted(byte, &mut bytes, word.get_or_insert_default())?,
            b'\\' => word.get_or_insert_default().push(bytes.next().ok_or("a backslash at its end")?),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Takes what is left of a part in quotes, and the quote that ends it.
fn quoted(quote: u8, bytes: &mut impl Iterator<Item = u8>, word: &mut Vec<u8>) -> Result<(), &'static str> {
    const OPEN: &str = "a quote that is not closed";
    loop {
        match bytes.next().ok_or(OPEN)? {
            byte if byte == quote => return Ok(()),
            b'\\' if quote == b'"' => {
                let escaped = bytes.next().ok_or(OPEN)?;
                if !matches!(escaped, b'"' | b'\\') {
                    word.push(b'\\');
                }
                word.push(escaped);
            }
            byte => word.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_pythons_shlex() {
        // Right: what `shlex.split(text)` of CPython 3.11 returns.
        for (text, expected) in [
            ("", &[][..]),
            (" \t\r\n", &[]),
            ("-w 3  --bind=:80\n-t\t5", &["-w", "3", "--bind=:80", "-t", "5"]),
            ("--name=#x # y a#b", &["--name=#x", "#", "y", "a#b"]),
            (r#"--env 'A=b c' --env="D=e f"g"#, &["--env", "A=b c", "--env=D=e fg"]),
            (r#"'' "" a''"#, &["", "", "a"]),
            (r#"'a\b"c' "d'e" "\$f\"g\\h\i""#, &[r#"a\b"c"#, "d'e", r#"\$f"g\h\i"#]),
            (r"a\ b \# \'c", &["a b", "#", "'c"]),
            ("$HOME `x` ~ *", &["$HOME", "`x`", "~", "*"]),
            ("a\\\nb ä", &["a\nb", "ä"]),
        ] {
            let words: Vec<_> = expected.iter().map(|word| word.as_bytes().to_vec()).collect();
            assert_eq!(split(text.as_bytes()), Ok(words), "{text}");
        }
    }

    #[test]
    fn what_is_not_closed_is_told() {
        for text in ["'", "a \"b", r#""a\"#, r#""\""#] {
            assert_eq!(split(text.as_bytes()), Err("a quote that is not closed"), "{text}");
        }
        assert_eq!(split(br"a\"), Err("a backslash at its end"));
    }
}
