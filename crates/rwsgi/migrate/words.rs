//! A command line as it is written, word by word: in a shell, or in a unit of systemd.

use std::iter::Peekable;
use std::str::CharIndices;

/// One word of a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// Where it begins in the command line, in bytes.
    pub(super) place: usize,
    /// As it is written, with its quotes.
    pub(super) raw: String,
    /// What the program is given.
    pub(super) value: String,
    /// Whether a part of the value is only known when the command is run: a variable, the output of another command.
    pub(super) open: bool,
    /// Whether it ends a command or redirects it.
    pub(super) operator: bool,
}

impl Word {
    /// As a part of it has to be written: quoted, but for what the shell is to fill in.
    pub(super) fn shown(&self) -> String {
        if self.open { self.value.clone() } else { quoted(&self.value) }
    }
}

/// Who reads the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Shell,
    Systemd,
}

/// Takes a command line apart; `None` if a quote is left open.
pub(super) fn split(text: &str, reader: Reader) -> Option<Vec<Word>> {
    let mut scanner = Scanner { text, characters: text.char_indices().peekable(), reader };
    let mut words = Vec::new();
    while let Some(word) = scanner.word()? {
        words.push(word);
    }
    Some(words)
}

/// A word as it has to be written in a shell.
pub(super) fn quoted(value: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+*".contains(c);
    // A star is a star where no file begins with what stands before it, which nobody knows.
    if !value.is_empty() && value.chars().all(is_plain) && !value.contains('*') {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

struct Scanner<'a> {
    text: &'a str,
    characters: Peekable<CharIndices<'a>>,
    reader: Reader,
}

impl Scanner<'_> {
    /// The next word, if there is one; the outer `None`: a quote is left open.
    fn word(&mut self) -> Option<Option<Word>> {
        self.skip_blanks();
        let start = self.place();
        let mut word =
            Word { place: start, raw: String::new(), value: String::new(), open: false, operator: false };
        while let Some(&(_, c)) = self.characters.peek() {
            if self.is_operator(c) {
                let is_number =
                    !word.value.is_empty() && word.value.bytes().all(|byte| byte.is_ascii_digit());
                // The `2` of `2>&1` belongs to it.
                if start == self.place() || (matches!(c, '<' | '>') && is_number) {
                    word.operator = true;
                    self.operator(&mut word);
                }
                break;
            }
            if c.is_whitespace() {
                break;
            }
            self.characters.next();
            self.piece(c, &mut word)?;
        }
        word.raw = self.text[start..self.place()].to_owned();
        Some((!word.raw.is_empty()).then_some(word))
    }

    fn place(&mut self) -> usize {
        self.characters.peek().map_or(self.text.len(), |(place, _)| *place)
    }

    fn is_operator(&self, c: char) -> bool {
        self.reader == Reader::Shell && (c == '\n' || ";&|<>()".contains(c))
    }

    fn operator(&mut self, word: &mut Word) {
        while let Some((_, c)) = self.characters.next_if(|(_, c)| ";&|<>()\n".contains(*c)) {
            word.value.push(c);
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            let shell = self.reader == Reader::Shell;
            while self.characters.next_if(|(_, c)| c.is_whitespace() && !(shell && *c == '\n')).is_some() {}
            let rest = &self.text[self.place()..];
            if rest.starts_with("\\\n") {
                self.characters.next();
                self.characters.next();
            } else if shell && rest.starts_with('#') {
                while self.characters.next_if(|(_, c)| *c != '\n').is_some() {}
            } else {
                return;
            }
        }
    }

    /// What begins with this character, which is taken already, as far as it belongs together.
    fn piece(&mut self, c: char, word: &mut Word) -> Option<()> {
        match c {
            '\'' => self.quotation('\'', word),
            '"' => self.quotation('"', word),
            '\\' => {
                let escaped = self.escape();
                word.value.extend(escaped);
                Some(())
            }
            _ => {
                self.character(c, word);
                Some(())
            }
        }
    }

    fn quotation(&mut self, quote: char, word: &mut Word) -> Option<()> {
        loop {
            let (_, c) = self.characters.next()?;
            let is_literal = quote == '\'' && self.reader == Reader::Shell;
            match c {
                c if c == quote => return Some(()),
                '\\' if !is_literal => {
                    let keeps = self.reader == Reader::Shell
                        && self.characters.peek().is_some_and(|(_, next)| !"$`\"\\\n".contains(*next));
                    let escaped = if keeps { Some('\\') } else { self.escape() };
                    word.value.extend(escaped);
                }
                c if is_literal => word.value.push(c),
                c => self.character(c, word),
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Option<char> {
        let (_, c) = self.characters.next()?;
        if self.reader == Reader::Shell {
            return (c != '\n').then_some(c);
        }
        Some(match c {
            'n' => '\n',
            't' => '\t',
            's' => ' ',
            c => c,
        })
    }

    fn character(&mut self, c: char, word: &mut Word) {
        match (c, self.reader) {
            ('$', Reader::Systemd) if self.characters.next_if(|(_, next)| *next == '$').is_some() => {
                word.value.push('$');
            }
            ('%', Reader::Systemd) if self.characters.next_if(|(_, next)| *next == '%').is_some() => {
                word.value.push('%');
            }
            ('%', Reader::Systemd) | ('`', Reader::Shell) => {
                word.open = true;
                word.value.push(c);
            }
            ('$', _) => {
                word.value.push(c);
                word.open |= self.variable(word);
            }
            _ => word.value.push(c),
        }
    }

    /// What follows a dollar sign; whether it is a variable or a command.
    fn variable(&mut self, word: &mut Word) -> bool {
        let (open, close) = match self.characters.peek() {
            Some((_, '{')) => ('{', '}'),
            Some((_, '(')) => ('(', ')'),
            Some((_, c)) => return c.is_ascii_alphanumeric() || *c == '_',
            None => return false,
        };
        let mut depth = 0;
        for (_, c) in self.characters.by_ref() {
            word.value.push(c);
            depth += i32::from(c == open) - i32::from(c == close);
            if depth == 0 {
                break;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str, reader: Reader) -> Vec<String> {
        let words = split(text, reader).expect(text);
        for word in &words {
            assert!(text.contains(&word.raw), "{word:?}");
        }
        words.into_iter().map(|word| word.value).collect()
    }

    #[test]
    fn words_of_a_shell() {
        for (text, expected) in [
            ("a  b\tc", &["a", "b", "c"][..]),
            (r#"'a b' "c d" e\ f"#, &["a b", "c d", "e f"]),
            (r#"--x='a'"b"c"#, &["--x=abc"]),
            (r#""a\"b\c" 'a\b'"#, &[r#"a"b\c"#, r"a\b"]),
            ("a \\\n  b", &["a", "b"]),
            ("a # b", &["a"]),
            ("a#b", &["a#b"]),
            ("'' a", &["", "a"]),
            ("a>b 2>&1|c&&d", &["a", ">", "b", "2>&", "1", "|", "c", "&&", "d"]),
            ("x$(nproc --all) ${A:-b c}", &["x$(nproc --all)", "${A:-b c}"]),
        ] {
            assert_eq!(values(text, Reader::Shell), expected, "{text}");
        }
    }

    #[test]
    fn words_of_systemd() {
        for (text, expected) in [
            ("a 'b c' \"d\\x\"", &["a", "b c", "dx"][..]),
            ("a>b ; c", &["a>b", ";", "c"]),
            (r"a\sb 100%% $$x", &["a b", "100%", "$x"]),
            ("'it\\'s'", &["it's"]),
        ] {
            assert_eq!(values(text, Reader::Systemd), expected, "{text}");
        }
    }

    #[test]
    fn what_only_the_run_knows_is_open() {
        for (text, reader, expected) in [
            ("$PORT", Reader::Shell, true),
            ("0.0.0.0:${PORT}", Reader::Shell, true),
            ("\"$PORT\"", Reader::Shell, true),
            ("'$PORT'", Reader::Shell, false),
            ("$(nproc)", Reader::Shell, true),
            ("`nproc`", Reader::Shell, true),
            ("100$", Reader::Shell, false),
            ("50%", Reader::Shell, false),
            ("'$PORT'", Reader::Systemd, true),
            ("%i", Reader::Systemd, true),
        ] {
            assert_eq!(split(text, reader).unwrap()[0].open, expected, "{text}");
        }
    }

    #[test]
    fn a_quote_has_to_be_closed() {
        for text in ["'a", "a \"b", "\"a\\\""] {
            assert_eq!(split(text, Reader::Shell), None, "{text}");
        }
    }

    #[test]
    fn a_quoted_word_is_read_as_it_was() {
        for text in ["", "a b", "it's", "$HOME", "a*", "*", "plain", "--x=y", "#", "\"", "\\", "a\nb", "~"] {
            assert_eq!(values(&quoted(text), Reader::Shell), [text]);
        }
    }
}
