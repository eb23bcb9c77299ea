//! The words behind the program, by the settings that they give.

use rwsgi_config::{Flag, Gunicorn, SETTINGS, Setting};

use super::words::Word;

/// One or two words that belong together.
#[derive(Debug)]
pub(super) enum Part {
    /// An option with its value.
    Given(Given),
    /// The application.
    Application(Word),
    /// An option that no setting has.
    Unknown(Word),
    /// An argument behind the application, which Gunicorn ignores.
    Surplus(Word),
}

/// An option with its value.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) setting: &'static Setting,
    /// As it is to be written.
    pub(super) words: Vec<String>,
    /// `None`: only the run knows it, or there is none.
    pub(super) value: Option<String>,
    /// A value is missing.
    pub(super) lacks_value: bool,
}

/// Takes the words apart as Gunicorn does.
pub(super) fn read(words: &[Word]) -> Vec<Part> {
    let mut words = words.iter().peekable();
    let mut parts = Vec::new();
    let mut is_closed = false;
    while let Some(word) = words.next() {
        if is_closed || !word.value.starts_with('-') || word.value == "-" {
            let has_application = parts.iter().any(|part| matches!(part, Part::Application(_)));
            let surplus = if has_application { Part::Surplus } else { Part::Application };
            parts.push(surplus(word.clone()));
        } else if word.value == "--" {
            is_closed = true;
        } else if word.value.starts_with("--") {
            parts.push(long(word, &mut words));
        } else {
            short(word, &mut words, &mut parts);
        }
    }
    parts
}

type Rest<'a, 'b> = std::iter::Peekable<std::slice::Iter<'b, Word>>;

fn long<'b>(word: &Word, rest: &mut Rest<'_, 'b>) -> Part {
    let (name, joined) = match word.value[2..].split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (&word.value[2..], None),
    };
    let Some((setting, flag)) = meant(name) else { return Part::Unknown(word.clone()) };
    let written = word.raw.replacen(&format!("--{name}"), &format!("--{flag}"), 1);
    match joined {
        Some(value) => {
            let value = (!word.open).then(|| value.to_owned());
            Part::Given(Given { setting, words: vec![written], value, lacks_value: false })
        }
        None => Part::Given(with_value(setting, written, rest)),
    }
}

/// The option that a long one means, perhaps by its beginning: one of Gunicorn's before one of ours.
fn meant(begin: &str) -> Option<(&'static Setting, &'static str)> {
    let all = || SETTINGS.iter().flat_map(|setting| setting.long_options().map(move |flag| (setting, flag)));
    let exact = all().find(|(_, flag)| *flag == begin);
    let begun = |of_gunicorn: bool| {
        let mut found = all().filter(|(setting, flag)| {
            flag.starts_with(begin) && (setting.gunicorn != Gunicorn::Own) == of_gunicorn
        });
        let first = found.next()?;
        // Two spellings of one setting are no doubt.
        found.all(|(setting, _)| setting.name == first.0.name).then_some(first)
    };
    exact.or_else(|| begun(true)).or_else(|| begun(false))
}

/// Short options, of which those without a value may stand together: `-DR`, `-w3`.
fn short<'b>(word: &Word, rest: &mut Rest<'_, 'b>, parts: &mut Vec<Part>) {
    let mut left = &word.value[1..];
    while let Some(letter) = left.chars().next() {
        left = &left[letter.len_utf8()..];
        let Some(setting) = SETTINGS.iter().find(|setting| setting.short == Some(letter)) else {
            parts.push(Part::Unknown(word.clone()));
            return;
        };
        if setting.switch() {
            parts.push(Part::Given(Given::switch(setting, format!("-{letter}"))));
            continue;
        }
        if left.is_empty() {
            parts.push(Part::Given(with_value(setting, format!("-{letter}"), rest)));
        } else {
            // Argparse takes `-w=3` for `-w 3`.
            let value = left.strip_prefix('=').unwrap_or(left);
            let value_word = Word { raw: String::new(), value: value.to_owned(), ..word.clone() };
            let written = format!("-{letter} {}", value_word.shown());
            let value = (!word.open).then(|| value.to_owned());
            parts.push(Part::Given(Given { setting, words: vec![written], value, lacks_value: false }));
        }
        return;
    }
}

fn with_value<'b>(setting: &'static Setting, written: String, rest: &mut Rest<'_, 'b>) -> Given {
    if setting.switch() {
        return Given::switch(setting, written);
    }
    let is_value = |word: &&Word| {
        let is_negative_number =
            word.value.strip_prefix('-').is_some_and(|digits| digits.parse::<u64>().is_ok());
        !word.value.starts_with('-') || word.value == "-" || is_negative_number
    };
    let takes =
        |word: &&Word| is_value(word) && (!setting.optional() || setting.try_value(&word.value).is_ok());
    match rest.next_if(takes) {
        Some(word) => Given {
            setting,
            words: vec![written, word.raw.clone()],
            value: (!word.open).then(|| word.value.clone()),
            lacks_value: false,
        },
        None => Given { setting, words: vec![written], value: None, lacks_value: !setting.optional() },
    }
}

impl Given {
    fn switch(setting: &'static Setting, written: String) -> Self {
        let value = Some((!setting.negative()).to_string());
        Self { setting, words: vec![written], value, lacks_value: false }
    }

    /// The words as one text.
    pub(super) fn written(&self) -> String {
        self.words.join(" ")
    }

    /// What is wrong with the value, as far as it is known.
    pub(super) fn objection(&self) -> Option<rwsgi_config::Objection> {
        if self.lacks_value {
            let reason = format!("no value: expected {}", self.setting.expects());
            return Some(rwsgi_config::Objection { reason, hint: None });
        }
        self.setting.try_value(self.value.as_deref()?).err()
    }

    /// Whether it only says what holds without it.
    pub(super) fn is_default(&self) -> bool {
        self.value.as_deref().is_some_and(|value| self.setting.is_default(value))
    }

    /// Whether it only prints something.
    pub(super) fn prints(&self) -> bool {
        !self.setting.storable() && self.setting.flag != Flag::Positional
    }
}
