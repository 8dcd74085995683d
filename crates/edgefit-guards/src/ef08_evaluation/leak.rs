//! Samples that are in training and held out as well.

use edgefit_base::statistics::binomial_tail;

use crate::{Code, Finding, Status};

/// Share of the held-out samples that may look like a training sample.
pub const LEAKED: f64 = 0.01;
/// The same, above which the evaluation is worthless.
pub const LEAKED_MUCH: f64 = 0.10;
/// Share of the held-out images that look like a training image by chance: the most that was measured
/// where none is a copy, on 5,000 and 20,000 images of Fashion-MNIST, 5,000 digits and 222 photographs.
pub const ALIKE_BY_CHANCE: f64 = 0.001;
/// How unlikely as many by chance must be.
pub const UNLIKELY: f64 = 0.01;

/// Samples of validation and test that are, or look like, one of an earlier split.
#[derive(Debug, Clone, Default)]
pub struct Leak {
    /// What they are, such as `images`.
    pub noun: &'static str,
    /// Samples of validation and test together.
    pub held_out: usize,
    /// Share that would look so by chance: [`ALIKE_BY_CHANCE`], or 0 where only equal samples count.
    pub by_chance: f64,
    /// Each of them, and the sample of an earlier split that it looks like.
    pub pairs: Vec<[String; 2]>,
}

/// Warns of copies across the split where they are more than chance makes, and fails where they are
/// many.
pub fn check_leak(leak: &Leak) -> Finding {
    let count = leak.pairs.len();
    let share = count as f64 / leak.held_out.max(1) as f64;
    let example = match leak.pairs.as_slice() {
        [] => String::new(),
        [[a, b]] => format!(": {a} and {b}"),
        [[a, b], ..] => format!(", such as {a} and {b}"),
    };
    let text = format!(
        "{count} of {} held-out {} look like one of an earlier part{example}",
        leak.held_out, leak.noun
    );
    let chance = binomial_tail(count, leak.held_out, leak.by_chance);
    let status = match share {
        _ if chance > UNLIKELY => Status::Pass,
        _ if share > LEAKED_MUCH => Status::Failed,
        _ if share > LEAKED => Status::Warning,
        _ => Status::Pass,
    };
    Finding {
        pairs: leak.pairs.clone(),
        ..Finding::new(Code::Ef08, status, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_across_the_split_are_raised() {
        for (near_duplicates, held_out, status) in [
            (0, 200, Status::Pass),
            (1, 200, Status::Pass),
            (10, 200, Status::Warning),
            (50, 200, Status::Failed),
            // One of few may look like another by chance.
            (1, 60, Status::Pass),
            (2, 60, Status::Warning),
        ] {
            let leak = Leak {
                noun: "images",
                held_out,
                by_chance: ALIKE_BY_CHANCE,
                pairs: vec![["a.jpg".into(), "b.jpg".into()]; near_duplicates],
            };
            let finding = check_leak(&leak);
            assert_eq!(finding.status, status, "{}", finding.message);
            assert_eq!(finding.pairs, leak.pairs);
        }
        let equal = Leak {
            noun: "samples",
            held_out: 60,
            by_chance: 0.0,
            pairs: vec![["a".into(), "b".into()]],
        };
        assert_eq!(check_leak(&equal).status, Status::Warning);
    }
}
