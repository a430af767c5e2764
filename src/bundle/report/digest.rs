//! What the report says, gathered from recipients and findings as they pass.
//!
//! A million people pass, and the digest stays small: it counts, and of every list it keeps the first
//! [`LISTED`] entries and how many more there were. [`Facts`] are what one recipient adds; they are made where
//! the recipient is at hand (a worker thread, or the reader of a finished manifest) and added in order, so that
//! `convert` and `certferry report` come to the same.

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::ranked::Ranked;
use crate::bundle::model::{
    Change, ClearClass, Coverage, Decision, FindingLine, InputFile, Recipient, Severity,
};
use crate::limits::{LISTED, LISTED_CANDIDATES, NAMED};
use crate::rules::policy::EXCEPTION_USED;

/// Months that the expiry chart looks ahead.
pub const MONTHS: usize = 24;

/// January 1970 and December 2199, counted from the year 0: no bundle is judged outside, so nothing that the
/// chart shows is lost, and the table of months cannot grow.
const FIRST_MONTH: i64 = 1970 * 12;
const LAST_MONTH: i64 = 2199 * 12 + 11;

/// Why a person stands in the list of those who need attention; there is a list for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attention {
    /// A finding that is an error: a defect, a conflict, an unreadable value.
    Error,
    /// Nobody can encrypt to them, although there is a certificate.
    NotWritable,
    /// They can be written to, and somebody should look all the same.
    Warning,
}

impl Attention {
    fn of(recipient: &Recipient) -> Option<Self> {
        let worst = recipient
            .findings
            .iter()
            .chain(recipient.candidates.iter().flat_map(|candidate| &candidate.findings))
            .map(|finding| finding.severity)
            .max();
        match worst {
            Some(Severity::Error) => Some(Self::Error),
            _ if recipient.coverage != Coverage::Encryptable && !recipient.candidates.is_empty() => {
                Some(Self::NotWritable)
            }
            Some(Severity::Warning) => Some(Self::Warning),
            _ => None,
        }
    }
}

/// A place in the text of [`Facts`].
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: usize,
    end: usize,
}

/// A published certificate, as far as the report counts it.
#[derive(Clone, Debug)]
struct Published {
    issuer: Span,
    key: Span,
    signature: Span,
    anchor: Option<Span>,
    end: Option<Span>,
    encrypts: bool,
}

/// A finding, as far as the report counts it.
#[derive(Clone, Debug)]
struct Counted {
    code: Span,
    severity: Severity,
    /// The person or place it is about.
    about: Span,
}

/// What one recipient adds to the report. All its words stand in one text, and filled again it takes no new memory:
/// one is made of every recipient of a run.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    text: String,
    domain: Span,
    coverage: [u64; 3],
    published: Vec<Published>,
    counted: Vec<Counted>,
    about_run: Vec<FindingLine>,
    exceptions: Vec<FindingLine>,
    attention: Option<Attention>,
    movements: Vec<Movement>,
    address: Span,
    name: Span,
}

/// What happens to somebody's certificates in the tenant that an auditor must know by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// Had a certificate to encrypt to and will have none.
    Removed,
    /// Has others than before, all of them by other issuers.
    OtherIssuer,
    /// Stands in no input any more.
    Gone,
    /// A revoked certificate stays in the tenant.
    RevokedStays,
    /// An attribute is emptied, by class.
    Cleared(ClearClass),
}

impl Movement {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 8] = [
        Self::Removed,
        Self::RevokedStays,
        Self::OtherIssuer,
        Self::Gone,
        Self::Cleared(ClearClass::Revoked),
        Self::Cleared(ClearClass::Expired),
        Self::Cleared(ClearClass::Shadowing),
        Self::Cleared(ClearClass::Gone),
    ];

    fn of(recipient: &Recipient) -> Vec<Self> {
        let Some(history) = &recipient.history else { return Vec::new() };
        let mut all = Vec::new();
        match history.change {
            Change::Removed => all.push(Self::Removed),
            Change::ReplacedByAnotherIssuer => all.push(Self::OtherIssuer),
            _ => {}
        }
        if recipient.source.is_none() {
            all.push(Self::Gone);
        }
        if history.remaining.iter().any(|value| value.revoked) {
            all.push(Self::RevokedStays);
        }
        for cleared in &history.cleared {
            if !all.contains(&Self::Cleared(cleared.class)) {
                all.push(Self::Cleared(cleared.class));
            }
        }
        all
    }
}

