//! Who may sign: a file in the format of OpenSSH's allowed signers, read strictly. What cannot be understood is refused
//! and not passed over, since a key that is let in by mistake may sign for somebody.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ssh_key::PublicKey;
use ssh_key::public::KeyData;

use super::seal::{NAMESPACE, fingerprint, is_good_key};
use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};
use crate::model::is_harmful;
use crate::record::sha256_hex;

/// No file of allowed signers is larger, in bytes.
pub const SIGNERS_BYTES_MAX: u64 = 1 << 20;

/// Nor has more lines: each is held against each.
const SIGNERS_MAX: usize = 1_000;

/// Everybody who may sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    /// SHA-256 of the file, hexadecimal.
    pub digest: String,
    signers: Vec<Signer>,
}

/// A key, and who has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signer {
    /// The names as they stand there.
    pub(super) principal: String,
    /// Which person that is: keys that share a name, even by way of a third, are of one.
    pub(super) person: usize,
    key: KeyData,
    /// Whether it may sign policies.
    is_for_policies: bool,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl Signers {
    /// Reads the file. Nothing is returned if any line is at fault.
    pub fn read(source: &Source, findings: &mut Findings) -> Option<Self> {
        let before = findings.errors();
        let mut signers: Vec<Signer> = Vec::new();
        let mut start = 0;
        for line in source.text.split_inclusive('\n') {
            let span = start..start + line.trim_end().len();
            start += line.len();
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match signer_of(line) {
                Ok(one) if signers.iter().any(|other| other.key == one.key) => {
                    let help = "keep one line for each key, with all names of whoever has it";
                    findings.push(fault(source, span, "the key stands there twice".to_owned()).help(help));
                }
                Ok(one) => signers.push(one),
                Err((why, help)) => findings.push(fault(source, span, why).help(help)),
            }
            if signers.len() > SIGNERS_MAX {
                findings.push(fault(source, 0..0, format!("there are more than {SIGNERS_MAX} keys")));
                break;
            }
        }
        if signers.is_empty() && findings.errors() == before {
            let help =
                "add a line for each signer: a name and the public key, as in `alice@example.com ssh-ed25519 AAAA…`";
            findings.push(fault(source, 0..0, "nobody may sign".to_owned()).help(help));
        }
        number_people(&mut signers);
        (findings.errors() == before).then(|| Self { digest: sha256_hex(source.text.as_bytes()), signers })
    }

    /// Who has this key, if it may sign policies now; else why not.
    pub(super) fn owner(&self, key: &KeyData, now: Timestamp) -> Result<&Signer, String> {
        let shown = fingerprint(key);
        let found = self.signers.iter().find(|signer| signer.key == *key);
        let signer = found.ok_or(format!("its key {shown} is not among the allowed signers"))?;
        let who = &signer.principal;
        if !signer.is_for_policies {
            return Err(format!("{who} may not sign with {shown} for `{NAMESPACE}`"));
        }
        if signer.after.is_some_and(|after| now < after) {
            return Err(format!("{who}'s key {shown} is not valid yet"));
        }
        if signer.before.is_some_and(|before| now >= before) {
            return Err(format!("{who}'s key {shown} is no longer valid"));
        }
        Ok(signer)
    }

    /// The names of everybody who may sign now, each once.
    pub(super) fn names(&self, now: Timestamp) -> Vec<(usize, &str)> {
        let mut names: BTreeMap<usize, &str> = BTreeMap::new();
        for signer in self.signers.iter().filter(|signer| self.owner(&signer.key, now).is_ok()) {
            names.entry(signer.person).or_insert(&signer.principal);
        }
        names.into_iter().collect()
    }
}

fn fault(source: &Source, span: Range<usize>, why: String) -> Diagnostic {
    Diagnostic::new(Code::BadSigner, why).at(source, span, "")
}

