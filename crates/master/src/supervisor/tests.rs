use super::*;

mod boot;
mod count;
mod files;
mod health;
mod limits;
mod molds;
mod recycling;
mod reload;
mod status;
mod stopping;
mod upgrade;
mod walk;
mod world;
