//! Signals: what was staged is removed before the process ends.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::error::exit;

/// Watches for the signals that end a program, on a thread of its own. Temporary files have no name
/// and go with the process, whatever ends it.
pub fn watch() {
    let mut ending = vec![SIGINT, SIGTERM];
    if !ignored(SIGHUP) {
        ending.push(SIGHUP);
    }
    // Without the thread an interrupted run leaves its stage, which the next one reports.
    let Ok(mut signals) = Signals::new(ending) else { return };
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            crate::bundle::remove_stages();
            eprintln!("interrupted; no unfinished bundle was left behind");
            std::process::exit(exit::OUTPUT.into());
        }
    });
}

/// Whether the caller has turned a signal off, as nohup does with SIGHUP: such a run must outlive its
/// terminal. (proc(5): SigIgn is a mask in hexadecimal, bit 0 is signal 1.)
fn ignored(signal: i32) -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return false };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    signal > 0 && mask.checked_shr(signal.unsigned_abs() - 1).unwrap_or(0) & 1 == 1
}
