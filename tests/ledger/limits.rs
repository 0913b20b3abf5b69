//! How much an account holds: the last that fits, and the first that does not.

use edgemeter::ledger::{COMMANDS_MAX, GRANTS_MAX, KEYS_MAX, LEASES_MAX, RESERVATIONS_MAX};

use crate::book::Book;

#[test]
fn an_account_holds_so_many_and_not_one_more() {
    // what there is to begin with, the command for number n, the most
    let table = [
        ("grants", 1, "1 grant g{n} 1", GRANTS_MAX),
        ("keys", 1, "1 key x{n}", KEYS_MAX),
        ("leases", 0, "1 lease l{n} 1 1 until=50", LEASES_MAX),
        ("reservations", 0, "1 reserve r{n} 1 until=50", RESERVATIONS_MAX),
        ("corrections", 0, "1 adjust n{n} -1", COMMANDS_MAX),
    ];
    for (name, there, text, most) in table {
        let command = |n: usize| text.replace("{n}", &n.to_string());
        let mut book = Book::new();
        book.row("0 grant a 1000000");
        for n in there..most {
            assert_eq!(book.row(&command(n)), None, "{name}: {n}");
        }
        for _ in 0..2 {
            let refused = book.row(&command(most));
            assert_eq!(refused.as_deref(), Some("account_full"), "{name}");
        }
        // What is there already is the same again.
        let known = book.row(&command(most - 1));
        assert_eq!(known.as_deref(), (name == "keys").then_some("key_exists"), "{name}");
    }
}
