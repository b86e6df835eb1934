//! What a condition can never answer, whatever the session: rules that never fire, rules that fire on everybody,
//! exceptions that turn a rule off.
//!
//! Certain or silent: a condition is spelt out as alternatives, and each is looked at fact by fact. Where there are too
//! many alternatives, or two facts would have to be weighed against each other, nothing is said.

use std::collections::BTreeSet;
use std::ops::Range;

use jiff::SignedDuration;

use super::{Bound, Condition, Exception, Line, Rule, Test, TextTest};
use crate::diagnostic::{Code, Diagnostic, Findings, Source, quoted};
use crate::facts::{Controller, Operator, find};
use crate::model::{ClassSet, Role, Source as FactSource};

/// More alternatives than this are not looked at.
const ALTERNATIVES_MAX: usize = 500;

/// Zendesk itself ends staff sessions after this long, whatever they do.
pub(super) const STAFF_SESSION_MAX: SignedDuration = SignedDuration::from_hours(12);

/// The session itself is listed, so that these are never 0.
const COUNTED_FROM_ONE: &[&str] = &["session.count", "session.rank"];

/// Reports a rule that can never fire, or that fires on everybody.
pub(super) fn rule(when: &Condition, source: &Source, span: Range<usize>, findings: &mut Findings) {
    let mut say = |code, message: &str, help: &str| {
        findings.push(Diagnostic::new(code, message).at(source, span.clone(), "").help(help));
    };
    if never(when, true, Limits::None) {
        say(Code::NeverMatches, "no session can meet this condition", "its lines exclude each other");
    } else if never(when, true, Limits::Zendesk) {
        let help = "Zendesk itself ends staff sessions after 12h, so that an age beyond that is never seen";
        say(Code::NeverMatches, "no session can meet this condition", help);
    } else if never(when, true, Limits::Memory) {
        let help = "an earlier sign may have been forgotten; ask with `over` or `at-least` how long ago somebody left";
        say(Code::NeverMatches, "no session can be shown to meet this condition", help);
    } else if never(when, false, Limits::Zendesk) {
        say(Code::AlwaysMatches, "every session meets this condition", "add the line that tells risky ones apart");
    }
}

/// Reports an exception that spares nobody, or all that one of its rules could claim.
pub(super) fn exception(
    one: &Exception,
    rules: &[Rule],
    (source, span): (&Source, Range<usize>),
    findings: &mut Findings,
) {
    let mut say = |code, message: String, help: &str| {
        findings.push(Diagnostic::new(code, message).at(source, span.clone(), "").help(help));
    };
    if never(&one.when, true, Limits::Zendesk) {
        let help = "its lines exclude each other, or what Zendesk allows";
        return say(Code::NeverMatches, "no session can meet this condition".to_owned(), help);
    }
    let turned_off = |rule: &&Rule| {
        let left = Condition::All(vec![rule.when.clone(), Condition::Not(Box::new(one.when.clone()))]);
        one.covers(&rule.id) && !never(&rule.when, true, Limits::Zendesk) && never(&left, true, Limits::None)
    };
    for rule in rules.iter().filter(turned_off) {
        let message = format!("the exception spares every session that rule {} could claim", quoted(rule.id.as_str()));
        say(Code::SparesEveryone, message, "set the rule's mode to `off`, or spare fewer");
    }
}

/// Whether some session of somebody who is not staff may meet this condition: certain only where the answer is no.
pub(super) fn may_match_end_user(when: &Condition) -> bool {
    let Some(fact) = find("user.role") else { return true };
    let words = [Role::EndUser.word().to_owned()].into_iter().collect();
    let test = Test::Text(TextTest::In(std::sync::Arc::new(words)));
    let end_user = Condition::Line(Line { fact, operator: Operator::Is, test, written: String::new() });
    !never(&Condition::All(vec![when.clone(), end_user]), true, Limits::Zendesk)
}

