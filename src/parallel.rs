//! Work spread over threads without changing a byte: jobs carry their index, results are handed on
//! in the order of the jobs, and only so many jobs are in flight that memory stays flat.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::limits::BLOCKS_PER_WORKER;

/// Runs `work` on every job that `produce` makes, on `threads` threads, and hands the results to
/// `consume` in the order of the jobs. `produce` and `consume` run on the calling thread, in turn.
/// Each thread makes one `state` for itself and keeps it between jobs (buffers, caches). A job that is
/// `large` is worked on alone, by the calling thread, with a state of its own: several giants at a time would not
/// fit the memory.
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
    let most_in_flight = (threads * BLOCKS_PER_WORKER) as u64;
    let (jobs, results) = (Jobs::default(), Results::default());
    std::thread::scope(|scope| {
        // However this ends, the threads must not wait for more.
        let _closed_at_the_end = Closing(&jobs);
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = None;
                while let Some((index, job)) = jobs.take() {
                    // A panic must not leave the others waiting for a result that never comes.
                    let result =
                        catch_unwind(AssertUnwindSafe(|| work(own.get_or_insert_with(&state), job))).ok();
                    let panicked = result.is_none();
                    results.put(index, result);
                    if panicked {
                        break;
                    }
                }
            });
        }

        let (mut produced, mut consumed, mut end) = (0, 0, None);
        let (mut held, mut own, mut ready) = (None, None, None);
        loop {
            // The threads get their next jobs before a result is consumed, which takes its time.
            while end.is_none() && held.is_none() && produced - consumed < most_in_flight {
                match produce() {
                    Ok(Some(job)) if large(&job) => held = Some(job),
                    Ok(Some(job)) => {
                        jobs.put(produced, job);
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
            if produced > consumed {
                ready = Some(results.take(consumed).ok_or_else(died)?);
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

/// Jobs that wait for a thread, each with its index. The channels of the standard library wake a thread while they
/// hold the lock that it needs next; here a thread is woken when the lock is free.
struct Jobs<J> {
    waiting: Mutex<Waiting<J>>,
    more: Condvar,
}

struct Waiting<J> {
    jobs: VecDeque<(u64, J)>,
    closed: bool,
}

impl<J> Default for Jobs<J> {
    fn default() -> Self {
        let waiting = Waiting { jobs: VecDeque::new(), closed: false };
        Self { waiting: Mutex::new(waiting), more: Condvar::new() }
    }
}

impl<J> Jobs<J> {
    fn put(&self, index: u64, job: J) {
        lock(&self.waiting).jobs.push_back((index, job));
        self.more.notify_one();
    }

    /// The next job, as soon as there is one; `None` when there will be none any more.
    fn take(&self) -> Option<(u64, J)> {
        let still = |waiting: &mut Waiting<J>| waiting.jobs.is_empty() && !waiting.closed;
        let waiting = self.more.wait_while(lock(&self.waiting), still);
        waiting.unwrap_or_else(PoisonError::into_inner).jobs.pop_front()
    }
}

/// Closes the jobs when it goes.
struct Closing<'j, J>(&'j Jobs<J>);

impl<J> Drop for Closing<'_, J> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.0.waiting);
        waiting.closed = true;
        waiting.jobs.clear();
        drop(waiting);
        self.0.more.notify_all();
    }
}

/// Results by the index of their jobs; `None` stands for one whose job panicked. Who takes them is woken for the
/// one that is next, and for no other.
struct Results<R> {
    arrived: Mutex<Arrived<R>>,
    next: Condvar,
}

struct Arrived<R> {
    results: BTreeMap<u64, Option<R>>,
    wanted: u64,
}

impl<R> Default for Results<R> {
    fn default() -> Self {
        let arrived = Arrived { results: BTreeMap::new(), wanted: 0 };
        Self { arrived: Mutex::new(arrived), next: Condvar::new() }
    }
}

impl<R> Results<R> {
    fn put(&self, index: u64, result: Option<R>) {
        let mut arrived = lock(&self.arrived);
        arrived.results.insert(index, result);
        let wanted = arrived.wanted == index;
        drop(arrived);
        if wanted {
            self.next.notify_one();
        }
    }

    /// The result of a job that was handed out, as soon as it is there; `None` when the job panicked.
    fn take(&self, index: u64) -> Option<R> {
        let mut arrived = lock(&self.arrived);
        arrived.wanted = index;
        let mut arrived = self
            .next
            .wait_while(arrived, |arrived| !arrived.results.contains_key(&index))
            .unwrap_or_else(PoisonError::into_inner);
        arrived.results.remove(&index).flatten()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is done under these locks can be left half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
