//! Axes that may be counted from the end.

/// `axis` counted from the front, for a tensor of `rank` dimensions.
pub(super) fn axis_index(axis: i64, rank: usize) -> Result<usize, String> {
    let signed = rank as i64;
    let index = if axis < 0 {
        axis.saturating_add(signed)
    } else {
        axis
    };
    usize::try_from(index)
        .ok()
        .filter(|&index| index < rank)
        .ok_or_else(|| format!("axis {axis} does not exist in a tensor of {rank} dimensions"))
}
