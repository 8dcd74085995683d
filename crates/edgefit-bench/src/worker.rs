//! The process of one candidate: it loads a model and runs it as often as its parent orders.
//!
//! Parent and child talk as [`edgefit_engine::child`] says, in [`Order`]s.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use edgefit_engine::child;
use edgefit_engine::{IntegerShare, NodeTime, Provider, Resident, Runner, Target};
use serde::{Deserialize, Serialize};

use crate::affinity::Cores;
use crate::error::Result;
use crate::sensors::{Readings, Sensors, Sources};
use crate::statistics::median;

/// Least time of the warm-up, which takes at most ten times as long.
const WARM_UP: Duration = Duration::from_millis(200);

/// Least number of runs in one window of the warm-up, and its least time.
const WINDOW_RUNS: usize = 3;
const WINDOW: Duration = Duration::from_millis(60);

/// Times are steady when the medians of two windows differ by less than this.
const STEADY: f64 = 0.03;

/// What the parent asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Run until the times are steady; answered by [`WarmUp`].
    WarmUp,
    /// Run at least once and for at least `ns` nanoseconds; answered by [`Round`].
    Round {
        /// Nanoseconds.
        ns: u64,
        /// The core to run on; any that the system gives without. For one thread of the CPU only.
        core: Option<usize>,
    },
    /// Time every node; answered by the list of [`NodeTime`]s.
    Profile,
    /// Tell what is computed on integers; answered by an [`IntegerShare`], or null of a float model.
    Integers,
}

/// The greeting, once the first result is there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    /// From the file to a model that can run.
    pub load_ns: u64,
    /// The first run.
    pub first_ns: u64,
    /// Resident memory between loading and the first run.
    pub loaded: Option<Resident>,
}

/// How the times settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarmUp {
    /// Runs.
    pub runs: usize,
    /// Whether the last two windows took the same time.
    pub steady: bool,
    /// Where energy and the figures of the GPU come from in what follows.
    pub sources: Sources,
}

/// A few runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Time of each, as they came.
    pub times_ns: Vec<u64>,
    /// What each took of the processor, all threads together; empty where the system does not say.
    pub processor_ns: Vec<u64>,
    /// Most memory that the process has ever had resident.
    pub peak_rss_bytes: Option<u64>,
    /// The core that it ran on, if it can stay on one.
    pub core: Option<usize>,
    /// How often the system has taken a core away from the process during this round.
    pub involuntary_switches: Option<u64>,
    /// Energy, and the GPU, during the runs.
    pub readings: Readings,
}

/// What the process of a candidate does.
pub struct Work<L, P, I> {
    /// Engine, and what it runs on.
    pub target: Target,
    /// Threads of the engine.
    pub threads: usize,
    /// Loads the model.
    pub load: L,
    /// Times its nodes.
    pub profile: P,
    /// Tells how much of it is computed on integers; `None` of a float model.
    pub integers: I,
}

/// Does the child's part until `orders` end.
///
/// # Errors
/// The parent is gone, or an order cannot be read. A failure of the engine is an answer.
pub fn serve<L, P, I>(work: Work<L, P, I>, orders: impl BufRead, answers: impl Write) -> Result<()>
where
    L: FnOnce() -> Result<Runner>,
    P: Fn() -> Result<Vec<NodeTime>>,
    I: Fn() -> Result<Option<IntegerShare>>,
{
    let start = || {
        let begun = Instant::now();
        let mut run = (work.load)()?;
        let load_ns = begun.elapsed().as_nanos() as u64;
        let loaded = Resident::of_process();
        let first_ns = timed(&mut run)?.ns;
        let ready = Ready {
            load_ns,
            first_ns,
            loaded,
        };
        Ok((Running { run, machine: None }, ready))
    };
    let one_core = work.threads == 1 && work.target.provider == Provider::Cpu;
    let open = || Machine {
        sensors: Sensors::open(work.target.provider),
        cores: one_core.then(Cores::of_process),
    };
    let answer = |running: &mut Running, order| {
        let Machine { sensors, cores } = running.machine.get_or_insert_with(open);
        let (run, cores) = (&mut running.run, cores.as_ref());
        match order {
            Order::WarmUp => answered(&warm_up(run, sensors)?),
            Order::Round { ns, core } => {
                if let Some(cores) = cores {
                    cores.stay(core);
                }
                answered(&round(run, Duration::from_nanos(ns), sensors, cores)?)
            }
            Order::Profile => {
                if let Some(cores) = cores {
                    cores.stay(None);
                }
                answered(&(work.profile)()?)
            }
            Order::Integers => answered(&(work.integers)()?),
        }
    };
    Ok(child::serve(orders, answers, start, answer)?)
}

/// A model that was loaded, and the machine, which is opened after the cold start so as to be no part of
/// it.
struct Running {
    run: Runner,
    machine: Option<Machine>,
}

struct Machine {
    sensors: Sensors,
    /// Where the process may run, if it is to stay on one core.
    cores: Option<Cores>,
}

