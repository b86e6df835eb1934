//! Names of the files a trail consists of: segments, and the sidecars that hold their personal parts.
//!
//! The number in a name is the `seq` of the segment's first record, padded so that names sort as numbers do.

/// The file of the segment whose first record is this one.
pub fn segment_name(first_seq: u64) -> String {
    format!("trail-{first_seq:020}.jsonl")
}

/// The file with the personal parts of that segment.
pub fn sidecar_name(first_seq: u64) -> String {
    format!("trail-{first_seq:020}.personal.jsonl")
}

/// The first record of the segment in the file of this name; `None` if it is no segment.
pub fn segment_of(name: &str) -> Option<u64> {
    number_in(name, ".jsonl")
}

/// The first record of the segment whose sidecar has this name; `None` if it is no sidecar.
pub fn sidecar_of(name: &str) -> Option<u64> {
    number_in(name, ".personal.jsonl")
}

fn number_in(name: &str, ending: &str) -> Option<u64> {
    let digits = name.strip_prefix("trail-")?.strip_suffix(ending)?;
    (digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_convert_both_ways() {
        for seq in [1, 42, u64::MAX] {
            assert_eq!(segment_of(&segment_name(seq)), Some(seq));
            assert_eq!(sidecar_of(&sidecar_name(seq)), Some(seq));
            assert_eq!(segment_of(&sidecar_name(seq)), None);
        }
        for other in ["lock", "trail-1.jsonl", "trail-+0000000000000000001.jsonl", "trail-99999999999999999999.jsonl"] {
            assert_eq!(segment_of(other), None, "{other}");
        }
    }
}
