//! What the report says, gathered from recipients and findings as they pass.
//!
//! A million people pass, and the digest stays small: it counts, and of every list it keeps the first
//! [`LISTED`] entries and how many more there were. [`Facts`] are what one recipient adds; they are made where
//! the recipient is at hand (a worker thread, or the reader of a finished manifest) and added in order, so that
//! `convert` and `certferry report` come to the same.

use std::collections::BTreeMap;

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

/// A published certificate, as far as the report counts it.
#[derive(Clone, Debug)]
struct Published {
    issuer: String,
    key: String,
    signature: String,
    anchor: Option<String>,
    end: Option<String>,
    encrypts: bool,
}

/// A finding, as far as the report counts it.
#[derive(Clone, Debug)]
struct Counted {
    code: String,
    severity: Severity,
    /// The person or place it is about.
    about: String,
}

/// What one recipient adds to the report.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    domain: String,
    coverage: [u64; 3],
    published: Vec<Published>,
    counted: Vec<Counted>,
    about_run: Vec<FindingLine>,
    exceptions: Vec<FindingLine>,
    attention: Option<(Attention, Box<Listed>)>,
    movements: Vec<Movement>,
    named: Named,
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
    fn of(recipient: &Recipient) -> Self {
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
    /// What this recipient adds. `findings` are the lines of findings.ndjson that are written with them.
    #[must_use]
    pub fn of(recipient: &Recipient, findings: &[FindingLine]) -> Self {
        let address =
            recipient.identity.cloud_address.as_deref().or(recipient.identity.primary_smtp.as_deref());
        let domain = address.and_then(|address| address.rsplit_once('@')).map_or("", |(_, domain)| domain);
        let published = recipient.candidates.iter().filter(|one| one.decision == Decision::Publish);
        let mut facts = Self {
            domain: domain.to_ascii_lowercase(),
            coverage: match recipient.coverage {
                Coverage::Encryptable => [1, 0, 0],
                Coverage::SignOnly => [0, 1, 0],
                Coverage::None => [0, 0, 1],
            },
            published: published
                .map(|one| Published {
                    issuer: one.issuer.clone().unwrap_or_default(),
                    key: one.key.clone().unwrap_or_default(),
                    signature: one.signature_algorithm.clone().unwrap_or_default(),
                    anchor: one.path.chain.last().cloned(),
                    end: one.not_after.clone(),
                    encrypts: one.encrypts,
                })
                .collect(),
            movements: Movement::of(recipient),
            named: Named {
                number: 0,
                address: address.unwrap_or_default().to_owned(),
                name: recipient.identity.display_name.clone().unwrap_or_default(),
            },
            attention: Attention::of(recipient).map(|kind| (kind, Box::new(Listed::of(recipient)))),
            ..Self::default()
        };
        facts.findings(findings);
        facts
    }

    /// Adds lines of findings.ndjson.
    pub fn findings(&mut self, lines: &[FindingLine]) {
        for line in lines {
            self.counted.push(Counted {
                code: line.code.clone(),
                severity: line.severity,
                about: match (&line.address, &line.source) {
                    (Some(address), _) => address.clone(),
                    (None, Some(source)) => format!("{}:{}", source.input, source.line),
                    (None, None) => String::new(),
                },
            });
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

impl super::ranked::Add for Issued {
    fn add(&mut self, other: &Self) {
        self.certificates += other.certificates;
        // RFC 3339 in UTC sorts as text.
        self.first_end = match (self.first_end.take(), other.first_end.clone()) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
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

    /// Adds what the next recipient adds; their number is their place.
    pub fn recipient(&mut self, facts: &Facts) {
        self.recipients += 1;
        self.domains.add(&facts.domain, &facts.coverage);
        let mut anchors: Vec<&str> = Vec::new();
        for one in &facts.published {
            self.issuers.add(&one.issuer, &Issued { certificates: 1, first_end: one.end.clone() });
            self.keys.add(&one.key, &1);
            self.signatures.add(&one.signature, &1);
            if let Some(anchor) = one.anchor.as_deref().filter(|anchor| !anchors.contains(anchor)) {
                self.anchors.add(anchor, &1);
                anchors.push(anchor);
            }
        }
        let last =
            facts.published.iter().filter(|one| one.encrypts).filter_map(|one| one.end.as_deref()).max();
        if let Some(end) = last.and_then(month) {
            *self.ends.entry(end.clamp(FIRST_MONTH, LAST_MONTH)).or_default() += 1;
        }
        if let Some((kind, listed)) = &facts.attention
            && let Some(list) = self.attention.get_mut(*kind as usize)
        {
            if list.entries.len() < LISTED {
                let mut listed = (**listed).clone();
                listed.recipient.number = self.recipients;
                list.push(listed);
            } else {
                list.total += 1;
            }
        }
        for movement in &facts.movements {
            let at = Movement::ALL.iter().position(|one| one == movement);
            if let Some(list) = at.and_then(|at| self.movements.get_mut(at)) {
                list.push(Named { number: self.recipients, ..facts.named.clone() });
            }
        }
        self.counted(facts);
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
            if !self.codes.contains_key(&finding.code) {
                let count = CodeCount { first: finding.about.clone(), ..CodeCount::default() };
                self.codes.insert(finding.code.clone(), count);
            }
            let at = match finding.severity {
                Severity::Info => 0,
                Severity::Warning => 1,
                Severity::Error => 2,
            };
            let weight = self.codes.get_mut(&finding.code).and_then(|count| count.weights.get_mut(at));
            if let Some(weight) = weight {
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
