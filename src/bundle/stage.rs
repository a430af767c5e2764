//! The folder appears whole, by rename, or not at all.
//!
//! A bundle `NAME` is written into `.NAME.certferry-RANDOM/bundle` beside the target, so that the last step is
//! a rename within one file system. The outer folder has mode 0700: while a run is under way nobody else
//! reads half a bundle. What is inside gets the modes that the umask gives, because it becomes the bundle.
//!
//! Whatever ends a run early takes the stage with it: an error and a panic because the stage is dropped, a
//! signal because the handler's thread calls [`remove_stages`]. Only SIGKILL and a power cut leave one
//! behind; [`stale_stages`] finds these (a live run holds a lock on its stage) and nobody deletes them
//! unasked, since after an exchange that was cut off such a folder holds the bundle that was replaced.

use super::{OutputError, REVIEW, TRANSFER};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What stands between the bundle's name and the random end of a stage's name.
const MARK: &str = ".certferry-";
/// So much of the bundle's name goes into its stage's name, in bytes: file names end at 255.
const NAME_MAX: usize = 200;
/// How often a signal handler tries to remove a folder that another thread still writes to.
const REMOVE_ATTEMPTS: usize = 50;

/// Stages of this process that are not published, and whether a signal has ended them.
struct Live {
    stages: Vec<PathBuf>,
    stopped: bool,
}

static LIVE: Mutex<Live> = Mutex::new(Live { stages: Vec::new(), stopped: false });

fn live() -> MutexGuard<'static, Live> {
    // The list stays meaningful when a thread panicked while it held the lock.
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses a target that cannot become a bundle, before any work is done.
///
/// # Errors
/// [`OutputError::Name`], [`OutputError::Parent`], [`OutputError::Exists`] (without `force`) or
/// [`OutputError::NotABundle`] (with it): only a folder that has `review/manifest.json` and `transfer/` is
/// ever replaced, so that a mistyped `-o` cannot take away somebody's home.
pub fn check_target(target: &Path, force: bool) -> Result<(), OutputError> {
    let (parent, target) = (parent(target), &plain(target)?);
    match fs::metadata(&parent) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(OutputError::Parent { path: parent, found: "is not a folder" }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OutputError::Parent { path: parent, found: "does not exist" });
        }
        Err(error) => return Err(OutputError::io("look at the folder", &parent)(error)),
    }
    let metadata = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(OutputError::io("look at the target", target)(error)),
    };
    if !force {
        return Err(OutputError::Exists { path: target.to_path_buf() });
    }
    let not_a_bundle = |found| Err(OutputError::NotABundle { path: target.to_path_buf(), found });
    if metadata.is_symlink() {
        return not_a_bundle("is a symbolic link");
    }
    if !metadata.is_dir() {
        return not_a_bundle("is not a folder");
    }
    let is = |path: PathBuf, wanted: fn(&fs::Metadata) -> bool| {
        fs::symlink_metadata(path).is_ok_and(|m| wanted(&m))
    };
    if !is(target.join(REVIEW).join("manifest.json"), fs::Metadata::is_file) {
        return not_a_bundle("folder has no review/manifest.json");
    }
    if !is(target.join(TRANSFER), fs::Metadata::is_dir) {
        return not_a_bundle("folder has no transfer/");
    }
    Ok(())
}

/// Stages beside `target` that no run holds any more: what SIGKILL or a power cut left. In stable order.
/// They may be removed by hand; one whose `bundle/` is complete may be the bundle that was just replaced.
#[must_use]
pub fn stale_stages(target: &Path) -> Vec<PathBuf> {
    let Ok(name) = place(target) else { return Vec::new() };
    let prefix = stage_prefix(name);
    let Ok(entries) = fs::read_dir(parent(target)) else { return Vec::new() };
    let mut stale: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().as_bytes().starts_with(prefix.as_bytes()))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .filter(|path| {
            !File::open(path).is_ok_and(|folder| matches!(folder.try_lock(), Err(TryLockError::WouldBlock)))
        })
        .collect();
    stale.sort();
    stale
}

/// Removes every stage of this process and lets no further one be published: for the thread that handles
/// signals (not for the handler itself: it allocates and locks), right before the process ends.
///
/// A bundle that is already in place stays. A thread that still writes gets [`OutputError::Interrupted`] or
/// an I/O error.
pub fn remove_stages() {
    let mut live = live();
    live.stopped = true;
    for stage in live.stages.drain(..) {
        // A writer may add a file between the listing and the removal of its folder.
        for _ in 0..REMOVE_ATTEMPTS {
            match fs::remove_dir_all(&stage) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    std::thread::sleep(std::time::Duration::from_millis(2));
                }
                _ => break,
            }
        }
    }
}

