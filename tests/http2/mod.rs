//! HTTP/2: what real clients get, what each frame brings about, and what becomes of those who mean harm.

mod conformance;
mod floods;
mod frames;
mod life;
