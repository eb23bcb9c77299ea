mod classes;
mod corpus;
mod hyper;
mod pieces;
#[path = "../../../../../tests/requests/mod.rs"]
mod requests;
mod stages;