/// Whether the condition can give this answer for nothing but what a client says of itself.
pub(super) fn rests_on_client(when: &Condition, wanted: bool) -> bool {
    let is_told = |line: &Line| line.fact.controlled_by == Controller::Client;
    match (when, wanted) {
        (Condition::Line(line), _) => is_told(line),
        (Condition::Not(part), _) => rests_on_client(part, !wanted),
        (Condition::All(parts), true) | (Condition::Any(parts), false) => {
            parts.iter().all(|part| rests_on_client(part, wanted))
        }
        (Condition::All(parts), false) | (Condition::Any(parts), true) => {
            parts.iter().any(|part| rests_on_client(part, wanted))
        }
        (Condition::Place(lines), true) => lines.iter().all(is_told),
        (Condition::Place(lines), false) => lines.iter().any(is_told),
    }
}

/// Whether the condition can certainly never hold in an account whose sessions end so.
pub(super) fn never_holds(when: &Condition, endings: Endings) -> bool {
    never(when, true, Limits::Account(endings))
}

/// When Zendesk itself ends an account's sessions, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endings {
    /// Sessions of staff end at this age.
    pub staff_age_max: SignedDuration,
    /// Sessions of staff end after so long without use.
    pub staff_idle_max: Option<SignedDuration>,
    /// And those of end users.
    pub end_user_idle_max: Option<SignedDuration>,
}

/// Whose limits count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limits {
    None,
    Zendesk,
    /// Zendesk's, and what memory can show.
    Memory,
    /// Those of one account.
    Account(Endings),
}

impl Limits {
    /// The longest that this fact can be of people whose role is one of these; of anybody if that cannot be listed.
    fn longest(self, fact: &str, roles: Option<&[Option<&str>]>) -> Option<SignedDuration> {
        let end_user = Some(Role::EndUser.word());
        let is_staff = roles.is_some_and(|left| left.iter().all(|role| *role != end_user));
        let is_end_user = roles.is_some_and(|left| left.iter().all(|role| *role == end_user));
        match (self, fact) {
            (Self::Zendesk | Self::Memory, "session.age") => is_staff.then_some(STAFF_SESSION_MAX),
            (Self::Account(endings), "session.age") => is_staff.then_some(endings.staff_age_max),
            (Self::Account(endings), "session.idle") if is_staff => endings.staff_idle_max,
            (Self::Account(endings), "session.idle") if is_end_user => endings.end_user_idle_max,
            (Self::Account(endings), "session.idle") => Some(endings.staff_idle_max?.max(endings.end_user_idle_max?)),
            _ => None,
        }
    }
}

/// A line and the answer it has to give. Lines about places are left out: two of them may mean two places, and a place of
/// which one does not hold says nothing of the others.
type Demand<'c> = (&'c Line, bool);

/// Whether the condition can certainly never give this answer.
fn never(condition: &Condition, wanted: bool, limits: Limits) -> bool {
    alternatives(condition, wanted).is_some_and(|ways| ways.iter().all(|way| is_impossible(way, limits)))
}

/// Every set of answers that would make the condition give this one; nothing if there are too many to look at.
fn alternatives(condition: &Condition, wanted: bool) -> Option<Vec<Vec<Demand<'_>>>> {
    let ways = match (condition, wanted) {
        (Condition::Line(line), _) => vec![vec![(line, wanted)]],
        // Of one place no two lines may exclude each other.
        (Condition::Place(lines), true) if is_impossible(&demands_of(lines), Limits::None) => Vec::new(),
        (Condition::Place(_), _) => vec![Vec::new()],
        (Condition::Not(part), _) => alternatives(part, !wanted)?,
        (Condition::All(parts), false) | (Condition::Any(parts), true) => {
            let each: Option<Vec<_>> = parts.iter().map(|part| alternatives(part, wanted)).collect();
            each?.concat()
        }
        (Condition::All(parts), true) | (Condition::Any(parts), false) => {
            let mut product: Vec<Vec<Demand<'_>>> = vec![Vec::new()];
            for part in parts {
                let next = alternatives(part, wanted)?;
                if product.len() * next.len() > ALTERNATIVES_MAX {
                    return None;
                }
                let joined = product.iter().flat_map(|way| next.iter().map(|more| [&**way, &**more].concat()));
                product = joined.collect();
            }
            product
        }
    };
    (ways.len() <= ALTERNATIVES_MAX).then_some(ways)
}

