//! `verify`: a sound export is reported; every byte that is changed is found, and where.

use edgemeter::control;
use edgemeter::ledger::{
    self, Change, EventCorrection, EventKey, EventRecord, Ledger, Position, Session,
};
use edgemeter::meter::Event;
use edgemeter::plan::Plan;
use edgemeter::units::Timestamp;

use crate::{Run, file, run, run_with_input};

const PLAN: &str = concat!(
    r#"{"id":"p","version":1,"charges":[{"id":"words","unit":"credits","#,
    r#""price":{"model":"per_unit","unit_price":"1"}}],"#,
    r#""credits":{"burn_order":"standard","rollover":"none","at_zero":"block"}}"#
);

/// An export, as the gateway writes it: opened, a key, a grant, leases and reports.
struct Export {
    lines: Vec<String>,
    position: Position,
    ledger: Ledger,
    plan: Plan,
}

impl Export {
    fn new() -> Self {
        let plan = Plan::parse(PLAN).unwrap();
        let opened = ledger::open("acme".parse().unwrap(), &plan, PLAN.to_owned());
        let ledger = Ledger::opened(&opened, Timestamp::from_millis(1_764_547_200_000)).unwrap();
        let mut export = Self { lines: Vec::new(), position: Position::default(), ledger, plan };
        export.write(&[opened]);
        export.visit(|session, _| session.create_key("k1".parse().unwrap()).unwrap());
        export.visit(|session, _| {
            let terms = r#"{"id":"first","amount":"100"}"#;
            session.grant(serde_json::from_str(terms).unwrap()).unwrap();
        });
        export.serve(r#"{"v":1,"wish":{"lease":"l1","seq":1,"rate":"20","cost":"1"}}"#);
        export
    }

    fn write(&mut self, entries: &[ledger::Entry]) {
        let at = self.ledger.clock();
        let body = serde_json::to_string(entries).unwrap();
        self.position = self.position.after(at, &body, entries);
        let Position { n, hash, .. } = &self.position;
        let line = format!(r#"{{"n":{n},"at":{at},"hash":"{hash}","entries":{body}}}"#);
        self.lines.push(line + "\n");
    }

    fn visit(&mut self, act: impl FnOnce(&mut Session<'_>, &Plan)) {
        let now = self.ledger.clock().plus_millis(1_000);
        let mut session = Session::start(&mut self.ledger, now).unwrap();
        act(&mut session, &self.plan);
        let entries = session.finish().unwrap();
        assert!(!entries.is_empty());
        self.write(&entries);
    }

    fn serve(&mut self, message: &str) {
        let request = serde_json::from_str(message).unwrap();
        self.visit(|session, plan| {
            control::serve(session, plan, &mut control::Denials::default(), &request).unwrap();
        });
    }

    /// Reports `count` more operations of the one lease.
    fn report(&mut self, from: usize, count: usize) {
        let list: Vec<_> = (0..count).map(|i| format!(r#"[0,0,"1",{i},200]"#)).collect();
        self.serve(&format!(
            r#"{{"v":1,"report":{{"lease":"l1","used":"{}","returned":"0","operations":
               {{"from":{from},"at":1764547203000,"routes":[["GET /words","words"]],
                "keys":["k1"],"list":[{}]}}}}}}"#,
            from + count,
            list.join(",")
        ));
    }

    fn text(&self) -> String {
        self.lines.concat()
    }
}

/// Standard error of a run that must find something.
#[track_caller]
fn found(name: &str, bytes: &[u8]) -> String {
    let path = file(name, "");
    std::fs::write(&path, bytes).unwrap();
    let Run { code, out, err } = run(&["verify", &path]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    err.split_once(&format!("{name}:")).unwrap_or(("", &err)).1.trim_end().to_owned()
}

#[test]
fn a_sound_export_is_reported() {
    let mut export = Export::new();
    export.report(0, 3);
    let text = export.text();
    let hash = export.position.hash.clone();
    let expected = format!(
        "acme, p version 1\n\nrows          5\noperations    3\ngranted     100\navailable    60\n\
         held         37\nburned        3\nexpired       0\nvoided        0\n\n\
         verified, last hash {hash}\n"
    );
    let path = file("sound.jsonl", &text);
    let sound = run(&["verify", &path, "--expect-rows", "5", "--expect-hash", &hash]);
    assert_eq!((sound.code, sound.out, sound.err), (0, expected.clone(), String::new()));
    assert_eq!(run_with_input(&["verify", "-"], &text).out, expected);
    let json: serde_json::Value =
        serde_json::from_str(&run(&["verify", &path, "--json"]).out).unwrap();
    assert_eq!((json["rows"].as_u64(), json["balance"]["burned"].as_str()), (Some(5), Some("3")));

    for (option, value, piece) in [
        ("--expect-rows", "6", "ends with row 5: rows 6 to 6 are missing"),
        ("--expect-rows", "4", "goes on to row 5: row 4 was expected to be the last"),
        ("--expect-hash", "00", ": 00 was expected: rows are missing at the end"),
    ] {
        let Run { code, err, .. } = run(&["verify", &path, option, value]);
        assert!(code == 1 && err.contains(piece), "{err}");
    }
    assert!(run(&["verify", "none.jsonl"]).err.contains("give the path of an export"));
}

/// The corrections are rated by what the rows say: no plan is asked.
#[test]
fn an_export_with_events_from_elsewhere_is_sound() {
    let mut export = Export::new();
    let event = |id: &str, quantity: u32| {
        let text = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"s","type":"words","subject":"acme",
            "time":"2025-12-01T00:00:00Z","data":{{"quantity":{quantity}}}}}"#
        );
        Event::from_json(text.leak(), None).unwrap()
    };
    export.visit(|session, plan| {
        let events = [event("a", 5), event("b", 7), event("a", 6)];
        session.take_events(plan, &events, |_| false).unwrap();
    });
    let row = export.lines.last().unwrap();
    let entries: serde_json::Value = serde_json::from_str(row).unwrap();
    let entries: Vec<ledger::Entry> = serde_json::from_value(entries["entries"].clone()).unwrap();
    let b = EventRecord::read(&entries, 1, "s", "b").unwrap().unwrap();
    assert_eq!(EventRecord::read(&entries, 0, "s", "b"), Ok(None), "another event stands there");
    export.visit(|session, plan| {
        let amend = EventCorrection {
            id: "c",
            source: "s",
            event: "b",
            change: Change::Amend(event("b", 2)),
        };
        let records = [(EventKey::of("s", "b"), b)].into();
        session.correct_events(plan, &[amend], |_| false, records).unwrap();
    });
    let path = file("events.jsonl", &export.text());
    let Run { code, out, err } = run(&["verify", &path]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("operations    2\n") && out.contains("burned        7\n"), "{out}");
}

