//! The tree's own text as the gates read it: files, Rust without comments and strings, its paths and functions.
//!
//! A scanner of tokens, not a parser: the gates need names, lines and braces, and nothing that a macro could hide
//! from `rustc` anyway. What is legal here is decided in `house` and `tidy`.

use std::fs;
use std::ops::Range;
use std::path::Path;

/// One text file of the tree.
pub struct File {
    /// From the root of the repository, with `/`.
    pub path: String,
    pub text: String,
}

impl File {
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    pub fn is_rust(&self) -> bool {
        self.extension() == "rs"
    }

    pub fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Rust under `src/` that ships: neither comments, strings, nor anything under `cfg(test)`.
    pub fn shipped_code(&self) -> Option<String> {
        let is_test = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        (self.path.starts_with("src/") && self.is_rust() && !is_test).then(|| {
            let code = code(&self.text);
            let tests = tests(&code);
            blank(&code, &tests)
        })
    }

    /// Lines outside of anything under `cfg(test)`.
    pub fn shipped_lines(&self) -> usize {
        let code = code(&self.text);
        let in_tests: usize = tests(&code).into_iter().map(|part| code[part].lines().count()).sum();
        self.text.lines().count().saturating_sub(in_tests)
    }
}

/// What fuzzers are fed with and what they find: bytes, which nobody wrote to be read.
const INPUTS: &[&str] = &["fuzz/seeds", "fuzz/corpus", "fuzz/artifacts"];

/// Every text file that belongs to the repository; what is built or hidden does not, nor what is no text of anybody's.
pub fn tree() -> Vec<File> {
    let mut files = Vec::new();
    walk(Path::new(env!("CARGO_MANIFEST_DIR")), "", &mut files);
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the tree was not found");
    files
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in names {
        let hidden = name.starts_with('.') && ![".ci", ".config", ".github", ".gitignore"].contains(&name.as_str());
        let (path, below) = (folder.join(&name), format!("{prefix}{name}"));
        if hidden || name == "target" || INPUTS.contains(&below.as_str()) {
            continue;
        }
        if path.is_dir() {
            walk(&path, &format!("{below}/"), files);
        } else if let Ok(text) = fs::read_to_string(&path) {
            files.push(File::new(below, text));
        }
    }
}

/// Rust with every comment, string and character literal blanked; bytes and lines stay where they were.
pub fn code(text: &str) -> String {
    let mut noise = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let end = end_of_noise(text, at);
        if end > at {
            noise.push(at..end);
        }
        at = end.max(at + text[at..].chars().next().map_or(1, char::len_utf8));
    }
    blank(text, &noise)
}

fn blank(text: &str, parts: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for byte in parts.iter().flat_map(Clone::clone) {
        if bytes[byte] != b'\n' {
            bytes[byte] = b' ';
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// Where the comment or literal that begins here ends; `at` itself if none begins.
fn end_of_noise(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let to = |end: Option<usize>| end.map_or(text.len(), |end| at + end);
    if rest.starts_with("//") {
        return to(rest.find('\n'));
    }
    if rest.starts_with("/*") {
        return at + block_comment(rest);
    }
    if let Some(body) = rest.strip_prefix('"') {
        return at + 1 + quoted(body, '"');
    }
    let in_word = text[..at].chars().next_back().is_some_and(|letter| letter.is_alphanumeric() && letter != 'b');
    if rest.starts_with('r') && !in_word {
        let hashes = rest[1..].chars().take_while(|letter| *letter == '#').count();
        if rest[1 + hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let body = 2 + hashes;
            return to(rest[body..].find(&close).map(|end| body + end + close.len()));
        }
    }
    let mut letters = rest.chars();
    match (letters.next(), letters.next(), letters.next()) {
        (Some('\''), Some('\\'), _) => at + 1 + quoted(&rest[1..], '\''),
        (Some('\''), Some(one), Some('\'')) => at + 2 + one.len_utf8(),
        _ => at,
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// Length up to and with the closing quote.
fn quoted(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in body.char_indices() {
        if letter == quote && !escaped {
            return at + quote.len_utf8();
        }
        escaped = letter == '\\' && !escaped;
    }
    body.len()
}

/// The items under `#[cfg(test)]`, in blanked code.
fn tests(code: &str) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> = Vec::new();
    for (start, mark) in code.match_indices("#[cfg(test)]") {
        if parts.last().is_some_and(|part| part.end > start) {
            continue;
        }
        let body = start + mark.len();
        let end = code[body..].find(['{', ';']).map_or(code.len(), |open| {
            let open = body + open;
            if code[open..].starts_with(';') { open + 1 } else { closing_brace(code, open) }
        });
        parts.push(start..end);
    }
    parts
}

fn closing_brace(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, letter) in code[open..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return open + at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// One token: a word, one of `::`, `->`, `=>`, or a single character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// From 1.
    pub line: usize,
    pub text: String,
}

impl Token {
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_')
    }
}

/// The tokens of blanked code.
pub fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    for (line, text) in code.lines().enumerate() {
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
            let length = match word {
                0 if ["::", "->", "=>"].iter().any(|pair| rest.starts_with(pair)) => 2,
                0 => first.len_utf8(),
                word => word,
            };
            found.push(Token { line: line + 1, text: rest[..length].to_owned() });
            rest = rest[length..].trim_start();
        }
    }
    found
}

/// A path such as `crate::model::Session`, groups written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// From 1.
    pub line: usize,
    pub segments: Vec<String>,
    /// The word before it, such as `use`.
    pub after: String,
}

