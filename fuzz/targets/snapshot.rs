//! Looks for a snapshot's file that `hostile::snapshot` does not survive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evictd_fuzz::hostile::snapshot::survives(bytes));
