//! [`Name`]: what the functions, macros and files of a project begin with.

use std::fmt;
use std::str::FromStr;

/// Longest name: C99 tells external names apart by 31 letters.
const LONGEST: usize = 12;

/// Names that mean something else: kernels begin with ef_, main.c and sample.h are files of the project, and CMake has
/// targets of its own.
const TAKEN: [&str; 9] = [
    "all", "clean", "ef", "help", "install", "main", "package", "sample", "test",
];

/// The headers of C: a file of that name would stand before them.
const HEADERS: &str = "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal \
                       stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads \
                       time uchar wchar wctype";

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
/// for taken in ["int main(void)", "all", "string"] {
///     assert!(taken.parse::<Name>().is_err());
/// }
/// ```
impl FromStr for Name {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
        let taken = TAKEN.contains(&name) || HEADERS.split(' ').any(|header| header == name);
        if starts && !taken && name.len() <= LONGEST && name.chars().all(is_of_name) {
            Ok(Name(name.to_owned()))
        } else {
            Err(format!(
                "'{name}' does not go before names in C; give up to {LONGEST} lower-case letters and digits, a letter \
                 first, not {}, and no header of C such as string",
                TAKEN.join(", ")
            ))
        }
    }
}
