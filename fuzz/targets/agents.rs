//! Looks for an agent string that `hostile::agents` does not survive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evictd_fuzz::hostile::agents::survives(bytes));
