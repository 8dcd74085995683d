//! Whether bytes are a model in the form of the schema: every offset, length and string within the file.

use flatbuffers::{
    ForwardsUOffset, InvalidFlatbuffer, Vector, Verifiable, Verifier, VerifierOptions,
};

use super::schema::IDENTIFIER;

/// Bytes that are no model.
#[derive(Debug, thiserror::Error)]
#[error("it is no LiteRT model: {0}")]
pub struct Invalid(String);

/// A table of the schema: its name, and its fields by number and type. Unions are left to whoever runs it.
macro_rules! table {
    ($name:ident { $($number:literal: $ty:ty),* $(,)? }) => {
        struct $name;

        impl Verifiable for $name {
            fn run_verifier(v: &mut Verifier, at: usize) -> Result<(), InvalidFlatbuffer> {
                v.visit_table(at)?
                    $(.visit_field::<$ty>(stringify!($number), 4 + 2 * $number, false)?)*
                    .finish();
                Ok(())
            }
        }
    };
}

type At<T> = ForwardsUOffset<T>;
type Many<T> = ForwardsUOffset<Vector<'static, T>>;

table!(Scaling { 2: Many<f32>, 3: Many<i64>, 6: i32 });
table!(Tensor { 0: Many<i32>, 1: i8, 2: u32, 3: At<&'static str>, 4: At<Scaling>, 8: bool });
table!(Operator { 0: u32, 1: Many<i32>, 2: Many<i32>, 3: u8 });
table!(Graph {
    0: Many<At<Tensor>>,
    1: Many<i32>,
    2: Many<i32>,
    3: Many<At<Operator>>,
    4: At<&'static str>,
});
table!(Code { 0: i8, 1: At<&'static str>, 2: i32, 3: i32 });
table!(Buffer { 0: Many<u8> });
table!(Note { 0: At<&'static str>, 1: u32 });
table!(Model {
    0: u32,
    1: Many<At<Code>>,
    2: Many<At<Graph>>,
    3: At<&'static str>,
    4: Many<At<Buffer>>,
    6: Many<At<Note>>,
});

/// Whether `bytes` are a model in the form of the schema.
///
/// # Errors
/// They are not.
pub fn verify(bytes: &[u8]) -> Result<(), Invalid> {
    if bytes.get(4..8) != Some(IDENTIFIER.as_bytes()) {
        return Err(Invalid(format!("it does not begin with {IDENTIFIER}")));
    }
    let options = VerifierOptions {
        max_tables: 10_000_000,
        max_apparent_size: usize::MAX,
        ..VerifierOptions::default()
    };
    let mut verifier = Verifier::new(&options, bytes);
    At::<Model>::run_verifier(&mut verifier, 0).map_err(|error| {
        let words = error.to_string();
        Invalid(words.lines().collect::<Vec<_>>().join(" "))
    })
}
