//! Looks for a line of a feed that `hostile::feeds` does not survive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evictd_fuzz::hostile::feeds::survives(bytes));
