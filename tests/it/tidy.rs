//! Budgets and words: how long things may grow, what they must say, and what must not stand anywhere in the tree.
//!
//! Words that are searched for are put together from pieces, so that this file does not trip over itself. The numbers
//! are the ones at which a reviewer would stop; the aims, which are lower, are in `CONTRIBUTING.md`.

use std::collections::BTreeMap;

use crate::source::{File, functions, tokens, tree};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const PARAMETERS_MAX: usize = 5;
const FOLDER_FILES_MAX: usize = 10;
const COLUMNS_MAX: usize = 140;

/// Folders that hold one file for each of many like things.
const WIDE_FOLDERS: &[&str] = &["src/cli", "src/facts"];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] =
    &["utils", "util", "common", "helpers", "helper", "types", "misc", "manager", "handler", "processor"];

/// The trade's own words for what we call revoke, withhold, spare, hold and release.
const BANNED_WORDS: &[&str] = &[
    concat!("ki", "ll"),
    concat!("ki", "lls"),
    concat!("ki", "lled"),
    concat!("ki", "lling"),
    concat!("b", "an"),
    concat!("b", "ans"),
    concat!("ban", "ned"),
    concat!("ban", "ning"),
    concat!("termin", "ate"),
    concat!("termin", "ates"),
    concat!("termin", "ated"),
    concat!("termin", "ating"),
    concat!("white", "list"),
    concat!("white", "listed"),
    concat!("black", "list"),
    concat!("black", "listed"),
];

/// What systemd makes us call by such a word.
const BORROWED: &str = concat!("/bin/ki", "ll");

/// Where the glossary binds: what ships and what people read.
const GLOSSARY_PLACES: &[&str] =
    &["src/", "config/", "policies/", "systemd/", "docs/", "data/", "README.md", "CHANGELOG.md"];

const MARKS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("HA", "CK")];

/// Paths of somebody's machine, and of papers that do not ship.
const FOREIGN_PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
    concat!("/tmp/", "wt"),
    concat!("sha", "red/"),
];

/// Everything in these files that outgrew its budget or says what it must not.
fn faults(files: &[File]) -> Vec<String> {
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path != "Cargo.lock") {
        let wrongs = [lengths(file), shape(file), words(file), columns(file), leftovers(file)];
        found.extend(wrongs.into_iter().flatten().map(|wrong| format!("{}: {wrong}", file.path)));
    }
    found.extend(folders(files));
    found
}

/// What tools leave beside the files that they change.
fn leftovers(file: &File) -> Vec<String> {
    let ends = [".orig", ".rej", ".bak", "~"];
    let is_left = ends.iter().any(|end| file.path.ends_with(end));
    if is_left { vec!["was left behind by a tool".to_owned()] } else { Vec::new() }
}

fn lengths(file: &File) -> Vec<String> {
    let Some(code) = file.shipped_code() else { return Vec::new() };
    let mut found = Vec::new();
    let lines = file.shipped_lines();
    if lines > FILE_LINES_MAX {
        found.push(format!("{lines} lines, {FILE_LINES_MAX} at most"));
    }
    for function in functions(&tokens(&code)) {
        let at = format!("`{}` in line {}", function.name, function.line);
        if function.lines > FUNCTION_LINES_MAX {
            found.push(format!("{at} has {} lines, {FUNCTION_LINES_MAX} at most", function.lines));
        }
        if function.parameters > PARAMETERS_MAX {
            found.push(format!("{at} has {} parameters, {PARAMETERS_MAX} at most", function.parameters));
        }
    }
    found
}

fn shape(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    if file.is_rust() && !file.text.starts_with("//! ") {
        found.push("opens without saying what lives here".into());
    }
    for part in file.path.split('/').map(|part| part.split('.').next().unwrap_or(part)) {
        if file.is_rust() && EMPTY_NAMES.contains(&part) {
            found.push(format!("`{part}` says nothing"));
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        found.push("does not end with a line break".into());
    }
    found
}

fn words(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let glossary = GLOSSARY_PLACES.iter().any(|place| file.path.starts_with(place));
    for (number, line) in (1..).zip(file.text.lines()) {
        let mut say = |what: &str| found.push(format!("line {number} says `{what}`"));
        for word in line.replace(BORROWED, "").split(|letter: char| !letter.is_alphanumeric()) {
            if MARKS.contains(&word) {
                say(word);
            }
            for part in humps(word).iter().filter(|_| glossary) {
                if BANNED_WORDS.contains(&part.as_str()) {
                    say(part);
                }
            }
        }
        for path in FOREIGN_PATHS {
            let alone = |at: usize| path.starts_with('/') || !line[..at].ends_with(char::is_alphanumeric);
            if line.match_indices(path).any(|(at, _)| alone(at)) {
                say(path);
            }
        }
    }
    found
}

/// `SessionId` as `session`, `id`; `DELETE` stays one word.
fn humps(word: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut was_upper = true;
    for letter in word.chars() {
        if parts.is_empty() || letter.is_uppercase() && !was_upper {
            parts.push(String::new());
        }
        was_upper = letter.is_uppercase();
        parts.last_mut().unwrap().extend(letter.to_lowercase());
    }
    parts
}

fn columns(file: &File) -> Vec<String> {
    let is_table = |line: &str| file.extension() == "md" && line.starts_with('|');
    let is_prose = ["rs", "toml", "md", "service", "sh", ""].contains(&file.extension());
    let wide = (1..).zip(file.text.lines()).filter(|(_, line)| line.chars().count() > COLUMNS_MAX && !is_table(line));
    wide.filter(|_| is_prose).map(|(number, _)| format!("line {number} is wider than {COLUMNS_MAX} columns")).collect()
}

fn folders(files: &[File]) -> Vec<String> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.starts_with("src/")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        *sizes.entry(folder).or_default() += 1;
    }
    let full = sizes.into_iter().filter(|(folder, size)| *size > FOLDER_FILES_MAX && !WIDE_FOLDERS.contains(folder));
    full.map(|(folder, size)| format!("{folder}: {size} files, {FOLDER_FILES_MAX} at most")).collect()
}

