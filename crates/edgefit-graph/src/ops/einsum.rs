use std::collections::HashMap;

use super::Context;
use crate::error::Result;

/// Sums of products over labelled dimensions, such as `bij,bjk->bik`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Einsum {
    /// Equation, without spaces.
    pub equation: String,
}

impl Einsum {
    pub(super) fn read(context: &Context) -> Result<Self> {
        let equation = context.node.string_or("equation", "")?;
        let equation: String = equation.split_whitespace().collect();
        if equation.contains('.') {
            return Err(context.unsupported("an equation with '...'"));
        }
        let known = |c: char| c.is_ascii_alphabetic() || matches!(c, ',' | '-' | '>');
        if equation.is_empty() || !equation.chars().all(known) {
            return Err(context.invalid(format!("equation '{equation}'")));
        }
        Ok(Einsum { equation })
    }

    /// Size of every label, and the labels of the result.
    fn labels(&self, inputs: &[&[usize]]) -> Result<(HashMap<char, usize>, Vec<char>), String> {
        let problem = || {
            format!(
                "equation '{}' does not fit the shapes {inputs:?}",
                self.equation
            )
        };
        let (left, right) = match self.equation.split_once("->") {
            Some((left, right)) => (left, Some(right)),
            None => (self.equation.as_str(), None),
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
        assert_eq!(infer("bii->bi", &[&[2, 3, 3]]).unwrap(), [2, 3]);
        assert!(infer("ij,jk->ik", &[&[2, 3], &[4, 4]]).is_err());
        assert!(infer("ij->ik", &[&[2, 3]]).is_err());
        assert!(infer("ij->ii", &[&[2, 3]]).is_err());
    }
}
