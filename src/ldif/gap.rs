//! What stands between records: blank lines, comments, trailers, `version:`, and lines that belong to nobody.

use super::line::{self, Kind, Parts};
use super::parser::BlockParser;
use super::problem::{Code, Problem, excerpt};
use super::tally::Event;

/// A run of lines that belong to no record.
#[derive(Debug)]
pub(super) struct Gap {
    code: Code,
    pos: usize,
    line: u64,
    lines: u64,
    first: String,
}

/// What `ldapsearch` and the Windows tools say while they work: the sign-in, and referrals that they did not follow.
fn is_terminal_output(line: &[u8]) -> bool {
    const STARTS: &[&str] = &[
        "SASL/",
        "SASL username:",
        "SASL SSF:",
        "SASL data security layer",
        "Enter LDAP Password:",
        "ldap_",
        "LDAP_REFERRAL",
        "Referral",
        "Connecting to \"",
        "Logging in as",
        "Exporting directory to file",
        "Searching for entries",
        "Writing out entries",
        "The command has completed",
    ];
    let starts =
        |word: &&str| line.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
    STARTS.iter().any(starts)
}

impl BlockParser<'_> {
    /// Goes to the next `dn:` line; `false` if there is none.
    pub(super) fn seek(&mut self, problems: &mut Vec<Problem>) -> bool {
        loop {
            let (text, pos) = (self.text, self.state.pos);
            if pos >= text.len() {
                self.end_gap(problems);
                return false;
            }
            let (end, next) = line::physical(text, pos);
            let content = text.get(pos..end).unwrap_or_default();
            if line::is_empty(content) {
                self.end_gap(problems);
                self.state.in_trailer = false;
                self.state.after_blank = true;
                self.advance(next, 1);
                continue;
            }
            if self.skip_mark(content, problems) {
                continue;
            }
            match content.first() {
                Some(b' ' | b'\t') => {
                    let Some((behind, lines)) = line::blank_run(text, pos) else {
                        self.stray(problems);
                        continue;
                    };
                    self.end_gap(problems);
                    self.report(problems, Code::BlankLineWithSpaces, pos, self.state.line, || {
                        "a line of blanks stands between records (expected an empty line); it was read as empty".into()
                    });
                    if self.dn_at(behind) {
                        self.state.after_blank = true;
                    }
                    self.advance(behind, lines);
                    continue;
                }
                Some(b'#') => {
                    self.comment(problems);
                    continue;
                }
                _ => {}
            }
            if line::is_dn(text, pos) {
                self.end_gap(problems);
                if !self.state.after_blank {
                    self.report(problems, Code::MissingBlankLine, pos, self.state.line, || {
                        "a record starts without a blank line before it (expected one); it was read as a record of its own".into()
                    });
                }
                self.state.in_trailer = false;
                self.state.seen = true;
                return true;
            }
            self.between(content, problems);
        }
    }

    /// A line between records that is neither blank, comment nor `dn:`.
    pub(super) fn between(&mut self, content: &[u8], problems: &mut Vec<Problem>) {
        let (pos, number) = (self.state.pos, self.state.line);
        let mut fold = std::mem::take(self.fold);
        let line = line::join(self.text, pos, self.view.dn_follows, &mut fold);
        let joined =
            if line.folded { fold.text() } else { self.text.get(line.start..line.end).unwrap_or_default() };
        let prelude = line.lines == 1;
        if content.iter().all(u8::is_ascii_digit) && prelude && !self.state.in_trailer {
            self.report(problems, Code::IdLine, pos, number, || {
                format!(
                    "a line with the number {} stands before the record; it was skipped",
                    excerpt(content)
                )
            });
        } else if joined.iter().all(|b| *b == 0) {
            self.state.after_blank = false;
            self.report(problems, Code::Nul, pos, number, || {
                "a line of NUL bytes between records was skipped".into()
            });
        } else if self.state.gap.is_none() && is_terminal_output(joined) {
            self.state.after_blank = false;
            if joined.to_ascii_lowercase().windows(8).any(|word| word == b"referral") {
                self.event(Event::References(1));
            }
            self.report(problems, Code::TerminalOutput, pos, number, || {
                format!(
                    "\"{}\" is what a program says on the terminal (2>&1 put it there); it was skipped",
                    excerpt(joined)
                )
            });
        } else {
            let parts = line::split(joined, line.colon);
            let known = match &parts {
                Ok(parts) => self.known_line(*parts, problems),
                Err(_) => false,
            };
            let is_version = known && !self.state.in_trailer;
            if !(is_version && prelude) {
                self.state.after_blank = false;
            }
            if !known {
                let code = if parts.is_ok() { Code::NoDn } else { Code::NoColon };
                match &mut self.state.gap {
                    Some(gap) => gap.lines += line.lines,
                    None => {
                        let first = excerpt(joined);
                        self.state.gap = Some(Gap { code, pos, line: number, lines: line.lines, first });
                    }
                }
            }
        }
        *self.fold = fold;
        self.advance(line.next, line.lines);
    }

    /// `version:`, the lines of a search trailer, `include:`; `false` for any other.
    pub(super) fn known_line(&mut self, parts: Parts<'_>, problems: &mut Vec<Problem>) -> bool {
        let (pos, line) = (self.state.pos, self.state.line);
        let is = |name: &str| parts.name.eq_ignore_ascii_case(name.as_bytes());
        let value = if parts.kind == Kind::Plain { parts.value.trim_ascii() } else { &[] };
        if self.state.gap.is_some() && !is("result") {
            return false;
        }
        if is("version") && !self.state.in_trailer {
            if parts.blank_before_colon {
                self.report(problems, Code::BlankBeforeColon, pos, line, || {
                    "blanks stand between \"version\" and its colon (expected none); they were dropped".into()
                });
            }
            if self.state.seen {
                self.report(problems, Code::InnerVersion, pos, line, || {
                    "a version line stands in the middle: several files were concatenated; it was skipped"
                        .into()
                });
            }
            if value != b"1" {
                self.report(problems, Code::OtherVersion, pos, line, || {
                    format!(
                        "the version is \"{}\" (expected 1); it was read like version 1",
                        excerpt(parts.value)
                    )
                });
            }
            self.state.seen = true;
            return true;
        }
        if is("include") {
            self.state.in_trailer = true;
            self.report(problems, Code::Include, pos, line, || {
                format!("include: {} is never followed; convert that file by itself", excerpt(parts.value))
            });
            return true;
        }
        if is("ref") {
            self.event(Event::References(1));
        } else if is("result") {
            let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
            let number = std::str::from_utf8(value.get(..digits).unwrap_or_default())
                .ok()
                .and_then(|d| d.parse().ok());
            self.event(Event::Result { code: number, text: excerpt(value) });
        } else if is("pagedresults") {
            let cookie = value.strip_prefix(b"cookie=").unwrap_or_default();
            self.event(Event::Page { more: !cookie.is_empty() });
        } else if !is("search") {
            // control:, matchedDN:, text: and others stand in a trailer only.
            return self.state.in_trailer;
        }
        self.state.in_trailer = true;
        true
    }

    /// A continuation line that continues nothing, with what continues it.
    pub(super) fn stray(&mut self, problems: &mut Vec<Problem>) {
        let (text, pos, number) = (self.text, self.state.pos, self.state.line);
        let (end, mut next) = line::physical(text, pos);
        let mut lines = 1;
        while matches!(text.get(next), Some(b' ' | b'\t')) && line::blank_run(text, next).is_none() {
            next = line::physical(text, next).1;
            lines += 1;
        }
        self.state.after_blank = false;
        match &mut self.state.gap {
            Some(gap) => gap.lines += lines,
            None => {
                let first = excerpt(text.get(pos..end).unwrap_or_default());
                self.state.gap = Some(Gap { code: Code::StrayContinuation, pos, line: number, lines, first });
            }
        }
        let _ = problems;
        self.advance(next, lines);
    }

    /// Reports the run of lines that belong to no record.
    pub(super) fn end_gap(&mut self, problems: &mut Vec<Problem>) {
        let Some(gap) = self.state.gap.take() else {
            return;
        };
        let lines = if gap.lines == 1 { "one line".into() } else { format!("{} lines", gap.lines) };
        let first = gap.first;
        self.report(problems, gap.code, gap.pos, gap.line, || match gap.code {
            Code::NoDn => format!(
                "{lines} from \"{first}\" on belong to no record (expected dn: first); not taken over: add the dn: line or export again"
            ),
            Code::StrayContinuation => format!("{lines} from \"{first}\" on continue nothing; not taken over"),
            _ => format!("{lines} from \"{first}\" on are not LDIF (expected dn: or attribute: value); not taken over"),
        });
    }

    /// Reads a comment, with its folds. Some tools put counts there.
    pub(super) fn comment(&mut self, problems: &mut Vec<Problem>) {
        let mut fold = std::mem::take(self.fold);
        let line = line::join(self.text, self.state.pos, self.view.dn_follows, &mut fold);
        let joined =
            if line.folded { fold.text() } else { self.text.get(line.start..line.end).unwrap_or_default() };
        if let Some(event) = Event::of_comment(joined) {
            self.event(event);
        }
        self.odd_folds(&line, None, b"", problems);
        *self.fold = fold;
        self.advance(line.next, line.lines);
    }

    /// Skips a byte order mark or 0x1A at a line start, or a line of NULs inside a record.
    pub(super) fn skip_mark(&mut self, content: &[u8], problems: &mut Vec<Problem>) -> bool {
        let (pos, line) = (self.state.pos, self.state.line);
        if content.starts_with(b"\xEF\xBB\xBF") {
            self.report(problems, Code::InnerBom, pos, line, || {
                "a byte order mark stands in the middle: several files were concatenated; it was skipped"
                    .into()
            });
            self.state.pos += 3;
            return true;
        }
        if content.first() == Some(&0x1A) {
            self.report(problems, Code::CtrlZ, pos, line, || {
                "0x1A (Ctrl-Z) at a line start was skipped".into()
            });
            self.state.pos += 1;
            return true;
        }
        false
    }
}