#[test]
fn the_tree_is_tidy() {
    let found = faults(&tree());
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

/// Tests that the page of holes names and that do not exist.
fn unproved(files: &[File]) -> Vec<String> {
    let is_test = |name: &str| files.iter().any(|file| file.is_rust() && file.text.contains(&format!("fn {name}()")));
    let pages = files.iter().filter(|file| file.path == "docs/holes.md");
    let cells =
        pages.flat_map(|page| page.text.lines()).filter_map(|line| line.trim_end_matches(" |").rsplit_once("| "));
    let names = cells.flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2));
    names.filter(|name| !is_test(name)).map(str::to_owned).collect()
}

#[test]
fn every_hole_has_its_test() {
    let missing = unproved(&tree());
    assert!(missing.is_empty(), "docs/holes.md names {missing:?}");
    let page = File::new("docs/holes.md", "| it fell | it stands | `it_stands`, `it_is_gone` |\n");
    assert_eq!(unproved(&[page, File::new("tests/x.rs", "fn it_stands() {}")]), ["it_is_gone"]);
}

fn check(path: &str, text: &str, fault: &str) {
    let found = faults(&[File::new(path, text)]).join("\n");
    assert!(if fault.is_empty() { found.is_empty() } else { found.contains(fault) }, "{path}: {text}\n{found}");
}

#[test]
fn long_files_and_functions_are_found() {
    let lines = |count: usize| "x;\n".repeat(count);
    check("src/plan.rs", &format!("//! Why.\n{}", lines(499)), "");
    check("src/plan.rs", &format!("//! Why.\n{}", lines(500)), "501 lines, 500 at most");
    check("src/plan.rs", &format!("//! Why.\n#[cfg(test)]\nmod tests {{\n{}}}\n", lines(600)), "");
    check("src/plan.rs", &format!("//! Why.\nfn f() {{\n{}}}\n", lines(68)), "");
    check("src/plan.rs", &format!("//! Why.\nfn f() {{\n{}}}\n", lines(69)), "`f` in line 2 has 71 lines");
    check("src/plan.rs", "//! Why.\nfn f(&self, a: A, b: B, c: C, d: D, e: E) {}\n", "");
    check("src/plan.rs", "//! Why.\nfn f(a: A, b: B, c: C, d: D, e: E, g: G) {}\n", "6 parameters");
}

#[test]
fn files_say_what_they_are() {
    check("src/plan.rs", "use x;\n", "opens without saying");
    check("tests/it/utils.rs", "//! Why.\n", "`utils` says nothing");
    check("src/manager/mod.rs", "//! Why.\n", "`manager` says nothing");
    check("src/plan.rs", "//! Why.", "does not end with a line break");
    check("src/plan.rs.orig", "//! Why.\n", "left behind");
    check("src/plan.rs", "//! Why.\n", "");
}

#[test]
fn words_outside_the_glossary_are_found() {
    for word in BANNED_WORDS {
        check("src/plan.rs", &format!("//! We {word} it.\n"), word);
        check("docs/x.md", &format!("{}-switch\n", word.to_uppercase()), word);
        check("src/plan.rs", &format!("//! Why.\nfn do_{word}_it() {{}}\n"), word);
    }
    check("src/plan.rs", concat!("//! A Ki", "llSwitch.\n"), concat!("ki", "ll"));
    check("systemd/x.service", &format!("ExecReload={BORROWED} -HUP $MAINPID\n"), "");
    check("systemd/x.service", concat!("Ki", "llMode=mixed\n"), concat!("ki", "ll"));
    check("src/plan.rs", "//! SIGKILL, a bandwidth, urban, skilled.\n", "");
}

#[test]
fn marks_and_machine_paths_are_found_everywhere() {
    for mark in MARKS {
        check("Makefile", &format!("# {mark}: later\n"), mark);
        check("src/plan.rs", &format!("//! Why.\n// {mark}(me) later\n"), mark);
    }
    for path in FOREIGN_PATHS {
        check("docs/x.md", &format!("see ..{path}x\n"), path);
    }
    check("docs/x.md", concat!("unsha", "red/x, /usr/share/x, homework/x\n"), "");
}

#[test]
fn wide_lines_and_full_folders_are_found() {
    check("src/plan.rs", &format!("//! {}\n", "x".repeat(136)), "");
    check("src/plan.rs", &format!("//! {}\n", "x".repeat(137)), "line 1 is wider");
    check("docs/x.md", &format!("| {} |\n", "x".repeat(200)), "");
    let room = |name: &str| (0..11).map(|n| File::new(format!("src/{name}/f{n}.rs"), "//! Why.\n")).collect::<Vec<_>>();
    assert_eq!(faults(&room("guard")), ["src/guard: 11 files, 10 at most"]);
    assert!(faults(&room("cli")).is_empty());
}
