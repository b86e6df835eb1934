//! Looks for a configuration that `hostile::config` does not survive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evictd_fuzz::hostile::config::survives(bytes));
