//! What both sides of an answer speak of: its header fields, made by `wsgi`, read and sent by `http`.
//!
//! What this room does: holds checked header fields in the form in which they go out, so that an answer on its way to the
//! client is copied and not built anew.
//! What it must not know: Python, connections, what a field means.
//! Who calls it: `wsgi` fills [`Fields`], `worker` carries them, `http` adds its own and sends them.
//!
//! Read in this order: `name`, `fields`.

mod fields;
mod name;

pub use fields::Fields;
pub use name::{FieldName, is_field_value};
