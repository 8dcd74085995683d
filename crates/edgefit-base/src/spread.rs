//! Some of many places.

/// `count` of the places below `all`, at even distances; all where there are fewer.
pub fn spread(all: usize, count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(all);
    (0..count).map(move |at| at * all / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_chosen_as_asked_for() {
        let chosen: Vec<usize> = spread(44, 30).collect();
        assert_eq!((chosen.len(), chosen[0]), (30, 0));
        assert!(chosen.is_sorted_by(|a, b| a < b) && chosen[29] > 40);
        assert!(spread(7, 3).eq([0, 2, 4]));
        assert_eq!(spread(3, 8).count(), 3);
        assert_eq!(spread(0, 8).count(), 0);
    }
}
