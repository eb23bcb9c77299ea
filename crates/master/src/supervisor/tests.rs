use super::*;

mod boot;
mod reload;
mod stopping;
mod world;