/// Every byte, changed in one bit: found, in its row, at this very byte; nothing in an export is
/// outside of what is checked.
#[test]
fn every_byte_that_is_changed_is_found() {
    let mut export = Export::new();
    export.report(0, 2);
    let text = export.text();
    // Which bit of which byte; another process, another choice.
    let seed = std::process::id() as usize;
    let seed = std::env::var("SEED").map_or(seed, |text| text.parse().unwrap());
    let parts: Vec<Vec<String>> = std::thread::scope(|scope| {
        let text = text.as_bytes();
        let check = |part: usize| {
            let mut wrong = Vec::new();
            for at in (part..text.len()).step_by(2) {
                let mut bytes = text.to_vec();
                bytes[at] ^= 1 << ((seed + at) % 8);
                let line = 1 + text[..at].iter().filter(|byte| **byte == b'\n').count();
                let err = found(&format!("flip-{part}.jsonl"), &bytes);
                let place = format!("{line}: row {line}, byte {at}, ");
                // A changed line feed makes one line of two: what is wrong begins after the first.
                if !err.starts_with(&place) && text[at] != b'\n' {
                    wrong.push(format!("byte {at} {:?}: {err}", char::from(text[at])));
                }
            }
            wrong
        };
        let threads: Vec<_> = (0..2).map(|part| scope.spawn(move || check(part))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let wrong = parts.concat();
    assert!(wrong.is_empty(), "SEED={seed}, {} bytes:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_wrong_is_told_with_what_was_expected() {
    let mut export = Export::new();
    export.report(0, 2);
    export.report(2, 1);
    let lines = export.lines.clone();
    let with = |changes: &[(usize, &str, &str)]| {
        let mut lines = lines.clone();
        for (line, from, to) in changes {
            assert!(lines[line - 1].contains(from), "{from}: {}", lines[line - 1]);
            lines[line - 1] = lines[line - 1].replacen(from, to, 1);
        }
        lines.concat()
    };
    let order = |numbers: &[usize]| -> String {
        numbers.iter().map(|number| lines[number - 1].as_str()).collect()
    };
    let digit = if lines[4].contains("\"hash\":\"0") { "1" } else { "0" };
    let whole = lines.concat();
    let short = |bytes: usize| whole.get(..whole.len() - bytes).unwrap().to_owned();
    let table = [
        (with(&[(3, "\"100\"", "\"900\"")]), "3: row 3, byte ", "'9' stands where '1'"),
        (with(&[(3, "\"100\"", "\"100000\"")]), "3: row 3, byte ", "at, entries: bytes of at or"),
        (with(&[(2, "}]", "]")]), "2: row 2, byte ", "entries: the bytes were changed before"),
        (with(&[(4, "\"n\":4", "\"n\":9")]), "4: row 4, byte ", "9 stands where 4 was expected"),
        (with(&[(2, "\"at\":1764547201", "\"at\":1764547209")]), "2: row 2, byte ", "at: 1764"),
        (
            with(&[(5, lines[4].get(37..41).unwrap(), &format!("{digit}zz"))]),
            "5: row 5, byte ",
            "where a hex digit was expected",
        ),
        (with(&[(2, ",\"hash\"", ", \"hash\"")]), "2: row 2, byte ", "hash: ' ' stands where '\"'"),
        (order(&[1, 2, 4, 5, 6]), "3: row 3, byte ", "rows 3 to 3 are missing, or out of order"),
        (order(&[1, 2, 2, 3]), "3: row 3, byte ", "row 2 stands here again, or out of order"),
        (order(&[1, 3, 2, 4]), "2: row 2, byte ", "rows 2 to 2 are missing, or out of order"),
        (order(&[2, 3]), "1: row 1, byte 5, ", "rows 1 to 1 are missing"),
        (short(1), "6: row 6, byte ", "the export is cut off here"),
        (short(40), "6: row 6, byte ", "the export is cut off here"),
        ("{}\n".to_owned(), "1: row 1, byte 1, n: ", "'}' stands where '\"' was expected"),
        (String::new(), " has no rows", "give what GET"),
    ];
    for (text, place, what) in table {
        let err = found("wrong.jsonl", text.as_bytes());
        assert!(err.starts_with(place) && err.contains(what), "{place} … {what}: {err}");
    }
}

/// A report of thousands of operations is a long line: the byte is found there as well.
#[test]
fn long_rows_are_checked_as_well() {
    let mut export = Export::new();
    export.report(0, 40);
    let mut bytes = export.text().into_bytes();
    let at = bytes.len() - 300;
    bytes[at] ^= 4;
    let err = found("long.jsonl", &bytes);
    assert!(err.contains(&format!("byte {at}, ")), "{err}");
}
