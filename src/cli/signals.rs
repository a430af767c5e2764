//! Signals: what was staged is removed before the process ends.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::exit;

/// Watches for the signals that end a program, on a thread of its own.
pub fn watch() {
    // Without the thread an interrupted run leaves its stage, which the next one reports.
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            crate::bundle::remove_stages();
            eprintln!("interrupted; nothing was written");
            std::process::exit(exit::OUTPUT.into());
        }
    });
}
