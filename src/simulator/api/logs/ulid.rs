//! Ids of rows in the access log: a time and chance in 26 letters that sort as they were made.

use jiff::Timestamp;

/// Crockford's alphabet: no I, L, O, U.
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Five bits a letter; the first one has but three.
const LENGTH: u32 = 26;

/// The id of the row at this position: 48 bits of milliseconds, then the position, then what looks like chance and
/// follows from both.
pub(super) fn ulid(at: Timestamp, position: usize) -> String {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0) & ((1 << 48) - 1);
    let position = u64::try_from(position).unwrap_or(0) & u64::from(u32::MAX);
    let chance = fastrand::Rng::with_seed(millis ^ (position << 32)).u64(..) >> 16;
    let all = (u128::from(millis) << 80) | (u128::from(position) << 48) | u128::from(chance);
    let letter = |place: u32| {
        let five = usize::try_from((all >> (place * 5)) & 31).unwrap_or(0);
        char::from(LETTERS.get(five).copied().unwrap_or(b'0'))
    };
    (0..LENGTH).rev().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_their_time_and_sort_by_it_and_by_position() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        // The example of the ULID specification.
        assert!(ulid(at(1_469_918_176_385), 0).starts_with("01ARYZ6S41"));
        assert_eq!(ulid(at(1_000), 7), ulid(at(1_000), 7));
        let ids = [ulid(at(999), 90), ulid(at(1_000), 0), ulid(at(1_000), 1), ulid(at(1_000), 90), ulid(at(1_001), 0)];
        assert!(ids.is_sorted() && ids.iter().all(|id| id.len() == 26), "{ids:?}");
    }
}
