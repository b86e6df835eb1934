//! Agent strings: whatever a program calls itself, the same is made of it each time, and quickly.

use evictd::clients::{AGENT_BYTES_MAX, client_of};

/// One agent string.
pub fn survives(bytes: &[u8]) {
    let agent = String::from_utf8_lossy(bytes);
    let client = client_of(&agent);
    assert_eq!(client, client_of(&agent), "{agent}");
    for text in client.family.iter().chain(&client.system) {
        // Families are the patterns' own words, or a part of the string.
        assert!(text.len() <= AGENT_BYTES_MAX + 100, "{text}");
    }
}
