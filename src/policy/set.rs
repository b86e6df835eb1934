//! A policy set: rules, exceptions and cases as compiled from all of its files.

use std::collections::BTreeMap;
use std::sync::Arc;

use globset::GlobMatcher;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Condition, Endings, Given, Line, Test, lint};
use crate::address::{ListDecl, ListSource};
use crate::config::ScopeChoice;
use crate::facts::Kind;
use crate::model::{Action, ExceptionId, Mode, RuleId, Scope, Severity, Source, Strength};
use crate::record::{SetSigned, sha256_hex};

/// Everything that is in force together.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    /// By id, whatever the files' order.
    pub rules: Vec<Rule>,
    /// By id.
    pub exceptions: Vec<Exception>,
    /// By name; conditions refer to lists by their place here.
    pub lists: Vec<Arc<ListDecl>>,
    /// The files as read, by name.
    pub files: Vec<PolicyFile>,
    /// SHA-256 over the files' texts in order of their names, hexadecimal.
    pub digest: String,
    /// Who signed it, where that is asked for.
    pub signed: Option<Box<Signed>>,
}

/// What is known of a signed set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// What records say of it.
    pub set: SetSigned,
    /// The text that was signed.
    pub manifest: String,
    /// SHA-256 of the file of each list that was signed with the policies, hexadecimal, by the list's name.
    pub lists: BTreeMap<String, String>,
    /// One signature of each person whose signature counts; none of a set that stands in for another.
    pub by: Vec<Signature>,
}

/// A signature that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Who signed, as the file of allowed signers names them.
    pub principal: String,
    /// The key's fingerprint, as OpenSSH shows it.
    pub key: String,
    /// The signature as it was read.
    pub armor: String,
}

/// One file of a set.
#[derive(Debug, Clone)]
pub struct PolicyFile {
    /// Its name as shown.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Stable for ever.
    pub id: RuleId,
    /// One line for people.
    pub title: String,
    /// What it asks for.
    pub action: Action,
    /// How bad it is if the rule is right.
    pub severity: Severity,
    /// How far it may go.
    pub mode: Mode,
    /// Whom to ask about it.
    pub owner: Option<String>,
    /// Where it comes from.
    pub references: Vec<String>,
    /// What to tell people.
    pub message: Option<String>,
    /// The weakest claim that acts by itself.
    pub match_min: Strength,
    /// What a weaker claim does.
    pub on_ambiguous: OnAmbiguous,
    /// When it fires.
    pub when: Condition,
    /// Its tests.
    pub cases: Vec<Case>,
    /// The file it stands in, and its line there, from 1.
    pub place: (String, usize),
    /// SHA-256, hexadecimal, over everything of the set that decides what it does: its text, exceptions that speak of it,
    /// lists that are written in the policies.
    pub digest: String,
}

/// What the rules of a set ask about, as far as it costs something to find out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Where and how sessions were opened.
    pub sign_ins: bool,
    /// Where and how they are used.
    pub uses: bool,
    /// Who is in which group.
    pub groups: bool,
}

impl Needs {
    /// All of it.
    pub const EVERYTHING: Self = Self { sign_ins: true, uses: true, groups: true };
}

/// What a claim that is weaker than `match-min` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnAmbiguous {
    /// All sessions that could be meant go.
    #[default]
    RevokeCandidates,
    /// It is withheld.
    Withhold,
    /// Every session of the person goes.
    RevokeUser,
}

/// A managed spare.
#[derive(Debug, Clone)]
pub struct Exception {
    /// Its id.
    pub id: ExceptionId,
    /// The rules it speaks of.
    pub rules: Vec<GlobMatcher>,
    /// Whom it spares.
    pub when: Condition,
    /// Who answers for it.
    pub owner: String,
    /// Why it is there.
    pub reason: String,
    /// Its last day, UTC.
    pub expires: Date,
}

/// A rule's own test.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it shows.
    pub title: String,
    /// The facts it states.
    pub given: Given,
    /// The instant it happens at; exceptions are judged by it.
    pub now: Option<Timestamp>,
    /// What its own rule must come to.
    pub expect: Option<Expect>,
    /// Exactly the rules of the whole set that must fire.
    pub fires: Option<Vec<RuleId>>,
    /// Its line in the rule's file, from 1.
    pub line: usize,
}

/// What a case expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the verdicts")]
pub enum Expect {
    Revoke,
    Spare,
    Undecided,
    Keep,
}

impl PolicySet {
    /// Gives every rule its digest; nothing of the set may change after.
    pub(super) fn seal(&mut self) {
        let lists: Vec<String> = self.lists.iter().map(|list| sha256_hex(format!("{list:?}").as_bytes())).collect();
        let digests: Vec<String> = self.rules.iter().map(|rule| self.digest_of(rule, &lists)).collect();
        for (rule, digest) in self.rules.iter_mut().zip(digests) {
            rule.digest = digest;
        }
    }

