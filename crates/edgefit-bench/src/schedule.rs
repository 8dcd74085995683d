//! The order of runs: candidates take turns, so that a machine that gets slower gets slower for all.

use std::time::Duration;

use edgefit_engine::{Effort, IntegerShare, NodeTime};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::worker::{Ready, Round, WarmUp};

/// Time of one turn.
const TURN: Duration = Duration::from_millis(20);

/// A candidate that was started.
pub trait Worker {
    /// Times and memory of its start.
    fn ready(&self) -> &Ready;
    /// From its start to its first result.
    fn cold_start_ns(&self) -> u64;
    /// Runs until the times are steady.
    ///
    /// # Errors
    /// The model fails.
    fn warm_up(&mut self) -> Result<WarmUp>;
    /// Runs for about `ns` nanoseconds, at least once; on `core`, if it can choose.
    ///
    /// # Errors
    /// The model fails.
    fn round(&mut self, ns: u64, core: Option<usize>) -> Result<Round>;
    /// Times every node.
    ///
    /// # Errors
    /// The engine cannot.
    fn profile(&mut self) -> Result<Vec<NodeTime>>;
    /// Tells how much of it is computed on integers; `None` of a float model.
    ///
    /// # Errors
    /// The engine cannot.
    fn integers(&mut self) -> Result<Option<IntegerShare>>;
}

/// How much to measure of each candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// Runs and their time, over all launches.
    pub effort: Effort,
    /// Processes, one after the other.
    pub launches: usize,
    /// Whether to time the nodes too.
    pub profile: bool,
}

/// One process of a candidate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Launched {
    /// From its start to its first result.
    pub cold_start_ns: u64,
    /// Times and memory of that start.
    pub ready: Ready,
    /// How it warmed up.
    pub warm_up: WarmUp,
    /// Its turns; the n-th turns of all candidates lie side by side.
    pub rounds: Vec<Round>,
}

/// What is known of a candidate.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Measured {
    /// Its processes.
    pub launches: Vec<Launched>,
    /// The nodes of the last process.
    pub nodes: Option<Result<Vec<NodeTime>>>,
    /// What the last process computed on integers.
    pub integers: Option<Result<Option<IntegerShare>>>,
    /// Why it was left out.
    pub failure: Option<Error>,
}

impl Measured {
    /// All times, as they came.
    pub fn times_ns(&self) -> Vec<u64> {
        let rounds = self.launches.iter().flat_map(|launch| &launch.rounds);
        rounds.flat_map(|round| &round.times_ns).copied().collect()
    }
}

/// Measures candidates that `start` starts by their number. One that fails is left out of what
/// follows; the others go on.
///
/// `tell` is called once for each launch of each candidate.
pub fn interleave<W: Worker>(
    candidates: usize,
    schedule: Schedule,
    mut start: impl FnMut(usize) -> Result<W>,
    mut tell: impl FnMut(),
) -> Vec<Measured> {
    let mut measured: Vec<Measured> = (0..candidates).map(|_| Measured::default()).collect();
    for launch in 0..schedule.launches {
        let mut running: Vec<(usize, W)> = Vec::new();
        for place in 0..candidates {
            let index = (launch + place) % candidates;
            let candidate = &mut measured[index];
            tell();
            if candidate.failure.is_some() {
                continue;
            }
            match begin(|| start(index)) {
                Ok((worker, launched)) => {
                    candidate.launches.push(launched);
                    running.push((index, worker));
                }
                Err(error) => candidate.failure = Some(error),
            }
        }
        take_turns(&mut running, &mut measured, schedule);
        if launch + 1 == schedule.launches {
            for (index, worker) in &mut running {
                if schedule.profile {
                    measured[*index].nodes = Some(worker.profile());
                }
                measured[*index].integers = Some(worker.integers());
            }
        }
    }
    measured
}

fn begin<W: Worker>(start: impl FnOnce() -> Result<W>) -> Result<(W, Launched)> {
    let mut worker = start()?;
    let launched = Launched {
        cold_start_ns: worker.cold_start_ns(),
        ready: worker.ready().clone(),
        warm_up: worker.warm_up()?,
        rounds: Vec::new(),
    };
    Ok((worker, launched))
}

