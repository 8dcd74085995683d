//! Samples of the batches to come, which are read while the network trains on those before.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Error, Result};
use crate::prepare::source::Source;

/// Batches that wait to be trained on, at most.
const WAITING: usize = 2;

/// Batches that are in memory at once, at most: those that wait, one that is read, one that is trained on.
pub(crate) const IN_MEMORY: usize = WAITING + 2;

/// Where the rows of batches come from, one batch after the other.
pub(crate) enum Batches<'a> {
    /// From the source, when they are asked for.
    Now(&'a dyn Source),
    /// From threads that read ahead.
    Ahead(Receiver<Result<Vec<f32>>>),
}

impl Batches<'_> {
    /// The rows of the next batch.
    ///
    /// # Errors
    /// A sample can no longer be read.
    pub fn next(&self, batch: &[usize], epoch: usize) -> Result<Vec<f32>> {
        match self {
            Batches::Now(source) => source.rows(batch, epoch),
            Batches::Ahead(rows) => {
                let rows = rows.recv();
                rows.map_err(|_| Error::Stopped("reading of samples ended early".into()))?
            }
        }
    }
}

/// Threads that read samples, on what the kernels leave idle of the cores.
pub(crate) struct Readers(ThreadPool);

impl Readers {
    /// As many as compute.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn new() -> Result<Self> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(edgefit_base::threads())
            .thread_name(|index| format!("reader {index}"))
            .start_handler(|_| yield_to_others())
            .build();
        let failed = |error| Error::Stopped(format!("no threads to read samples with ({error})"));
        Ok(Readers(pool.map_err(failed)?))
    }

    /// Runs `train` while `batches` of the source are read in order.
    pub fn ahead<T>(
        &self,
        source: &dyn Source,
        batches: &[&[usize]],
        epoch: usize,
        train: impl FnOnce(&Batches) -> T,
    ) -> T {
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel(WAITING);
            scope.spawn(move || {
                for batch in batches {
                    let rows = self.0.install(|| source.rows(batch, epoch));
                    let failed = rows.is_err();
                    // Nobody waits any more where training ended.
                    if sender.send(rows).is_err() || failed {
                        break;
                    }
                }
            });
            train(&Batches::Ahead(receiver))
        })
    }
}

/// Lets the present thread run where the others leave a core idle.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    // SAFETY: it changes the priority of the present thread alone, which may be lowered at any time.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, 10);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Rows of one value, the sample; the ninth cannot be read.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Source for Counting {
        fn len(&self) -> usize {
            100
        }

        fn rows(&self, samples: &[usize], epoch: usize) -> Result<Vec<f32>> {
            self.0.fetch_add(1, Ordering::SeqCst);
            if samples.contains(&9) {
                return Err(Error::Stopped("gone".into()));
            }
            let rows = samples.iter().map(|&sample| (sample + 100 * epoch) as f32);
            Ok(rows.collect())
        }
    }

    #[test]
    fn batches_come_in_order_and_reading_ends_with_training() {
        let source = Counting::default();
        let samples: Vec<usize> = (20..80).collect();
        let batches: Vec<&[usize]> = samples.chunks(4).collect();
        Readers::new().unwrap().ahead(&source, &batches, 3, |rows| {
            for batch in &batches[..2] {
                assert_eq!(rows.next(batch, 3).unwrap(), source.rows(batch, 3).unwrap());
            }
        });
        // Two by the test, two that were asked for, and what was read ahead of them.
        assert!(source.0.into_inner() <= 4 + IN_MEMORY);
    }

    #[test]
    fn an_error_comes_in_its_turn() {
        let source = Counting::default();
        let batches: [&[usize]; 3] = [&[1, 2], &[9], &[3]];
        Readers::new().unwrap().ahead(&source, &batches, 1, |rows| {
            assert!(rows.next(batches[0], 1).is_ok());
            let error = rows.next(batches[1], 1).unwrap_err();
            assert!(error.to_string().contains("gone"), "{error}");
            assert!(rows.next(batches[2], 1).is_err());
        });
    }
}
