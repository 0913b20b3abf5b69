//! An invoice as one HTML page that prints on paper: no script, no other file.

use edgemeter::invoice::{Invoice, Line};

/// How it looks, on a screen and on paper.
const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;\
padding:0 1rem;color:#1a1a1a}table{width:100%;border-collapse:collapse}th,td{padding:.4rem 0;\
text-align:right;border-bottom:1px solid #ddd;vertical-align:top}th:first-child,td:first-child{\
text-align:left}td small{color:#555;display:block}tfoot td{border:0}tfoot tr:last-child{\
font-weight:bold}@media print{body{margin:0}tr{break-inside:avoid}}";

/// The page.
pub(crate) fn page(invoice: &Invoice) -> String {
    let title = format!("Invoice of {}", invoice.account);
    let period = invoice.period.map_or(String::new(), |period| {
        format!("{} up to {}, {}", period.first, period.until, invoice.zone)
    });
    let rows: String = invoice.lines.iter().map(row).collect();
    let sums: String = sums(invoice)
        .into_iter()
        .map(|(name, amount)| {
            format!("<tr><td colspan=\"3\">{}</td><td>{amount}</td></tr>\n", escape(&name))
        })
        .collect();
    let (title, status) = (escape(&title), invoice.status.name());
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n<p>{} ({}), {status}</p>\n<table>\n\
         <thead><tr><th>Line</th><th>Quantity</th><th>Credits</th><th>Amount</th></tr></thead>\n\
         <tbody>\n{rows}</tbody>\n<tfoot>\n{sums}</tfoot>\n</table>\n</html>\n",
        escape(&period),
        invoice.currency,
    )
}

fn row(line: &Line) -> String {
    let cell = |found: Option<String>| found.unwrap_or_default();
    let sum = line.formula.clone().or_else(|| {
        let steps = line.explanation.as_ref()?.steps.iter();
        let sums = steps.map(|step| format!("{}: {} = {}", step.rule, step.formula, step.result));
        Some(sums.collect::<Vec<_>>().join("; "))
    });
    format!(
        "<tr><td>{}<small>{}</small></td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
        escape(&line.name),
        escape(&cell(sum)),
        cell(line.quantity.map(|quantity| quantity.to_string())),
        cell(line.credits.map(|credits| credits.to_string())),
        line.settled.amount,
    )
}

/// The sums below the lines: name and amount, in the order they are taken.
pub(crate) fn sums(invoice: &Invoice) -> Vec<(String, String)> {
    let totals = &invoice.totals;
    let mut sums = vec![("Subtotal".to_owned(), totals.subtotal.to_string())];
    for discount in &totals.discounts {
        sums.push((format!("Discount {}", discount.id), discount.amount.negated().to_string()));
    }
    for tax in &totals.taxes {
        sums.push((format!("Tax {}", tax.id), tax.amount.to_string()));
    }
    sums.push(("Total".to_owned(), totals.total.to_string()));
    if !totals.credits_applied.is_zero() {
        sums.push(("Credits".to_owned(), totals.credits_applied.negated().to_string()));
    }
    sums.push(("Due".to_owned(), totals.due.to_string()));
    sums
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_be_markup() {
        assert_eq!(escape("<b a=\"1\">&</b>"), "&lt;b a=&quot;1&quot;&gt;&amp;&lt;/b&gt;");
    }
}
