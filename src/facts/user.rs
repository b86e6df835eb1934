//! `user.*`: who the session belongs to, as the person's record says.

use std::borrow::Cow;

use super::{Controller, FactSpec, Family, Kind, Reading, Witness, plain};
use crate::evidence::Evidence;
use crate::model::{Answer, Cause, Causes, Fact, Foreign, Known, Person, Role, Source, Strength, Value};

pub(super) const FAMILY: Family = Family { name: "user", asks: "who the person is, and in what state", facts: FACTS };

const TEXT: FactSpec = plain("", Kind::Text, Source::User, Reading::Row(no_source));
const TRUTH: FactSpec = plain("", Kind::Truth, Source::User, Reading::Row(no_source));

static FACTS: &[FactSpec] = &[
    FactSpec {
        name: "user.id",
        doc: "Zendesk's id of the person, as text",
        reading: Reading::Row(id),
        never_empty: true,
        ..TEXT
    },
    FactSpec {
        name: "user.email",
        doc: "primary e-mail address",
        reading: Reading::Row(email),
        folds_case: true,
        personal: true,
        controlled_by: Controller::Person,
        ..TEXT
    },
    FactSpec {
        name: "user.email-domain",
        doc: "what stands after the last @ of the e-mail address",
        reading: Reading::Derived(email_domain),
        folds_case: true,
        personal: true,
        controlled_by: Controller::Person,
        ..TEXT
    },
    FactSpec {
        name: "user.role",
        doc: "role in the account",
        reading: Reading::Row(role),
        folds_case: true,
        vocabulary: &["end-user", "agent", "admin"],
        never_empty: true,
        ..TEXT
    },
    FactSpec {
        name: "user.role-type",
        doc: "finer kind of staff role; empty for end users",
        reading: Reading::Row(role_type),
        folds_case: true,
        vocabulary: &["custom", "light", "chat", "contributor", "admin", "billing-admin"],
        ..TEXT
    },
    FactSpec {
        name: "user.custom-role-id",
        doc: "id of the custom role, as text",
        reading: Reading::Row(custom_role),
        ..TEXT
    },
    FactSpec {
        name: "user.group",
        kind: Kind::Set,
        doc: "ids of the person's groups, as texts; empty for end users, who are in none",
        source: Source::Groups,
        reading: Reading::Row(group),
        ..TEXT
    },
    FactSpec {
        name: "user.organization-id",
        doc: "id of the person's organization, as text",
        reading: Reading::Row(organization),
        ..TEXT
    },
    FactSpec { name: "user.tags", kind: Kind::Set, doc: "tags of the person", reading: Reading::Row(tags), ..TEXT },
    FactSpec {
        name: "user.external-id",
        doc: "the id that another system gave the person",
        reading: Reading::Row(external_id),
        folds_case: true,
        personal: true,
        ..TEXT
    },
    FactSpec { name: "user.suspended", doc: "signing in is blocked", reading: Reading::Row(suspended), ..TRUTH },
    FactSpec { name: "user.deleted", doc: "the record is deleted", reading: Reading::Row(deleted), ..TRUTH },
    FactSpec {
        name: "user.two-factor",
        doc: "a second factor is set up in Zendesk; empty where single sign-on does it",
        reading: Reading::Row(two_factor),
        controlled_by: Controller::Person,
        ..TRUTH
    },
    FactSpec { name: "user.verified", doc: "an identity was verified", reading: Reading::Row(verified), ..TRUTH },
    FactSpec { name: "user.chat-only", doc: "a chat-only agent", reading: Reading::Row(chat_only), ..TRUTH },
    FactSpec {
        name: "user.downgraded",
        doc: "a staff role is gone that earlier cycles saw in the last 90 days; unknown of whoever was never seen as staff",
        source: Source::Memory,
        reading: Reading::Row(downgraded),
        ..TRUTH
    },
    FactSpec {
        name: "user.listed",
        doc: "an offboarding list names the person, and the day it gives has come",
        source: Source::List,
        reading: Reading::Row(listed),
        ..TRUTH
    },
    FactSpec {
        name: "user.offboarded",
        doc: "any sign that the person has left: deleted, suspended, downgraded or listed",
        reading: Reading::Derived(offboarded),
        ..TRUTH
    },
    FactSpec {
        name: "user.offboarded-for",
        kind: Kind::Duration,
        doc: "time since the earliest sign that the person has left, as the list or the first cycle that saw it dates it; \
              at least this long, since an earlier one may have been forgotten",
        source: Source::Memory,
        reading: Reading::Row(offboarded_for),
        ..TEXT
    },
];

