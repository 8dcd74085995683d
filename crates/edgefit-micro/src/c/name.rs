//! [`Name`]: what the functions, macros and files of a project begin with.

use std::fmt;
use std::str::FromStr;

/// Longest name: C99 tells external names apart by 31 letters.
const LONGEST: usize = 12;

/// What functions, macros and files of a project begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// As macros have it.
    pub(super) fn upper(&self) -> String {
        self.0.to_ascii_uppercase()
    }
}

impl Default for Name {
    fn default() -> Self {
        Name("model".into())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// ```
/// use edgefit_micro::c::Name;
///
/// assert_eq!("vww".parse::<Name>().unwrap().to_string(), "vww");
/// assert!("int main(void)".parse::<Name>().is_err());
/// ```
impl FromStr for Name {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        // Names of the kernels begin with ef_; sample.h and main.c are files of the project.
        let taken = ["main", "sample", "ef"].contains(&name);
        if starts && !taken && name.len() <= LONGEST && name.chars().all(is_of_name) {
            Ok(Name(name.to_owned()))
        } else {
            Err(format!(
                "'{name}' does not go before names in C; give up to {LONGEST} lower-case letters and digits, a letter \
                 first, not main, sample or ef"
            ))
        }
    }
}
