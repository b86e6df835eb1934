//! Samples cut and bent at every byte: read, skipped or refused, and what is read is in bounds.

use super::*;

fn survives(format: &FeedFormat, bytes: &[u8]) {
    if let Ok(Some(row)) = row_of(format, bytes) {
        let (PersonKey::Email(name) | PersonKey::ExternalId(name) | PersonKey::Subject(name)) = row.person;
        assert!((1..=255).contains(&name.len()) && !name.chars().any(char::is_control), "{name:?}");
        assert!(row.agent.is_none_or(|agent| agent.len() <= crate::clients::AGENT_BYTES_MAX));
        assert_eq!(row.address, row.address.map(|address| address.to_canonical()));
    }
}

#[test]
fn no_cut_and_no_bent_byte_is_misread_or_panics() {
    let app = "zendesk".to_owned();
    let samples = [
        (okta(), OKTA),
        (FeedFormat::Entra { app: app.clone() }, ENTRA),
        (FeedFormat::GoogleWorkspace { app: app.clone() }, GOOGLE),
        (FeedFormat::Keycloak { app }, KEYCLOAK),
        (FeedFormat::Mapping(mapping()), r#"{"t":1770000000,"p":"a@b.c","net":{"ip":"192.0.2.7"},"ua":"x"}"#),
    ];
    for (format, sample) in samples {
        assert!(row_of(&format, sample.as_bytes()).unwrap().is_some());
        for at in 0..sample.len() {
            // A line that was cut is never a row: it is no object any more.
            row_of(&format, &sample.as_bytes()[..at]).unwrap_err();
            for bend in [0x01, 0x20, 0x80, 0xff] {
                let mut bytes = sample.as_bytes().to_vec();
                bytes[at] ^= bend;
                survives(&format, &bytes);
            }
        }
    }
}
