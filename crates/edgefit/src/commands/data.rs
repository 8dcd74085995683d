//! `edgefit data`: a dataset before anything is trained; nothing is changed.

use edgefit::data::{Card, Dataset};
use edgefit::report::data_page;
use edgefit::terminal::progress::spinner;
use edgefit::terminal::report;

use crate::cli::Data;
use crate::output::{Outcome, Output};

pub fn run(args: Data, output: &mut Output) -> anyhow::Result<Outcome> {
    args.html.ensure_place()?;
    let dataset = Dataset::open(&args.data)?;
    let spinner = spinner("reading samples");
    let card = Card::of(&dataset);
    drop(spinner);
    args.html.write_page(|| Ok(data_page(&card)?))?;
    output.result("edgefit.data/1", &card, || report::data(&card))?;
    Ok(Outcome::Yes)
}
