//! Versions of the file: which one it is, and the numbered steps that bring it to the newest.
//!
//! A step that was released is never edited; what changes comes as the next number.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::fault::told;
use crate::state::StateTrouble;

/// The steps, each bringing the file from the version of its index to the next.
pub(super) const STEPS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];

/// What the header of our files says (`evct`); the first step writes it.
const APPLICATION: i64 = 0x6576_6374;

/// The version of the file; 0 while there is nothing in it.
pub(super) fn version(file: &Connection, path: &Path, known: usize) -> Result<usize, StateTrouble> {
    let number = |sql| file.query_row(sql, [], |row| row.get(0)).map_err(|error| told(path, &error));
    let found: i64 = number("PRAGMA user_version")?;
    let things: i64 = number("SELECT count(*) FROM sqlite_schema")?;
    let application: i64 = number("PRAGMA application_id")?;
    if (found, things, application) == (0, 0, 0) {
        return Ok(0);
    }
    match usize::try_from(found) {
        Ok(found) if application == APPLICATION && (1..=known).contains(&found) => Ok(found),
        Ok(found) if application == APPLICATION && found > known => {
            Err(StateTrouble::Newer { path: path.to_owned(), found: found as u64, known: known as u64 })
        }
        _ => Err(StateTrouble::broken(path, "it is not a file of evictd's state")),
    }
}

/// Brings the file to the newest version, all steps or none. A file of a newer version is left as it is.
pub(super) fn migrate(file: &mut Connection, path: &Path, steps: &[&str]) -> Result<(), StateTrouble> {
    if version(file, path, steps.len())? == steps.len() {
        return Ok(());
    }
    let told = |error| told(path, &error);
    let change = file.transaction_with_behavior(TransactionBehavior::Immediate).map_err(told)?;
    // Somebody may have been faster.
    let from = version(&change, path, steps.len())?;
    for (number, step) in (1_i64..).zip(steps).skip(from) {
        change.execute_batch(step).map_err(told)?;
        change.pragma_update(None, "user_version", number).map_err(told)?;
    }
    change.commit().map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[&str] = &[STEPS[0], "ALTER TABLE list ADD COLUMN owner TEXT; CREATE TABLE later (id INTEGER) STRICT;"];
    const FAULTY: &[&str] = &[STEPS[0], "CREATE TABLE later (id INTEGER) STRICT; CREATE NONSENSE;"];

    fn path() -> &'static Path {
        Path::new("state.sqlite")
    }

    fn tables(file: &Connection) -> i64 {
        file.query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_empty_file_gets_every_step_and_an_older_one_the_rest() {
        let mut fresh = Connection::open_in_memory().unwrap();
        assert_eq!(version(&fresh, path(), 2).unwrap(), 0);
        migrate(&mut fresh, path(), TWO).unwrap();
        let mut older = Connection::open_in_memory().unwrap();
        migrate(&mut older, path(), &TWO[..1]).unwrap();
        assert_eq!(version(&older, path(), 2).unwrap(), 1);
        migrate(&mut older, path(), TWO).unwrap();
        for file in [fresh, older] {
            assert_eq!((version(&file, path(), 2).unwrap(), tables(&file)), (2, 8));
        }
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_before() {
        let mut file = Connection::open_in_memory().unwrap();
        migrate(&mut file, path(), &TWO[..1]).unwrap();
        let before = tables(&file);
        assert!(migrate(&mut file, path(), FAULTY).is_err());
        assert_eq!((version(&file, path(), 2).unwrap(), tables(&file)), (1, before));
    }

    #[test]
    fn what_is_newer_or_not_ours_is_refused() {
        let mut file = Connection::open_in_memory().unwrap();
        migrate(&mut file, path(), TWO).unwrap();
        let newer = migrate(&mut file, path(), &TWO[..1]).unwrap_err();
        assert_eq!(newer.to_string(), "`state.sqlite` has version 2, and this evictd knows versions up to 1");
        for sql in ["CREATE TABLE t (x)", "PRAGMA user_version = 1", "PRAGMA application_id = 1"] {
            let mut other = Connection::open_in_memory().unwrap();
            other.execute_batch(sql).unwrap();
            assert!(matches!(migrate(&mut other, path(), STEPS), Err(StateTrouble::Broken { .. })), "{sql}");
        }
    }
}
