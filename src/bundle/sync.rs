//! Files are put on the disk by a thread of their own while others are still written, so that the end of a
//! run does not wait for gigabytes.

use super::OutputError;
use std::fs::File;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

/// Files that wait at most: each holds a file descriptor, and a disk that is slower than the run slows it down.
const WAITING: usize = 16;

struct Job {
    path: PathBuf,
    file: File,
    whole: bool,
}

/// Syncs files in the background; [`Syncer::finish`] says how it went.
pub(crate) struct Syncer {
    sender: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<Result<(), OutputError>>>,
}

impl Syncer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there can be no further thread.
    pub(crate) fn new() -> Result<Self, OutputError> {
        let (sender, jobs) = sync_channel::<Job>(WAITING);
        let work = move || {
            let mut outcome = Ok(());
            for Job { path, file, whole } in jobs {
                let synced = if whole { file.sync_all() } else { file.sync_data() };
                // What follows an error is taken off the queue all the same: nobody must wait for room.
                if outcome.is_ok() {
                    outcome = synced.map_err(OutputError::io("write to the disk", &path));
                }
            }
            outcome
        };
        let thread = std::thread::Builder::new()
            .name("sync".to_owned())
            .spawn(work)
            .map_err(OutputError::io("start a thread for", &PathBuf::from("the bundle")))?;
        Ok(Self { sender: Some(sender), thread: Some(thread) })
    }

    /// Takes over a file that is written to its end.
    pub(crate) fn whole(&self, path: PathBuf, file: File) {
        if let Some(sender) = &self.sender {
            // The thread takes jobs until the sender is gone.
            let _ = sender.send(Job { path, file, whole: true });
        }
    }

    /// Begins with what a growing file has so far, unless there is enough to do.
    pub(crate) fn begun(&self, path: &std::path::Path, file: &File) {
        if let (Some(sender), Ok(file)) = (&self.sender, file.try_clone()) {
            match sender.try_send(Job { path: path.to_path_buf(), file, whole: false }) {
                Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
            }
        }
    }

    /// Waits until every file that was taken over is on the disk.
    ///
    /// # Errors
    /// The first error of a file.
    pub(crate) fn finish(mut self) -> Result<(), OutputError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), OutputError> {
        drop(self.sender.take());
        let died = || Err(OutputError::Inconsistent("the thread that syncs files died".to_owned()));
        self.thread.take().map_or(Ok(()), |thread| thread.join().unwrap_or_else(|_| died()))
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        // After an error nothing is published; but no file may be open any more when its folder goes.
        let _ = self.join();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn every_file_is_taken_over_and_an_error_is_told() {
        let syncer = Syncer::new().unwrap();
        for _ in 0..3 * WAITING {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(b"x").unwrap();
            syncer.begun(std::path::Path::new("x"), &file);
            syncer.whole("x".into(), file);
        }
        syncer.finish().unwrap();

        // A pipe cannot be synced.
        let syncer = Syncer::new().unwrap();
        let (reader, _writer) = std::io::pipe().unwrap();
        syncer.whole("payload/0001.ndjson".into(), std::os::fd::OwnedFd::from(reader).into());
        let error = syncer.finish().unwrap_err().to_string();
        assert!(error.contains("payload/0001.ndjson"), "{error}");
    }
}
