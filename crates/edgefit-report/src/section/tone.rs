//! [`Tone`]: what a colour says.

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    Good,
    Unsure,
    Bad,
}

impl std::fmt::Display for Tone {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Tone::Good => "good",
            Tone::Unsure => "unsure",
            Tone::Bad => "bad",
        })
    }
}
