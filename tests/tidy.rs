//! Checks the shape of the source itself, so that review does not have to.
//!
//! Every file opens with a header and fits its reader; the core names no runtime, no clock and no
//! file; a room names only rooms above it, in the order of the map in `src/lib.rs`; nothing is left
//! for later.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is off"
)]

use std::path::{Path, PathBuf};

const LINES_MAX: usize = 400;
const COLUMNS_MAX: usize = 100;

const FOLDERS: [&str; 7] =
    ["src", "tests", "benches", "scripts", "examples", "fuzz/fuzz_targets", "www"];
/// Written by tools.
const GENERATED: [&str; 1] = ["www/pkg/"];
/// Names the words that it bans.
const THIS: &str = "tests/tidy.rs";

/// Rooms that may talk to a runtime. The others in `src/` are the core.
const SHELLS: [&str; 6] = ["edge", "script", "browser", "bill", "preview", "bin"];

/// Runtimes, clocks, randomness, files, and containers whose order changes from run to run.
const BANNED_IN_CORE: [&str; 15] = [
    "worker::",
    "wasm_bindgen",
    "js_sys",
    "web_sys",
    "SystemTime",
    "Instant::",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::thread",
    "rand::",
    "HashMap",
    "HashSet",
    "println!",
];

/// Words that a file may use all the same; it says why.
const ALLOWED: [(&str, &str); 1] = [("src/meter/dedup.rs", "HashSet")];

/// What is left for later, or left over.
const BANNED: [&str; 5] = ["TODO", "FIXME", "HACK", "dbg!(", "debugger;"];

#[test]
fn source_is_tidy() {
    let rooms = rooms(&std::fs::read_to_string("src/lib.rs").unwrap());
    let mut complaints = Vec::new();
    for path in FOLDERS.iter().flat_map(|folder| files(Path::new(folder))) {
        let name = path.to_str().unwrap().replace('\\', "/");
        if GENERATED.iter().any(|folder| name.starts_with(folder)) || name == THIS {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        complaints.extend(complaints_about(&rooms, &name, &text));
    }
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_room_is_on_the_map() {
    let rooms = rooms(&std::fs::read_to_string("src/lib.rs").unwrap());
    for entry in std::fs::read_dir("src").unwrap() {
        let path = entry.unwrap().path();
        let room = path.file_stem().unwrap().to_str().unwrap();
        assert!(room == "lib" || rooms.iter().any(|r| r == room), "src/lib.rs: no line on {room}");
    }
}

/// The rooms in the order of the data flow: the first words of the map that opens `src/lib.rs`.
fn rooms(lib: &str) -> Vec<String> {
    let map = lib.split("//! ```").nth(1).unwrap_or_default();
    let words = map.lines().skip(1).filter_map(|line| line.strip_prefix("//! "));
    words.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn complaints_about(rooms: &[String], name: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let header = if name.ends_with(".rs") { "//!" } else { "/*" };
    if !text.starts_with(header) {
        found.push(format!("{name}: no `{header}` header"));
    }
    if text.lines().count() > LINES_MAX {
        found.push(format!("{name}: more than {LINES_MAX} lines"));
    }
    let room = name.strip_prefix("src/").filter(|_| name.ends_with(".rs"));
    let room = room.and_then(|rest| rest.split(['/', '.']).next()).filter(|room| *room != "lib");
    let below = rooms.iter().skip_while(|below| room != Some(below.as_str())).skip(1);
    let below: Vec<&String> = below.collect();
    let is_core = room.is_some_and(|room| !SHELLS.contains(&room));
    let mut in_tests = name.ends_with("tests.rs");
    for (number, line) in (1..).zip(text.lines()) {
        let mut complain = |what: String| found.push(format!("{name}:{number}: {what}"));
        in_tests |= line.contains("#[cfg(test)]");
        if line.chars().count() > COLUMNS_MAX && !stays_in_one_piece(line.trim_start()) {
            complain(format!("more than {COLUMNS_MAX} columns"));
        }
        for word in BANNED.iter().filter(|word| line.contains(**word)) {
            complain(format!("`{word}`: do it now, or say why not in words"));
        }
        if line.trim_start().starts_with("//") {
            continue;
        }
        for word in BANNED_IN_CORE.iter().filter(|w| is_core && !in_tests && line.contains(**w)) {
            if ALLOWED.contains(&(name, word)) {
                continue;
            }
            complain(format!("`{word}` in the core"));
        }
        for below in below.iter().filter(|below| names_room(line, below)) {
            complain(format!("names `{below}`, which is below {}", room.unwrap_or_default()));
        }
    }
    found
}

/// Strings and rows of tables: broken in two, they would be harder to read.
fn stays_in_one_piece(line: &str) -> bool {
    let starts = ["\"", "r#\"", "'", "`", "[\"", "//! |", "/// |", "* |"];
    starts.iter().any(|start| line.starts_with(start))
}

/// Whether a line of code names `crate::<room>`; one inside braces is a line of its own by rustfmt.
fn names_room(line: &str, room: &str) -> bool {
    let after = |path: &str| path.chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
    line.split("crate::").skip(1).any(|path| path.strip_prefix(room).is_some_and(after))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs" || e == "js" || e == "mjs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn tidy_notices_each_kind_of_mess() {
    let map =
        "//! ```text\n//! units      numbers\n//! plan       prices\n//! edge       it\n//! ```\n";
    let rooms = rooms(map);
    assert_eq!(rooms, ["units", "plan", "edge"]);
    let long = "// ".repeat(50);
    let table = [
        ("src/units/a.rs", "//! A.\n", ""),
        ("src/units/a.rs", "fn a() {}\n", "src/units/a.rs: no `//!` header"),
        ("www/a.js", "/** A. */\n", ""),
        ("www/a.js", "let a;\n", "www/a.js: no `/*` header"),
        (
            "src/units/a.rs",
            "//! A.\nuse worker::Env;\n",
            "src/units/a.rs:2: `worker::` in the core",
        ),
        ("src/units/a.rs", "//! A.\n// use worker::Env;\n", ""),
        ("src/meter/dedup.rs", "//! A.\ntype A = HashSet<u8>;\n", ""),
        (
            "src/meter/dedup.rs",
            "//! A.\ntype A = HashMap<u8, u8>;\n",
            "src/meter/dedup.rs:2: `HashMap` in the core",
        ),
        ("src/edge/a.rs", "//! A.\nuse worker::Env;\n", ""),
        ("src/units/a.rs", "//! A.\n#[cfg(test)]\nuse std::env;\n", ""),
        (
            "src/units/a.rs",
            "//! A.\nuse crate::plan::Plan;\n",
            "src/units/a.rs:2: names `plan`, which is below units",
        ),
        ("src/plan/a.rs", "//! A.\nuse crate::units::Id;\n", ""),
        ("src/units.rs", "//! A.\nuse crate::planets::Id;\n", ""),
        ("src/lib.rs", "//! A.\nuse crate::plan::Plan;\n", ""),
        (
            "tests/a.rs",
            "//! A.\n// TODO: all\n",
            "tests/a.rs:2: `TODO`: do it now, or say why not in words",
        ),
        ("tests/a.rs", &format!("//! A.\n{long}"), "tests/a.rs:2: more than 100 columns"),
        ("tests/a.rs", &format!("//! A.\n    \"{long}\",\n"), ""),
        ("tests/a.rs", &"//! A.\n".repeat(401), "tests/a.rs: more than 400 lines"),
    ];
    for (name, text, expected) in table {
        assert_eq!(complaints_about(&rooms, name, text).join("; "), expected, "{name}: {text}");
    }
}
