//! The SHA-256 of an export, by the threads that work on its blocks.
//!
//! A hash needs the bytes in order, and takes longer than reading them: one thread that reads and hashes holds up all
//! others. So every thread hashes the block that it works on when its turn comes, before or behind its own work. What
//! no block holds (a byte order mark, what is skipped of a giant record) is read again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::encoding::Hasher;

/// Bytes that are read again at a time.
const PIECE: usize = 128 * 1024;

/// The hash of one export on the way. Blocks are numbered from 0 and handed out in order; each is hashed once.
#[derive(Default)]
pub struct Turns {
    state: Mutex<State>,
    next: Condvar,
}

#[derive(Default)]
struct State {
    hasher: Hasher,
    /// Bytes that were hashed.
    offset: u64,
    /// Number of the block whose turn it is.
    turn: u64,
    failed: Option<io::Error>,
    /// A thread ended without its turn.
    broken: bool,
}

/// A block's place in the hash of its export.
pub struct Turn {
    /// Number of the block.
    pub number: u64,
    /// Where its first byte stands in the export.
    pub offset: u64,
}

impl Turns {
    /// Does `work`, and hashes the block before it if its turn has come, else behind it.
    pub fn around<T>(&self, turn: &Turn, file: &File, bytes: &[u8], work: impl FnOnce() -> T) -> T {
        let broken = Broken(self);
        let state = lock(&self.state);
        let early = state.turn == turn.number;
        if early {
            self.take(state, turn, file, bytes);
        } else {
            drop(state);
        }
        let done = work();
        if !early {
            let state =
                self.next.wait_while(lock(&self.state), |state| state.turn < turn.number && !state.broken);
            self.take(state.unwrap_or_else(PoisonError::into_inner), turn, file, bytes);
        }
        std::mem::forget(broken);
        done
    }

    fn take(&self, mut state: MutexGuard<'_, State>, turn: &Turn, file: &File, bytes: &[u8]) {
        state.fill(file, turn.offset);
        // Should blocks overlap, no byte counts twice.
        let known = usize::try_from(state.offset.saturating_sub(turn.offset)).unwrap_or(usize::MAX);
        state.update(bytes.get(known..).unwrap_or_default());
        state.turn += 1;
        drop(state);
        self.next.notify_all();
    }

    /// The hash, when every block has been worked on; `length` is that of the export.
    ///
    /// # Errors
    /// When what no block holds could not be read.
    pub fn finish(self, file: &File, length: u64) -> io::Result<[u8; 32]> {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.fill(file, length);
        match state.failed {
            Some(error) => Err(error),
            None => Ok(state.hasher.finish()),
        }
    }
}

impl State {
    fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.offset += bytes.len() as u64;
    }

    /// Hashes what stands before `end` and was in no block.
    fn fill(&mut self, file: &File, end: u64) {
        if self.offset >= end || self.failed.is_some() {
            return;
        }
        let mut piece = vec![0; PIECE];
        while self.offset < end {
            let wanted = usize::try_from(end - self.offset).unwrap_or(PIECE).min(PIECE);
            // At most `PIECE`, which is the buffer's length.
            let piece = &mut piece[..wanted];
            if let Err(error) = file.read_exact_at(piece, self.offset) {
                self.failed = Some(error);
                return;
            }
            self.update(piece);
        }
    }
}

/// A thread that panics must not have others wait for its turn: the run ends anyway.
struct Broken<'t>(&'t Turns);

impl Drop for Broken<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).broken = true;
        self.0.next.notify_all();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::encoding::sha256;

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn the_hash_is_that_of_all_bytes_whoever_comes_first() {
        let bytes: Vec<u8> = (0..700_000usize).map(|at| (at * 7 % 251) as u8).collect();
        let file = file_of(&bytes);
        // With bytes before, between and behind the blocks, and two that overlap.
        let blocks = [3..100, 100..5_000, 200_000..300_000, 299_000..400_000, 400_000..400_001];
        let turns = Turns::default();
        std::thread::scope(|scope| {
            for (number, block) in blocks.into_iter().enumerate().rev() {
                let (turns, file, bytes) = (&turns, &file, &bytes);
                scope.spawn(move || {
                    let turn = Turn { number: number as u64, offset: block.start as u64 };
                    let pause = || std::thread::sleep(std::time::Duration::from_millis(number as u64));
                    turns.around(&turn, file, &bytes[block], pause);
                });
            }
        });
        assert_eq!(turns.finish(&file, bytes.len() as u64).unwrap(), sha256(&bytes));
    }

    #[test]
    fn a_thread_that_panics_is_not_waited_for() {
        let (turns, file) = (Turns::default(), file_of(b"ab"));
        std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                let turn = Turn { number: 1, offset: 1 };
                turns.around(&turn, &file, b"b", || panic!("on purpose"));
            });
            assert!(first.join().is_err());
            turns.around(&Turn { number: 2, offset: 2 }, &file, b"", || ());
        });
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let turns = Turns::default();
        turns.around(&Turn { number: 0, offset: 0 }, &file_of(b"abc"), b"abc", || ());
        assert!(turns.finish(&file_of(b"abc"), 4).is_err());
    }
}