/// Every path in these tokens, one for each name of a group.
pub fn paths(tokens: &[Token]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is_word() {
            let after = at.checked_sub(1).map_or(String::new(), |before| tokens[before].text.clone());
            at = path(tokens, at, &Named { line: 0, segments: Vec::new(), after }, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

fn path(tokens: &[Token], mut at: usize, prefix: &Named, found: &mut Vec<Named>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token: &Token| token.text.as_str());
    let mut here = Named { line: tokens[at].line, ..prefix.clone() };
    loop {
        here.segments.push(text(at).to_owned());
        at += 1;
        let follows = tokens.get(at + 1).is_some_and(|next| next.is_word() || ["{", "*"].contains(&next.text.as_str()));
        if text(at) != "::" || !follows {
            found.push(here);
            return at;
        }
        at += 1;
        if text(at) == "{" {
            break;
        }
    }
    at += 1;
    while !["}", ""].contains(&text(at)) {
        if tokens[at].is_word() && text(at) != "as" || text(at) == "*" {
            at = path(tokens, at, &here, found);
        } else if text(at) == "as" {
            at += 2;
        } else {
            at += 1;
        }
    }
    at + 1
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// From 1.
    pub line: usize,
    /// From its `fn` to its closing brace.
    pub lines: usize,
    /// Without `self`.
    pub parameters: usize,
}

/// Every function with a body in these tokens, nested ones too.
pub fn functions(tokens: &[Token]) -> Vec<Function> {
    let starts = tokens.windows(2).enumerate().filter(|(_, pair)| pair[0].text == "fn" && pair[1].is_word());
    starts.filter_map(|(at, pair)| function(&tokens[at + 1..], pair)).collect()
}

fn function(tokens: &[Token], pair: &[Token]) -> Option<Function> {
    let open = tokens.iter().position(|token| token.text == "(" || token.text == "<")?;
    let open = if tokens[open].text == "<" { group(tokens, open) } else { open };
    let close = group(tokens, open);
    let parameters = parameters(&tokens[open + 1..close - 1]);
    let body = close + tokens[close..].iter().position(|token| token.text == "{" || token.text == ";")?;
    if tokens[body].text == ";" {
        return None;
    }
    let last = &tokens[group(tokens, body) - 1];
    Some(Function { name: pair[1].text.clone(), line: pair[0].line, lines: last.line + 1 - pair[0].line, parameters })
}

/// The index after the bracket that closes the one here.
fn group(tokens: &[Token], open: usize) -> usize {
    let (opening, closing) = match tokens[open].text.as_str() {
        "(" => ("(", ")"),
        "<" => ("<", ">"),
        _ => ("{", "}"),
    };
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.text == opening {
            depth += 1;
        } else if token.text == closing {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
    }
    tokens.len()
}

fn parameters(tokens: &[Token]) -> usize {
    let mut depth = 0;
    let parts = tokens.split(|token| {
        match token.text.as_str() {
            "(" | "[" | "{" | "<" => depth += 1,
            ")" | "]" | "}" | ">" => depth -= 1,
            _ => {}
        }
        depth == 0 && token.text == ","
    });
    parts.filter(|part| !part.is_empty() && !part.iter().take(4).any(|token| token.text == "self")).count()
}

#[test]
fn comments_and_literals_are_not_code() {
    let text = "a(); // kill \"\nlet x = \"/* \\\" */ //\"; let y = r#\"\"use\"#; /* /* b */ */ c('\"', '\\'', 'z');\nfn f<'a>() {}";
    let code = code(text);
    assert_eq!(code.len(), text.len());
    assert_eq!(
        code.split_whitespace().collect::<Vec<_>>().join(" "),
        "a(); let x = ; let y = ; c( , , ); fn f<'a>() {}"
    );
}

#[test]
fn groups_are_written_out() {
    let code = "use crate::{a, b::{self, c as d}, e::*}; let x = std::fs::read::<T>();";
    let names: Vec<_> = paths(&tokens(code)).into_iter().map(|path| path.segments.join("::")).collect();
    let expected =
        ["use", "crate::a", "crate::b::self", "crate::b::c", "crate::e::*", "let", "x", "std::fs::read", "T"];
    assert_eq!(names, expected);
}

#[test]
fn functions_have_lines_and_parameters() {
    let code = "trait T { fn none(&self); }\nfn f<A: Fn(u8) -> u8>(&self, a: BTreeMap<A, (B, C)>, [b, c]: [u8; 2],) -> D\n{\n}\n";
    let expected = Function { name: "f".into(), line: 2, lines: 3, parameters: 2 };
    assert_eq!(functions(&tokens(code)), [expected]);
}

#[test]
fn what_is_under_test_does_not_ship() {
    let file = File::new("src/a.rs", "one\n#[cfg(test)]\nmod tests {\n  mod x {}\n}\n#[cfg(test)]\nuse y;\ntwo\n");
    assert_eq!(file.shipped_lines(), 2);
    assert_eq!(file.shipped_code().unwrap().split_whitespace().collect::<Vec<_>>(), ["one", "two"]);
    assert!(File::new("src/a/tests.rs", "one").shipped_code().is_none());
}
