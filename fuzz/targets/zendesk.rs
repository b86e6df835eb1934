//! Looks for Zendesk's answers that `hostile::zendesk` does not survive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evictd_fuzz::hostile::zendesk::survives(bytes));
