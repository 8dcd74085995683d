//! How many threads compute where nobody says so.

use std::thread::available_parallelism;

/// As many as `RAYON_NUM_THREADS` says, to which rayon keeps, else one for each core.
pub fn threads() -> usize {
    let named = std::env::var("RAYON_NUM_THREADS").ok();
    let named = named.and_then(|text| text.parse().ok());
    named
        .filter(|&threads| threads > 0)
        .unwrap_or_else(|| available_parallelism().map_or(1, usize::from))
}
