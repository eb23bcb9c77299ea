//! What the settings say of files that are sent without the application.

use std::{path::PathBuf, time::Duration};

/// The settings of the section "Static files".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticFiles {
    /// Directories whose files are sent without the application: prefixes of URL paths, which begin with `/`, with their
    /// directories, both as they were written, in the given order and each prefix once.
    pub folders: Vec<(String, PathBuf)>,
    /// The same for files that visitors have uploaded.
    pub uploads: Vec<(String, PathBuf)>,
    /// Whether the static files of a Django site are sent likewise.
    pub django: DjangoStatic,
    /// Whether its uploads are.
    pub django_uploads: bool,
    /// Whether browsers may open uploaded pages as pages of the site.
    pub inline_uploads: bool,
    /// The name of the file that stands for its directory; `None`: no file does.
    pub index: Option<String>,
    /// How long clients may use such a file without asking; `None`: not at all.
    pub max_age: Option<Duration>,
    /// What becomes of a path that names no file.
    pub miss: StaticMiss,
    /// Bytes of memory of a worker for such files; 0 keeps none.
    pub cache: u64,
}

/// Whether the static files of a Django site are sent without the application.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DjangoStatic {
    /// Unless WhiteNoise does it.
    #[default]
    Auto,
    /// Whoever else does it.
    On,
    /// Never.
    Off,
}

impl DjangoStatic {
    /// Every choice, in the order of [`DjangoStatic::WORDS`].
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::On, Self::Off];

    /// The choices as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["auto", "on", "off"];

    /// What a file may say for them.
    pub(crate) const SYNONYMS: &'static [(&'static str, &'static str)] =
        &[("true", "on"), ("yes", "on"), ("1", "on"), ("false", "off"), ("no", "off"), ("0", "off")];
}

/// What becomes of a path below a static prefix that names no file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StaticMiss {
    /// It is answered 404.
    #[default]
    NotFound,
    /// It is one for the application.
    App,
}

impl StaticMiss {
    /// Every choice, in the order of [`StaticMiss::WORDS`].
    pub(crate) const ALL: [Self; 2] = [Self::NotFound, Self::App];

    /// The choices as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["404", "app"];
}
