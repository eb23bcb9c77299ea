//! Whom the workers run as, and what has to be theirs for that.

use std::path::Path;

use rwsgi_config::Config;
use rwsgi_os::{Identity, Owner};

use crate::error::Error;

/// The user and group of the settings; `None` when the workers stay what the master is.
pub(crate) fn identity(config: &Config) -> Result<Option<Identity>, Error> {
    let (user, group) = (config.user.as_deref(), config.group.as_deref());
    Identity::resolve(user, group, config.initgroups).map_err(Error::Identity)
}

/// Whom files belong to that the workers open again.
pub(crate) fn owner(identity: Option<&Identity>) -> Owner {
    identity.map_or_else(Owner::default, Identity::owner)
}

/// Looks whether the workers will be able to write bodies to files: told now, not at the first large upload.
pub(crate) fn check_bodies(config: &Config, identity: &Identity) -> Result<(), Error> {
    let system = std::env::temp_dir();
    let path: &Path = config.body_temp_dir.as_deref().unwrap_or(&system);
    if identity.can_write(path)? {
        return Ok(());
    }
    Err(Error::Bodies { path: path.to_owned() })
}
