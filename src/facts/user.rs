//! `user.*`: who the session belongs to, as the person's record says.

use std::borrow::Cow;

use super::{Controller, FactSpec, Family, Kind, Reading, Witness, find, plain};
use crate::evidence::Evidence;
use crate::model::{Answer, Cause, Fact, Foreign, Known, Person, Source, Value};

pub(super) const FAMILY: Family = Family { name: "user", asks: "who the person is, and in what state", facts: FACTS };

const TEXT: FactSpec = plain("", Kind::Text, Source::User, Reading::Row(no_source));
const TRUTH: FactSpec = plain("", Kind::Truth, Source::User, Reading::Row(no_source));

static FACTS: &[FactSpec] = &[
    FactSpec { name: "user.id", doc: "Zendesk's id of the person, as text", reading: Reading::Row(id), ..TEXT },
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
        doc: "groups of the person; no source supplies it yet, so it is unknown",
        supplied: false,
        reading: Reading::Row(no_source),
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
        name: "user.offboarded",
        doc: "any sign that the person has left: deleted or suspended",
        reading: Reading::Derived(offboarded),
        ..TRUTH
    },
    FactSpec {
        name: "user.offboarded-for",
        kind: Kind::Duration,
        doc: "time since the earliest sign that the person has left; unknown without memory of earlier cycles",
        supplied: false,
        reading: Reading::Row(no_memory),
        ..TEXT
    },
];

fn no_source<'a>(_: &Evidence<'a>) -> Fact<'a> {
    Fact::unknown(Cause::NoSource)
}

fn no_memory<'a>(_: &Evidence<'a>) -> Fact<'a> {
    Fact::unknown(Cause::Learning)
}

fn of_person<'a>(evidence: &Evidence<'a>, read: impl FnOnce(&'a Person) -> Option<Value<'a>>) -> Fact<'a> {
    match evidence.person {
        Err(cause) => Fact::unknown(cause),
        Ok(person) => match read(person) {
            Some(value) => Fact::exact(value, Source::User, person.seen),
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
    find(name).map_or(Fact::unknown(Cause::NoSource), |fact| witness.tell(fact))
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

/// Kleene's *or* of the signs that have a source: a sign without one is no sign, not an unknown one.
fn offboarded(witness: &dyn Witness) -> Fact<'_> {
    let signs = [told(witness, "user.deleted"), told(witness, "user.suspended")];
    let answer = signs.iter().map(Fact::as_answer).reduce(Answer::or).unwrap_or(Answer::unknown(Cause::NoSource));
    let truth = match answer {
        Answer::Yes(_) => true,
        Answer::No(_) => false,
        Answer::Unknown(causes) => return Fact::Unknown(causes),
    };
    let deciding = signs.into_iter().find_map(|sign| match sign {
        Fact::Known(known) if known.value == Value::Truth(truth) => Some(known),
        _ => None,
    });
    deciding.map_or(Fact::unknown(Cause::NoSource), Fact::Known)
}
