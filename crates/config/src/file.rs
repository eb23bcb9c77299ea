//! A settings file as a source: its names and values, and what is to be said of names that are no settings.

use std::path::{Path, PathBuf};

use crate::{
    config::Config,
    error::Error,
    kind::Kind,
    layer::{Layer, Place, Source},
    near::nearest,
    note::Note,
    python,
    setting::{Gunicorn, Setting},
    toml_file,
    value::{Assignment, Value},
};

/// The content of a settings file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum File {
    /// One in TOML.
    Toml {
        /// What it is called in messages.
        path: PathBuf,
        /// All of its text.
        text: String,
        /// Where in it the settings are.
        table: Table,
    },
    /// One in Python, as the process that has executed it reports its values (docs/decisions/0014).
    Python {
        /// The report.
        json: String,
    },
}

/// Where the settings are in a file of TOML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// They are the whole file.
    Whole,
    /// They are its table `[tool.rwsgi]`.
    ToolRwsgi,
}

impl Table {
    /// By the file's name, where a file that somebody names has its settings; `None` for a file in Python, which may have any
    /// name that does not end with `.toml`.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match path.file_name()?.to_str()? {
            "pyproject.toml" => Some(Self::ToolRwsgi),
            name => name.ends_with(".toml").then_some(Self::Whole),
        }
    }

    /// Whether the text of a `pyproject.toml` has settings. If it is no TOML, it counts only if it seems to be meant: other
    /// tools have more to say about it.
    #[must_use]
    pub fn is_in(text: &str) -> bool {
        toml_file::has_own_table(text)
    }
}

impl File {
    /// What it says.
    pub(crate) fn read(&self, table: &'static [Setting]) -> Result<(Layer, Vec<Note>), Error> {
        match self {
            Self::Toml { path, text, table: part } => {
                let path = path.display().to_string();
                let assignments = toml_file::parse(&path, text, *part)?;
                Reader { table, path, is_python: false }.read(assignments)
            }
            Self::Python { json } => {
                let (path, assignments) = python::parse(json).ok_or_else(|| Error::File {
                    place: Place { path: "the settings file".into(), line: None },
                    message: "what Python reports of its values cannot be read".into(),
                    hint: None,
                })?;
                Reader { table, path, is_python: true }.read(assignments)
            }
        }
    }
}

struct Reader {
    table: &'static [Setting],
    path: String,
    is_python: bool,
}

impl Reader {
    fn read(&self, assignments: Vec<Assignment>) -> Result<(Layer, Vec<Note>), Error> {
        let mut layer = Layer::default();
        let mut notes = Vec::new();
        for assignment in assignments {
            let place = Place { path: self.path.clone(), line: assignment.line };
            match self.settings().find(|setting| setting.name == assignment.name) {
                Some(setting) if setting.name == "config" => {
                    let text =
                        format!("{place}: `config` is ignored: a settings file cannot name another one");
                    notes.push(Note::warning(text, None));
                }
                Some(setting) if self.is_foreign(setting, &assignment.value) => {
                    notes.extend(not_taken(setting, &assignment.value, &place));
                }
                Some(setting) => self.take(setting, &assignment, place, &mut layer)?,
                None if self.is_python => notes.extend(self.remark(&assignment, &place)),
                None => return Err(self.unknown(&assignment.name, place)),
            }
        }
        Ok((layer, notes))
    }

