//! Lengths of time as people write and read them: `90s`, `1h30m`, `2w`.

use jiff::SignedDuration;

const UNITS: [(char, i64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Reads `([0-9]+(s|m|h|d|w))+`: a month has no letter, so that nobody writes one by accident.
///
/// Returns `None` for anything else, and for lengths beyond 64-bit seconds.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    let mut total: i64 = 0;
    let mut digits: Option<i64> = None;
    for letter in text.chars() {
        if let Some(digit) = letter.to_digit(10) {
            digits = Some(digits.unwrap_or(0).checked_mul(10)?.checked_add(i64::from(digit))?);
        } else {
            let (_, seconds) = UNITS.iter().find(|(unit, _)| *unit == letter)?;
            total = total.checked_add(digits.take()?.checked_mul(*seconds)?)?;
        }
    }
    (digits.is_none() && !text.is_empty()).then(|| SignedDuration::from_secs(total))
}

/// The two largest units that are not zero: `13h 5m`, `2d`, `0s`. Fractions of a second are dropped.
pub fn human_duration(length: SignedDuration) -> String {
    let sign = if length.is_negative() { "-" } else { "" };
    let mut rest = length.as_secs().saturating_abs();
    let mut parts = Vec::new();
    for (unit, seconds) in UNITS.iter().filter(|(unit, _)| *unit != 'w') {
        if rest >= *seconds && parts.len() < 2 {
            parts.push(format!("{}{unit}", rest / seconds));
            rest %= seconds;
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { format!("{sign}{}", parts.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_written() {
        let seconds = |text| parse_duration(text).map(|length| length.as_secs());
        assert_eq!(seconds("90s"), Some(90));
        assert_eq!(seconds("1h30m"), Some(5_400));
        assert_eq!(seconds("2w1d"), Some(1_296_000));
        for wrong in
            ["", "5", "h", "1M", "1y", "1.5h", "-1h", "1h 30m", "1h30", "99999999999999999999s", "9223372036854775807w"]
        {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn durations_show_their_two_largest_units() {
        let shown = |seconds| human_duration(SignedDuration::from_secs(seconds));
        assert_eq!(shown(0), "0s");
        assert_eq!(shown(47_100), "13h 5m");
        assert_eq!(shown(172_800), "2d");
        assert_eq!(shown(86_460), "1d");
        assert_eq!(shown(-61), "-1m 1s");
    }
}
