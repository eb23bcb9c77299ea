use std::env;

use crate::{Error, assert_single_threaded, handover, inherited};

/// Takes a variable out of the environment of this process: those that it starts do not see it.
///
/// # Errors
/// It is there, and the process has more than one thread: another one may be reading the environment.
pub(crate) fn take_variable(name: &str) -> Result<Option<String>, Error> {
    let Some(value) = env::var_os(name) else { return Ok(None) };
    assert_single_threaded()?;
    // SAFETY: this is the only thread, as was just checked, and nobody else can read or write the environment.
    unsafe { env::remove_var(name) };
    Ok(Some(value.to_string_lossy().into_owned()))
}

/// The variables that are for the server alone. They are gone from the environment of the process, but a Python that was
/// there before has read them.
pub fn private_variables() -> impl Iterator<Item = &'static str> {
    inherited::ACTIVATION_VARIABLES.into_iter().chain(handover::VARIABLES)
}