/// Why a line is refused, and what to do.
type Refusal = (String, &'static str);

fn signer_of(line: &str) -> Result<Signer, Refusal> {
    const SHAPE: &str = "write a name, options if any, the kind of key and the key, as in `alice ssh-ed25519 AAAA…`";
    let (principal, rest) = line.split_once([' ', '\t']).ok_or(("the line has no key".to_owned(), SHAPE))?;
    check_names(principal)?;
    let mut signer = Signer {
        principal: principal.to_owned(),
        person: 0,
        key: KeyData::Ed25519(ssh_key::public::Ed25519PublicKey([0; 32])),
        is_for_policies: true,
        after: None,
        before: None,
    };
    let mut rest = rest.trim_start();
    // A kind of key has no `=` and is none of the options.
    let first = rest.split([' ', '\t']).next().unwrap_or_default();
    if !first.starts_with("ssh-") && !first.starts_with("ecdsa-") && !first.starts_with("sk-") {
        rest = read_options(rest, &mut signer)?.trim_start();
    }
    let words: Vec<&str> = rest.split_ascii_whitespace().take(2).collect();
    let key = PublicKey::from_openssh(&words.join(" "));
    let key = key.map_err(|error| (format!("the key cannot be read: {error}"), SHAPE))?;
    // The reader takes lengths that do not fit; written again such a key is another text.
    let is_as_written = PublicKey::from(key.key_data().clone()).to_openssh().is_ok_and(|text| text == words.join(" "));
    if !is_as_written {
        return Err(("the key cannot be read: it is not as OpenSSH writes it".to_owned(), SHAPE));
    }
    is_good_key(key.key_data()).map_err(|why| (why, "take an ed25519, ECDSA, hardware or RSA key"))?;
    signer.key = key.key_data().clone();
    Ok(signer)
}

/// A person is told by a name: patterns would name anybody.
fn check_names(principal: &str) -> Result<(), Refusal> {
    let is_plain = |name: &str| {
        !name.is_empty() && !name.chars().any(|letter| is_harmful(letter) || matches!(letter, '*' | '?' | '!' | '"'))
    };
    let why = || format!("{} does not name somebody", quoted(principal));
    let help = "write names without `*`, `?`, `!` and quotes, with commas between several of one person";
    if principal.split(',').all(is_plain) { Ok(()) } else { Err((why(), help)) }
}

/// Takes the options off the front: words with commas between them, some with a value in quotes.
fn read_options<'l>(line: &'l str, signer: &mut Signer) -> Result<&'l str, Refusal> {
    const QUOTES: &str = "write options as in `namespaces=\"evictd-policies\",valid-before=\"20271231Z\"`";
    let mut rest = line;
    loop {
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let mut value = None;
        rest = after;
        if let Some(quoted) = after.strip_prefix("=\"") {
            let (inside, after) = quoted.split_once('"').ok_or(("a quote is not closed".to_owned(), QUOTES))?;
            (value, rest) = (Some(inside), after);
        }
        read_option(&name.to_ascii_lowercase(), value, signer)?;
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None if rest.starts_with([' ', '\t']) => return Ok(rest),
            None => return Err(("the options do not end where they should".to_owned(), QUOTES)),
        }
    }
}

fn read_option(name: &str, value: Option<&str>, signer: &mut Signer) -> Result<(), Refusal> {
    const TIME: &str = "write a UTC time as `20271231Z`, `202712311200Z` or `20271231120000Z`: without the Z it would mean \
                        another instant on another host";
    let instant = |value: Option<&str>| {
        value.and_then(instant_of).map(Some).ok_or((format!("the value of `{name}` is no instant"), TIME))
    };
    match (name, value) {
        ("namespaces", Some(value)) => {
            if value.contains(['*', '?', '!']) {
                let help = "name each purpose, as in `namespaces=\"evictd-policies\"`";
                return Err(("patterns of namespaces are not taken".to_owned(), help));
            }
            signer.is_for_policies &= value.split(',').any(|one| one.trim() == NAMESPACE);
        }
        ("valid-after", value) => signer.after = instant(value)?,
        ("valid-before", value) => signer.before = instant(value)?,
        ("cert-authority", _) => {
            let help = "write a line for each signer's own key";
            return Err(("certificates are not taken: who signs must stand in this file".to_owned(), help));
        }
        _ => {
            let help = "the options are `namespaces=`, `valid-after=` and `valid-before=`";
            return Err((format!("{} is neither an option nor a kind of key", quoted(name)), help));
        }
    }
    Ok(())
}

