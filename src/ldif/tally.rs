//! What concerns the input as a whole: counts in trailers, results, references, ranges.
//!
//! Each block has a [`BlockTally`]. They are merged in block order into a [`Tally`], which says at the end whether the
//! export is complete as far as the input itself tells. Several exports may stand in one file, and a paged search has one
//! result a page and its counts at the end.

use super::code_page::Texts;
use super::limits;
use super::problem::{Code, Problem, excerpt};
use super::range::{Chunk, Ranges, chunks};
use super::record::Record;
use encoding_rs::Encoding;

/// Something between records that says something about the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// `# extended LDIF`: an `ldapsearch` starts (or a page of one).
    Header,
    /// `ref:` or `# refldap`, so many without a record between them.
    References(u64),
    /// `result:`; `code` is `None` if it is no number.
    Result { code: Option<u64>, text: String },
    /// `pagedresults: cookie=`.
    Page { more: bool },
    /// `# numEntries:`.
    Entries(u64),
    /// `# numResponses:`: entries, references and results.
    Responses(u64),
    /// `# returned N records` of `ldbsearch`: entries and references.
    Returned(u64),
}

impl Event {
    /// Does it stand behind the records of a search?
    fn ends_search(&self) -> bool {
        match self {
            Event::Result { .. } | Event::Entries(_) | Event::Returned(_) | Event::Responses(_) => true,
            Event::Page { more } => !more,
            Event::Header | Event::References(_) => false,
        }
    }

    /// The event that a comment stands for, if any.
    pub(super) fn of_comment(comment: &[u8]) -> Option<Event> {
        // Nearly all comments are ruled out by their first letters.
        let text = comment.strip_prefix(b"#")?.trim_ascii();
        let number = |text: &[u8]| {
            let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
            std::str::from_utf8(text.get(..digits)?).ok()?.parse::<u64>().ok()
        };
        match text.first()? {
            b'n' => {
                if let Some(rest) = text.strip_prefix(b"numEntries:") {
                    return number(rest.trim_ascii_start()).map(Event::Entries);
                }
                text.strip_prefix(b"numResponses:")
                    .and_then(|rest| number(rest.trim_ascii_start()))
                    .map(Event::Responses)
            }
            b'r' => {
                if text.starts_with(b"refldap") {
                    return Some(Event::References(1));
                }
                let rest = text.strip_prefix(b"returned ")?.trim_ascii_start();
                let count = number(rest)?;
                (rest.ends_with(b" records") || rest.ends_with(b" record")).then_some(Event::Returned(count))
            }
            b'e' => (text == b"extended LDIF").then_some(Event::Header),
            b'p' => text
                .strip_prefix(b"pagedresults: cookie=")
                .map(|cookie| Event::Page { more: !cookie.is_empty() }),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    event: Event,
    /// Records of this block before it.
    records: u64,
    line: u64,
    offset: u64,
}

/// What was seen in one block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockTally {
    records: u64,
    /// Records that were reported and ignored.
    ignored: u64,
    seen: Vec<Seen>,
    /// Where lines of trailers were not looked at any more.
    unseen: Option<(u64, u64)>,
    chunks: Vec<Chunk>,
    texts: Texts,
}

impl BlockTally {
    /// Records given out.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    pub(crate) fn record(&mut self) {
        self.records += 1;
    }

    pub(super) fn ignored(&mut self) {
        self.ignored += 1;
    }

    pub(super) fn event(&mut self, event: Event, line: u64, offset: u64) {
        if let (Event::References(more), Some(Seen { event: Event::References(count), records, .. })) =
            (&event, self.seen.last_mut())
            && *records == self.records
        {
            *count += more;
        } else if self.seen.len() < limits::TRAILER_LINES {
            self.seen.push(Seen { event, records: self.records, line, offset });
        } else {
            self.unseen.get_or_insert((line, offset));
        }
    }

