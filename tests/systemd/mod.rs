//! The units of `docs/deploy/systemd` under a real systemd: `sandbox` boots one, where that is possible; elsewhere these tests
//! say aloud that they were skipped.

mod https;
mod notifying;
mod running;
mod sandbox;
mod several;