fn demands_of(lines: &[Line]) -> Vec<Demand<'_>> {
    lines.iter().map(|line| (line, true)).collect()
}

/// Whether these answers cannot be given together.
fn is_impossible(demands: &[Demand<'_>], limits: Limits) -> bool {
    let facts: BTreeSet<&str> = demands.iter().map(|(line, _)| line.fact.name).collect();
    let about = |name: &str| demands.iter().filter(|(line, _)| line.fact.name == name).copied().collect::<Vec<_>>();
    let roles = words(&about("user.role"));
    let unproven = limits == Limits::Memory && demands.iter().any(is_unproven);
    unproven || facts.iter().any(|name| excludes_itself(&about(name), limits.longest(name, roles.as_deref())))
}

/// Whether the answer would show that a remembered time is short: nothing does.
fn is_unproven((line, wanted): &Demand<'_>) -> bool {
    let Test::Duration(bound, _) = line.test else { return false };
    let bound = if *wanted { bound } else { opposite(bound) };
    line.fact.source == FactSource::Memory && matches!(bound, Bound::Under | Bound::AtMost)
}

/// Whether no value of one fact gives all of these answers.
fn excludes_itself(demands: &[Demand<'_>], duration_max: Option<SignedDuration>) -> bool {
    let twice = demands.iter().any(|(line, wanted)| {
        demands.iter().any(|(other, other_wanted)| wanted != other_wanted && is_same(line, other))
    });
    twice
        || no_duration(demands, duration_max)
        || no_number(demands)
        || no_truth(demands)
        || no_text(demands)
        || no_set(demands)
        || no_classes(demands)
}

fn no_classes(demands: &[Demand<'_>]) -> bool {
    let asked = |yes: bool| {
        demands.iter().filter_map(move |(line, wanted)| match line.test {
            Test::Classes { wanted: is_in, asked } if (is_in == *wanted) == yes => Some(asked),
            _ => None,
        })
    };
    let kept_out = asked(false).fold(ClassSet::NONE, ClassSet::or);
    asked(true).any(|classes| classes.iter().all(|class| kept_out.has(class)))
}

/// Whether both ask the same of a text. What can be listed or counted is compared by its values instead.
fn is_same(line: &Line, other: &Line) -> bool {
    let (Test::Text(one), Test::Text(other)) = (&line.test, &other.test) else { return false };
    match (one, other) {
        (TextTest::Contains(one), TextTest::Contains(other))
        | (TextTest::StartsWith(one), TextTest::StartsWith(other))
        | (TextTest::EndsWith(one), TextTest::EndsWith(other)) => one == other,
        (TextTest::Matches(one), TextTest::Matches(other)) => one.as_str() == other.as_str(),
        _ => false,
    }
}

/// The bound that holds where this one does not.
fn opposite(bound: Bound) -> Bound {
    match bound {
        Bound::Over => Bound::AtMost,
        Bound::AtMost => Bound::Over,
        Bound::Under => Bound::AtLeast,
        Bound::AtLeast => Bound::Under,
    }
}

fn no_duration(demands: &[Demand<'_>], max: Option<SignedDuration>) -> bool {
    // Each end with whether it is itself left out.
    let (mut low, mut high) = ((SignedDuration::ZERO, false), (max.unwrap_or(SignedDuration::MAX), false));
    for (line, wanted) in demands {
        let Test::Duration(bound, limit) = line.test else { continue };
        match if *wanted { bound } else { opposite(bound) } {
            Bound::Over => low = low.max((limit, true)),
            Bound::AtLeast => low = low.max((limit, false)),
            Bound::Under => high = if limit <= high.0 { (limit, true) } else { high },
            Bound::AtMost => high = if limit < high.0 { (limit, false) } else { high },
        }
    }
    low.0 > high.0 || low.0 == high.0 && (low.1 || high.1)
}

fn no_number(demands: &[Demand<'_>]) -> bool {
    let from = demands.iter().any(|(line, _)| COUNTED_FROM_ONE.contains(&line.fact.name));
    let (mut low, mut high) = (i128::from(from), i128::from(u64::MAX));
    let mut other_than = Vec::new();
    for (line, wanted) in demands {
        let Test::Number(bound, limit) = line.test else { continue };
        let limit = i128::from(limit);
        match bound.map(|bound| if *wanted { bound } else { opposite(bound) }) {
            Some(Bound::Over) => low = low.max(limit + 1),
            Some(Bound::AtLeast) => low = low.max(limit),
            Some(Bound::Under) => high = high.min(limit - 1),
            Some(Bound::AtMost) => high = high.min(limit),
            None if *wanted => (low, high) = (low.max(limit), high.min(limit)),
            None => other_than.push(limit),
        }
    }
    low > high || low == high && other_than.contains(&low)
}

fn no_truth(demands: &[Demand<'_>]) -> bool {
    let mut asked = demands.iter().filter_map(|(line, wanted)| match line.test {
        Test::Truth(truth) => Some(truth == *wanted),
        _ => None,
    });
    let first = asked.next();
    asked.any(|truth| Some(truth) != first)
}

fn no_text(demands: &[Demand<'_>]) -> bool {
    words(demands).is_some_and(|left| left.is_empty())
}

/// The texts that give all of these answers, `None` being the empty one; nothing if they cannot be listed.
fn words<'c>(demands: &[Demand<'c>]) -> Option<Vec<Option<&'c str>>> {
    let (first, _) = demands.first()?;
    let listed = demands.iter().find_map(|(line, wanted)| match &line.test {
        Test::Text(test) => test.words(*wanted),
        _ => None,
    });
    let candidates: Vec<Option<&str>> = match listed {
        Some(words) => words.iter().map(|word| Some(word.as_str())).collect(),
        None if first.fact.vocabulary.is_empty() => return None,
        None => first.fact.vocabulary.iter().map(|word| Some(*word)).chain([None]).collect(),
    };
    let fits = |word: Option<&str>| {
        demands.iter().all(|(line, wanted)| match &line.test {
            Test::Text(test) => test.holds(word, line.fact.folds_case) == *wanted,
            _ => true,
        })
    };
    let can_be = |word: Option<&str>| word.is_some() || !first.fact.never_empty;
    Some(candidates.into_iter().filter(|word| can_be(*word) && fits(*word)).collect())
}

fn no_set(demands: &[Demand<'_>]) -> bool {
    let sets = || {
        demands.iter().filter_map(|(line, wanted)| match &line.test {
            Test::SharesMember(words) => Some((words, *wanted)),
            Test::SharesNone(words) => Some((words, !*wanted)),
            _ => None,
        })
    };
    let kept_out: BTreeSet<&String> =
        sets().filter(|(_, shares)| !shares).flat_map(|(words, _)| words.iter()).collect();
    sets().any(|(words, shares)| shares && words.iter().all(|word| kept_out.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes found in a rule with these lines and, if any, an exception from it with those.
    fn codes(when: &str, spare: Option<&str>) -> Vec<&'static str> {
        let case = "[[rule.case]]\ntitle = \"T\"\ngiven = { user.role = \"agent\" }\nexpect = \"keep\"\n";
        let rule =
            format!("[[rule]]\nid = \"r\"\ntitle = \"T\"\naction = \"revoke-session\"\n[rule.when]\n{when}\n{case}");
        let exception = spare.map_or(String::new(), |spare| {
            let rest = "owner = \"o\"\nreason = \"r\"\nexpires = 2099-01-01";
            format!("[[exception]]\nid = \"e\"\nrules = [\"*\"]\n{rest}\n[exception.when]\n{spare}\n")
        });
        let source = Source::new("a.toml", format!("schema = 1\n{rule}{exception}"));
        let mut findings = Findings::default();
        super::super::read(&[source], None, &mut findings);
        findings.sorted().iter().map(|fault| fault.code.word()).collect()
    }

    fn check(when: &str, expected: &[&str]) {
        assert_eq!(codes(when, None), expected, "{when}");
    }

    const NEVER: &[&str] = &["never-matches"];
    const ALWAYS: &[&str] = &["always-matches"];

    #[test]
    fn what_excludes_itself_never_matches() {
        check("session.age = { over = \"10h\", under = \"1h\" }", NEVER);
        check("session.age = { over = \"1h\", under = \"10h\" }", &[]);
        check("session.age = { at-least = \"1h\", at-most = \"1h\" }", &[]);
        check("session.age = { over = \"1h\", at-most = \"60m\" }", NEVER);
        check("session.age.under = \"0s\"", NEVER);
        check("session.count = { over = 3, under = 4 }", NEVER);
        check("session.count = { over = 3, under = 5 }", &[]);
        check("session.count.under = 1", NEVER);
        check("session.rank = { is = 2, over = 2 }", NEVER);
        check("user.suspended = true\nnot.user.suspended = true", NEVER);
        check("user.suspended = true\nnot.user.suspended = false", &[]);
        check("user.role.is = \"agent\"\nnot.user.role.in = [\"admin\", \"agent\"]", NEVER);
        check("user.email = { is = \"a@b.example\", ends-with = \"@c.example\" }", NEVER);
        check("user.email = { starts-with = \"a\", ends-with = \"b\" }", &[]);
        check("user.tags = { contains = \"a\", not-in = [\"a\", \"b\"] }", NEVER);
        check("user.tags = { in = [\"a\", \"c\"], not-in = [\"a\", \"b\"] }", &[]);
        check("user.email.contains = \"x\"\nnot.user.email.contains = \"x\"", NEVER);
        check("user.email.contains = \"x\"\nnot.user.email.starts-with = \"x\"", &[]);
        check("user.email.matches = \"x.*\"\nnot.user.email.matches = \"x.*\"", NEVER);
        check("session.age.over = \"1d1h1m\"\nnot.session.age.over = \"1d1h2m\"", &[]);
        check("any = [{ session.age.under = \"0s\" }, { session.count.is = 0 }]", NEVER);
        check("any = [{ session.age.under = \"0s\" }, { session.count.is = 1 }]", &[]);
        check("user.group.in = [\"41\"]", &[]);
    }

    #[test]
    fn that_somebody_left_a_short_time_ago_is_never_shown() {
        check("user.offboarded-for.under = \"1d\"", NEVER);
        check("user.suspended = true\nnot.user.offboarded-for.over = \"1d\"", NEVER);
        check("user.offboarded-for.at-least = \"1d\"", &[]);
        check("any = [{ user.offboarded-for.at-most = \"1d\" }, { user.deleted = true }]", &[]);
        assert_eq!(codes("user.deleted = true", Some("user.offboarded-for.under = \"1d\"")), [""; 0]);
    }

    #[test]
    fn no_staff_session_is_older_than_zendesk_lets_it_become() {
        check("user.role.in = [\"agent\", \"admin\"]\nsession.age.over = \"12h\"", NEVER);
        check("user.role.not-in = [\"end-user\"]\nsession.age.at-least = \"13h\"", NEVER);
        check("user.role.in = [\"agent\", \"admin\"]\nsession.age.over = \"11h59m\"", &[]);
        check("user.role.in = [\"agent\", \"end-user\"]\nsession.age.over = \"12h\"", &[]);
        check("session.age.over = \"12h\"", &[]);
        check("user.role.is = \"agent\"\nsession.idle.over = \"12h\"", &[]);
    }

    #[test]
    fn what_an_account_ends_by_itself_is_never_seen_there() {
        let hours = |hours| Some(SignedDuration::from_hours(hours));
        let known = Endings { staff_age_max: STAFF_SESSION_MAX, staff_idle_max: hours(1), end_user_idle_max: hours(8) };
        let unknown = Endings { staff_idle_max: None, end_user_idle_max: None, ..known };
        for (when, expected) in [
            ("user.role.in = [\"agent\", \"admin\"]\nsession.age.over = \"12h\"", (true, true)),
            ("user.role.in = [\"agent\", \"admin\"]\nsession.age.over = \"11h\"", (false, false)),
            ("user.role.is = \"agent\"\nsession.idle.over = \"1h\"", (true, false)),
            ("user.role.is = \"agent\"\nsession.idle.over = \"59m\"", (false, false)),
            ("user.role.is = \"end-user\"\nsession.idle.over = \"7h\"", (false, false)),
            ("user.role.is = \"end-user\"\nsession.idle.over = \"9h\"", (true, false)),
            ("session.idle.over = \"7h\"", (false, false)),
            ("session.idle.over = \"9h\"", (true, false)),
            ("session.idle.under = \"9h\"", (false, false)),
        ] {
            let rule = format!(
                "schema = 1\n[[rule]]\nid = \"r\"\ntitle = \"T\"\naction = \"revoke-session\"\n[rule.when]\n{when}\n"
            );
            let set = super::super::read(&[Source::new("a.toml", rule)], None, &mut Findings::default()).unwrap();
            let never = |endings| never_holds(&set.rules[0].when, endings);
            assert_eq!((never(known), never(unknown)), expected, "{when}");
        }
    }

    #[test]
    fn what_holds_for_everybody_is_said() {
        check("any = [{ user.verified = true }, { not.user.verified = true }]", ALWAYS);
        check("user.role.in = [\"agent\", \"admin\", \"end-user\"]", ALWAYS);
        check("session.age.at-least = \"0s\"", ALWAYS);
        check("session.count.at-least = 1", ALWAYS);
        check("session.count.at-least = 2", &[]);
        check(
            "user.role-type.in = [\"custom\", \"light\", \"chat\", \"contributor\", \"admin\", \"billing-admin\"]",
            &[],
        );
    }

    #[test]
    fn an_exception_that_turns_its_rule_off_is_said() {
        let when = "user.role.in = [\"agent\", \"admin\"]\nsession.age.over = \"10h\"";
        for (spare, expected) in [
            (when, &["spares-everyone"][..]),
            ("user.role.not-in = [\"end-user\"]", &["spares-everyone"]),
            ("session.age.over = \"9h\"", &["spares-everyone"]),
            ("session.age.over = \"11h\"", &[]),
            ("user.role.is = \"admin\"", &[]),
            ("any = [{ user.role.is = \"admin\" }, { user.role.is = \"agent\" }]", &["spares-everyone"]),
            ("session.age = { over = \"10h\", under = \"1h\" }", NEVER),
        ] {
            assert_eq!(codes(when, Some(spare)), expected, "{spare}");
        }
    }

    #[test]
    fn a_rule_that_only_staff_can_meet_is_told_from_others() {
        for (when, expected) in [
            ("user.role.in = [\"agent\", \"admin\"]\nsession.age.over = \"10h\"", false),
            ("user.role.not-in = [\"end-user\"]", false),
            ("any = [{ user.role.is = \"admin\" }, { session.age.over = \"30d\" }]", true),
            ("session.age.over = \"10h\"", true),
            ("user.role.is = \"end-user\"", true),
            ("user.offboarded = true", true),
        ] {
            let rule = format!(
                "schema = 1\n[[rule]]\nid = \"r\"\ntitle = \"T\"\naction = \"revoke-session\"\n[rule.when]\n{when}\n"
            );
            let set = super::super::read(&[Source::new("a.toml", rule)], None, &mut Findings::default()).unwrap();
            assert_eq!(may_match_end_user(&set.rules[0].when), expected, "{when}");
        }
    }

    #[test]
    fn of_too_many_alternatives_nothing_is_said() {
        let one = "{ any = [{ user.id.is = \"1\" }, { user.id.is = \"2\" }] }";
        let when = |count| format!("session.age.under = \"0s\"\nall = [{}]", vec![one; count].join(", "));
        check(&when(8), NEVER);
        check(&when(9), &[]);
    }
}
