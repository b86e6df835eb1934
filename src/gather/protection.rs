//! Who is protected: e-mails and ids of the configuration, resolved to people, or said to match nobody.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::records::Records;
use crate::config::ProtectedEntry;
use crate::model::{Foreign, Memory, Person, UserId};
use crate::snapshot::Protected;
use crate::zendesk::{Purpose, Trouble, Zendesk};

/// Turns e-mails into people: one exact match, or the entry did not resolve. Who could not be asked for is no such
/// entry: nobody knows then whom it protects.
pub(super) async fn resolve(
    zendesk: &Zendesk,
    entries: &[ProtectedEntry],
    records: &mut Records<'_>,
) -> Result<Protected, Trouble> {
    let mut protected = Protected::default();
    for entry in entries {
        match entry {
            ProtectedEntry::Id(user) => {
                protected.people.insert(*user);
            }
            ProtectedEntry::Email(email) => {
                let found = zendesk.person_by_email(email, records.purpose).await?.value;
                if let Some(person) = found {
                    protected.people.insert(person.id);
                    records.keep(person);
                } else {
                    protected.unresolved.push(Foreign::new(email.as_str()));
                }
            }
        }
    }
    Ok(protected)
}

/// An id that Zendesk has no record of protects nobody: it is said, like an e-mail that matches nobody.
pub(super) fn only_known(
    mut protected: Protected,
    people: &BTreeMap<UserId, Arc<Person>>,
    entries: &[ProtectedEntry],
) -> Protected {
    for entry in entries {
        if let ProtectedEntry::Id(user) = entry
            && !people.contains_key(user)
        {
            protected.unresolved.push(Foreign::new(user.to_string()));
        }
    }
    protected
}

/// Who is protected, and the records of those who are.
#[derive(Debug)]
pub struct Guarded {
    /// Whom the entries mean.
    pub protected: Protected,
    /// Their records, as far as Zendesk has them.
    pub people: BTreeMap<UserId, Arc<Person>>,
}

/// Resolves these entries as a cycle that remembers nothing would at this instant.
///
/// # Errors
///
/// When Zendesk could not be asked.
pub async fn guarded(zendesk: &Zendesk, entries: &[ProtectedEntry], now: Timestamp) -> Result<Guarded, Trouble> {
    let memory = Memory::default();
    let mut records = Records::of(&memory, Purpose::Sweep);
    let protected = resolve(zendesk, entries, &mut records).await?;
    records.read(zendesk, &protected.people, now).await?;
    let people = records.of_all(&protected.people);
    Ok(Guarded { protected: only_known(protected, &people, entries), people })
}
