//! What a live account can be asked for: `Ledger::audit` names what does not hold.

use edgemeter::ledger::{Ledger, shown_byte};
use serde_json::{Value, json};

use crate::book::Book;

/// An account with one of everything.
fn account() -> Ledger {
    let mut book = Book::new();
    for command in [
        "1 grant a 100",
        "1 grant b 50 effective=900",
        "2 lease l 1 40 until=20",
        "3 report l used=3 returned=0 ops=0+3",
        "4 reserve r 5 until=20",
        "4 lease m 1 10 until=90",
        "5 debit d 2",
        "20 visit",
    ] {
        assert_eq!(book.row(command), None, "{command}");
    }
    book.ledger
}

#[test]
fn an_account_that_was_tampered_with_is_told_what_does_not_hold() {
    let sound = account();
    assert_eq!(sound.audit(), Ok(()));
    let (leases, grants) = (sound.leases(), sound.grants());
    assert_eq!((leases.len(), grants.len(), sound.reservations().len()), (2, 2, 1));
    assert_eq!(sound.debits().keys().collect::<Vec<_>>(), ["d"]);
    // pointer, value, what does not hold
    let table = [
        ("/grants/a/given", "101", "conservation"),
        ("/grants/a/left", "94", "conservation"),
        ("/totals/burned", "6", "conservation"),
        ("/totals/left", "146", "conservation"),
        ("/leases/m/granted", "54", "no_overspend"),
        ("/totals/unreported", "86", "no_overspend"),
        ("/leases/m/used", "11", "counters"),
        ("/leases/l/returned", "38", "counters"),
        ("/totals/unreported", "41", "unreported"),
        ("/reservations/r/held", "6", "unreported"),
    ];
    for (pointer, value, expected) in table {
        let mut state = serde_json::to_value(&sound).unwrap();
        let place = state.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}"));
        assert_ne!(*place, json!(value), "{pointer}");
        *place = json!(value);
        let ledger: Ledger = serde_json::from_value(state).unwrap();
        assert_eq!(ledger.audit(), Err(expected), "{pointer} = {value}");
    }
    // More is kept as unreported than is remembered by name: leases are forgotten after a while.
    let mut state = serde_json::to_value(&sound).unwrap();
    *state.pointer_mut("/totals/unreported").unwrap() = json!("43");
    assert_eq!(serde_json::from_value::<Ledger>(state).unwrap().audit(), Ok(()));
    // One grant below zero, though the sums are right.
    let mut state = serde_json::to_value(&sound).unwrap();
    let shift = |state: &mut Value, grant: &str, by: i64| {
        for field in ["left", "given"] {
            let place = state.pointer_mut(&format!("/grants/{grant}/{field}")).unwrap();
            let value: i64 = place.as_str().unwrap().parse().unwrap();
            *place = json!((value + by).to_string());
        }
    };
    shift(&mut state, "a", -96);
    shift(&mut state, "b", 96);
    let text = state.to_string().replace("\"effective_at\":900", "\"effective_at\":9");
    let ledger: Ledger = serde_json::from_str(&text).unwrap();
    assert_eq!(ledger.audit(), Err("no_overspend"));
}

#[test]
fn a_byte_is_shown_as_a_person_reads_it() {
    let table = [
        (b'a', "'a'"),
        (b' ', "' '"),
        (b'~', "'~'"),
        (b'"', "'\"'"),
        (b'\n', "a line feed"),
        (31, "byte 0x1f"),
        (127, "byte 0x7f"),
    ];
    for (byte, expected) in table {
        assert_eq!(shown_byte(byte), expected);
    }
}
