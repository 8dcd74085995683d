//! `Einsum`.

use std::collections::{BTreeSet, HashMap};

use super::context::Context;
use crate::error::Result;

/// Sums of products over labelled dimensions, such as `bij,bjk->bik`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Einsum {
    /// Equation, without spaces.
    equation: String,
}

/// What stands for any number of dimensions in an equation.
const ELLIPSIS: &str = "...";

impl Einsum {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let equation = context.node.string_or("equation", "")?;
        let equation: String = equation.split_whitespace().collect();
        let known = |c: char| c.is_ascii_alphabetic() || matches!(c, ',' | '-' | '>');
        if equation.is_empty() || !equation.replace(ELLIPSIS, "").chars().all(known) {
            return Err(context.invalid(format!("equation '{equation}'")));
        }
        Ok(Einsum { equation })
    }

    fn misfit(&self, inputs: &[&[usize]]) -> String {
        format!(
            "equation '{}' does not fit the shapes {inputs:?}",
            self.equation
        )
    }

    /// The equation with labels in place of each `...`, for inputs of these shapes.
    ///
    /// # Errors
    /// A term has more labels than its input has dimensions, or no letters are left.
    pub fn equation(&self, inputs: &[&[usize]]) -> Result<String, String> {
        if !self.equation.contains(ELLIPSIS) {
            return Ok(self.equation.clone());
        }
        let left = self.equation.split("->").next().unwrap_or_default();
        let hidden = left.split(',').zip(inputs).map(|(term, dims)| {
            let named = term.replace(ELLIPSIS, "").len();
            if term.contains(ELLIPSIS) {
                dims.len()
                    .checked_sub(named)
                    .ok_or_else(|| self.misfit(inputs))
            } else {
                Ok(0)
            }
        });
        let hidden = hidden.collect::<Result<Vec<_>, _>>()?;
        let most = hidden.iter().copied().max().unwrap_or(0);
        // Dimensions are counted from the last; the letters are those that nothing else uses.
        let free: String = ('a'..='z')
            .chain('A'..='Z')
            .filter(|&letter| !self.equation.contains(letter))
            .take(most)
            .collect();
        if free.len() < most {
            return Err(self.misfit(inputs));
        }
        let terms: Vec<String> = left
            .split(',')
            .zip(hidden)
            .map(|(term, count)| term.replace(ELLIPSIS, &free[most - count..]))
            .collect();
        let right = match self.equation.split_once("->") {
            Some((_, right)) => right.replace(ELLIPSIS, &free),
            None => {
                let letters: BTreeSet<char> =
                    left.chars().filter(char::is_ascii_alphabetic).collect();
                let once = |letter: &char| left.matches(*letter).count() == 1;
                free.chars()
                    .chain(letters.into_iter().filter(once))
                    .collect()
            }
        };
        Ok(format!("{}->{right}", terms.join(",")))
    }

    /// Size of every label, and the labels of the result.
    fn labels(&self, inputs: &[&[usize]]) -> Result<(HashMap<char, usize>, Vec<char>), String> {
        let problem = || self.misfit(inputs);
        let equation = self.equation(inputs)?;
        let (left, right) = match equation.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (equation.as_str(), None),
        };
        let terms: Vec<&str> = left.split(',').collect();
        if terms.len() != inputs.len() || left.contains(['-', '>']) {
            return Err(problem());
        }
        let mut sizes: HashMap<char, usize> = HashMap::new();
        for (term, dims) in terms.iter().zip(inputs) {
            if term.len() != dims.len() {
                return Err(problem());
            }
            for (label, &size) in term.chars().zip(*dims) {
                if *sizes.entry(label).or_insert(size) != size {
                    return Err(problem());
                }
            }
        }
        // Without a right side: the labels that occur once, in order of the alphabet.
        let output = right.map_or_else(
            || {
                let once = |label: &char| left.matches(*label).count() == 1;
                let mut labels: Vec<char> = sizes.keys().copied().filter(once).collect();
                labels.sort_unstable();
                labels
            },
            |right| right.chars().collect(),
        );
        let twice = |label: &char| output.iter().filter(|other| *other == label).count() > 1;
        if output
            .iter()
            .any(|label| !sizes.contains_key(label) || twice(label))
        {
            return Err(problem());
        }
        Ok((sizes, output))
    }

    pub(super) fn infer(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let (sizes, output) = self.labels(inputs)?;
        Ok(output.iter().map(|label| sizes[label]).collect())
    }

    /// Multiply-accumulates for each element of the result: the product of the summed sizes.
    pub(super) fn inner(&self, inputs: &[&[usize]]) -> usize {
        let Ok((sizes, output)) = self.labels(inputs) else {
            return 0;
        };
        let summed = sizes.iter().filter(|(label, _)| !output.contains(label));
        summed.fold(1usize, |product, (_, &size)| product.saturating_mul(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_follow_the_labels() {
        let infer = |equation: &str, inputs: &[&[usize]]| {
            let equation = equation.to_owned();
            Einsum { equation }.infer(inputs)
        };
        assert_eq!(
            infer("bij,bjk->bik", &[&[5, 2, 3], &[5, 3, 4]]).unwrap(),
            [5, 2, 4]
        );
        assert_eq!(infer("ij,jk", &[&[2, 3], &[3, 4]]).unwrap(), [2, 4]);
        assert_eq!(infer("ij->", &[&[2, 3]]).unwrap(), [0usize; 0]);
        assert_eq!(
            infer("...ij,...jk->...ik", &[&[7, 5, 2, 3], &[7, 5, 3, 4]]).unwrap(),
            [7, 5, 2, 4]
        );
        assert_eq!(infer("...ii->...i", &[&[2, 3, 3]]).unwrap(), [2, 3]);
        assert_eq!(infer("...jk,k", &[&[5, 2, 3], &[3]]).unwrap(), [5, 2]);
        assert!(infer("...ijk->ijk", &[&[2, 3]]).is_err());
        let batched = infer("...ij,...jk->...ik", &[&[7, 5, 2, 3], &[7, 5, 3, 4]]);
        assert_eq!(batched.unwrap(), [7, 5, 2, 4]);
        assert_eq!(infer("...ii->...i", &[&[2, 3, 3]]).unwrap(), [2, 3]);
        assert_eq!(infer("...jk,k", &[&[5, 2, 3], &[3]]).unwrap(), [5, 2]);
        assert!(infer("...ijk->ijk", &[&[2, 3]]).is_err());
        assert_eq!(infer("bii->bi", &[&[2, 3, 3]]).unwrap(), [2, 3]);
        assert!(infer("ij,jk->ik", &[&[2, 3], &[4, 4]]).is_err());
        assert!(infer("ij->ik", &[&[2, 3]]).is_err());
        assert!(infer("ij->ii", &[&[2, 3]]).is_err());
    }
}
