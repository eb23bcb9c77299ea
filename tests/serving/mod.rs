//! Requests: protocol, environ, failures, threads, time-outs, logs.
mod bodies;
mod buffering;
mod corpus;
mod crashes;
mod crowds;
mod environ;
mod failures;
mod files;
mod forks;
mod idle;
mod logs;
mod protocol;
mod queue;
mod readers;
mod threads;
mod timeout;
mod unbuffered;
