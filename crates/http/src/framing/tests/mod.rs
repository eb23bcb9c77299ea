mod classes;
mod corpus;
mod hyper;
mod mutator;
mod pieces;
#[path = "../../../../../tests/requests/mod.rs"]
mod requests;
mod seen;
mod stages;