    fn digest_of(&self, rule: &Rule, lists: &[String]) -> String {
        let exceptions: Vec<_> = self.exceptions.iter().filter(|one| one.covers(&rule.id)).collect();
        let lines = rule.when.lines().into_iter().chain(exceptions.iter().flat_map(|one| one.when.lines()));
        let lines: Vec<&Line> = lines.collect();
        let asks_class = lines.iter().any(|line| line.fact.kind == Kind::Classes);
        let named = |place: usize| {
            lines.iter().any(|line| matches!(&line.test, Test::Among { lists, .. } if lists.contains(&place)))
        };
        let is_asked = |(place, one): &(usize, &Arc<ListDecl>)| named(*place) || asks_class && one.class.is_some();
        let asked = self.lists.iter().enumerate().filter(is_asked);
        let lists: Vec<_> = asked.map(|(place, _)| (place, lists.get(place))).collect();
        let exceptions: Vec<_> = exceptions.iter().map(|one| (&one.when, one.expires)).collect();
        let laws = (rule.action, rule.severity, rule.mode, rule.match_min, rule.on_ambiguous, &rule.when);
        sha256_hex(format!("{laws:?}{exceptions:?}{lists:?}").as_bytes())
    }

    /// Takes only the very files of its lists that were signed with it.
    pub fn sign(&mut self, signed: Signed) {
        for (name, digest) in &signed.lists {
            if let Some(list) = self.lists.iter_mut().find(|list| *list.name == **name) {
                let mut decl = ListDecl::clone(list);
                if let ListSource::File(file) = &mut decl.from {
                    file.pinned = Some(digest.clone());
                }
                *list = Arc::new(decl);
            }
        }
        self.signed = Some(Box::new(signed));
    }

    /// What rules that are not off, and exceptions, ask about.
    pub fn needs(&self) -> Needs {
        let rules = self.rules.iter().filter(|rule| rule.mode != Mode::Off).map(|rule| &rule.when);
        let conditions = rules.chain(self.exceptions.iter().map(|exception| &exception.when));
        let mut needs = Needs::default();
        for line in conditions.flat_map(Condition::lines) {
            needs.uses |= line.fact.source == Source::Sighting;
            needs.sign_ins |= matches!(line.fact.source, Source::SignIn | Source::Sighting);
            needs.groups |= line.fact.source == Source::Groups;
        }
        needs
    }

    /// Whose sessions this choice lists under these rules: of *auto* everyone, if a rule that is not off may match
    /// somebody who is not staff. It never depends on what a listing costs.
    pub fn scope(&self, choice: ScopeChoice) -> Scope {
        let wide = |rule: &Rule| rule.mode != Mode::Off && lint::may_match_end_user(&rule.when);
        match choice {
            ScopeChoice::Of(scope) => scope,
            ScopeChoice::Auto if self.rules.iter().any(wide) => Scope::Everyone,
            ScopeChoice::Auto => Scope::Staff,
        }
    }

    /// Rules that are not off and certainly never fire in an account whose sessions end so.
    pub fn never_firing(&self, endings: Endings) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.mode != Mode::Off && lint::never_holds(&rule.when, endings))
    }
}

impl Endings {
    /// The longest life of a staff session that Zendesk allows in any account.
    pub const STAFF_AGE_MAX: SignedDuration = lint::STAFF_SESSION_MAX;
}

impl Exception {
    /// Whether it speaks of this rule.
    pub fn covers(&self, rule: &RuleId) -> bool {
        self.rules.iter().any(|pattern| pattern.is_match(rule.as_str()))
    }

    /// Whether its last day has not passed.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        end_of_day(self.expires).is_none_or(|end| now < end)
    }
}

/// The first instant after this day, UTC; none at the end of the calendar.
pub fn end_of_day(day: Date) -> Option<Timestamp> {
    day.tomorrow().ok()?.to_zoned_datetime(TimeZone::UTC).ok().map(|midnight| midnight.timestamp())
}

impl Expect {
    /// Every expectation.
    pub const ALL: &[Self] = &[Self::Revoke, Self::Spare, Self::Undecided, Self::Keep];

    /// The word in policies.
    pub fn word(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Spare => "spare",
            Self::Undecided => "undecided",
            Self::Keep => "keep",
        }
    }

    /// The expectation with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}

impl OnAmbiguous {
    /// Every way.
    pub const ALL: &[Self] = &[Self::RevokeCandidates, Self::Withhold, Self::RevokeUser];

    /// The word in policies.
    pub fn word(self) -> &'static str {
        match self {
            Self::RevokeCandidates => "revoke-candidates",
            Self::Withhold => "withhold",
            Self::RevokeUser => "revoke-user",
        }
    }

    /// The way with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.word() == word)
    }
}
