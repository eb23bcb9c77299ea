//! A settings file of Python, looked at without being executed: the names that its outermost lines define.

/// A name that the file gives a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Definition {
    pub(super) name: String,
    /// Counted from 1.
    pub(super) line: usize,
    /// If it is a plain number, text, truth value or `None`.
    pub(super) value: Option<String>,
}

/// Finds them. What loops, conditions and imports define is not seen.
pub(super) fn definitions(text: &str) -> Vec<Definition> {
    let mut found: Vec<Definition> = Vec::new();
    let mut quote = None;
    for (index, line) in text.lines().enumerate() {
        let is_code = quote.is_none();
        quote = open_quote(line, quote);
        let Some((name, value)) = definition(line).filter(|_| is_code) else { continue };
        found.retain(|known| known.name != name);
        found.push(Definition { name, line: index + 1, value });
    }
    found
}

fn definition(line: &str) -> Option<(String, Option<String>)> {
    let (line, is_function) = match line.strip_prefix("def ").or_else(|| line.strip_prefix("async def ")) {
        Some(rest) => (rest, true),
        None => (line, false),
    };
    let end = line.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    if name.is_empty() || (is_function != rest.starts_with('(')) {
        return None;
    }
    if is_function {
        return Some((name.to_owned(), None));
    }
    // `workers: int = 3`
    let rest = if rest.starts_with(':') { &rest[rest.find('=')?..] } else { rest };
    let value = rest.strip_prefix('=').filter(|value| !value.starts_with('='))?;
    Some((name.to_owned(), literal(value.trim())))
}

fn literal(text: &str) -> Option<String> {
    for quote in ['"', '\''] {
        if let Some((inner, rest)) = text.strip_prefix(quote).and_then(|text| text.split_once(quote)) {
            let rest = rest.trim_start();
            let is_alone = rest.is_empty() || rest.starts_with('#');
            return (is_alone && !inner.contains('\\') && !text.starts_with("\"\""))
                .then(|| inner.to_owned());
        }
    }
    let word = text.split('#').next().unwrap_or_default().trim_end();
    let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    (is_number || matches!(word, "True" | "False" | "None")).then(|| word.to_owned())
}

/// The triple quote that is open behind this line.
fn open_quote(line: &str, mut open: Option<&'static str>) -> Option<&'static str> {
    let mut rest = line;
    loop {
        if let Some(quote) = open {
            let Some((_, behind)) = rest.split_once(quote) else { return open };
            (rest, open) = (behind, None);
            continue;
        }
        let next = ["\"\"\"", "'''"].into_iter().filter_map(|quote| Some((rest.find(quote)?, quote))).min();
        let (place, quote) = next.filter(|(place, _)| !rest[..*place].contains('#'))?;
        (rest, open) = (&rest[place + quote.len()..], Some(quote));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(String, usize, Option<String>)> {
        definitions(text).into_iter().map(|found| (found.name, found.line, found.value)).collect()
    }

    #[test]
    fn plain_values_are_read() {
        for (line, value) in [
            ("x = 3", Some("3")),
            ("x=3 # three", Some("3")),
            ("x: int = 3", Some("3")),
            ("x = 'a b'", Some("a b")),
            ("x = \"-\"  # stdout", Some("-")),
            ("x = True", Some("True")),
            ("x = None", Some("None")),
            ("x = 3 + y", None),
            ("x = 'a' + y", None),
            ("x = f'a{y}'", None),
            ("x = [1]", None),
            ("x = \"\"\"a\"\"\"", None),
        ] {
            assert_eq!(found(line), [("x".to_owned(), 1, value.map(str::to_owned))], "{line}");
        }
    }

    #[test]
    fn only_outer_names_count() {
        for text in
            ["", "    x = 3", "x == 3", "x(3)", "# x = 3", "import x", "\"\"\"\nx = 3\n\"\"\"", "x: int"]
        {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn functions_are_names_and_the_last_one_counts() {
        let text = "'''of the shop'''\nworkers = 1\n\ndef pre_fork(server, worker):\n    pass\nworkers = 2\n";
        assert_eq!(
            found(text),
            [("pre_fork".to_owned(), 4, None), ("workers".to_owned(), 6, Some("2".to_owned()))]
        );
    }
}
