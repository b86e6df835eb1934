//! Text that came over the wire or from a list, and must never reach a terminal as it is.
//!
//! Comparing uses the raw text; showing has one form only, which escapes and cuts.

use std::fmt::{self, Write as _};

/// The display form never takes more bytes than this, the closing ellipsis included.
pub const FOREIGN_BYTES_MAX: usize = 512;

/// Text written by somebody else. `Display` escapes control characters, bidirectional and zero-width marks, and cuts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Foreign(Box<str>);

impl Foreign {
    /// Wraps the text unchanged.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The text as it came: for comparing and storing, never for showing.
    pub fn raw(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ellipsis = '…';
        let mut shown = String::new();
        let mut piece = String::new();
        for letter in self.0.chars() {
            piece.clear();
            if is_harmful(letter) {
                write!(piece, "{}", letter.escape_unicode())?;
            } else {
                piece.push(letter);
            }
            if shown.len() + piece.len() + ellipsis.len_utf8() > FOREIGN_BYTES_MAX {
                shown.push(ellipsis);
                break;
            }
            shown.push_str(&piece);
        }
        out.pad(&shown)
    }
}

impl fmt::Debug for Foreign {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Foreign(`{self}`)")
    }
}

/// Characters that can move the cursor, reorder the line or hide in it: C0 and C1 controls, line and paragraph
/// separators, bidirectional marks, zero-width marks, variation selectors and tags (Unicode 16, categories Cc and Cf).
pub fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A JSON text with the same value in which no letter of any string can harm a terminal.
pub fn harmless_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if !is_harmful(letter) || matches!(letter, '\n' | '\r' | '\t') {
            shown.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            shown += &format!("\\u{unit:04x}");
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, shown: &str) {
        assert_eq!(Foreign::new(raw).to_string(), shown);
    }

    #[test]
    fn foreign_text_is_escaped_and_cut() {
        check("Zoë 李", "Zoë 李");
        check("a\u{1b}[31mred", "a\\u{1b}[31mred");
        check("evil\u{202e}gpj.exe", "evil\\u{202e}gpj.exe");
        check("zero\u{200b}width\nline", "zero\\u{200b}width\\u{a}line");
        assert_eq!(harmless_json("{\n\"é\u{202e}\u{e0041}\"}"), "{\n\"é\\u202e\\udb40\\udc41\"}");
        let long = Foreign::new("é".repeat(1_000_000)).to_string();
        assert!(long.len() <= FOREIGN_BYTES_MAX && long.ends_with('…'));
    }
}
