//! Settings that are one of a few things.

use std::path::PathBuf;

/// The number of worker processes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Workers {
    /// As many as the processors that this process may use.
    #[default]
    Auto,
    /// This many, at least 1.
    Count(usize),
}

/// Where a log goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogTarget {
    /// The standard stream that belongs to the log, written as `-`.
    #[default]
    Std,
    /// A file to append to.
    File(PathBuf),
}

/// The severities of the error log, from the most talkative to the quietest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Details for finding a fault.
    Debug,
    /// Starts, stops and other normal events.
    #[default]
    Info,
    /// Something is odd and was dealt with.
    Warning,
    /// Something failed.
    Error,
    /// The server cannot go on.
    Critical,
}

impl LogLevel {
    /// Every level, in the order of [`LogLevel::WORDS`].
    pub(crate) const ALL: [Self; 5] = [Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical];

    /// The levels as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["debug", "info", "warning", "error", "critical"];
}

/// How lines of the logs are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// As Gunicorn writes them.
    #[default]
    Text,
    /// An object of JSON each.
    Json,
}

impl LogFormat {
    /// Every format, in the order of [`LogFormat::WORDS`].
    pub(crate) const ALL: [Self; 2] = [Self::Text, Self::Json];

    /// The formats as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["text", "json"];
}

/// What is done with a header whose name has an underscore, which the environ cannot tell from the one with
/// a hyphen (`X_Forwarded_For`), unless `forwarder_headers` allows it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HeaderMap {
    /// The header is left out.
    #[default]
    Drop,
    /// The request is answered 400.
    Refuse,
    /// The application sees it as if it had a hyphen.
    Dangerous,
}

impl HeaderMap {
    /// Every way, in the order of [`HeaderMap::WORDS`].
    pub(crate) const ALL: [Self; 3] = [Self::Drop, Self::Refuse, Self::Dangerous];

    /// The ways as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["drop", "refuse", "dangerous"];
}

/// Which versions of the PROXY protocol connections may begin with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// None: its header is a malformed request.
    #[default]
    Off,
    /// Version 1, a line of text.
    V1,
    /// Version 2, binary.
    V2,
    /// Either version.
    Auto,
}

impl ProxyProtocol {
    /// Every choice, in the order of [`ProxyProtocol::WORDS`].
    pub(crate) const ALL: [Self; 4] = [Self::Off, Self::V1, Self::V2, Self::Auto];

    /// The choices as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["off", "v1", "v2", "auto"];

    /// What Gunicorn takes for them too.
    pub(crate) const SYNONYMS: &'static [(&'static str, &'static str)] =
        &[("false", "off"), ("none", "off"), ("0", "off"), ("true", "auto"), ("1", "auto")];
}

/// How a change of a file is seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ReloadEngine {
    /// By inotify where it works, else by looking.
    #[default]
    Auto,
    /// By looking at the files again and again.
    Poll,
    /// The kernel tells (`inotify(7)`).
    Inotify,
}

impl ReloadEngine {
    /// Every way, in the order of [`ReloadEngine::WORDS`].
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Poll, Self::Inotify];

    /// The ways as the command line writes them.
    pub(crate) const WORDS: &'static [&'static str] = &["auto", "poll", "inotify"];
}
