//! What no row can say alone: settings that must agree with each other.

use crate::{
    config::Config,
    error::Error,
    layer::{Layer, Source},
};

/// Looks at the settings together, after each of them has been found to be good by itself.
pub(crate) fn check(config: &Config, layer: &Layer) -> Result<(), Error> {
    if config.reload_max_unavailable == 0 && config.reload_surge == 0 {
        let settings = ["reload_max_unavailable", "reload_surge"];
        return Err(Error::Contradiction {
            settings,
            typed: settings.iter().any(|name| matches!(layer.source(name), Source::CommandLine(_))),
            reason: "both are 0, expected at least 1 for one of them",
            hint: "a reload starts a new worker before it stops an old one (`--reload-surge 1`), or stops one first \
                   (`--reload-max-unavailable 1`)",
        });
    }
    Ok(())
}
