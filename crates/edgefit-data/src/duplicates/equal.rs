//! Arrays that are in two splits.

use std::collections::HashMap;

use super::Duplicate;
use crate::split::Split;

/// For each sample of val and test the first of an earlier split that holds the same numbers, if
/// there is one; the order of splits is train, val, test. Samples of a single value repeated are left
/// out.
///
/// `splits` says what each sample is used for.
pub fn equal_samples(samples: &[&[f32]], splits: &[Split]) -> Vec<Duplicate> {
    let mut first: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut found = Vec::new();
    for split in Split::ALL {
        let members = samples.iter().zip(splits).enumerate();
        let members: Vec<(usize, Vec<u32>)> = members
            .filter(|(_, (values, of))| **of == split && varies(values))
            .map(|(at, (values, _))| (at, values.iter().map(|value| value.to_bits()).collect()))
            .collect();
        found.extend(members.iter().filter_map(|(b, key)| {
            let &a = first.get(key)?;
            Some(Duplicate {
                a,
                b: *b,
                distance: 0,
            })
        }));
        for (at, key) in members {
            first.entry(key).or_insert(at);
        }
    }
    found.sort_unstable_by_key(|near| near.b);
    found
}

fn varies(values: &[f32]) -> bool {
    values.windows(2).any(|pair| pair[0] != pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_numbers_in_two_splits_are_found_and_constant_ones_are_not() {
        let samples: [&[f32]; 6] = [
            &[1.0, 2.0],
            &[3.0, 4.0],
            &[0.0, 0.0],
            &[1.0, 2.0],
            &[0.0, 0.0],
            &[1.0, 2.5],
        ];
        use Split::{Test, Train, Val};
        let found = equal_samples(&samples, &[Train, Train, Train, Val, Test, Test]);
        let expected = Duplicate {
            a: 0,
            b: 3,
            distance: 0,
        };
        assert_eq!(found, [expected]);
        // Twice in one split is no leak.
        assert!(equal_samples(&samples, &[Train; 6]).is_empty());
    }
}