/// Turns until each candidate has had its share of runs and time. Each begins as often as the others,
/// and the others follow it to its core.
fn take_turns<W: Worker>(
    running: &mut Vec<(usize, W)>,
    measured: &mut [Measured],
    schedule: Schedule,
) {
    let runs = schedule.effort.runs.div_ceil(schedule.launches);
    let time = schedule.effort.time / schedule.launches.max(1) as u32;
    let turn = TURN.min(time.max(Duration::from_nanos(1)));
    let mut spent = vec![(0, Duration::ZERO); measured.len()];
    loop {
        let enough = |(index, _): &(usize, W)| spent[*index].0 >= runs && spent[*index].1 >= time;
        // All failed, or none needs more.
        if running.iter().all(enough) {
            return;
        }
        running.rotate_left(1);
        let mut core = None;
        running.retain_mut(|(index, worker)| {
            let Some(launched) = measured[*index].launches.last_mut() else {
                return false;
            };
            match worker.round(turn.as_nanos() as u64, core) {
                Ok(round) => {
                    spent[*index].0 += round.times_ns.len();
                    spent[*index].1 += Duration::from_nanos(round.times_ns.iter().sum());
                    core = core.or(round.core);
                    launched.rounds.push(round);
                    true
                }
                Err(error) => {
                    measured[*index].failure = Some(error);
                    false
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use edgefit_engine::child::ChildError;

    use super::*;
    use crate::sensors::Sources;

    /// Who had a turn, and the core that it was to run on.
    type Turns = Vec<(usize, Option<usize>)>;

    /// Takes 1 ms a run and notes when it has its turn; fails in its third one, if it is to.
    struct Mock<'a> {
        name: usize,
        turns: &'a RefCell<Turns>,
        fails: bool,
        rounds: usize,
        ready: Ready,
    }

    impl Worker for Mock<'_> {
        fn ready(&self) -> &Ready {
            &self.ready
        }

        fn cold_start_ns(&self) -> u64 {
            7
        }

        fn warm_up(&mut self) -> Result<WarmUp> {
            Ok(WarmUp {
                runs: 1,
                steady: true,
                sources: Sources::default(),
            })
        }

        fn round(&mut self, _: u64, core: Option<usize>) -> Result<Round> {
            self.rounds += 1;
            if self.fails && self.rounds == 3 {
                return Err(ChildError::Died("it broke".into()).into());
            }
            self.turns.borrow_mut().push((self.name, core));
            Ok(Round {
                times_ns: vec![1_000_000],
                core: core.or(Some(self.name)),
                ..Round::default()
            })
        }

        fn profile(&mut self) -> Result<Vec<NodeTime>> {
            Ok(Vec::new())
        }

        fn integers(&mut self) -> Result<Option<IntegerShare>> {
            Ok(None)
        }
    }

    fn measure(candidates: usize, launches: usize, fails: Option<usize>) -> (Vec<Measured>, Turns) {
        let turns = RefCell::new(Vec::new());
        let schedule = Schedule {
            effort: Effort {
                runs: 12,
                time: Duration::ZERO,
            },
            launches,
            profile: true,
        };
        let start = |name| {
            Ok(Mock {
                name,
                turns: &turns,
                fails: fails == Some(name),
                rounds: 0,
                ready: Ready {
                    load_ns: 1,
                    first_ns: 2,
                    loaded: None,
                },
            })
        };
        let measured = interleave(candidates, schedule, start, || ());
        (measured, turns.into_inner())
    }

    #[test]
    fn candidates_take_turns_and_each_gets_its_share() {
        let (measured, turns) = measure(3, 2, None);
        for candidate in &measured {
            assert_eq!(candidate.launches.len(), 2);
            assert_eq!(candidate.times_ns().len(), 12);
            assert!(candidate.nodes.is_some());
        }
        let mut begun = [0; 3];
        for round in turns.chunks(3) {
            let (first, free) = round[0];
            begun[first] += 1;
            assert_eq!(free, None);
            // The mock's core has its name.
            assert!(round[1..].iter().all(|&(_, core)| core == Some(first)));
            let mut names: Vec<usize> = round.iter().map(|turn| turn.0).collect();
            names.sort_unstable();
            assert_eq!(names, [0, 1, 2]);
        }
        assert_eq!(begun, [4; 3]);
    }

    #[test]
    fn a_candidate_that_fails_does_not_end_the_others() {
        let (measured, _) = measure(2, 3, Some(0));
        assert!(
            matches!(&measured[0].failure, Some(Error::Child(ChildError::Died(words))) if words == "it broke")
        );
        assert!(measured[1].failure.is_none());
        assert_eq!(measured[1].times_ns().len(), 12);
    }
}
