use std::collections::HashMap;

use super::Near;
use crate::split::Split as Part;

/// For each sample of val and test the first of an earlier part that holds the same numbers, if there
/// is one; the order of parts is train, val, test. What is constant says nothing and is left out.
///
/// `part_of` is what each sample is used for.
pub fn equal_samples(samples: &[&[f32]], part_of: &[Part]) -> Vec<Near> {
    let mut first: HashMap<Vec<u32>, usize> = HashMap::new();
    let mut found = Vec::new();
    for part in [Part::Train, Part::Val, Part::Test] {
        let members = samples.iter().zip(part_of).enumerate();
        let members: Vec<(usize, Vec<u32>)> = members
            .filter(|(_, (values, of))| **of == part && varies(values))
            .map(|(at, (values, _))| (at, values.iter().map(|value| value.to_bits()).collect()))
            .collect();
        found.extend(members.iter().filter_map(|(b, key)| {
            let &a = first.get(key)?;
            Some(Near {
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
    fn the_same_numbers_in_two_parts_are_found_and_constant_ones_are_not() {
        let samples: [&[f32]; 6] = [
            &[1.0, 2.0],
            &[3.0, 4.0],
            &[0.0, 0.0],
            &[1.0, 2.0],
            &[0.0, 0.0],
            &[1.0, 2.5],
        ];
        use Part::{Test, Train, Val};
        let found = equal_samples(&samples, &[Train, Train, Train, Val, Test, Test]);
        let expected = Near {
            a: 0,
            b: 3,
            distance: 0,
        };
        assert_eq!(found, [expected]);
        // Twice in one part is no leak.
        assert!(equal_samples(&samples, &[Train; 6]).is_empty());
    }
}