/// A person in a list of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Number in the manifest.
    pub number: u64,
    /// The address that is looked up, or nothing.
    pub address: String,
    /// The name for display, or nothing.
    pub name: String,
}

/// A recipient in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The recipient with the first [`LISTED_CANDIDATES`] candidates.
    pub recipient: Recipient,
    /// How many candidates were left out.
    pub left_out: usize,
}

impl Listed {
    /// What a list keeps of a recipient.
    #[must_use]
    pub fn of(recipient: &Recipient) -> Self {
        let candidates = recipient.candidates.iter().take(LISTED_CANDIDATES).cloned().collect();
        Self {
            recipient: Recipient {
                number: 0,
                payload: None,
                change: None,
                candidates,
                identity: recipient.identity.clone(),
                kind_reason: recipient.kind_reason.clone(),
                source: recipient.source.clone(),
                findings: recipient.findings.iter().take(LISTED_CANDIDATES).cloned().collect(),
                history: None,
                ..*recipient
            },
            left_out: recipient.candidates.len().saturating_sub(LISTED_CANDIDATES),
        }
    }
}

impl Facts {
    /// Becomes what this recipient adds. `findings` are the lines of findings.ndjson that are written with them.
    pub fn fill(&mut self, recipient: &Recipient, findings: &[FindingLine]) {
        self.clear();
        let identity = &recipient.identity;
        let address =
            identity.cloud_address.as_deref().or(identity.primary_smtp.as_deref()).unwrap_or_default();
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        self.domain = self.put(domain);
        if let Some(domain) = self.text.get_mut(self.domain.start..) {
            domain.make_ascii_lowercase();
        }
        self.coverage = match recipient.coverage {
            Coverage::Encryptable => [1, 0, 0],
            Coverage::SignOnly => [0, 1, 0],
            Coverage::None => [0, 0, 1],
        };
        for one in recipient.candidates.iter().filter(|one| one.decision == Decision::Publish) {
            let published = Published {
                issuer: self.put(one.issuer.as_deref().unwrap_or_default()),
                key: self.put(one.key.as_deref().unwrap_or_default()),
                signature: self.put(one.signature_algorithm.as_deref().unwrap_or_default()),
                anchor: one.path.chain.last().map(|anchor| self.put(anchor)),
                end: one.not_after.as_deref().map(|end| self.put(end)),
                encrypts: one.encrypts,
            };
            self.published.push(published);
        }
        self.movements = Movement::of(recipient);
        self.address = self.put(address);
        self.name = self.put(identity.display_name.as_deref().unwrap_or_default());
        self.attention = Attention::of(recipient);
        self.findings(findings);
    }

    fn clear(&mut self) {
        self.text.clear();
        self.published.clear();
        self.counted.clear();
        self.about_run.clear();
        self.exceptions.clear();
    }

    fn put(&mut self, text: &str) -> Span {
        let start = self.text.len();
        self.text.push_str(text);
        Span { start, end: self.text.len() }
    }

    /// The words at a place that [`put`](Self::put) gave since the last filling.
    fn at(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// Adds lines of findings.ndjson.
    fn findings(&mut self, lines: &[FindingLine]) {
        for line in lines {
            let about = match (&line.address, &line.source) {
                // As a rule all of them are about the same person.
                (Some(address), _) if *address == self.at(self.address) => self.address,
                (Some(address), _) => self.put(address),
                (None, Some(source)) => self.put(&format!("{}:{}", source.input, source.line)),
                (None, None) => Span::default(),
            };
            let counted = Counted { code: self.put(&line.code), severity: line.severity, about };
            self.counted.push(counted);
            if line.recipient.is_none() {
                self.about_run.push(line.clone());
            }
            if line.code == EXCEPTION_USED.code {
                self.exceptions.push(line.clone());
            }
        }
    }
}

/// Counts of one finding code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeCount {
    /// How often, as info, warning and error.
    pub weights: [u64; 3],
    /// The person or place of the first one.
    pub first: String,
}

