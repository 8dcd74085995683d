//! The planner on its own: a table of buffers in, a table of offsets out.

use std::collections::HashMap;
use std::io::Read;
use std::time::Instant;

use csv::StringRecord;
use serde::Serialize;

use super::arena::{Goal, SearchLimits, place};
use super::banks::BankPlacement;
use super::lifetime::Lifetime;
use super::panel::Panel;
use super::plan_svg::draw_svg;

/// Columns that a table needs: a name, the first step, the first step after, and bytes.
const COLUMNS: [&str; 4] = ["id", "lower", "upper", "size"];

/// A column of answers, in tables that were planned before.
const OFFSET: &str = "offset";

/// Most buffers of a table.
const MOST_BUFFERS: usize = 100_000;

/// Greatest step, size and sum of sizes: what JSON holds exactly everywhere.
const GREATEST: u64 = 1 << 53;

/// Where the buffers of a table lie.
#[derive(Debug, Clone, Serialize)]
pub struct TablePlan {
    /// Bytes that they were to fit in; `None` when the smallest plan was asked for.
    pub capacity: Option<u64>,
    /// End of the topmost buffer.
    pub peak_bytes: u64,
    /// No plan needs less.
    pub lower_bound_bytes: u64,
    /// Whether the peak is within the capacity.
    pub fits: bool,
    /// Whether more search would change nothing, see [`Plan::proved`](super::Plan::proved).
    pub proved: bool,
    /// Wall-clock time of the planning in nanoseconds.
    pub elapsed_ns: u64,
    /// In the order of the table.
    pub offsets: Vec<Offset>,
    /// The buffers, in the same order.
    #[serde(skip)]
    pub lifetimes: Vec<Lifetime>,
}

impl TablePlan {
    /// The plan as an SVG picture: steps to the right, addresses upwards.
    pub fn to_svg(&self) -> String {
        let placements: Vec<BankPlacement> = self
            .offsets
            .iter()
            .map(|at| BankPlacement {
                bank: 0,
                offset: at.offset,
            })
            .collect();
        let arena = Panel {
            name: "arena".to_owned(),
            bytes: self.peak_bytes,
            lower_bound_bytes: Some(self.lower_bound_bytes),
            limit_bytes: self.capacity,
        };
        draw_svg(&self.lifetimes, &placements, &[arena], &[])
    }
}

/// Where one buffer lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offset {
    /// Its name in the table.
    pub id: String,
    /// Its first byte.
    pub offset: u64,
}

/// What is wrong with a table, where, and how to fix it.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum TableError {
    #[error("{0}")]
    Unreadable(#[from] csv::Error),
    #[error("no column '{0}': the first line has to name id, lower, upper and size")]
    MissingColumn(&'static str),
    #[error("column '{0}' is there twice: leave one")]
    TwiceColumn(String),
    #[error(
        "column '{0}' is not supported: remove it, and leave id, lower, upper and size (offset is \
         ignored)"
    )]
    UnknownColumn(String),
    #[error("line {line}: {column} is '{value}': give a whole number from 0 to {GREATEST}")]
    NotANumber {
        line: u64,
        column: &'static str,
        value: String,
    },
    #[error(
        "line {line}: upper {upper} is not above lower {lower}: a buffer is there from step lower \
         until before step upper"
    )]
    NeverAlive { line: u64, lower: u64, upper: u64 },
    #[error("line {line}: id '{id}' is also that of line {first}: give each buffer its own")]
    SameId { line: u64, id: String, first: u64 },
    #[error("no buffers: add a line for each below the names of the columns")]
    Empty,
    #[error("more than {MOST_BUFFERS} buffers: split the table where none is alive")]
    TooMany,
    #[error("the sizes add up to more than {GREATEST} bytes: give sizes in bytes")]
    TooLarge,
}

/// Places the buffers of a CSV `table`, with the columns `id`, `lower`, `upper` (exclusive) and
/// `size` in bytes, within `capacity` bytes, or in as few as possible.
///
/// A size of 0 is allowed. An `offset` column is ignored.
///
/// # Errors
/// The table cannot be read; the message names the line and the fix, the caller names the file.
pub fn plan(
    table: impl Read,
    capacity: Option<u64>,
    limits: SearchLimits,
) -> Result<TablePlan, TableError> {
    let lifetimes = read(table)?;
    let start = Instant::now();
    let goal = capacity.map_or(Goal::Smallest, Goal::Within);
    let plan = place(&lifetimes, 1, goal, limits);
    let elapsed_ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    Ok(TablePlan {
        capacity,
        peak_bytes: plan.peak_bytes,
        lower_bound_bytes: plan.lower_bound_bytes,
        fits: capacity.is_none_or(|capacity| plan.fits(capacity)),
        proved: plan.proved,
        elapsed_ns,
        offsets: lifetimes
            .iter()
            .zip(plan.offsets)
            .map(|(life, offset)| Offset {
                id: life.name.clone(),
                offset,
            })
            .collect(),
        lifetimes,
    })
}

