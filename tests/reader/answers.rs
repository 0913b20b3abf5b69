//! Every answer of the table, whole, byte by byte, cut in two everywhere, and in random pieces.

use std::collections::BTreeMap;

use edgemeter::reader::{Asked, Ended, Reader};
use serde::Deserialize;

use super::replay::{Answer, Outcome, asked, play, reader};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    answer: String,
    reader: String,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    asks: bool,
    status: Option<u16>,
    #[serde(rename = "type")]
    content_type: Option<String>,
    /// The answer ends behind this text.
    cut: Option<String>,
    ended: Option<String>,
    uses: BTreeMap<String, String>,
    missing: Option<String>,
    #[serde(default)]
    estimated: bool,
    /// The file that the client reads.
    client: Option<String>,
}

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("tests/reader/answers/{name}")).unwrap()
}

fn rows() -> Vec<Row> {
    let text = std::fs::read_to_string("tests/reader/answers.json").unwrap();
    serde_json::from_str(&text).unwrap()
}

struct Case {
    name: String,
    row: Row,
    reader: Reader,
    asked: Asked,
    text: String,
}

impl Case {
    fn new(row: Row) -> Self {
        let mut text = file(&row.answer);
        if let Some(cut) = &row.cut {
            let at = text.find(cut).unwrap_or_else(|| panic!("{}: no {cut}", row.answer));
            text.truncate(at + cut.len());
        }
        let reader = reader(&row.reader);
        let asked = asked(&reader, row.stream, row.asks);
        let name = format!("{} {} {:?} {:?}", row.answer, row.reader, row.cut, row.ended);
        Self { name, row, reader, asked, text }
    }

    fn play<'p>(&self, pieces: impl Iterator<Item = &'p [u8]>) -> Outcome {
        let by_name = match self.row.answer.rsplit('.').next() {
            Some("sse") => "text/event-stream; charset=utf-8",
            Some("ndjson") => "application/x-ndjson",
            _ => "application/json",
        };
        let answer = Answer {
            status: self.row.status.unwrap_or(200),
            content_type: self.row.content_type.as_deref().unwrap_or(by_name),
            ended: match self.row.ended.as_deref() {
                None => Ended::Whole,
                Some("broken") => Ended::Broken,
                Some("gone") => Ended::ClientGone,
                Some(other) => panic!("{other}"),
            },
        };
        play(&self.reader, &self.asked, &answer, pieces)
    }
}

/// Cuts bytes after each of the places.
fn cut<'b>(bytes: &'b [u8], places: &[usize]) -> Vec<&'b [u8]> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for place in places.iter().chain([&bytes.len()]) {
        pieces.push(&bytes[from..*place]);
        from = *place;
    }
    pieces
}

#[test]
fn each_answer_comes_to_what_the_table_says() {
    for case in rows().into_iter().map(Case::new) {
        let got = case.play([case.text.as_bytes()].into_iter());
        assert_eq!(got.uses(), case.row.uses, "{}", case.name);
        let missing = got.read.missing.as_ref().map(|missing| missing.code().to_owned());
        assert_eq!(missing, case.row.missing, "{}", case.name);
        assert_eq!(got.read.estimated, case.row.estimated, "{}", case.name);
        if let Some(client) = &case.row.client {
            let client = file(client);
            assert_eq!(String::from_utf8_lossy(&got.client), client, "{}", case.name);
        }
    }
}

#[test]
fn where_an_answer_is_cut_changes_nothing() {
    let mut random = Random::new();
    for case in rows().into_iter().map(Case::new) {
        for ending in ["\n", "\r\n", "\r"] {
            let text = case.text.replace('\n', ending);
            for mark in ["", "\u{feff}"] {
                let bytes = format!("{mark}{text}").into_bytes();
                let expected = case.play([bytes.as_slice()].into_iter());
                let check = |pieces: Vec<&[u8]>, how: &dyn Fn() -> String| {
                    let got = case.play(pieces.into_iter());
                    assert_eq!(got, expected, "{} {ending:?} {mark:?} {}", case.name, how());
                };
                check(bytes.chunks(1).collect(), &|| "byte by byte".to_owned());
                if mark.is_empty() && ending == "\n" {
                    for place in 0..=bytes.len() {
                        check(cut(&bytes, &[place]), &|| format!("cut at {place}"));
                    }
                }
                for _ in 0..20 {
                    let mut places: Vec<usize> =
                        (0..random.below(12)).map(|_| random.below(bytes.len() + 1)).collect();
                    places.sort_unstable();
                    check(cut(&bytes, &places), &|| format!("{places:?} SEED={}", random.seed));
                }
            }
        }
    }
}