fn no_source<'a>(_: &Evidence<'a>) -> Fact<'a> {
    Fact::unknown(Cause::NoSource)
}

/// Today's staff has lost no role; of others memory alone can say whether they were staff.
fn downgraded<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    let truth = |truth, source| Fact::exact(Value::Truth(truth), source, evidence.person_as_of);
    match (evidence.person.map(|person| person.role), evidence.traces) {
        (Err(cause), _) => Fact::unknown(cause),
        (Ok(None), _) => Fact::unknown(Cause::Null),
        (Ok(Some(Role::Admin | Role::Agent)), _) => truth(false, Source::User),
        (Ok(Some(Role::EndUser)), Some(_)) if !evidence.clocks_trusted => Fact::unknown(Cause::ClockSkew),
        (Ok(Some(Role::EndUser)), Some(traces)) if traces.staff_role(evidence.now).is_some() => {
            truth(true, Source::Memory)
        }
        (Ok(Some(Role::EndUser)), _) => Fact::unknown(Cause::NoSource),
    }
}

/// Without a list there is no such sign, rather than an unknown one.
fn listed<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    if evidence.offboarding.number == 0 {
        return Fact::unknown(Cause::NoSource);
    }
    if !evidence.clocks_trusted {
        return Fact::unknown(Cause::ClockSkew);
    }
    match evidence.listed_since() {
        Err(causes) => Fact::Unknown(causes),
        Ok(earliest) => {
            let as_of = earliest.map_or(evidence.now, |(_, as_of)| as_of);
            let is_assumed = earliest.is_none() && evidence.offboarding.unfinished;
            let strength = if is_assumed { Strength::Assumed } else { Strength::Exact };
            Fact::Known(Known { value: Value::Truth(earliest.is_some()), source: Source::List, as_of, strength })
        }
    }
}

/// From the earliest sign that says yes; a person without any sign has no such time. It is at least this long: an
/// earlier sign, or an earlier sight of this one, may have been forgotten.
fn offboarded_for<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    let person = match evidence.person {
        Ok(person) => person,
        Err(cause) => return Fact::unknown(cause),
    };
    let traces = evidence.traces.copied().unwrap_or_default();
    let seen = [
        (person.deleted == Some(true)).then_some(traces.deleted_since),
        (person.suspended == Some(true)).then_some(traces.suspended_since),
        (person.role == Some(Role::EndUser) && traces.staff_role(evidence.now).is_some())
            .then_some(traces.staff_lost_since),
    ];
    // Nobody knows since when a list names them that cannot be read.
    if evidence.offboarding.unknown != Causes::default() {
        return Fact::Unknown(evidence.offboarding.unknown);
    }
    let listed = evidence.listed_since().ok().flatten().map(|(since, as_of)| (since, as_of, Source::List));
    let undated = seen.contains(&Some(None));
    let seen = seen.into_iter().flatten().flatten().min().map(|since| (since, evidence.person_as_of, Source::Memory));
    let earliest = listed.into_iter().chain(seen).min_by_key(|(since, ..)| *since);
    let Some((since, as_of, source)) = earliest else {
        return Fact::unknown(if undated { Cause::Learning } else { Cause::NoRow });
    };
    match evidence.elapsed(Some(since), evidence.now) {
        Err(cause) => Fact::unknown(cause),
        Ok(length) => {
            let value = Value::Duration { low: length, high: length };
            Fact::Known(Known { value, source, as_of, strength: Strength::Assumed })
        }
    }
}

fn of_person<'a>(evidence: &Evidence<'a>, read: impl FnOnce(&'a Person) -> Option<Value<'a>>) -> Fact<'a> {
    match evidence.person {
        Err(cause) => Fact::unknown(cause),
        Ok(person) => match read(person) {
            Some(value) => Fact::exact(value, Source::User, evidence.person_as_of),
            None => Fact::unknown(Cause::Null),
        },
    }
}

fn text(foreign: Option<&Foreign>) -> Value<'_> {
    Value::Text(foreign.map(|text| Cow::Borrowed(text.raw())))
}

