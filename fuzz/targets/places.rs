//! Looks for a place database that `hostile::places` does not survive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evictd_fuzz::hostile::places::survives(bytes));
