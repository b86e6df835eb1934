//! Where the daemon listens for commands of humans, and who may give which: Unix groups, by role.

use std::path::{Path, PathBuf};

use super::filled;
use crate::diagnostic::Findings;
use crate::document::Table;

/// The table `[control]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlSettings {
    /// The socket; without it, `control.sock` in the folder that systemd made for the unit.
    pub socket: Option<PathBuf>,
    /// Who may look at an account and count its holds.
    pub read: Option<String>,
    /// Who may look at everything.
    pub audit: Option<String>,
    /// Who may pause, resume, discard holds and end somebody's sessions.
    pub operate: Option<String>,
    /// Who may release holds and end the pauses of others.
    pub approve: Option<String>,
}

/// Reads `control`; without it only root and evictd's own user command.
pub(super) fn read(root: &mut Table<'_>, folder: &Path, findings: &mut Findings) -> ControlSettings {
    let Some(mut table) = root.optional("control").and_then(|item| item.table(findings)) else {
        return ControlSettings::default();
    };
    let mut text = |key| table.optional(key).and_then(|item| filled(&item, findings).map(str::to_owned));
    let settings = ControlSettings {
        socket: text("socket").map(|path| folder.join(path)),
        read: text("read"),
        audit: text("audit"),
        operate: text("operate"),
        approve: text("approve"),
    };
    table.finish(findings);
    settings
}
