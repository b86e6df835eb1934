//! Looks for a list of networks, AS numbers or texts that `hostile::lists` does not survive.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| evictd_fuzz::hostile::lists::survives(bytes));
