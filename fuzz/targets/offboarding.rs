//! Looks for a list of people who have left that `hostile::offboarding` does not survive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evictd_fuzz::hostile::offboarding::survives(bytes));
