//! Work spread over threads without changing a byte: jobs carry their index, results are handed on
//! in the order of the jobs, and only so many jobs are in flight that memory stays flat.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::limits::BLOCKS_PER_WORKER;

/// Runs `work` on every job that `produce` makes, on `threads` threads, and hands the results to
/// `consume` in the order of the jobs. `produce` and `consume` run on the calling thread, in turn.
/// Each thread makes one `state` for itself and keeps it between jobs (buffers, caches). A job that is
/// `large` is worked on alone, by the calling thread, with a state of its own: several giants at a time would not
/// fit the memory, and an allocator with a heap for each thread would keep a giant's room in each.
///
/// # Errors
/// The first error of `produce` or `consume`, in job order; nothing is produced after it. A thread
/// that panics ends the run with [`Error::Internal`].
pub fn ordered<J, R, S>(
    threads: usize,
    state: impl Fn() -> S + Sync,
    mut produce: impl FnMut() -> Result<Option<J>, Error>,
    large: impl Fn(&J) -> bool,
    work: impl Fn(&mut S, J) -> R + Sync,
    mut consume: impl FnMut(R) -> Result<(), Error>,
) -> Result<(), Error>
where
    J: Send,
    R: Send,
{
    let threads = threads.max(1);
    let most_in_flight = threads * BLOCKS_PER_WORKER;
    std::thread::scope(|scope| {
        let (job_sender, job_receiver) = mpsc::sync_channel::<(u64, J)>(most_in_flight);
        let job_receiver = Arc::new(Mutex::new(job_receiver));
        let (result_sender, result_receiver) = mpsc::channel::<(u64, Option<R>)>();
        for _ in 0..threads {
            let (jobs, results) = (Arc::clone(&job_receiver), result_sender.clone());
            let (state, work) = (&state, &work);
            scope.spawn(move || {
                let mut state = state();
                loop {
                    let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((index, job)) = job else { break };
                    // A panic must not leave the others waiting for a result that never comes.
                    let result = catch_unwind(AssertUnwindSafe(|| work(&mut state, job))).ok();
                    let panicked = result.is_none();
                    if results.send((index, result)).is_err() || panicked {
                        break;
                    }
                }
            });
        }
        // Only the threads hold senders now: when all of them are gone, receiving ends.
        drop(result_sender);
        drop(job_receiver);

        let (mut produced, mut consumed, mut end) = (0u64, 0u64, None);
        let (mut held, mut own, mut ready) = (None, None, None);
        let mut waiting = BTreeMap::new();
        loop {
            // The threads get their next jobs before a result is consumed, which takes its time.
            while end.is_none() && held.is_none() && (produced - consumed) < most_in_flight as u64 {
                match produce() {
                    Ok(Some(job)) if large(&job) => held = Some(job),
                    Ok(Some(job)) => {
                        if job_sender.send((produced, job)).is_err() {
                            return Err(died());
                        }
                        produced += 1;
                    }
                    Ok(None) => end = Some(Ok(())),
                    // Errors come in the order of the jobs: those before this one are consumed first.
                    Err(error) => end = Some(Err(error)),
                }
            }
            if let Some(result) = ready.take() {
                consume(result)?;
            }
            while produced > consumed && !waiting.contains_key(&consumed) {
                let (index, result) = result_receiver.recv().map_err(|_| died())?;
                waiting.insert(index, result.ok_or_else(died)?);
            }
            ready = waiting.remove(&consumed);
            if ready.is_some() {
                consumed += 1;
            } else if let Some(job) = held.take() {
                let result = catch_unwind(AssertUnwindSafe(|| work(own.get_or_insert_with(&state), job)));
                consume(result.map_err(|_| died())?)?;
            } else {
                return end.unwrap_or(Ok(()));
            }
        }
    })
}

fn died() -> Error {
    Error::Internal { message: "a worker thread ended before its work was done".into() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 7] {
            let (mut next, mut seen) = (0u64, Vec::new());
            ordered(
                threads,
                || 0u64,
                || {
                    next += 1;
                    Ok((next <= 500).then_some(next))
                },
                |job| job % 50 == 0,
                |count, job| {
                    *count += 1;
                    if job % 13 == 0 {
                        std::thread::yield_now();
                    }
                    job * 2
                },
                |result| {
                    seen.push(result);
                    Ok(())
                },
            )
            .unwrap();
            assert_eq!(seen, (1..=500).map(|n| n * 2).collect::<Vec<_>>(), "{threads} threads");
        }
    }

    #[test]
    fn a_large_job_is_worked_on_alone() {
        let next = AtomicU64::new(0);
        ordered(
            4,
            || (),
            || Ok(Some(next.fetch_add(1, Ordering::SeqCst) + 1).filter(|job| *job <= 60)),
            |job| job % 3 == 0,
            |(), job| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                (job, next.load(Ordering::SeqCst))
            },
            |(job, produced)| {
                assert!(job % 3 != 0 || produced == job, "{produced} were produced beside {job}");
                Ok(())
            },
        )
        .unwrap();
    }

    #[test]
    fn a_panic_ends_the_run_and_does_not_hang_it() {
        let mut next = 0u64;
        let outcome = ordered(
            2,
            || (),
            || {
                next += 1;
                Ok((next < 100).then_some(next))
            },
            |_| false,
            |(), job| assert_ne!(job, 20, "on purpose"),
            |()| Ok(()),
        );
        assert!(matches!(outcome, Err(Error::Internal { .. })));
    }

    #[test]
    fn the_first_error_ends_the_run() {
        let mut next = 0u64;
        let outcome = ordered(
            2,
            || (),
            || {
                next += 1;
                Ok(Some(next))
            },
            |_| false,
            |(), job| job,
            |result| if result == 10 { Err(Error::usage("ten", "")) } else { Ok(()) },
        );
        assert!(outcome.unwrap_err().to_string().contains("ten"));
        assert!(next < 50, "production went on to {next}");
    }
}