fn read(table: impl Read) -> Result<Vec<Lifetime>, TableError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(table);
    let [id, lower, upper, size] = columns(reader.headers()?)?;
    let mut lifetimes: Vec<Lifetime> = Vec::new();
    let mut line_of: HashMap<String, u64> = HashMap::new();
    let mut total = 0u64;
    for record in reader.records() {
        let record = record?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |column: usize, name: &'static str| {
            let value = &record[column];
            let number = value.parse().ok().filter(|&number| number <= GREATEST);
            number.ok_or_else(|| TableError::NotANumber {
                line,
                column: name,
                value: value.to_owned(),
            })
        };
        let (from, until) = (number(lower, "lower")?, number(upper, "upper")?);
        if from >= until {
            return Err(TableError::NeverAlive {
                line,
                lower: from,
                upper: until,
            });
        }
        let step = |number: u64, column| {
            usize::try_from(number).map_err(|_| TableError::NotANumber {
                line,
                column,
                value: number.to_string(),
            })
        };
        let name = record[id].to_owned();
        if let Some(first) = line_of.insert(name.clone(), line) {
            return Err(TableError::SameId {
                line,
                id: name,
                first,
            });
        }
        let bytes = number(size, "size")?;
        total = total.saturating_add(bytes);
        lifetimes.push(Lifetime {
            name,
            lower: step(from, "lower")?,
            upper: step(until, "upper")?,
            bytes,
        });
        if lifetimes.len() > MOST_BUFFERS {
            return Err(TableError::TooMany);
        }
    }
    if lifetimes.is_empty() {
        return Err(TableError::Empty);
    }
    if total > GREATEST {
        return Err(TableError::TooLarge);
    }
    Ok(lifetimes)
}

/// Positions of [`COLUMNS`].
fn columns(header: &StringRecord) -> Result<[usize; 4], TableError> {
    for (index, name) in header.iter().enumerate() {
        if !COLUMNS.contains(&name) && name != OFFSET {
            return Err(TableError::UnknownColumn(name.to_owned()));
        }
        if header.iter().take(index).any(|other| other == name) {
            return Err(TableError::TwiceColumn(name.to_owned()));
        }
    }
    let mut positions = [0; 4];
    for (position, name) in positions.iter_mut().zip(COLUMNS) {
        *position = header
            .iter()
            .position(|column| column == name)
            .ok_or(TableError::MissingColumn(name))?;
    }
    Ok(positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(table: &str, capacity: Option<u64>) -> Result<TablePlan, TableError> {
        plan(table.as_bytes(), capacity, SearchLimits::default())
    }

    #[test]
    fn places_a_table() {
        let table = "size, id, offset,upper,lower\n4,a,9,3,0\n4,b,,9,3\n8,c,,9,0\n0,d,,1,0\n";
        let found = planned(table, None).unwrap();
        assert_eq!((found.peak_bytes, found.lower_bound_bytes), (12, 12));
        assert!(found.fits && found.proved);
        let ids: Vec<&str> = found.offsets.iter().map(|at| at.id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c", "d"]);
        assert!(planned(table, Some(12)).unwrap().fits);
        let tight = planned(table, Some(11)).unwrap();
        assert!(!tight.fits && tight.proved);
    }

    #[test]
    fn refusals_name_the_line_and_the_fix() {
        for (table, expected) in [
            ("", "no column 'id'"),
            ("id,lower,upper,size\n", "no buffers"),
            ("id,lower,upper\na,0,1\n", "no column 'size'"),
            (
                "id,lower,upper,size,gaps\n",
                "column 'gaps' is not supported",
            ),
            ("id,lower,upper,size,size\n", "column 'size' is there twice"),
            (
                "id,lower,upper,size\na,3,3,1\n",
                "line 2: upper 3 is not above lower 3",
            ),
            ("id,lower,upper,size\na,0,1,-5\n", "line 2: size is '-5'"),
            ("id,lower,upper,size\na,0,1,1.5\n", "line 2: size is '1.5'"),
            (
                "id,lower,upper,size\na,0,1,9007199254740993\n",
                "line 2: size is",
            ),
            (
                "id,lower,upper,size\na,0,1,1\na,1,2,1\n",
                "line 3: id 'a' is also that of line 2",
            ),
            ("id,lower,upper,size\na,0,1\n", "line: 2"),
            (
                "id,lower,upper,size\na,0,1,9007199254740992\nb,5,9,1\n",
                "the sizes add up to more",
            ),
        ] {
            let message = planned(table, None).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
