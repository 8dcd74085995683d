//! The stable names of the guards, EF01 to EF20.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($variant:ident $name:literal $title:literal,)*) => {
        /// Stable name of a mistake and of its guard.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        pub enum Code {
            $(#[doc = concat!($name, ": ", $title, ".")] #[serde(rename = $name)] $variant,)*
        }

        impl Code {
            /// All of them, in order.
            pub const ALL: [Code; 20] = [$(Code::$variant,)*];

            /// The name, such as `EF01`.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The mistake in a few words.
    ///
    /// ```
    /// let code: edgefit_guards::Code = "ef12".parse()?;
    /// assert_eq!(code.title(), "bias forgotten");
    /// # Ok::<(), edgefit_guards::UnknownCode>(())
    /// ```
            pub const fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }
        }
    };
}

codes! {
    Ef01 "EF01" "not overfitting a single batch first",
    Ef02 "EF02" "train and eval mode mixed up",
    Ef03 "EF03" "gradients not zeroed",
    Ef04 "EF04" "softmaxed outputs given to a loss that wants logits",
    Ef05 "EF05" "unsuitable activations",
    Ef06 "EF06" "data not preprocessed as the backbone expects",
    Ef07 "EF07" "class imbalance neglected",
    Ef08 "EF08" "inadequate evaluation",
    Ef09 "EF09" "overfitting from an over-complex model",
    Ef10 "EF10" "hyperparameters chosen badly",
    Ef11 "EF11" "no regularisation",
    Ef12 "EF12" "bias forgotten",
    Ef13 "EF13" "no monitoring",
    Ef14 "EF14" "vanishing or exploding gradients",
    Ef15 "EF15" "too little augmentation, or the wrong one",
    Ef16 "EF16" "poor learning-rate schedule",
    Ef17 "EF17" "capacity not considered",
    Ef18 "EF18" "no early stopping",
    Ef19 "EF19" "transfer learning used badly",
    Ef20 "EF20" "hardware ignored",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no guard is called '{name}'; did you mean {nearest} ({})? Codes go from EF01 to \
EF20", .nearest.title())]
pub struct UnknownCode {
    /// What was asked for.
    pub name: String,
    /// The code that is spelt most like it.
    pub nearest: Code,
}

impl FromStr for Code {
    type Err = UnknownCode;

    /// Reads `EF01` in any case.
    ///
    /// # Errors
    /// Any other name. The nearest code is that of the fewest edits (Damerau 1964): all codes share
    /// their first letters, so that Jaro-Winkler would not tell `EF1` from `EF11`.
    fn from_str(name: &str) -> Result<Self, UnknownCode> {
        let upper = name.trim().to_uppercase();
        let edits = |code: &Code| strsim::damerau_levenshtein(code.name(), &upper);
        let nearest = Code::ALL.into_iter().min_by_key(edits);
        match nearest.unwrap_or(Code::Ef01) {
            code if code.name() == upper => Ok(code),
            nearest => Err(UnknownCode {
                name: name.into(),
                nearest,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written() {
        for code in Code::ALL {
            assert_eq!(code.to_string().parse(), Ok(code));
            assert_eq!(code.to_string().to_lowercase().parse(), Ok(code));
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
        }
        assert!(Code::ALL.is_sorted());
    }

    #[test]
    fn the_nearest_code_is_named() {
        for (name, nearest) in [
            ("EF1", Code::Ef01),
            ("E17", Code::Ef17),
            ("FE20", Code::Ef20),
        ] {
            let error = Code::from_str(name).unwrap_err();
            assert_eq!(error.nearest, nearest, "{name}");
            assert!(error.to_string().contains(nearest.name()));
        }
    }
}
