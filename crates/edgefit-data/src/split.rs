use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// What a sample is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Weights are fitted to it.
    Train,
    /// Choices are made on it.
    Val,
    /// Read once, at the end.
    Test,
}

impl Part {
    /// The part that a folder of this name holds.
    pub(crate) fn of_folder(name: &str) -> Option<Self> {
        match name {
            "train" => Some(Part::Train),
            "val" | "valid" | "validation" => Some(Part::Val),
            "test" => Some(Part::Test),
            _ => None,
        }
    }
}

/// Share of a class that goes to val, and the same again to test.
const HELD_OUT: f64 = 0.2;

/// Fewest samples of a class that can be split.
const FEWEST: usize = 3;

/// Puts every sample into a part: 60 % train, 20 % val, 20 % test of each class, the same for the
/// same `seed` and samples.
///
/// `given` holds what the user decided; parts that the user made are kept, and one that is missing
/// is cut from train.
///
/// # Errors
/// The index of a class with too few samples to be in every part, and how many it has.
pub fn split(
    classes: &[usize],
    given: &[Option<Part>],
    seed: u64,
) -> Result<Vec<Part>, (usize, usize)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let has = |part: Part| given.contains(&Some(part));
    let wanted: Vec<Part> = [Part::Val, Part::Test]
        .into_iter()
        .filter(|&part| !has(part))
        .collect();
    let mut parts: Vec<Part> = given
        .iter()
        .map(|part| part.unwrap_or(Part::Train))
        .collect();
    let count = classes.iter().max().map_or(0, |last| last + 1);
    for class in 0..count {
        let mut members: Vec<usize> = (0..classes.len())
            .filter(|&index| classes[index] == class && parts[index] == Part::Train)
            .collect();
        if members.len() < FEWEST - 2 + wanted.len() {
            return Err((class, members.len()));
        }
        members.shuffle(&mut rng);
        let held_out = ((members.len() as f64 * HELD_OUT).round() as usize).max(1);
        for (part, members) in wanted.iter().zip(members.chunks(held_out)) {
            for &index in members {
                parts[index] = *part;
            }
        }
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(parts: &[Part], wanted: Part) -> usize {
        parts.iter().filter(|part| **part == wanted).count()
    }

    #[test]
    fn every_class_is_in_every_part() {
        let classes: Vec<usize> = [vec![0; 35], vec![1; 67], vec![2; 3]].concat();
        let parts = split(&classes, &vec![None; classes.len()], 1).unwrap();
        for class in 0..3 {
            let of_class: Vec<Part> = (0..classes.len())
                .filter(|&index| classes[index] == class)
                .map(|index| parts[index])
                .collect();
            let held_out = ((of_class.len() as f64 * 0.2).round() as usize).max(1);
            assert_eq!(count(&of_class, Part::Val), held_out);
            assert_eq!(count(&of_class, Part::Test), held_out);
        }
    }

    #[test]
    fn the_seed_decides() {
        let classes = vec![0; 50];
        let given = vec![None; 50];
        let parts = |seed| split(&classes, &given, seed).unwrap();
        assert_eq!(parts(1), parts(1));
        assert_ne!(parts(1), parts(2));
    }

    #[test]
    fn given_parts_are_kept_and_missing_ones_cut_from_train() {
        let classes = vec![0; 12];
        let given: Vec<Option<Part>> = (0..12)
            .map(|index| Some(if index < 2 { Part::Test } else { Part::Train }))
            .collect();
        let parts = split(&classes, &given, 1).unwrap();
        assert_eq!(&parts[..2], [Part::Test; 2]);
        assert_eq!(count(&parts, Part::Test), 2);
        assert_eq!(count(&parts, Part::Val), 2);
    }

    #[test]
    fn a_class_too_small_to_split_is_named() {
        assert_eq!(split(&[0, 0, 0, 1, 1], &[None; 5], 1), Err((1, 2)));
    }
}
