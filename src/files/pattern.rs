//! Which files a pattern of the configuration names.
//!
//! Shell habits: `*` stops at `/` and passes over hidden names, `**` crosses folders, but no links to folders. A name
//! that matches is returned even if it is a link that leads nowhere, so that reading it says so.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobBuilder, GlobMatcher};

use super::{FileFault, FileTrouble};

/// The files that match, sorted; none is for the caller to complain about. A relative pattern starts at `base`.
///
/// # Errors
///
/// When the pattern is not one, or a folder on the way cannot be listed.
pub fn matching_files(base: &Path, pattern: &str) -> Result<Vec<PathBuf>, FileTrouble> {
    let whole = base.join(pattern);
    let steps: Vec<&str> = pattern.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
    let start = if pattern.starts_with('/') { PathBuf::from("/") } else { base.to_owned() };
    let mut found = Vec::new();
    descend(&start, &steps, &mut found).map_err(|stop| match stop {
        Stop::Folder(path, error) => FileTrouble::io(&path, &error),
        Stop::Pattern(text) => FileTrouble::new(&whole, FileFault::Other(text)),
    })?;
    found.sort();
    found.dedup();
    Ok(found)
}

enum Stop {
    Folder(PathBuf, io::Error),
    Pattern(String),
}

fn descend(folder: &Path, steps: &[&str], found: &mut Vec<PathBuf>) -> Result<(), Stop> {
    let Some((step, rest)) = steps.split_first() else { return Ok(()) };
    if *step == "**" {
        descend(folder, if rest.is_empty() { &["*"] } else { rest }, found)?;
        for name in names_in(folder)?.iter().filter(|name| !is_hidden(name)) {
            let path = folder.join(name);
            if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()) {
                descend(&path, steps, found)?;
            }
        }
        return Ok(());
    }
    let names = if step.contains(['*', '?', '[', '{', '\\']) {
        let matcher = matcher_of(step)?;
        let mut names = names_in(folder)?;
        names.retain(|name| (step.starts_with('.') || !is_hidden(name)) && matcher.is_match(name));
        names
    } else {
        vec![OsString::from(step)]
    };
    for path in names.iter().map(|name| folder.join(name)) {
        if !rest.is_empty() {
            descend(&path, rest, found)?;
        } else if !path.is_dir() && fs::symlink_metadata(&path).is_ok() {
            found.push(path);
        }
    }
    Ok(())
}

fn is_hidden(name: &OsString) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn matcher_of(step: &str) -> Result<GlobMatcher, Stop> {
    let glob: Result<Glob, _> = GlobBuilder::new(step).literal_separator(true).backslash_escape(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| Stop::Pattern(error.kind().to_string()))
}

/// The names in a folder; none if it is no folder.
fn names_in(folder: &Path) -> Result<Vec<OsString>, Stop> {
    let folder_trouble = |error: io::Error| Stop::Folder(folder.to_owned(), error);
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        other => other.map_err(folder_trouble)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(folder_trouble)?.file_name());
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in ["p/b.toml", "p/a.toml", "p/.hidden.toml", "p/a.toml.swp", "p/deep/c.toml", "p/deep/er/d.toml"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink(folder.path().join("p"), folder.path().join("p/deep/back")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("p/gone.toml")).unwrap();
        folder
    }

    #[test]
    fn patterns_match_as_in_a_shell_and_sorted() {
        let folder = folder();
        let check = |pattern: &str, expected: &[&str]| {
            let found = matching_files(folder.path(), pattern).unwrap();
            let expected: Vec<PathBuf> = expected.iter().map(|name| folder.path().join(name)).collect();
            assert_eq!(found, expected, "{pattern}");
        };
        check("p/*.toml", &["p/a.toml", "p/b.toml", "p/gone.toml"]);
        check("./p/[ab].toml", &["p/a.toml", "p/b.toml"]);
        check("p/{a,x}.toml", &["p/a.toml"]);
        check("p/*/*.toml", &["p/deep/c.toml"]);
        check("p/.*.toml", &["p/.hidden.toml"]);
        check("p/a.toml", &["p/a.toml"]);
        check("p/a.toml/*", &[]);
        check("p", &[]);
        check("none/*.toml", &[]);
        check("", &[]);
        let absolute = format!("{}/p/b.*", folder.path().display());
        assert_eq!(matching_files(Path::new("/elsewhere"), &absolute).unwrap(), [folder.path().join("p/b.toml")]);
    }

    #[test]
    fn two_stars_cross_folders_and_end_in_loops() {
        let folder = folder();
        let found = matching_files(folder.path(), "p/**/d.toml").unwrap();
        assert_eq!(found, [folder.path().join("p/deep/er/d.toml")]);
        assert_eq!(matching_files(folder.path(), "**").unwrap().len(), 6);
    }

    #[test]
    fn what_is_no_pattern_says_so() {
        let folder = folder();
        let trouble = matching_files(folder.path(), "p/[a.toml").unwrap_err();
        assert!(matches!(trouble.fault, FileFault::Other(_)), "{trouble}");
    }
}
