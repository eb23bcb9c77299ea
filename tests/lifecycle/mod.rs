//! The server changes under constant load, and no request is lost: reload, upgrade, more and fewer workers, recycling, dying
//! workers, the end. Each test prints what was counted.

mod changing;
mod dying;
mod leaving;
mod load;
mod upgrading;
