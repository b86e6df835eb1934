//! `sign-in.*`: where and with which program the session was opened. Where it is used since is another question, asked
//! by `network.*` and `client.*`.

use super::{Controller, FactSpec, Family, Kind, Reading, client, network, plain};
use crate::model::{COUNTRY_CODES, Source};

pub(super) const FAMILY: Family =
    Family { name: "sign-in", asks: "where and how the session was opened", facts: FACTS };

const FROM: FactSpec = FactSpec {
    controlled_by: Controller::Network,
    ..plain("", Kind::Text, Source::SignIn, Reading::SignIn(network::country))
};

const WITH: FactSpec = FactSpec { controlled_by: Controller::Client, ..FROM };

static FACTS: &[FactSpec] = &[
    FactSpec {
        name: "sign-in.address",
        kind: Kind::Address,
        doc: "internet address",
        reading: Reading::SignIn(network::address),
        personal: true,
        ..FROM
    },
    FactSpec {
        name: "sign-in.country",
        doc: "country of the address, two letters of ISO 3166-1 in capitals",
        reading: Reading::SignIn(network::country),
        vocabulary: COUNTRY_CODES,
        never_empty: true,
        ..FROM
    },
    FactSpec {
        name: "sign-in.continent",
        doc: "continent of the address",
        reading: Reading::SignIn(network::continent),
        vocabulary: network::CONTINENTS,
        never_empty: true,
        ..FROM
    },
    FactSpec {
        name: "sign-in.asn",
        kind: Kind::Asn,
        doc: "number of the autonomous system that announces the address",
        reading: Reading::SignIn(network::asn),
        ..FROM
    },
    FactSpec {
        name: "sign-in.organization",
        doc: "who runs that autonomous system",
        reading: Reading::SignIn(network::organization),
        folds_case: true,
        never_empty: true,
        ..FROM
    },
    FactSpec {
        name: "sign-in.class",
        kind: Kind::Classes,
        doc: "kinds of network the address belongs to; each is known or not",
        reading: Reading::SignIn(network::class),
        vocabulary: network::CLASSES,
        ..FROM
    },
    FactSpec {
        name: "sign-in.user-agent",
        doc: "the program's agent string as it came",
        reading: Reading::SignIn(client::user_agent),
        personal: true,
        ..WITH
    },
    FactSpec {
        name: "sign-in.family",
        doc: "name of the program; empty if the string has none",
        reading: Reading::SignIn(client::family),
        personal: true,
        folds_case: true,
        ..WITH
    },
    FactSpec {
        name: "sign-in.version",
        kind: Kind::Version,
        doc: "version of the program, without the parts that browsers no longer tell",
        reading: Reading::SignIn(client::version),
        personal: true,
        ..WITH
    },
    FactSpec {
        name: "sign-in.os",
        doc: "operating system; empty if the string has none",
        reading: Reading::SignIn(client::os),
        personal: true,
        folds_case: true,
        ..WITH
    },
    FactSpec {
        name: "sign-in.kind",
        doc: "what kind of program it is",
        reading: Reading::SignIn(client::kind),
        vocabulary: client::KINDS,
        never_empty: true,
        ..WITH
    },
];
