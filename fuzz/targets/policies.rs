//! Looks for policy files that `hostile::policies` does not survive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evictd_fuzz::hostile::policies::survives(bytes));
