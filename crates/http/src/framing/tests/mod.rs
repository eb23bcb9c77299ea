mod classes;
mod corpus;
mod pieces;
#[path = "../../../../../tests/requests/mod.rs"]
mod requests;
mod seen;
mod stages;
