//! Looks for a trail's files that `hostile::trail` does not survive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evictd_fuzz::hostile::trail::survives(bytes));
