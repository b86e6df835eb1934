//! Who must have signed an account's policies: where that stands, and how many it takes.
//!
//! Without the table no signature is asked for. The files themselves are read by whoever reads policies.

use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::config::filled;
use crate::config::limits::Limits;
use crate::diagnostic::{Code, Findings};
use crate::document::Table;
use crate::record::SERIAL_MAX;

/// The table `signatures` of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureSettings {
    /// The file of those who may sign, in OpenSSH's format of allowed signers.
    pub allowed_signers: PathBuf,
    /// The folder of the manifest and of the signatures of it.
    pub folder: PathBuf,
    /// How many people must have signed any set; at least 1.
    pub signers_min: usize,
    /// How many must have signed one that widens or weakens; not fewer than that.
    pub signers_to_widen_or_weaken_min: usize,
    /// The least serial of a set: what a host without a trail goes by.
    pub serial_min: u64,
    /// Bytes from the start of the configuration: what is wrong with signatures is only seen on the disk.
    pub span: Range<usize>,
}

/// More signers than anybody gathers.
const SIGNERS_MAX: u32 = 20;

/// Reads `signatures`; without it policies need none.
pub(super) fn read(account: &mut Table<'_>, folder: &Path, findings: &mut Findings) -> Option<SignatureSettings> {
    let item = account.optional("signatures")?;
    let span = item.key_span();
    let mut table = item.table(findings)?;
    let allowed = table.required("allowed-signers", findings).and_then(|item| filled(&item, findings));
    let signatures = table.optional("folder").map_or(Some("signatures"), |item| filled(&item, findings));
    let of_change = table.optional("signers-to-widen-or-weaken-min");
    let mut limits = Limits { table: &mut table, findings };
    let few = limits.number("signers-min", 1..=SIGNERS_MAX, 1);
    let most = i64::try_from(SERIAL_MAX).unwrap_or(i64::MAX);
    let serial_min = match table.optional("serial-min") {
        None => 1,
        Some(item) => item.integer_in(1..=most, findings).and_then(|serial| u64::try_from(serial).ok())?,
    };
    let many = match of_change {
        None => few.max(2),
        Some(item) => {
            let many = item.integer_in(1..=SIGNERS_MAX.into(), findings).and_then(|many| u32::try_from(many).ok())?;
            if many < few {
                let message = "`signers-to-widen-or-weaken-min` is below `signers-min`";
                findings.push(item.fault(Code::Contradiction, message).help("what does more needs no fewer people"));
            }
            many
        }
    };
    table.finish(findings);
    Some(SignatureSettings {
        allowed_signers: folder.join(allowed?),
        folder: folder.join(signatures?),
        signers_min: usize::try_from(few).ok()?,
        signers_to_widen_or_weaken_min: usize::try_from(many).ok()?,
        serial_min,
        span,
    })
}
