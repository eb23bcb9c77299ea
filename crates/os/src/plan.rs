use crate::{BindAddress, Error, Listener, Pid};

/// A listener to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPlan {
    /// Where.
    pub address: BindAddress,
    /// How many connections may wait to be accepted.
    pub backlog: u32,
}

/// How this program was started.
#[derive(Debug, Default)]
pub struct Invocation;

impl Invocation {
    /// Notes it down.
    #[must_use]
    pub fn capture() -> Self {
        Self
    }

    /// Starts it anew.
    ///
    /// # Errors
    /// Always.
    pub fn spawn(&self, _listeners: &[&Listener], _extra: &[(&str, String)]) -> Result<Pid, Error> {
        Err(Error::system("start the program anew", std::io::Error::from(std::io::ErrorKind::Unsupported)))
    }
}
