//! Payload lines, one after the other over all files, each with its place.

use super::files::Files;
use super::{ProblemKind, Report};
use crate::bundle::MAX_PAYLOAD_LINE;
use crate::bundle::model::PayloadLine;
use crate::bundle::writer::payload_name;
use std::fs::File;
use std::io::{self, BufRead, BufReader};

/// What one payload line says, and where.
pub(super) struct Placed {
    /// Its file below transfer/.
    pub(super) file: String,
    /// Its line there, from 1.
    pub(super) line: u64,
    /// What it says.
    pub(super) payload: PayloadLine,
}

/// Reads the payload in order; what is wrong with a line goes into the report and the reading goes on.
pub(super) struct Payload<'a> {
    files: &'a Files,
    names: std::vec::IntoIter<String>,
    /// Payload files opened.
    pub(super) opened: u64,
    current: Option<(String, BufReader<File>, u64)>,
    last_number: u64,
    buffer: Vec<u8>,
}

impl<'a> Payload<'a> {
    pub(super) fn new(files: &'a Files) -> Self {
        let names = files.payload().into_iter();
        Self { files, names, opened: 0, current: None, last_number: 0, buffer: Vec::new() }
    }

    /// The next line that can be understood.
    pub(super) fn next(&mut self, report: &mut Report) -> Option<Placed> {
        loop {
            let Some((name, reader, line)) = &mut self.current else {
                self.open_next(report)?;
                continue;
            };
            let shown = self.files.shown(name);
            let read = read_line(reader, MAX_PAYLOAD_LINE - 1, &mut self.buffer);
            *line += 1;
            let (file, line) = (name.clone(), *line);
            let mut problem =
                |text: String| report.problem(ProblemKind::Payload, Some(&shown), Some(line), text);
            match read {
                Ok(Line::End) => {
                    self.current = None;
                    continue;
                }
                Ok(Line::TooLong) => {
                    problem(format!("the line is not shorter than {MAX_PAYLOAD_LINE} bytes"));
                    continue;
                }
                Ok(Line::Unterminated) => {
                    problem("the last line has no end: the file was cut off".to_owned())
                }
                Ok(Line::Whole) => {}
                Err(error) => {
                    report.problem(
                        ProblemKind::Unreadable,
                        Some(&shown),
                        Some(line),
                        format!("could not be read: {error}"),
                    );
                    self.current = None;
                    continue;
                }
            }
            if !self.buffer.is_ascii() {
                problem("the line holds bytes that are not ASCII".to_owned());
            }
            let payload: PayloadLine = match serde_json::from_slice(&self.buffer) {
                Ok(payload) => payload,
                Err(error) => {
                    problem(format!("is no payload line: {error}"));
                    continue;
                }
            };
            if payload.number <= self.last_number {
                problem(format!(
                    "recipient {} stands behind recipient {}: the numbers must rise",
                    payload.number, self.last_number
                ));
                continue;
            }
            self.last_number = payload.number;
            if payload.user_certificate.is_none() && payload.user_smime_certificate.is_none() {
                problem("the line sets nothing".to_owned());
            }
            return Some(Placed { file, line, payload });
        }
    }

    fn open_next(&mut self, report: &mut Report) -> Option<()> {
        let name = self.names.next()?;
        self.opened += 1;
        let shown = self.files.shown(&name);
        let expected = payload_name(self.opened);
        if name != expected {
            let explanation =
                format!("stands where {expected} is expected: payload files are numbered without gaps");
            report.problem(ProblemKind::Payload, Some(&shown), None, explanation);
        }
        match self.files.open(&name) {
            Some(Ok(file)) => self.current = Some((name, BufReader::with_capacity(64 * 1024, file), 0)),
            Some(Err(error)) => {
                report.problem(
                    ProblemKind::Unreadable,
                    Some(&shown),
                    None,
                    format!("could not be read: {error}"),
                );
            }
            None => {}
        }
        Some(())
    }
}

/// What [`read_line`] found.
pub(crate) enum Line {
    /// A line; the buffer holds it without its end.
    Whole,
    /// The same, but the file ended without a line end.
    Unterminated,
    /// More bytes than allowed; the line was skipped.
    TooLong,
    /// Nothing more.
    End,
}

/// Reads a line of at most `limit` bytes into `buffer`, without its LF. A longer one is skipped, not kept.
pub(crate) fn read_line(reader: &mut impl BufRead, limit: usize, buffer: &mut Vec<u8>) -> io::Result<Line> {
    buffer.clear();
    let mut length = 0_usize;
    loop {
        let available = match reader.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if available.is_empty() {
            return Ok(match length {
                0 => Line::End,
                length if length > limit => Line::TooLong,
                _ => Line::Unterminated,
            });
        }
        let end = memchr::memchr(b'\n', available);
        let part = &available[..end.unwrap_or(available.len())];
        length = length.saturating_add(part.len());
        if length <= limit {
            buffer.extend_from_slice(part);
        }
        let used = part.len() + usize::from(end.is_some());
        reader.consume(used);
        if end.is_some() {
            return Ok(if length > limit { Line::TooLong } else { Line::Whole });
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded() {
        let mut reader = BufReader::with_capacity(4, &b"abc\nabcdefghij\n\nxy"[..]);
        let mut buffer = Vec::new();
        let mut next = || {
            let line = read_line(&mut reader, 5, &mut buffer).unwrap();
            (line, buffer.clone())
        };
        assert!(matches!(next(), (Line::Whole, text) if text == b"abc"));
        assert!(matches!(next(), (Line::TooLong, _)));
        assert!(matches!(next(), (Line::Whole, text) if text.is_empty()));
        assert!(matches!(next(), (Line::Unterminated, text) if text == b"xy"));
        assert!(matches!(next(), (Line::End, _)));
    }
}
