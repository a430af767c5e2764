//! Progress on a terminal: bytes done, rate, and the time that is left.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::term::Term;

/// A bar for `bytes` of work, invisible when there is no terminal.
#[must_use]
pub fn bar(term: &Term, what: &'static str, bytes: u64) -> ProgressBar {
    let target = if term.progress { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(bytes), target);
    let style =
        ProgressStyle::with_template("{msg:10} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} eta {eta}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}
