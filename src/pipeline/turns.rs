//! The SHA-256 of an export, by the threads that work on its blocks.
//!
//! A hash needs the bytes in order, and takes longer than reading them: one thread that reads and hashes holds up all
//! others. So every thread hashes the block that it works on when its turn comes, before or behind its own work. What
//! no block holds (a byte order mark, what is skipped of a giant record) is read again.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

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
    /// A turn was dropped.
    broken: bool,
}

/// A block's place in the hash of its export. Who drops it without [`Turn::around`], as a thread that panics does, lets
/// all others pass: they must not wait, and the run ends anyway.
pub struct Turn {
    turns: Arc<Turns>,
    number: u64,
    offset: u64,
    done: bool,
}

impl Turn {
    /// The turn of the block with this number, whose first byte stands at `offset`.
    #[must_use]
    pub fn new(turns: &Arc<Turns>, number: u64, offset: u64) -> Self {
        Self { turns: Arc::clone(turns), number, offset, done: false }
    }

    /// Does `work`, and hashes the block before it if its turn has come, else behind it.
    pub fn around<T>(mut self, file: &File, bytes: &[u8], work: impl FnOnce() -> T) -> T {
        let turns = &self.turns;
        let state = lock(&turns.state);
        let early = state.turn == self.number;
        if early {
            self.take(state, file, bytes);
        } else {
            drop(state);
        }
        let done = work();
        if !early {
            let waits = |state: &mut State| state.turn < self.number && !state.broken;
            let state = turns.next.wait_while(lock(&turns.state), waits);
            self.take(state.unwrap_or_else(PoisonError::into_inner), file, bytes);
        }
        self.done = true;
        done
    }

    fn take(&self, mut state: MutexGuard<'_, State>, file: &File, bytes: &[u8]) {
        state.fill(file, self.offset);
        // Should blocks overlap, no byte counts twice.
        let known = usize::try_from(state.offset.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        state.update(bytes.get(known..).unwrap_or_default());
        state.turn += 1;
        drop(state);
        self.turns.next.notify_all();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.done {
            lock(&self.turns.state).broken = true;
            self.turns.next.notify_all();
        }
    }
}

impl Turns {
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
        let turns = Arc::new(Turns::default());
        std::thread::scope(|scope| {
            for (number, block) in blocks.into_iter().enumerate().rev() {
                let turn = Turn::new(&turns, number as u64, block.start as u64);
                let (file, bytes) = (&file, &bytes);
                scope.spawn(move || {
                    let pause = || std::thread::sleep(std::time::Duration::from_millis(number as u64));
                    turn.around(file, &bytes[block], pause);
                });
            }
        });
        let turns = Arc::into_inner(turns).unwrap();
        assert_eq!(turns.finish(&file, bytes.len() as u64).unwrap(), sha256(&bytes));
    }

    #[test]
    fn a_thread_that_panics_or_never_begins_is_not_waited_for() {
        let file = file_of(b"ab");
        let turns = Arc::new(Turns::default());
        std::thread::scope(|scope| {
            let turn = Turn::new(&turns, 1, 1);
            let first = scope.spawn(|| turn.around(&file, b"b", || panic!("on purpose")));
            assert!(first.join().is_err());
            Turn::new(&turns, 2, 2).around(&file, b"", || ());
        });
        let turns = Arc::new(Turns::default());
        drop(Turn::new(&turns, 0, 0));
        Turn::new(&turns, 1, 1).around(&file, b"b", || ());
    }

    #[test]
    fn a_file_that_became_shorter_is_an_error() {
        let turns = Arc::new(Turns::default());
        Turn::new(&turns, 0, 0).around(&file_of(b"abc"), b"abc", || ());
        assert!(Arc::into_inner(turns).unwrap().finish(&file_of(b"abc"), 4).is_err());
    }
}