    /// Whether a search of `ldapsearch` has begun and not ended behind this block, given whether one had before it.
    #[must_use]
    pub fn search_open(&self, before: bool) -> bool {
        self.seen.iter().fold(before, |open, seen| match seen.event {
            Event::Header => true,
            ref event if event.ends_search() => false,
            _ => open,
        })
    }

    /// A plain text that is not ASCII, the code page by which it is decoded, and where it stands (line, offset).
    pub(crate) fn text(&mut self, text: &[u8], page: Option<&'static Encoding>, place: (u64, u64)) {
        self.texts.add(text, page, place);
    }

    pub(crate) fn ranges_of(&mut self, record: &Record) {
        if record.ranged {
            self.chunks.extend(chunks(record));
        }
    }
}

/// What to do about a result other than 0 (RFC 4511 section 4.1.9).
fn advice(code: Option<u64>) -> &'static str {
    match code {
        Some(3 | 4 | 11) => "a limit was met: export again in pages (-E pr=500/noprompt)",
        Some(1 | 8 | 49 | 50) => "sign in as somebody who may read everything, and export again",
        Some(9 | 10) => "the server refers to others: ask them, or the global catalogue (port 3268)",
        Some(32 | 34) => "there is no such base: check -b, and export again",
        Some(51 | 52) => "the server is busy or going down: export again",
        _ => "export again",
    }
}

/// A count of responses that waits for the count of entries behind it.
#[derive(Debug, Clone, Copy)]
struct Responses {
    entries: u64,
    line: u64,
    offset: u64,
}

/// What was seen in the blocks so far. Memory does not grow with the input.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    records: u64,
    ignored: u64,
    /// Records since the last trailer with a count, and since the last header of a new search.
    since_trailer: u64,
    since_header: u64,
    references: u64,
    results: u64,
    all_references: u64,
    first_reference: (u64, u64),
    /// Records stand behind the last trailer that confirmed a number or an end.
    confirmed: bool,
    more_pages: Option<(u64, u64)>,
    responses: Option<Responses>,
    /// Where a search began that has not ended.
    open_search: Option<(u64, u64)>,
    ranges: Ranges,
    texts: Texts,
    problems: Vec<Problem>,
    omitted: u64,
}

impl Tally {
    /// An empty one, for the start of an input.
    #[must_use]
    pub fn new() -> Self {
        Tally::default()
    }

    /// Records so far.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Takes in the next block. Blocks must come in their order.
    pub fn merge(&mut self, block: BlockTally) {
        let mut before = 0;
        for seen in block.seen {
            self.count(seen.records - before);
            before = seen.records;
            self.take(seen);
        }
        self.count(block.records - before);
        self.ignored += block.ignored;
        self.texts.merge(&block.texts);
        if let Some((line, offset)) = block.unseen {
            let message = "more lines of search trailers than any export has: those from here on were not looked at; check where this file comes from";
            self.problem(Problem::new(Code::TooManyProblems, line, offset, message.into()));
        }
        for chunk in block.chunks {
            self.ranges.add(chunk);
        }
    }

    fn count(&mut self, records: u64) {
        if records > 0 {
            self.settle();
            self.confirmed = false;
            self.records += records;
            self.since_trailer += records;
            self.since_header += records;
        }
    }

    fn problem(&mut self, problem: Problem) {
        if self.problems.len() < limits::PROBLEMS {
            self.problems.push(problem);
        } else {
            self.omitted += 1;
        }
    }

