//! What reaches a terminal: colour, and the one function through which text from outside passes.

use std::fmt::Write as _;
use std::io::IsTerminal;

use super::args::{Color, General};

/// How to print messages.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Say nothing but errors.
    pub quiet: bool,
    /// Print findings.
    pub verbose: bool,
    color: bool,
    stdout_color: bool,
    /// Show progress.
    pub progress: bool,
}

impl Term {
    /// From the options and the environment: NO_COLOR (no-color.org) and `TERM=dumb` turn colour off.
    #[must_use]
    pub fn new(general: &General) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self {
            quiet: general.quiet,
            verbose: general.verbose,
            stdout_color: match general.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => std::io::stdout().is_terminal() && !plain,
            },
            color: match general.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => terminal && !plain,
            },
            progress: terminal && !general.quiet && general.progress == super::args::Progress::Auto,
        }
    }

    /// Text in bold.
    #[must_use]
    pub fn bold(&self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Text in red.
    #[must_use]
    pub fn red(&self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// Text in yellow.
    #[must_use]
    pub fn yellow(&self, text: &str) -> String {
        self.paint("33", text)
    }

    /// Text in green.
    #[must_use]
    pub fn green(&self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Text in red, for stdout.
    #[must_use]
    pub fn stdout_red(&self, text: &str) -> String {
        if self.stdout_color { format!("\x1b[1;31m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// Text in green, for stdout.
    #[must_use]
    pub fn stdout_green(&self, text: &str) -> String {
        if self.stdout_color { format!("\x1b[32m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A message on stderr, unless quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            eprintln!("{text}");
        }
    }

    /// An error on stderr with its hint.
    pub fn error(&self, message: &str, hint: &str) {
        eprintln!("{} {}", self.red("error:"), escape(message));
        if !hint.is_empty() {
            eprintln!("{} {}", self.bold("  try:"), escape(hint));
        }
    }
}

/// Makes text from certificates, exports and file names harmless: control characters (C0, C1, DEL),
/// line separators, and marks that reorder or hide text become `\u{..}`. Letters of any script stay.
/// Newlines become visible too, so that no input can forge a line of output.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// [`escape`] for a text of several lines that certferry itself put together.
#[must_use]
pub fn escape_lines(text: &str) -> String {
    text.split('\n').map(escape).collect::<Vec<_>>().join("\n")
}

/// Unicode's bidirectional controls (UAX 9), invisible characters and separators, besides controls.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_forges_a_line() {
        assert_eq!(escape("a\x1b[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(escape("x\nerror: y\r"), "x\\u{a}error: y\\u{d}");
        assert_eq!(escape("\u{202e}abc\u{9b}"), "\\u{202e}abc\\u{9b}");
        assert_eq!(escape("김하늘 Jürgen דוד"), "김하늘 Jürgen דוד");
        assert_eq!(escape_lines("a\nb\u{7}"), "a\nb\\u{7}");
    }
}
