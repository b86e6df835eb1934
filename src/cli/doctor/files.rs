//! Who can get at the files that evictd goes by: nobody but root and evictd may write to any of them, and nobody else
//! may read a secret.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::page::Row;
use crate::cli::account::uid;
use crate::cli::load::{Loaded, policy_files};
use crate::config::{AlertSettings, Auth, Revoker, SecretReference};
use crate::diagnostic::Findings;
use crate::model::Foreign;
use crate::report::counted;

/// What is wrong with each; one row if nothing is. What is not there is told by whoever needs it.
pub(super) fn look(loaded: &Loaded, config: &Path) -> Vec<Row> {
    let found = |path: &Path| std::fs::metadata(path).ok().map(|metadata| (path.to_owned(), metadata));
    let (state, trail) = (&loaded.settings.state, &loaded.settings.trail);
    let own = [state.clone(), trail.clone(), loaded.state(), loaded.trail()];
    let files: Vec<PathBuf> = std::iter::once(config.to_owned())
        .chain(policies(loaded))
        .chain(secrets(loaded))
        .chain(authority(loaded))
        .chain(signers(loaded))
        .collect();
    let folders: BTreeSet<PathBuf> = files.iter().filter_map(|file| folder_of(file)).chain(own).collect();
    let looked: Vec<(PathBuf, Metadata)> = files.iter().chain(&folders).filter_map(|path| found(path)).collect();
    let owners = owners(loaded);
    let secrets = secrets(loaded);
    let wrong =
        looked.iter().flat_map(|(path, metadata)| faults(path, metadata, secrets.contains(path), owners.as_deref()));
    let wrong: Vec<Row> = wrong.collect();
    if wrong.is_empty() {
        let number = counted(looked.len(), "file or folder", "files and folders");
        return vec![Row::good("files", format!("{number} that only those may write to who should"))];
    }
    wrong
}

fn policies(loaded: &Loaded) -> Vec<PathBuf> {
    policy_files(loaded, &mut Findings::default()).unwrap_or_default()
}

/// Who may sign; the signatures themselves prove what they are, whoever wrote them.
fn signers(loaded: &Loaded) -> Option<PathBuf> {
    loaded.account.signatures.as_ref().map(|settings| settings.allowed_signers.clone())
}

/// Files that hold a secret: the account's, and those of whoever is told of alerts.
fn secrets(loaded: &Loaded) -> Vec<PathBuf> {
    let revoker = match &loaded.account.revoker {
        Revoker::Own(auth) => Some(auth),
        Revoker::Reader | Revoker::None => None,
    };
    let AlertSettings { webhook, smtp, .. } = &loaded.settings.alerts;
    let signs = webhook.as_ref().map(|webhook| &webhook.secret);
    let login = smtp.as_ref().and_then(|smtp| smtp.login.as_ref()).map(|login| &login.password);
    let all = std::iter::once(&loaded.account.auth).chain(revoker).map(Auth::secret).chain(signs).chain(login);
    all.filter_map(|reference| match reference {
        SecretReference::File(path) => Some(path.clone()),
        SecretReference::Credential(_) | SecretReference::Env(_) => None,
    })
    .collect()
}

/// Whoever may write to this decides which mail server is believed.
fn authority(loaded: &Loaded) -> Option<PathBuf> {
    loaded.settings.alerts.smtp.as_ref().and_then(|smtp| smtp.ca.clone())
}

/// The folder in which a file can be replaced.
fn folder_of(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    Some(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() })
}

/// Who may own them: root, whoever asks, and for root whose the account's state is. None if that cannot be told.
fn owners(loaded: &Loaded) -> Option<Vec<u32>> {
    let asks = uid()?;
    let of_state = std::fs::metadata(loaded.state()).ok().map(|metadata| metadata.uid()).filter(|_| asks == 0);
    Some([0, asks].into_iter().chain(of_state).collect())
}

fn faults(path: &Path, metadata: &Metadata, is_secret: bool, owners: Option<&[u32]>) -> Vec<Row> {
    let shown = Foreign::new(path.to_string_lossy());
    let mode = metadata.permissions().mode() & 0o777;
    let mut rows = Vec::new();
    if is_secret && mode & 0o077 != 0 {
        let what = format!("others than its owner can get at the secret `{shown}`: its mode is {mode:03o}");
        rows.push(Row::bad("files", what).help(format!("chmod 600 {shown}, and have the secret replaced")));
    } else if mode & 0o022 != 0 {
        let what = format!("others than its owner can write to `{shown}`: its mode is {mode:03o}");
        rows.push(Row::bad("files", what).help(format!("chmod go-w {shown}")));
    }
    let owner = metadata.uid();
    if owners.is_some_and(|owners| !owners.contains(&owner)) {
        let what = format!("`{shown}` belongs to user {owner}, who is neither root nor who asks");
        rows.push(
            Row::bad("files", what)
                .help("ask as evictd's own user, such as `runuser -u evictd -- evictd doctor`; else chown it"),
        );
    }
    rows
}