fn number_as_text<'a>(number: Option<u64>) -> Value<'a> {
    Value::Text(number.map(|number| Cow::Owned(number.to_string())))
}

fn id<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| Some(number_as_text(Some(person.id.get()))))
}

fn email<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| Some(text(person.email.as_ref())))
}

/// A role that is not known to us is unknown, not empty: Zendesk never leaves it out.
fn role<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| person.role.map(|role| Value::Text(Some(role.word().into()))))
}

fn role_type<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| Some(Value::Text(person.role_type.map(|kind| kind.word().into()))))
}

fn custom_role<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| Some(number_as_text(person.custom_role_id)))
}

fn organization<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| Some(number_as_text(person.organization_id)))
}

fn external_id<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| Some(text(person.external_id.as_ref())))
}

fn tags<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| Some(Value::Set(person.tags.iter().map(|tag| tag.raw().into()).collect())))
}

/// Whoever is no staff is in no group, whether groups were read or not.
fn group<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    match (evidence.person.map(|person| person.role), evidence.groups) {
        (Ok(Some(Role::EndUser)), _) => Fact::exact(Value::Set(Vec::new()), Source::User, evidence.person_as_of),
        (Err(cause), _) | (Ok(_), Err(cause)) => Fact::unknown(cause),
        (Ok(_), Ok(ids)) => {
            let ids = ids.iter().map(|id| Cow::Owned(id.to_string())).collect();
            Fact::exact(Value::Set(ids), Source::Groups, evidence.groups_as_of)
        }
    }
}

fn suspended<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| person.suspended.map(Value::Truth))
}

fn deleted<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| person.deleted.map(Value::Truth))
}

fn two_factor<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| person.two_factor.map(Value::Truth))
}

fn verified<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| person.verified.map(Value::Truth))
}

fn chat_only<'a>(evidence: &Evidence<'a>) -> Fact<'a> {
    of_person(evidence, |person| person.chat_only.map(Value::Truth))
}

fn told<'a>(witness: &'a dyn Witness, name: &str) -> Fact<'a> {
    FACTS.iter().find(|fact| fact.name == name).map_or(Fact::unknown(Cause::NoSource), |fact| witness.tell(fact))
}

fn email_domain(witness: &dyn Witness) -> Fact<'_> {
    match told(witness, "user.email") {
        Fact::Known(Known { value: Value::Text(email), source, as_of, strength }) => {
            let domain = email.and_then(|email| match email {
                Cow::Borrowed(email) => email.rsplit_once('@').map(|(_, domain)| Cow::Borrowed(domain)),
                Cow::Owned(email) => email.rsplit_once('@').map(|(_, domain)| Cow::Owned(domain.to_owned())),
            });
            Fact::Known(Known { value: Value::Text(domain), source, as_of, strength })
        }
        Fact::Known(_) => Fact::unknown(Cause::Null),
        Fact::Unknown(causes) => Fact::Unknown(causes),
    }
}

/// A case need not state signs that an account may not have at all.
fn has_source(sign: &Fact<'_>) -> bool {
    !matches!(sign, Fact::Unknown(causes) if *causes == Cause::NoSource.into() || *causes == Cause::NotStated.into())
}

/// Kleene's *or* of the signs that have a source: a sign without one is no sign, not an unknown one. Whether memory has
/// none or has lost it looks the same, so that a no without it is assumed.
fn offboarded(witness: &dyn Witness) -> Fact<'_> {
    let signs = ["user.deleted", "user.suspended", "user.downgraded", "user.listed"].map(|name| told(witness, name));
    let [deleted, suspended, downgraded, listed] = signs.each_ref();
    let remembered = if has_source(downgraded) { downgraded.as_answer() } else { Answer::No(Strength::Assumed) };
    let mut answer = deleted.as_answer().or(suspended.as_answer()).or(remembered);
    if has_source(listed) {
        answer = answer.or(listed.as_answer());
    }
    let (truth, strength) = match answer {
        Answer::Yes(strength) => (true, strength),
        Answer::No(strength) => (false, strength),
        Answer::Unknown(causes) => return Fact::Unknown(causes),
    };
    let deciding = signs.into_iter().find_map(|sign| match sign {
        Fact::Known(known) if known.value == Value::Truth(truth) => Some(known),
        _ => None,
    });
    deciding.map_or(Fact::unknown(Cause::NoSource), |known| Fact::Known(Known { strength, ..known }))
}