/// Line endings, byte order marks and comments are no part of what an event stream says.
#[test]
fn how_a_stream_ends_its_lines_changes_no_use() {
    let streams =
        rows().into_iter().filter(|row| row.answer.ends_with(".sse") && row.cut.is_none());
    for case in streams.filter(|row| row.reader != "minutes").map(Case::new) {
        let expected = case.play([case.text.as_bytes()].into_iter()).read;
        let comments = case.text.replace("\n\n", "\n\n: keep-alive\n\n");
        for (mark, ending) in [("", "\r\n"), ("", "\r"), ("\u{feff}", "\n"), ("\u{feff}", "\r\n")] {
            let text = format!("{mark}{}", comments.replace('\n', ending));
            let got = case.play([text.as_bytes()].into_iter());
            assert_eq!(got.read, expected, "{} {mark:?} {ending:?}", case.name);
            if let Some(client) = &case.row.client {
                let client = file(client).replace("\n\n", "\n\n: keep-alive\n\n");
                // The comment behind an event that was taken out stays.
                let client = format!("{mark}{}", client.replace('\n', ending));
                let removed = case.text.matches("\n\n").count()
                    - file(case.row.client.as_ref().unwrap()).matches("\n\n").count();
                let kept = format!(": keep-alive{ending}{ending}");
                let client = client.replacen(
                    &format!("data: [DONE]{ending}"),
                    &format!("{}data: [DONE]{ending}", kept.repeat(removed)),
                    1,
                );
                assert_eq!(
                    String::from_utf8(got.client).unwrap(),
                    client,
                    "{} {ending:?}",
                    case.name
                );
            }
        }
    }
}

/// A running count is what a slice is held against: it only grows while text comes, and is never
/// less than what the same beginning would be estimated at.
#[test]
fn the_running_count_is_never_below_the_estimate() {
    for case in rows().into_iter().filter(|row| row.stream && row.cut.is_none()).map(Case::new) {
        let bytes = case.text.as_bytes();
        for place in (0..=bytes.len()).step_by(7) {
            let got = case.play([&bytes[..place]].into_iter());
            let tokens = |charge: &str| {
                got.uses().get(charge).map_or(0, |quantity| quantity.parse::<u64>().unwrap())
            };
            let output = tokens("output") + tokens("reasoning");
            assert!(got.at_most >= output, "{} at {place}: {got:?}", case.name);
        }
    }
}

/// Broken answers: bytes changed, left out, or repeated. The client gets the same however they are
/// cut, and no estimate is above the bound; in an event that is not JSON what is text is a guess.
#[test]
fn a_broken_answer_reaches_the_client_and_costs_no_more_than_its_bound() {
    let mut random = Random::new();
    let cases: Vec<Case> = rows().into_iter().map(Case::new).collect();
    for round in 0..3_000 {
        let case = &cases[random.below(cases.len())];
        let mut bytes = case.text.clone().into_bytes();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            let end = (at + random.below(40)).min(bytes.len());
            let marks = b"\"\\{}[]:,\n\r ";
            match random.below(4) {
                0 => drop(bytes.drain(at..end)),
                1 => bytes.extend_from_within(at..end),
                2 => bytes[at] = marks[random.below(marks.len())],
                _ => bytes.insert(at, marks[random.below(marks.len())]),
            }
            if bytes.is_empty() {
                break;
            }
        }
        let whole = case.play([bytes.as_slice()].into_iter());
        let place = random.below(bytes.len() + 1);
        for got in [case.play(bytes.chunks(1)), case.play(cut(&bytes, &[place]).into_iter())] {
            let how = format!("{} at {place} round {round} SEED={}", case.name, random.seed);
            assert!(got.client == whole.client, "{how}");
            let output = got.uses().get("output").map_or(0, |output| output.parse().unwrap());
            assert!(!got.read.estimated || output <= 1000 || output <= got.at_most, "{how}");
        }
    }
}

/// xorshift: replayable with `SEED`.
struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    fn new() -> Self {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        Self { seed, state: seed ^ 0x9e37_79b9_7f4a_7c15 }
    }

    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from(self.state % u64::try_from(end).unwrap()).unwrap()
    }
}