/// A folder under construction. Dropped without [`Stage::publish`] it is gone.
#[derive(Debug)]
pub(crate) struct Stage {
    target: PathBuf,
    outer: tempfile::TempDir,
    /// Held for the lock that tells a live stage from a stale one.
    _lock: Option<File>,
}

impl Stage {
    /// Makes the hidden folder beside `target`, after [`check_target`].
    pub(crate) fn begin(target: &Path, force: bool) -> Result<Self, OutputError> {
        check_target(target, force)?;
        let parent = parent(target);
        let mut live = live();
        if live.stopped {
            return Err(OutputError::Interrupted { path: target.to_path_buf() });
        }
        // The mode belongs to the folder from its first moment on; it is no later chmod.
        let outer = tempfile::Builder::new()
            .prefix(&stage_prefix(place(target)?))
            .rand_bytes(8)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(&parent)
            .map_err(OutputError::io("make a folder in", &parent))?;
        let lock = File::open(outer.path()).ok().filter(|folder| folder.try_lock().is_ok());
        live.stages.push(outer.path().to_path_buf());
        drop(live);
        let stage = Self { target: plain(target)?, outer, _lock: lock };
        stage.folder("")?;
        Ok(stage)
    }

    /// The folder that becomes the bundle.
    pub(crate) fn path(&self) -> PathBuf {
        self.outer.path().join("bundle")
    }

    /// The hidden folder that holds it.
    pub(crate) fn outer(&self) -> &Path {
        self.outer.path()
    }

    /// Makes a folder inside the bundle.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf, OutputError> {
        let path = if name.is_empty() { self.path() } else { self.path().join(name) };
        fs::create_dir(&path).map_err(OutputError::io("make the folder", &path))?;
        Ok(path)
    }

    /// Puts the finished folder in place; `folders` (relative) are synced first, deepest first.
    ///
    /// Returns the stage's path when the bundle is in place but what it replaced could not be removed.
    pub(crate) fn publish(self, force: bool, folders: &[&str]) -> Result<Option<PathBuf>, OutputError> {
        for folder in folders {
            sync_folder(&self.path().join(folder))?;
        }
        sync_folder(&self.path())?;
        // The lock is held over the rename, so that a signal comes wholly before or wholly after it.
        {
            let live = live();
            if live.stopped {
                return Err(OutputError::Interrupted { path: self.target.clone() });
            }
            self.put_in_place(force)?;
        }
        sync_folder(&parent(&self.target)).ok(); // the bundle is in place; some file systems refuse this
        let outer = self.outer.path().to_path_buf();
        Ok(remove_tree(&outer).err().map(|_| outer))
    }

    fn put_in_place(&self, force: bool) -> Result<(), OutputError> {
        let (new, target) = (self.path(), &self.target);
        let fail = |error: io::Error| OutputError::io("put the bundle in place", target)(error);
        match renameat_with(CWD, &new, CWD, target, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) if !force => return Err(OutputError::Exists { path: target.clone() }),
            Err(Errno::EXIST) => {}
            Err(errno) if unsupported(errno) => {
                // Without the flag, rename would silently replace an empty folder.
                if fs::symlink_metadata(target).is_err() {
                    return fs::rename(&new, target).map_err(fail);
                }
                if !force {
                    return Err(OutputError::Exists { path: target.clone() });
                }
            }
            Err(errno) => return Err(fail(errno.into())),
        }
        // Something else may have been put there since the run began.
        check_target(target, true)?;
        match renameat_with(CWD, &new, CWD, target, RenameFlags::EXCHANGE) {
            Ok(()) => Ok(()),
            Err(errno) if unsupported(errno) => self.swap(),
            Err(errno) => Err(fail(errno.into())),
        }
    }

    /// The exchange for file systems that have none: the old one aside, the new one in, or the old one back.
    fn swap(&self) -> Result<(), OutputError> {
        let aside = self.outer.path().join("replaced");
        let fail = |error: io::Error| OutputError::io("put the bundle in place", &self.target)(error);
        fs::rename(&self.target, &aside).map_err(fail)?;
        let Err(source) = fs::rename(self.path(), &self.target) else { return Ok(()) };
        match fs::rename(&aside, &self.target) {
            Ok(()) => Err(fail(source)),
            Err(_) => Err(OutputError::NotRestored { target: self.target.clone(), kept: aside, source }),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A bundle that could be put neither in place nor back must outlive the run.
        let keep = self.outer.path().join("replaced").exists() && !self.target.exists();
        if keep {
            self.outer.disable_cleanup(true);
        } else {
            remove_tree(self.outer.path()).ok();
        }
        let mut live = live();
        live.stages.retain(|stage| stage != self.outer.path());
    }
}

