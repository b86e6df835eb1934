//! The manifest: the one text that is signed, and by which a policy set is known whatever folder it lies in.
//!
//! It has one form and no other: what is read is written again and must give the same bytes, so that no two readers can
//! take one signed text for two sets.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::is_harmful;
use crate::record::SERIAL_MAX;

/// The name of its file, in the folder of signatures.
pub const MANIFEST: &str = "manifest";

/// No manifest is larger, in bytes.
pub const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// The first line; the number is the version of the form.
const HEADER: &str = "evictd-policies 1";

/// A policy set as it is signed. Digests are SHA-256, hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The account's name in the configuration.
    pub account: String,
    /// Grows with every set, from 1.
    pub serial: u64,
    /// The digest of each policy file by its name, as it is seen from the configuration's folder.
    pub policies: BTreeMap<String, String>,
    /// The digest of the file of each list that is signed with the policies, by the list's name.
    pub lists: BTreeMap<String, String>,
}

impl Manifest {
    /// The text that is signed.
    pub fn text(&self) -> String {
        let mut text = format!("{HEADER}\naccount {}\nserial {}\n", self.account, self.serial);
        let lines = self.policies.iter().map(|one| ("policy", one)).chain(self.lists.iter().map(|one| ("list", one)));
        for (what, (name, digest)) in lines {
            // Writing to a text never fails.
            writeln!(text, "{what} {digest} {name}").unwrap_or_default();
        }
        text
    }

    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// When it is not in the one form that there is: the line, from 1, and what is wrong.
    pub fn read(text: &str) -> Result<Self, (usize, &'static str)> {
        if let Some(at) = text.find('\r') {
            return Err((line_of(text, at), "a line ends in CR: something changed the file on its way"));
        }
        let mut lines = (1..).zip(text.split('\n'));
        let mut next = |prefix: &str, what: &'static str| {
            let (number, line) = lines.next().unwrap_or((1, ""));
            line.strip_prefix(prefix).ok_or((number, what))
        };
        next(HEADER, "the first line is not `evictd-policies 1`")?;
        let account = next("account ", "there is no line `account NAME`")?.to_owned();
        let serial = next("serial ", "there is no line `serial NUMBER`")?.parse().unwrap_or(0);
        if !(1..=SERIAL_MAX).contains(&serial) {
            return Err((3, "the serial is no number from 1 to 999999999999"));
        }
        let mut manifest = Self { account, serial, policies: BTreeMap::new(), lists: BTreeMap::new() };
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let mut words = line.splitn(3, ' ');
            let (what, digest, name) = (words.next(), words.next(), words.next());
            let files = match what {
                Some("policy") => &mut manifest.policies,
                Some("list") => &mut manifest.lists,
                _ => return Err((number, "the line begins neither with `policy` nor with `list`")),
            };
            let (Some(digest), Some(name)) = (digest.filter(|digest| is_digest(digest)), name) else {
                return Err((number, "the line is not a word, a SHA-256 and a name"));
            };
            if files.insert(name.to_owned(), digest.to_owned()).is_some() {
                return Err((number, "the name stands there twice"));
            }
        }
        let written = manifest.text();
        if written == text {
            return Ok(manifest);
        }
        let same = written.bytes().zip(text.bytes()).take_while(|(one, other)| one == other).count();
        Err((line_of(text, same), "it is not written as `evictd policy manifest` writes it"))
    }

    /// How the set on the disk, which is this one, differs from one that was signed: what is to be told of each.
    pub fn differences(&self, signed: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.account != signed.account {
            found.push(format!("it is for account `{}`, not for `{}`", signed.account, self.account));
        }
        for (what, here, there) in
            [("policy file", &self.policies, &signed.policies), ("the file of list", &self.lists, &signed.lists)]
        {
            for (name, digest) in here {
                match there.get(name) {
                    None => found.push(format!("{what} `{name}` is on the disk and not in it")),
                    Some(other) if other != digest => found.push(format!("{what} `{name}` is another than in it")),
                    Some(_) => {}
                }
            }
            let gone = there.keys().filter(|name| !here.contains_key(*name));
            found.extend(gone.map(|name| format!("{what} `{name}` is in it and not on the disk")));
        }
        found
    }

    /// Whether a file of this name can stand in a manifest: nothing in it breaks a line or hides in one.
    pub fn can_name(name: &str) -> bool {
        !name.is_empty() && !name.chars().any(|letter| is_harmful(letter) || letter == char::REPLACEMENT_CHARACTER)
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The line, from 1, in which this byte stands.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let digest = |letter: &str| letter.repeat(64);
        Manifest {
            account: "acme".to_owned(),
            serial: 7,
            policies: BTreeMap::from([
                ("policies/a b.toml".to_owned(), digest("a")),
                ("policies/c.toml".to_owned(), digest("c")),
            ]),
            lists: BTreeMap::from([("office".to_owned(), digest("0"))]),
        }
    }

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let text = manifest().text();
        assert!(text.starts_with("evictd-policies 1\naccount acme\nserial 7\npolicy aaaa"), "{text}");
        assert!(text.ends_with(" office\n"), "{text}");
        assert_eq!(Manifest::read(&text), Ok(manifest()));
        let refused = |text: &str, line, part: &str| {
            let (at, why) = Manifest::read(text).unwrap_err();
            assert!(at == line && why.contains(part), "{at}: {why}\n{text}");
        };
        refused("", 1, "first line");
        refused(&text.replace(" 1\n", " 2\n"), 1, "first line");
        refused(&text.replace('\n', "\r\n"), 1, "ends in CR");
        refused(&text.replace("account acme\n", ""), 2, "account");
        for serial in ["0", "x", "1000000000000", "-1"] {
            refused(&text.replace("serial 7", &format!("serial {serial}")), 3, "serial");
        }
        refused(&text.replace("serial 7", "serial 07"), 3, "not written as");
        refused(&text.replace("serial 7", "serial +7"), 3, "not written as");
        refused(&text.replace("list ", "lost "), 6, "neither");
        refused(&text.replace("list 0", "list z"), 6, "SHA-256");
        refused(&text.replace("aaaa", "AAAA"), 4, "SHA-256");
        refused(&text.replace("policies/c.toml", "policies/a b.toml"), 5, "twice");
        refused(&format!("{text}\n"), 7, "not written as");
        refused(text.trim_end(), 6, "not written as");
        refused(&text.replace("evictd-policies 1\n", "evictd-policies 1 \n"), 1, "not written as");
        let lines: Vec<&str> = text.lines().collect();
        refused(&[lines[0], lines[1], lines[2], lines[4], lines[3], lines[5], ""].join("\n"), 4, "not written as");
    }

    #[test]
    fn every_difference_is_told() {
        let mut here = manifest();
        assert_eq!(here.differences(&manifest()), [""; 0]);
        here.serial = 9;
        here.policies.insert("policies/a b.toml".to_owned(), "b".repeat(64));
        let moved = here.policies.remove("policies/c.toml").unwrap();
        here.policies.insert("policies/d.toml".to_owned(), moved);
        here.lists.insert("office".to_owned(), "1".repeat(64));
        here.account = "other".to_owned();
        assert_eq!(
            here.differences(&manifest()),
            [
                "it is for account `acme`, not for `other`",
                "policy file `policies/a b.toml` is another than in it",
                "policy file `policies/d.toml` is on the disk and not in it",
                "policy file `policies/c.toml` is in it and not on the disk",
                "the file of list `office` is another than in it",
            ]
        );
    }

    #[test]
    fn a_name_that_could_break_a_line_is_none() {
        for (name, can) in [("a b.toml", true), ("Zoë.toml", true), ("", false), ("a\nb", false), ("a\u{202e}b", false)]
        {
            assert_eq!(Manifest::can_name(name), can, "{name:?}");
        }
    }
}
