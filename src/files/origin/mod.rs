//! Where a file comes from: whose it is, and which commit is checked out where it lies. Both are read from files alone.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::read_text;

/// No file of git's that is read here is longer, but for the list of packed references.
const BYTES_MAX: u64 = 4 << 10;
const LONG_BYTES_MAX: u64 = 4 << 20;

/// The name of the user whom a file belongs to, or the number if no name is known; none if the file cannot be looked at.
pub fn owner_of(path: &Path) -> Option<String> {
    let user = std::fs::metadata(path).ok()?.uid().to_string();
    let users = read_text(Path::new("/etc/passwd"), LONG_BYTES_MAX).unwrap_or_default();
    Some(name_of(&users, &user).unwrap_or(user))
}

fn name_of(users: &str, wanted: &str) -> Option<String> {
    users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)? == wanted).then(|| name.to_owned())
    })
}

/// The commit that is checked out where the file lies; none if that is no working copy of git, or cannot be told.
pub fn commit_of(path: &Path) -> Option<String> {
    let path = std::path::absolute(path).ok()?;
    let git = path.ancestors().skip(1).map(|folder| folder.join(".git")).find(|git| git.exists())?;
    let folder = if git.is_dir() { git } else { folder_named_in(&git)? };
    let head = read_text(&folder.join("HEAD"), BYTES_MAX).ok()?;
    let Some(reference) = head.trim().strip_prefix("ref: ") else { return commit(&head) };
    let is_plain = reference.starts_with("refs/") && !reference.split('/').any(|part| part.is_empty() || part == "..");
    if !is_plain {
        return None;
    }
    // Working copies beside the first one keep their branches in its folder.
    let common = read_text(&folder.join("commondir"), BYTES_MAX).ok();
    let common = common.map_or_else(|| folder.clone(), |common| folder.join(common.trim()));
    let loose = read_text(&common.join(reference), BYTES_MAX).ok().and_then(|text| commit(&text));
    loose.or_else(|| {
        let packed = read_text(&common.join("packed-refs"), LONG_BYTES_MAX).ok()?;
        packed.lines().find_map(|line| commit(line.strip_suffix(reference)?.strip_suffix(' ')?))
    })
}

fn folder_named_in(git: &Path) -> Option<PathBuf> {
    let text = read_text(git, BYTES_MAX).ok()?;
    Some(git.parent()?.join(text.trim().strip_prefix("gitdir: ")?))
}

fn commit(text: &str) -> Option<String> {
    let text = text.trim();
    let is_digest = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn check(files: &[(&str, &str)], wanted: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = commit_of(&folder.path().join("policies/a.toml"));
        assert_eq!(found.as_deref(), wanted, "{files:?}");
    }

    #[test]
    fn the_commit_is_told_wherever_git_keeps_it() {
        let head = (".git/HEAD", "ref: refs/heads/main\n");
        check(&[(".git/HEAD", COMMIT)], Some(COMMIT));
        check(&[head, (".git/refs/heads/main", COMMIT)], Some(COMMIT));
        let packed = format!("# pack-refs\n{COMMIT} refs/heads/other\n{COMMIT} refs/heads/main\n");
        check(&[head, (".git/packed-refs", &packed)], Some(COMMIT));
        let beside =
            [(".git", "gitdir: main/g/w\n"), ("main/g/w/HEAD", "ref: refs/heads/x"), ("main/g/w/commondir", "..\n")];
        check(&[&beside[..], &[("main/g/refs/heads/x", COMMIT)]].concat(), Some(COMMIT));
    }

    #[test]
    fn what_is_no_commit_is_none() {
        check(&[(".git/HEAD", "ref: refs/../../policies/x"), ("policies/x", COMMIT)], None);
        check(&[(".git/HEAD", "ref: refs/heads/main\n")], None);
        check(&[(".git/HEAD", "master")], None);
    }

    #[test]
    fn owners_have_names_or_numbers() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nanna:x:1001:1001::/srv/anna:\n";
        assert_eq!(name_of(users, "1001").as_deref(), Some("anna"));
        assert_eq!(name_of(users, "7"), None);
        assert_eq!(owner_of(Path::new("/nowhere/at/all")), None);
    }
}