/// `YYYYMMDD`, with `HHMM` or `HHMMSS` behind it, and `Z`.
fn instant_of(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let part = |range: Range<usize>| digits.get(range).map_or(Some(0), |part| part.parse::<i8>().ok());
    if ![8, 12, 14].contains(&digits.len()) {
        return None;
    }
    let year = digits.get(0..4)?.parse().ok()?;
    let time = DateTime::new(year, part(4..6)?, part(6..8)?, part(8..10)?, part(10..12)?, part(12..14)?, 0).ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

/// Gives all keys of one person the same number: names are compared without regard to case.
fn number_people(signers: &mut [Signer]) {
    let names: Vec<Vec<String>> =
        signers.iter().map(|signer| signer.principal.split(',').map(str::to_lowercase).collect()).collect();
    for (at, signer) in signers.iter_mut().enumerate() {
        signer.person = at;
    }
    let mut of_name: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, names) in names.iter().enumerate() {
        for name in names {
            let Some(same) = of_name.get(name.as_str()).and_then(|first| signers.get(*first)).map(|one| one.person)
            else {
                of_name.insert(name, at);
                continue;
            };
            let Some(own) = signers.get(at).map(|signer| signer.person) else { continue };
            let (least, most) = (own.min(same), own.max(same));
            for signer in signers.iter_mut().filter(|signer| signer.person == most) {
                signer.person = least;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const BOB: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAfuCHKVTjquxvt6CM6tdG4SLp1Btn/nOeHHE5UOzRdf";

    fn read(text: &str) -> Result<Signers, Vec<String>> {
        let mut findings = Findings::default();
        let read = Signers::read(&Source::new("allowed_signers", text), &mut findings);
        read.ok_or_else(|| findings.sorted().iter().map(|one| one.message.clone()).collect())
    }

    fn allowed(text: &str, now: &str) -> Vec<String> {
        let signers = read(text).unwrap();
        signers.names(now.parse().unwrap()).into_iter().map(|(_, name)| name.to_owned()).collect()
    }

    const NOW: &str = "2026-11-27T12:00:00Z";

    #[test]
    fn names_options_and_times_are_read_as_openssh_reads_them() {
        let check = |text: &str, names: &[&str]| assert_eq!(allowed(text, NOW), names, "{text}");
        check(&format!("# who\n\nalice@example.com {ALICE} a comment\n"), &["alice@example.com"]);
        check(&format!("alice namespaces=\"git,evictd-policies\" {ALICE}"), &["alice"]);
        check(&format!("alice namespaces=\"git\" {ALICE}\nbob {BOB}"), &["bob"]);
        check(&format!("alice valid-after=\"20261127Z\",valid-before=\"202611271201Z\" {ALICE}"), &["alice"]);
        check(&format!("alice valid-before=\"20261127120000Z\" {ALICE}\nbob {BOB}"), &["bob"]);
        check(&format!("alice VALID-AFTER=\"202611271201Z\" {ALICE}\nbob\t{BOB}"), &["bob"]);
    }

    #[test]
    fn keys_that_share_a_name_are_of_one_person() {
        let check = |text: &str, people: usize| assert_eq!(allowed(text, NOW).len(), people, "{text}");
        check(&format!("alice {ALICE}\nbob {BOB}"), 2);
        check(&format!("alice {ALICE}\nalice {BOB}"), 1);
        check(&format!("alice {ALICE}\nAlice,bob {BOB}"), 1);
        let third = BOB.replace("dG4SLp1Btn", "dG4SLp1Btm");
        check(&format!("alice {ALICE}\nbob {BOB}\ncarol {third}"), 3);
        check(&format!("alice {ALICE}\nbob {BOB}\nbob,alice {third}"), 1);
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        let check = |text: &str, part: &str| {
            let found = read(text).unwrap_err();
            assert!(found.iter().any(|one| one.contains(part)), "{text}: {found:?}");
        };
        check("", "nobody may sign");
        check("# alice\n", "nobody may sign");
        check("alice", "no key");
        check(&format!("alice cert-authority {ALICE}"), "certificates are not taken");
        check(&format!("* {ALICE}"), "does not name somebody");
        check(&format!("alice,, {ALICE}"), "does not name somebody");
        check(&format!("alice no-touch-required {ALICE}"), "neither an option nor a kind of key");
        check(&format!("alice namespaces=\"*\" {ALICE}"), "patterns");
        check(&format!("alice namespaces=\"git {ALICE}"), "not closed");
        check(&format!("alice valid-before=\"20271231\" {ALICE}"), "no instant");
        check(&format!("alice valid-before=\"20271331Z\" {ALICE}"), "no instant");
        check(&format!("alice valid-before {ALICE}"), "no instant");
        check(&format!("alice {ALICE}\nbob {ALICE}"), "stands there twice");
        check(&format!("alice {}", ALICE.replace("AAAAIL", "AAAAKL")), "cannot be read");
        check("alice ssh-dss AAAA", "cannot be read");
        check(&format!("alice {}", ALICE.trim_end_matches("Sqti")), "cannot be read");
    }
}
