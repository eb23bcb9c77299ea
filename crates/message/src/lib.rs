//! What `http` and `wsgi` both speak of: the head of a request, and the header fields of its answer.
//!
//! What this room does: holds what is known of a request, and checked header fields of an answer in the form in which they go out, so that an answer on its way to the
//! client is copied and not built anew.
//! What it must not know: Python, connections, what a field means.
//! Who calls it: `wsgi` fills [`Fields`], `worker` carries them, `http` adds its own and sends them.
//!
//! Read in this order: `request_head`, `name`, `fields`.

mod fields;
mod name;
mod request_head;

pub use fields::Fields;
pub use name::{FieldName, is_field_value};
pub use request_head::RequestHead;
