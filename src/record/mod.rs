//! The trail's records: their kinds, their exact bytes, how one links to the next, and verification over lines.
//!
//! Pure: it knows no file. What is hashed is the bytes as written, which are never parsed and written again.

mod bodies;
mod entry;
mod hmac;
mod line;
mod names;
mod personal;
mod text;
mod verification;
mod verify;

pub use bodies::*;
pub use entry::Entry;
pub use hmac::hmac_sha256_hex;
pub use line::{
    FIRST_PREV, Head, LINE_BYTES_MAX, Line, VERSION, digest_of_files, instant_text, line_bytes, sha256_hex, whole_lines,
};
pub use names::{segment_name, segment_of, sidecar_name, sidecar_of};
pub use personal::{Personal, SALT_BYTES, Sealed, Sidecar, personal_beyond, seal, sidecar_length_up_to};
pub use text::{json_of, one_line, page, sessions_of, users_of};
pub use verification::{FAULTS_LISTED_MAX, Verification};
pub use verify::{Fault, Verifier};