    /// What a file can give: `help` may be the name of anything in it.
    fn settings(&self) -> impl Iterator<Item = &'static Setting> + use<> {
        self.table.iter().filter(|setting| setting.storable())
    }

    /// Whether the name is only by chance that of a setting, which Gunicorn does not have: files that are written for Gunicorn have
    /// variables of their own.
    fn is_foreign(&self, setting: &Setting, value: &Value) -> bool {
        let is_refused = || match setting.kind.texts(value) {
            Ok(Some(texts)) => setting.kind.store(&texts, &mut Config::default()).is_err(),
            Ok(None) => false,
            Err(_) => true,
        };
        // Python runs already when a file in Python is read.
        let is_late = setting.name == "python" && *value != Value::Nothing;
        self.is_python && setting.gunicorn == Gunicorn::Own && (is_late || is_refused())
    }

    fn take(
        &self,
        setting: &'static Setting,
        assignment: &Assignment,
        place: Place,
        layer: &mut Layer,
    ) -> Result<(), Error> {
        let source = Source::File(place);
        if !self.is_python && matches!(setting.kind, Kind::Hook { .. }) {
            return Err(Error::Value {
                setting: setting.name,
                value: None,
                origin: Box::new(source),
                reason: "expected it in a file in Python: a hook is a function".into(),
                hint: Some("write a `gunicorn.conf.py`, and leave this file out".into()),
            });
        }
        match setting.kind.texts(&assignment.value) {
            Ok(Some(values)) => layer.insert(setting, values, source),
            Ok(None) => {}
            Err(refusal) => {
                return Err(Error::Value {
                    setting: setting.name,
                    value: None,
                    origin: Box::new(source),
                    reason: refusal.reason,
                    hint: refusal.hint,
                });
            }
        }
        Ok(())
    }

    /// In TOML nothing else can be meant by a name.
    fn unknown(&self, name: &str, place: Place) -> Error {
        let hint = self.meant(name).map(|meant| format!("did you mean `{}`?", meant.name));
        Error::File { place, message: format!("unknown setting `{name}`"), hint }
    }

    /// In Python a name may be anybody's. It is worth a warning only if it is nearly that of a setting which could have the
    /// value.
    fn remark(&self, assignment: &Assignment, place: &Place) -> Option<Note> {
        let Assignment { name, value, .. } = assignment;
        let is_clearly_none = name.starts_with('_')
            || matches!(value, Value::Module | Value::Class(_))
            || name.chars().all(|letter| !letter.is_lowercase());
        if is_clearly_none {
            return None;
        }
        let is_function = matches!(value, Value::Function { .. });
        let meant = self.meant(name).filter(|setting| match setting.kind {
            Kind::Hook { .. } => is_function,
            kind => !is_function && could_be(kind, value),
        });
        match meant {
            Some(setting) => {
                let text = format!("{place}: there is no setting `{name}`");
                Some(Note::warning(text, Some(format!("did you mean `{}`?", setting.name))))
            }
            None if is_function => None,
            None => Some(Note::debug(format!("{place}: `{name}` is no setting"))),
        }
    }

    /// The setting that was probably meant: one with an option of this name, or one with nearly this name.
    fn meant(&self, name: &str) -> Option<&'static Setting> {
        let option = name.replace('_', "-");
        let by_option = self
            .settings()
            .find(|setting| setting.long_options().any(|flag| flag.replace('_', "-") == option));
        by_option.or_else(|| {
            let near = nearest(name, self.settings().map(|setting| setting.name))?;
            self.settings().find(|setting| setting.name == near)
        })
    }
}

/// What is said of a name that is only by chance that of a setting; of functions and modules it is clear.
fn not_taken(setting: &Setting, value: &Value, place: &Place) -> Option<Note> {
    if matches!(value, Value::Function { .. } | Value::Module | Value::Class(_)) {
        return None;
    }
    let name = setting.name;
    let text = match name {
        "python" => format!("{place}: `{name}` is ignored: a file in Python cannot choose the Python"),
        _ => {
            format!("{place}: `{name}` is not taken for the setting of rwsgi: expected {}", setting.expects())
        }
    };
    Some(Note::warning(
        text,
        Some("Gunicorn has no setting of this name; rename what is not meant as one".into()),
    ))
}

/// Whether a setting of this kind takes the value.
fn could_be(kind: Kind, value: &Value) -> bool {
    let texts = kind.texts(value).ok().flatten().filter(|texts| !texts.is_empty());
    texts.is_some_and(|texts| kind.store(&texts, &mut Config::default()).is_ok())
}