/// A list that keeps its first entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// The first [`LISTED`].
    pub entries: Vec<T>,
    /// How many there were in all.
    pub total: u64,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), total: 0 }
    }
}

impl<T> List<T> {
    fn push(&mut self, entry: T) {
        self.total += 1;
        if self.entries.len() < LISTED {
            self.entries.push(entry);
        }
    }

    /// Adds an entry that is made only if there is room for it.
    fn push_with<E>(&mut self, entry: impl FnOnce() -> Result<T, E>) -> Result<(), E> {
        if self.entries.len() < LISTED {
            self.entries.push(entry()?);
        }
        self.total += 1;
        Ok(())
    }

    /// How many are not listed.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.total.saturating_sub(self.entries.len() as u64)
    }
}

/// Published certificates of one issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issued {
    /// How many.
    pub certificates: u64,
    /// The end of the first one that ends, RFC 3339.
    pub first_end: Option<String>,
}

impl Issued {
    fn add(&mut self, end: Option<&str>) {
        self.certificates += 1;
        // RFC 3339 in UTC sorts as text.
        if let Some(end) = end
            && self.first_end.as_deref().is_none_or(|first| end < first)
        {
            self.first_end = Some(end.to_owned());
        }
    }
}

/// Everything that the report counts and lists.
#[derive(Clone, Debug)]
pub struct Digest {
    /// Recipients so far.
    pub recipients: u64,
    /// Findings by code.
    pub codes: BTreeMap<String, CodeCount>,
    /// People by the month in which their last certificate to encrypt to ends, counted from the year 0. Months
    /// before 1970 and after 2199 count as the nearest of these years.
    ends: BTreeMap<i64, u64>,
    /// Published certificates by issuer.
    pub issuers: Ranked<Issued>,
    /// Published certificates by key.
    pub keys: Ranked<u64>,
    /// Published certificates by signature algorithm.
    pub signatures: Ranked<u64>,
    /// People by domain: encryptable, signing only, none.
    pub domains: Ranked<[u64; 3]>,
    /// People with a published certificate by the anchor of its chain (SHA-256 in hex).
    pub anchors: Ranked<u64>,
    /// People who need attention, by [`Attention`].
    pub attention: [List<Listed>; 3],
    /// Findings about the run, files, records and objects that are no recipients.
    pub about_run: List<FindingLine>,
    /// People by what happens to their certificates, in the order of [`Movement::ALL`].
    pub movements: [List<Named>; 8],
    /// Uses of accepted exceptions.
    pub exceptions: List<FindingLine>,
    /// Files that were read.
    pub inputs: List<InputFile>,
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}

impl Digest {
    /// An empty digest.
    #[must_use]
    pub fn new() -> Self {
        Self {
            recipients: 0,
            codes: BTreeMap::new(),
            ends: BTreeMap::new(),
            issuers: Ranked::new(NAMED),
            keys: Ranked::new(NAMED),
            signatures: Ranked::new(NAMED),
            domains: Ranked::new(NAMED),
            anchors: Ranked::new(NAMED),
            attention: Default::default(),
            about_run: List::default(),
            movements: Default::default(),
            exceptions: List::default(),
            inputs: List::default(),
        }
    }

    /// Adds the next recipient.
    pub fn recipient(&mut self, recipient: &Recipient) {
        let mut facts = Facts::default();
        facts.fill(recipient, &[]);
        let Ok(()) = self.facts::<Infallible>(&facts, || Ok(Listed::of(recipient)));
    }

