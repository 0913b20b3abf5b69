//! A real trace under four plans: the totals equal a computation that shares nothing with the
//! program but the file. It counts in integers: a billionth of a dollar, and whole cents at the end.

use crate::output;

const TRACE: &str = "tests/data/azure_llm_trace_code.csv";

const PLANS: [&str; 4] = [
    "examples/plans/tokens-graduated.json",
    "examples/plans/tokens-packages.json",
    "examples/plans/credits-commit.json",
    "examples/plans/hybrid-seats.json",
];

/// Billionths of a dollar in a cent.
const CENT: u64 = 10_000_000;

/// Requests, prompt tokens and generated tokens of the trace.
fn totals() -> (u64, u64, u64) {
    let text = std::fs::read_to_string(TRACE).unwrap();
    let mut sums = (0, 0, 0);
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        sums.0 += 1;
        sums.1 += cells[1].parse::<u64>().unwrap();
        sums.2 += cells[2].parse::<u64>().unwrap();
    }
    sums
}

/// Cents, halves up.
fn cents(billionths: u64) -> u64 {
    (billionths + CENT / 2) / CENT
}

/// Two prices with a bound between them, in billionths a token.
fn two_tiers(tokens: u64, bound: u64, low: u64, high: u64) -> u64 {
    tokens.min(bound) * low + tokens.saturating_sub(bound) * high
}

fn expected() -> [u64; 4] {
    let (_, input, output) = totals();
    let graduated = cents(two_tiers(input, 10_000_000, 3_000, 2_500))
        + cents(two_tiers(output, 100_000, 15_000, 12_000));
    let packages = input.div_ceil(1_000_000) * 280 + output.div_ceil(50_000) * 70;
    // Thousandths of a credit; 10,000 credits are included, the others cost 0.0011 dollars each.
    let used = input * 3 + output * 15;
    let overage = cents(used.saturating_sub(10_000_000) * 1_100);
    let commit = overage.max(6_000);
    let seats = 3 * 1_200
        + cents(two_tiers(input, 10_000_000, 0, 2_600))
        + cents(two_tiers(output, 100_000, 0, 13_000));
    [graduated, packages, commit, seats]
}

fn dollars(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

fn backtest(more: &[&str]) -> String {
    let source = [
        "--events",
        TRACE,
        "--time-column",
        "TIMESTAMP",
        "--event-type",
        "llm.completion",
        "--subject",
        "code-completion",
        "--from",
        "2023-11-01",
    ];
    let plans = PLANS.iter().flat_map(|plan| ["--plan", plan]);
    let arguments: Vec<&str> =
        ["backtest"].into_iter().chain(plans).chain(source).chain(more.iter().copied()).collect();
    output(&arguments)
}

#[test]
fn the_trace_costs_what_an_independent_sum_says() {
    assert_eq!(totals(), (8_819, 18_059_974, 245_896));
    let json: serde_json::Value = serde_json::from_str(&backtest(&["--as", "json"])).unwrap();
    let expected = expected().map(dollars);
    assert_eq!(json["totals"], serde_json::json!(expected));
    assert_eq!(json["customers"]["code-completion"], serde_json::json!(expected));
    assert_eq!(json["events"], 8_819);
    assert_eq!(expected, ["53.40", "56.70", "60.00", "58.86"]);
}

#[test]
fn the_comparison_is_a_table() {
    let expected = "\
8819 events of 1 customers, 0 repeated, 0 outside the period; USD

customer         tokens-graduated 1  tokens-packages 1  credits-commit 1  hybrid-seats 1
code-completion               53.40              56.70             60.00           58.86
total                         53.40              56.70             60.00           58.86

against the first  total  winners  losers  least  median   most
tokens-packages 1  +3.30        0       1  +3.30   +3.30  +3.30
credits-commit 1   +6.60        0       1  +6.60   +6.60  +6.60
hybrid-seats 1     +5.46        0       1  +5.46   +5.46  +5.46
";
    assert_eq!(backtest(&[]), expected);
}