/// Removes a folder; one that is gone already is fine.
fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn unsupported(errno: Errno) -> bool {
    matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)
}

/// Some file systems of networks and sticks know no sync of a folder; the files in it are synced anyway.
fn sync_folder(path: &Path) -> Result<(), OutputError> {
    match File::open(path).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Ok(())
        }
        result => result.map_err(OutputError::io("write to the disk", path)),
    }
}

/// The name of the target itself.
fn place(target: &Path) -> Result<&OsStr, OutputError> {
    target.file_name().ok_or_else(|| OutputError::Name { path: target.to_path_buf() })
}

/// The target without a slash at its end, which would make the system follow a link.
fn plain(target: &Path) -> Result<PathBuf, OutputError> {
    Ok(match target.parent() {
        Some(parent) => parent.join(place(target)?),
        None => PathBuf::from(place(target)?),
    })
}

/// The folder that the target is in; of a bare name the current one.
fn parent(target: &Path) -> PathBuf {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn stage_prefix(name: &OsStr) -> OsString {
    let name = name.as_bytes();
    let mut prefix = vec![b'.'];
    prefix.extend_from_slice(name.get(..NAME_MAX).unwrap_or(name));
    prefix.extend_from_slice(MARK.as_bytes());
    OsString::from_vec(prefix)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn bundle_at(path: &Path, mark: &str) {
        fs::create_dir_all(path.join("review")).unwrap();
        fs::create_dir_all(path.join("transfer")).unwrap();
        fs::write(path.join("review/manifest.json"), mark).unwrap();
    }

    #[test]
    fn a_target_is_refused_before_any_work() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert!(check_target(&at("new"), false).is_ok());
        assert!(matches!(check_target(&at("no/new"), false), Err(OutputError::Parent { .. })));
        assert!(matches!(check_target(Path::new("/"), false), Err(OutputError::Name { .. })));
        fs::write(at("file"), "x").unwrap();
        assert!(matches!(
            check_target(&at("file/new"), false),
            Err(OutputError::Parent { .. } | OutputError::Io { .. })
        ));
        assert!(matches!(check_target(&at("file"), false), Err(OutputError::Exists { .. })));
        assert!(matches!(check_target(&at("file"), true), Err(OutputError::NotABundle { .. })));
        fs::create_dir(at("empty")).unwrap();
        assert!(matches!(check_target(&at("empty"), true), Err(OutputError::NotABundle { .. })));
        bundle_at(&at("old"), "old");
        assert!(matches!(check_target(&at("old"), false), Err(OutputError::Exists { .. })));
        assert!(check_target(&at("old"), true).is_ok());
        std::os::unix::fs::symlink(at("old"), at("link")).unwrap();
        assert!(matches!(check_target(&at("link"), true), Err(OutputError::NotABundle { .. })));
        assert!(matches!(check_target(&at("link/"), true), Err(OutputError::NotABundle { .. })));
    }

    #[test]
    fn the_fallback_swaps_and_restores() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("b");
        bundle_at(&target, "old");
        let stage = Stage::begin(&target, true).unwrap();
        fs::write(stage.path().join("mark"), "new").unwrap();
        stage.swap().unwrap();
        assert_eq!(fs::read_to_string(target.join("mark")).unwrap(), "new");
        drop(stage);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);

        let stage = {
            fs::remove_dir_all(&target).unwrap();
            bundle_at(&target, "old");
            Stage::begin(&target, true).unwrap()
        };
        fs::remove_dir_all(stage.path()).unwrap();
        assert!(matches!(stage.swap(), Err(OutputError::Io { .. })));
        drop(stage);
        assert_eq!(fs::read_to_string(target.join("review/manifest.json")).unwrap(), "old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_live_stage_is_not_stale_and_a_left_one_is() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("b");
        let stage = Stage::begin(&target, false).unwrap();
        assert!(stale_stages(&target).is_empty());
        let left = dir.path().join(".b.certferry-abcdefgh");
        fs::create_dir(&left).unwrap();
        assert_eq!(stale_stages(&target), [left]);
        drop(stage);
    }

    #[test]
    fn a_slash_at_the_end_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("b/");
        assert!(Stage::begin(&target, false).unwrap().publish(false, &[]).unwrap().is_none());
        assert!(dir.path().join("b").is_dir());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn long_names_fit() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("n".repeat(255));
        let stage = Stage::begin(&target, false).unwrap();
        assert!(stage.publish(false, &[]).unwrap().is_none());
        assert!(target.is_dir());
    }
}