    fn take(&mut self, seen: Seen) {
        let Seen { event, line, offset, .. } = seen;
        if event.ends_search() {
            self.open_search = None;
        }
        match event {
            Event::Header => {
                self.settle();
                self.open_search = Some((line, offset));
                // Each page of a paged search has a header; the counts at its end are those of all pages.
                if self.more_pages.is_none() {
                    self.since_header = 0;
                    (self.references, self.results) = (0, 0);
                }
            }
            Event::References(count) => {
                if self.all_references == 0 {
                    self.first_reference = (line, offset);
                }
                self.references += count;
                self.all_references += count;
            }
            Event::Result { code, text } => {
                self.results += 1;
                self.more_pages = None;
                self.confirmed = true;
                if code != Some(0) {
                    let message = format!(
                        "the server ended the search with result {text} (expected 0): the export is incomplete; {}",
                        advice(code)
                    );
                    self.problem(Problem::new(Code::SearchFailed, line, offset, message));
                }
            }
            Event::Page { more } => {
                self.more_pages = more.then_some((line, offset));
                self.confirmed |= !more;
            }
            Event::Entries(told) => {
                self.responses = None;
                self.compare(told, line, offset);
            }
            Event::Returned(told) => {
                let with_references = told.checked_sub(self.references);
                let told = with_references.filter(|told| self.fits(*told)).unwrap_or(told);
                self.compare(told, line, offset);
            }
            Event::Responses(told) => {
                let entries = told.saturating_sub(self.references).saturating_sub(self.results.max(1));
                self.responses = Some(Responses { entries, line, offset });
            }
        }
    }

    /// Says that the last search has no end.
    fn unended(&mut self) {
        if let Some((line, offset)) = self.open_search {
            let message = "this search of ldapsearch has no result behind its records (expected search: and result:): the export was cut off, and its last record may be a part; export again";
            self.problem(Problem::new(Code::TrailerMissing, line, offset, message.into()));
        }
    }

    fn fits(&self, told: u64) -> bool {
        told == self.since_trailer || told == self.since_header
    }

    fn compare(&mut self, told: u64, line: u64, offset: u64) {
        if !self.fits(told) {
            let message = format!(
                "the trailer says that there are {told} entries, but {} were read: the export is incomplete or was changed; export again",
                self.since_trailer
            );
            self.problem(Problem::new(Code::CountMismatch, line, offset, message));
        }
        (self.since_trailer, self.since_header, self.references, self.results) = (0, 0, 0, 0);
        self.confirmed = true;
    }

    /// A count of responses without a count of entries: compare that.
    fn settle(&mut self) {
        if let Some(Responses { entries, line, offset }) = self.responses.take() {
            self.compare(entries, line, offset);
        }
    }

    /// What is to be said about the whole input, when all blocks were merged.
    #[must_use]
    pub fn finish(mut self) -> Vec<Problem> {
        self.settle();
        self.unended();
        if let Some((line, offset)) = self.more_pages {
            let message = "the last page of the search says that more follow (expected an empty cookie): the export is incomplete; export again";
            self.problem(Problem::new(Code::PagesMissing, line, offset, message.into()));
        }
        if self.all_references > 0 {
            let (line, offset) = self.first_reference;
            let message = format!(
                "{} search references, the first one here: those parts of the tree are on other servers and not in this file; export them there if they hold users",
                self.all_references
            );
            self.problem(Problem::new(Code::SearchReference, line, offset, message));
        }
        if !self.confirmed && matches!(self.since_trailer, 1000 | 1500 | 5000) {
            let message = format!(
                "exactly {} records: a usual size limit, and nothing in the file says that the search was complete; compare with the number of users",
                self.since_trailer
            );
            self.problem(Problem::new(Code::SizeLimit, 1, 0, message));
        }
        if self.records + self.ignored == 0 {
            let message =
                "no record was found (expected lines that start with dn:, or rows below the header)"
                    .to_owned();
            self.problem(Problem::new(Code::NoRecords, 1, 0, message));
        }
        let mut problems = self.problems;
        if self.omitted > 0
            && let Some(last) = problems.last()
        {
            let message = format!("{} more problems of this kind are not listed", self.omitted);
            problems.push(Problem::new(
                Code::TooManyProblems,
                last.line,
                last.offset,
                excerpt(message.as_bytes()),
            ));
        }
        problems.extend(self.texts.finish());
        problems.extend(self.ranges.finish());
        problems.sort_by_key(|p| p.line);
        problems
    }
}
