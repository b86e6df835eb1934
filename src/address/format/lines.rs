//! Formats in which each line is an entry: plain lists, and what `ipset save` prints.

use super::ListFault;
use super::gathered::Gathered;
use crate::address::ListKind;

/// The types of sets whose elements are addresses and nothing else.
const SET_TYPES: &[&str] = &["hash:ip", "hash:net", "bitmap:ip"];

/// The lines that are neither blank nor a comment, without blanks around them, with their numbers from 1.
pub(super) fn filled(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines()).map(|(number, line)| (number, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(['#', ';']))
}

/// Reads one entry from each line. A comment begins with `#` or `;`; behind a text only after a blank, since it may
/// have either inside.
pub(super) fn read_plain(text: &str, gathered: &mut Gathered) -> Result<(), ListFault> {
    for (number, line) in filled(text) {
        let needs_blank = gathered.kind() == ListKind::Text;
        let comment = line.char_indices().find(|(at, letter)| {
            let after_blank = || line.get(..*at).is_some_and(|before| before.ends_with(char::is_whitespace));
            matches!(letter, '#' | ';') && (!needs_blank || after_blank())
        });
        let entry = comment.and_then(|(at, _)| line.get(..at)).unwrap_or(line).trim_end();
        let is_range = gathered.kind() == ListKind::Address && entry.contains('-');
        if gathered.kind() != ListKind::Text && !is_range && entry.contains(char::is_whitespace) {
            gathered.refuse(number, "there is more on the line than one entry")?;
        } else {
            gathered.take(number, entry)?;
        }
    }
    Ok(())
}

/// Reads the one set of a dump. Timeouts, counters and remarks of elements are not looked at.
pub(super) fn read_ipset(text: &str, gathered: &mut Gathered) -> Result<(), ListFault> {
    let mut set: Option<String> = None;
    for (number, line) in filled(text) {
        // What stands between quotes is a remark.
        let bare: String = line.split('"').step_by(2).collect();
        let mut words = bare.split_whitespace();
        let (verb, name, what) = (words.next(), words.next(), words.next());
        if let Some(name) = name
            && set.get_or_insert_with(|| name.to_owned()) != name
        {
            return Err(ListFault::SeveralSets);
        }
        match (verb, what) {
            (Some("create"), Some(kind)) if SET_TYPES.contains(&kind) => {}
            (Some("create"), _) => return Err(ListFault::SetType),
            (Some("add"), Some(_)) if words.any(|word| word == "nomatch") => return Err(ListFault::Nomatch),
            (Some("add"), Some(element)) => gathered.take(number, element)?,
            _ => gathered.refuse(number, "it is neither `create` nor `add`")?,
        }
    }
    Ok(())
}