    /// Adds what the next recipient adds; their number is their place. `listed` is asked for what a list keeps of
    /// them, if they stand in one.
    ///
    /// # Errors
    /// That of `listed`.
    pub fn facts<E>(&mut self, facts: &Facts, listed: impl FnOnce() -> Result<Listed, E>) -> Result<(), E> {
        self.recipients += 1;
        for (sum, one) in self.domains.row(facts.at(facts.domain)).iter_mut().zip(facts.coverage) {
            *sum += one;
        }
        let mut anchors: Vec<&str> = Vec::new();
        for one in &facts.published {
            self.issuers.row(facts.at(one.issuer)).add(one.end.map(|end| facts.at(end)));
            *self.keys.row(facts.at(one.key)) += 1;
            *self.signatures.row(facts.at(one.signature)) += 1;
            let anchor = one.anchor.map(|anchor| facts.at(anchor));
            if let Some(anchor) = anchor.filter(|anchor| !anchors.contains(anchor)) {
                *self.anchors.row(anchor) += 1;
                anchors.push(anchor);
            }
        }
        let encrypt = facts.published.iter().filter(|one| one.encrypts);
        let last = encrypt.filter_map(|one| one.end.map(|end| facts.at(end))).max();
        if let Some(end) = last.and_then(month) {
            *self.ends.entry(end.clamp(FIRST_MONTH, LAST_MONTH)).or_default() += 1;
        }
        if let Some(list) = facts.attention.and_then(|kind| self.attention.get_mut(kind as usize)) {
            let number = self.recipients;
            list.push_with(|| {
                let mut listed = listed()?;
                listed.recipient.number = number;
                Ok(listed)
            })?;
        }
        for movement in &facts.movements {
            let at = Movement::ALL.iter().position(|one| one == movement);
            if let Some(list) = at.and_then(|at| self.movements.get_mut(at)) {
                let [address, name] = [facts.address, facts.name].map(|span| facts.at(span).to_owned());
                list.push(Named { number: self.recipients, address, name });
            }
        }
        self.counted(facts);
        Ok(())
    }

    /// People by the month in which their last certificate to encrypt to ends: the month of `evaluated_at`
    /// (RFC 3339) first, then [`MONTHS`] - 1 further ones, and behind them those who end later.
    #[must_use]
    pub fn ends(&self, evaluated_at: &str) -> [u64; MONTHS + 1] {
        let from = month(evaluated_at).unwrap_or_default();
        let mut out = [0; MONTHS + 1];
        for (end, count) in &self.ends {
            let ahead = usize::try_from(end.saturating_sub(from)).unwrap_or_default().min(MONTHS);
            if let Some(people) = out.get_mut(ahead) {
                *people += count;
            }
        }
        out
    }

    /// Adds the next line of findings.ndjson that is written by itself.
    pub fn finding(&mut self, line: &FindingLine) {
        let mut facts = Facts::default();
        facts.findings(std::slice::from_ref(line));
        self.counted(&facts);
    }

    /// Adds the next input.
    pub fn input(&mut self, input: &InputFile) {
        self.inputs.push(input.clone());
    }

    fn counted(&mut self, facts: &Facts) {
        for finding in &facts.counted {
            let code = facts.at(finding.code);
            let at = match finding.severity {
                Severity::Info => 0,
                Severity::Warning => 1,
                Severity::Error => 2,
            };
            let count = match self.codes.get_mut(code) {
                Some(count) => count,
                None => {
                    let first = facts.at(finding.about).to_owned();
                    self.codes.entry(code.to_owned()).or_insert(CodeCount { first, ..CodeCount::default() })
                }
            };
            if let Some(weight) = count.weights.get_mut(at) {
                *weight += 1;
            }
        }
        for line in &facts.about_run {
            self.about_run.push(line.clone());
        }
        for line in &facts.exceptions {
            self.exceptions.push(line.clone());
        }
    }
}

/// The month of an RFC 3339 instant, counted from the year 0.
fn month(instant: &str) -> Option<i64> {
    let year: i64 = instant.get(..4)?.parse().ok()?;
    let month: i64 = instant.get(5..7)?.parse().ok()?;
    Some(year * 12 + month - 1)
}

/// The name of the month `ahead` of that of `evaluated_at`: `2026-07`.
#[must_use]
pub fn month_name(evaluated_at: &str, ahead: usize) -> String {
    let months = month(evaluated_at).unwrap_or_default() + ahead as i64;
    format!("{:04}-{:02}", months.div_euclid(12), months.rem_euclid(12) + 1)
}