fn answered(answer: &impl Serialize) -> Result<serde_json::Value, child::Refusal> {
    serde_json::to_value(answer).map_err(|error| child::Refusal::Failed(error.to_string()))
}

/// Time of a run, and what it took of the processor.
#[derive(Clone, Copy)]
struct Timed {
    ns: u64,
    processor_ns: Option<u64>,
}

fn timed(run: &mut Runner) -> Result<Timed> {
    let before = processor_time_ns();
    let start = Instant::now();
    run()?;
    let ns = start.elapsed().as_nanos() as u64;
    let after = processor_time_ns();
    Ok(Timed {
        ns,
        processor_ns: after.zip(before).map(|(after, before)| after - before),
    })
}

#[cfg(unix)]
fn processor_time_ns() -> Option<u64> {
    use rustix::time::{ClockId, clock_gettime};

    let now = clock_gettime(ClockId::ProcessCPUTime);
    Some(now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64)
}

#[cfg(not(unix))]
fn processor_time_ns() -> Option<u64> {
    None
}

/// At least `runs` runs that take at least `time` together.
fn spend(run: &mut Runner, runs: usize, time: Duration) -> Result<Vec<Timed>> {
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < runs || begun.elapsed() < time {
        times.push(timed(run)?);
    }
    Ok(times)
}

fn middle(times: &[Timed]) -> u64 {
    median(&times.iter().map(|time| time.ns).collect::<Vec<_>>())
}

fn warm_up(run: &mut Runner, sensors: &Sensors) -> Result<WarmUp> {
    let begun = Instant::now();
    let mut before = spend(run, WINDOW_RUNS, WINDOW)?;
    let mut runs = before.len();
    loop {
        let window = spend(run, WINDOW_RUNS, WINDOW)?;
        runs += window.len();
        let change = middle(&window) as f64 / middle(&before).max(1) as f64 - 1.0;
        let steady = change.abs() < STEADY;
        if (steady && begun.elapsed() >= WARM_UP) || begun.elapsed() >= 10 * WARM_UP {
            let sources = sensors.sources.clone();
            return Ok(WarmUp {
                runs,
                steady,
                sources,
            });
        }
        before = window;
    }
}

fn round(
    run: &mut Runner,
    time: Duration,
    sensors: &Sensors,
    cores: Option<&Cores>,
) -> Result<Round> {
    // A core that waited for its turn has cold caches.
    run()?;
    let core = cores.and_then(Cores::current);
    if let Some(cores) = cores {
        cores.stay(core);
    }
    let before = involuntary_switches();
    let (times, readings) = sensors.during(|| spend(run, 1, time));
    let times = times?;
    let after = involuntary_switches();
    Ok(Round {
        times_ns: times.iter().map(|time| time.ns).collect(),
        processor_ns: times.iter().filter_map(|time| time.processor_ns).collect(),
        peak_rss_bytes: edgefit_engine::peak_rss_bytes(),
        core,
        involuntary_switches: before.zip(after).map(|(b, a)| a.saturating_sub(b)),
        readings,
    })
}

/// How often the living threads of this process were preempted.
fn involuntary_switches() -> Option<u64> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let counts = threads.flatten().filter_map(|thread| {
        let status = std::fs::read_to_string(thread.path().join("status")).ok()?;
        let count = status
            .lines()
            .find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"))?;
        count.trim().parse::<u64>().ok()
    });
    Some(counts.sum())
}

#[cfg(test)]
mod tests {
    use edgefit_engine::EngineName;
    use edgefit_engine::child::ChildError;

    use super::*;
    use crate::error::Error;

    fn served(orders: &str) -> (Result<()>, Vec<String>) {
        let mut answers = Vec::new();
        let load = || -> Result<Runner> { Ok(Box::new(|| Ok(()))) };
        let work = Work {
            target: EngineName::Tract.into(),
            threads: 2,
            load,
            profile: || Ok(Vec::new()),
            integers: || Ok(None),
        };
        let result = serve(work, orders.as_bytes(), &mut answers);
        let text = String::from_utf8(answers).unwrap();
        (result, text.lines().map(str::to_owned).collect())
    }

    #[test]
    fn each_order_has_one_answer() {
        let (result, answers) = served("{\"round\":{\"ns\":1000}}\n\"profile\"\n\"integers\"\n");
        result.unwrap();
        let [ready, round, nodes, integers] = answers.as_slice() else {
            panic!("{answers:?}")
        };
        assert!(ready.contains("load_ns"));
        let round: serde_json::Value = serde_json::from_str(round).unwrap();
        let round: Round = serde_json::from_value(round["done"].clone()).unwrap();
        assert!(!round.times_ns.is_empty());
        assert_eq!(nodes, "{\"done\":[]}");
        assert_eq!(integers, "{\"done\":null}");
    }

    #[test]
    fn an_order_that_cannot_be_read_is_refused() {
        let (result, _) = served("dance\n");
        assert!(matches!(result, Err(Error::Child(ChildError::Answer(line))) if line == "dance"));
    }
}
