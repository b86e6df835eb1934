//! The seam to the disk: a folder that can be appended to, made durable, read and cut; and its simulated twin.
//!
//! Everything that must survive a crash goes through [`Medium`]. Reading configuration, policies and secrets, and the
//! lock, live in this room too. Modes are those of a private daemon: files 0600, folders 0700.

mod disk;
mod good;
mod kept;
mod lock;
mod medium;
mod memory;
mod origin;
mod pattern;
mod pause;
mod read;

pub(crate) use disk::must_be_regular;
pub use disk::{Disk, FILE_BYTES_MAX, belong};
pub use good::{GoodSet, GoodTrouble, keep as keep_good, kept as kept_good};
pub use kept::{read_kept, write_kept};
pub use lock::{Lock, LockTrouble};
pub use medium::Medium;
pub use memory::MemoryMedium;
pub use origin::{commit_of, owner_of};
pub use pattern::matching_files;
pub use pause::{read_pause, remove_pause, write_pause};
pub use read::{
    FileFault, FileTrouble, open_regular, read_bytes, read_credential, read_secret, read_text, read_with_metadata,
};
