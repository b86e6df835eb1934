//! What the database says, as one of the troubles of the room.

use std::path::Path;

use rusqlite::{Error, ErrorCode, ffi};

use crate::model::Foreign;
use crate::state::StateTrouble;

/// What the database says about the file at this path. The statements are ours and tested, so one that it does not
/// understand, a value of the wrong form or a row that breaks a constraint come from a file that was changed.
pub(super) fn told(path: &Path, error: &Error) -> StateTrouble {
    let (path, what) = (path.to_owned(), Foreign::new(error.to_string()));
    let Error::SqliteFailure(failure, _) = error else {
        return match error {
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
            | Error::Utf8Error(..)
            | Error::InvalidColumnType(..)
            | Error::QueryReturnedNoRows
            | Error::SqlInputError { .. } => StateTrouble::Broken { path, what },
            _ => StateTrouble::Local { path, what },
        };
    };
    match failure.code {
        _ if failure.extended_code == ffi::SQLITE_READONLY_ROLLBACK => {
            let what = Foreign::new("a write was interrupted, and the daemon undoes it when it starts");
            StateTrouble::Busy { path, what }
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::SchemaChanged => {
            StateTrouble::Busy { path, what }
        }
        ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::ConstraintViolation
        | ErrorCode::TypeMismatch
        | ErrorCode::Unknown => StateTrouble::Broken { path, what },
        _ => StateTrouble::Local { path, what },
    }
}
