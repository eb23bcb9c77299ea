//! Values as a settings file has them, whether it is written in Python or in TOML.

/// What a name of a settings file stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Python's `None`.
    Nothing,
    Truth(bool),
    Integer(i128),
    Decimal(f64),
    Text(String),
    /// Also a tuple or a set.
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
    /// Anything that can be called and is no class.
    Function {
        /// As Gunicorn prints it: `pre_fork()`.
        name: String,
        /// How many positional parameters it has; `None` if that cannot be told.
        parameters: Option<usize>,
    },
    /// A class, by its dotted name.
    Class(String),
    Module,
    Bytes,
    /// An object of this type.
    Other(String),
}

/// One name of a settings file with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    /// Where the file gives it, counted from 1.
    pub(crate) line: Option<u32>,
    pub(crate) value: Value,
}

impl Value {
    /// What it is, as the end of a sentence: "found …".
    pub(crate) fn described(&self) -> String {
        match self {
            Self::Nothing => "`None`".into(),
            Self::Truth(true) => "`true`".into(),
            Self::Truth(false) => "`false`".into(),
            Self::Integer(number) => format!("the number {number}"),
            Self::Decimal(number) => format!("the number {number:?}"),
            Self::Text(text) => format!("the text `{text}`"),
            Self::List(_) => "a list".into(),
            Self::Map(_) => "a dictionary".into(),
            Self::Function { .. } => "a function".into(),
            Self::Class(name) => format!("the class `{name}`"),
            Self::Module => "a module".into(),
            Self::Bytes => "bytes".into(),
            Self::Other(name) => format!("an object of the type `{name}`"),
        }
    }
}
