//! Requests: protocol, environ, failures, threads, time-outs, logs.
mod bodies;
mod corpus;
mod environ;
mod failures;
mod forks;
mod idle;
mod logs;
mod protocol;
mod readers;
mod threads;
mod timeout;
