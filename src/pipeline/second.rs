//! The second pass: judge object by object and hand the results on in the order of the input.

use super::hint::Names;
use super::record;
use super::source::{Content, Job, Pass, Pool, Source};
use super::store::Store;
use super::{Reading, source};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bundle::model::{FindingLine, Severity, Source as SourceLine};
use crate::bundle::{Entry, ManifestFormat, OutputError, Rendered, render};
use crate::census::Knowledge;
use crate::census::keys::Note;
use crate::certificate::UnixTime;
use crate::certificate::address::Address;
use crate::error::Error;
use crate::export::{Parser, Scratch};
use crate::history::Past;
use crate::history::decide::{Share, Standing, about_bystander};
use crate::judge::{Counts, Judge, Judged, Memory, Sharers, World, earliest};
use crate::ldif::{BlockTally, Problem, Record};
use crate::limits::SPARE_BYTES;
use crate::object::{Object, Place};
use crate::parallel;
use crate::policy::{InForce, Word};
use crate::recipient::{self, Reach, Role};
use crate::rules::{Finding, input as input_rules, policy as policy_rules};
use crate::trust::Authorities;

/// What one job gives, in the order of the input.
#[derive(Default)]
pub struct Results {
    /// Recipients as bytes.
    pub recipients: Vec<Rendered>,
    /// Findings about files, records, and objects that are no recipients.
    pub findings: Vec<FindingLine>,
    /// Totals.
    pub counts: Counts,
    /// Per source: values and records that could not be read.
    pub unreadable: Vec<u32>,
    /// Trailer counts of a block of an export.
    pub tally: Option<(u32, BlockTally)>,
    /// The attributes of an export that holds no certificate.
    pub names: Option<(u32, Names)>,
    /// Issuers whose CRL cannot be reached from outside: issuer, place named, and at whom.
    pub internal_crl: Vec<(String, String, String)>,
    /// Authorities that published certificates rest on.
    pub authorities: Authorities,
    /// Earliest nextUpdate of a CRL that was relied on.
    pub revocation_fresh_until: Option<UnixTime>,
    /// How often each code was found with each weight: an expired certificate is a warning at one
    /// person and normal at the next.
    pub codes: BTreeMap<(&'static str, Severity), u64>,
    /// Warnings and errors to be told at once, when that was asked for.
    pub told: Vec<FindingLine>,
    /// What changed since the bundle before.
    pub share: Share,
    /// A record or a file was not read, so that somebody may be missing.
    pub incomplete: bool,
    /// An input seems to be cut off, so that somebody may be missing unless the number of records is known.
    pub doubtful: bool,
    /// The first thing that ends the run.
    failed: Option<Error>,
    /// Where recipients go when they are written.
    spare: Spare,
}

impl Results {
    fn code(&mut self, code: &'static str, severity: Severity) {
        *self.codes.entry((code, severity)).or_default() += 1;
    }

    /// Counts a recipient and what was found about them.
    pub fn take_judged(&mut self, judged: &Judged, verbose: bool) {
        for line in &judged.findings {
            let code = match &line.code {
                Cow::Borrowed(code) => Some(*code),
                Cow::Owned(code) => crate::rules::find(code).map(|rule| rule.code),
            };
            if let Some(code) = code {
                self.code(code, line.severity);
            }
        }
        if verbose {
            let loud = judged.findings.iter().filter(|line| line.severity > Severity::Info);
            self.told.extend(loud.cloned());
        }
        self.counts.add(&judged.counts);
    }

    /// Adds a finding that belongs to no recipient, as the policy weighs it.
    pub fn finding(
        &mut self,
        policy: &InForce,
        mut finding: Finding,
        address: Option<String>,
        source: Option<SourceLine>,
    ) {
        policy.settle(&mut finding);
        self.counts.finding(finding.severity);
        self.code(finding.rule.code, finding.severity);
        self.findings.push(finding.line(None, address, None, source));
    }
}

/// Everything the second pass works with.
pub struct Second<'a> {
    /// The files.
    pub sources: &'a [Source],
    /// How they are read.
    pub reading: &'a Reading,
    /// The rules and the path engine.
    pub judge: &'a Judge<'a>,
    /// Which manifests are written.
    pub format: ManifestFormat,
    /// What the first pass found out.
    pub knowledge: &'a Knowledge,
    /// What is known of objects that share a key or certificate.
    pub sharers: &'a Sharers,
    /// Objects to be read again.
    pub store: Store<'a>,
    /// Whether findings are told as they are found.
    pub verbose: bool,
    /// The time before, when something was asked about it.
    pub past: Option<&'a Past>,
}

/// A job with what the first pass knows about it.
struct Known {
    job: Job,
    /// Number of its first record, and of the first one of the next job.
    base: u32,
    end: u32,
    about: About,
}

/// What the first pass knows about the objects of a job, each in the order of first records.
#[derive(Default)]
struct About {
    notes: Vec<Note>,
    /// First record and entry of the time before.
    matches: Vec<(u32, u32)>,
}

impl About {
    /// The part about the object that begins with a record.
    fn of(&self, leader: u32) -> (&[Note], &[(u32, u32)]) {
        (range(&self.notes, |note| note.leader, leader), range(&self.matches, |(first, _)| *first, leader))
    }
}

/// The items of a sorted list with this leader.
fn range<T>(sorted: &[T], leader_of: impl Fn(&T) -> u32, leader: u32) -> &[T] {
    let start = sorted.partition_point(|item| leader_of(item) < leader);
    let rest = sorted.get(start..).unwrap_or_default();
    rest.get(..rest.partition_point(|item| leader_of(item) == leader)).unwrap_or_default()
}

#[derive(Default)]
struct Worker {
    scratch: Scratch,
    record: Record,
    memory: Memory,
    spare: Spare,
}

/// Recipients that were written, to be rendered into again by the thread that made them.
#[derive(Clone, Default)]
struct Spare(Arc<Mutex<Vec<Rendered>>>);

impl Spare {
    fn give(&self, written: Vec<Rendered>) {
        // What became larger than usual must not keep its memory for the rest of the run.
        let usual = written.into_iter().filter(|rendered| rendered.capacity() <= SPARE_BYTES);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(usual);
    }

    fn take(&self) -> Rendered {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }
}

impl Second<'_> {
    /// Runs the pass. `progress` is told the bytes handed out so far; `consume` gets the results in
    /// order.
    ///
    /// # Errors
    /// When an input fails or changed, and what `consume` returns.
    pub fn run(
        &self,
        counted: &[u32],
        records: u32,
        threads: usize,
        progress: &dyn Fn(u64),
        mut consume: impl FnMut(&mut Results) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let pool = Pool::default();
        let mut pass = Pass::new(self.sources, &pool, false);
        let mut notes = self.knowledge.notes();
        let mut matches = self.past.and_then(Past::matches);
        let mut number = 0usize;
        parallel::ordered(
            threads,
            Worker::default,
            || {
                let Some(job) = pass.next_job()? else { return Ok(None) };
                progress(pass.bytes);
                let base = counted.get(number).copied().unwrap_or(records);
                number += 1;
                let end = counted.get(number).copied().unwrap_or(records);
                let notes = notes.below(end).map_err(Error::spill)?;
                let matches = matches.as_mut().map(|matches| matches.below(end)).transpose();
                let about = About { notes, matches: matches.map_err(Error::spill)?.unwrap_or_default() };
                Ok(Some(Known { job, base, end, about }))
            },
            |known| known.job.is_large(),
            |worker, known| self.work(worker, known, &pool),
            |mut results: Results| {
                if let Some(error) = results.failed.take() {
                    return Err(error);
                }
                consume(&mut results)?;
                results.spare.give(results.recipients);
                Ok(())
            },
        )?;
        // Records are read again out of order, also when the last block has been handed out.
        self.sources.iter().try_for_each(Source::check_unchanged)?;
        // What objects have in common with one that could not be read again was not found out.
        self.store.failure().map_or(Ok(()), Err)
    }

    fn work(&self, worker: &mut Worker, known: Known, pool: &Pool) -> Results {
        let mut results = Results { spare: worker.spare.clone(), ..Results::default() };
        let Known { job, base, end, about } = known;
        let mut number = base;
        let (large, giant) = (job.is_large(), job.is_giant());
        match job {
            Job::Export { source, block, .. } => {
                let Worker { scratch, record, memory, .. } = worker;
                let mut problems = Vec::new();
                let known = self.sources.get(source as usize);
                results.names = known.filter(|known| known.bare).map(|_| (source, Names::default()));
                // As a rule every record is a recipient; a block of tiny ones is not worth the memory.
                results.recipients.reserve((end.saturating_sub(base) as usize).min(256));
                let mut parser = Parser::new(&block, &self.reading.ldif, scratch);
                // The objects of a giant's block wait until the block is given back.
                let mut held = Vec::new();
                while parser.next(record, &mut problems) {
                    self.problems(source, &mut problems, &mut results);
                    let object = record::of_source(record, source, known);
                    if let Some((_, names)) = &mut results.names {
                        names.record(record);
                    }
                    if large {
                        held.push((number, object));
                    } else {
                        self.object(object, number, &about, memory, &mut results);
                    }
                    number = number.saturating_add(1);
                }
                self.problems(source, &mut problems, &mut results);
                results.tally = Some((source, parser.into_tally()));
                pool.give(block);
                if giant {
                    (*record, *scratch) = Default::default();
                }
                for (number, object) in held {
                    self.object(object, number, &about, memory, &mut results);
                }
            }
            Job::Files { sources } => {
                for index in sources {
                    self.file(index, &mut number, &about, &mut worker.memory, &mut results);
                }
            }
        }
        results
    }

    fn file(&self, index: u32, number: &mut u32, about: &About, memory: &mut Memory, results: &mut Results) {
        let Some(source) = self.sources.get(index as usize) else { return };
        let Content::Certificates(path) = &source.content else { return };
        if source.sha256 == [0; 32] {
            return; // It could not be read in the first pass, which has reported it.
        }
        let whole = match source::reread_file(source, path) {
            Ok(whole) => whole,
            Err(error) => {
                results.failed.get_or_insert(error);
                return;
            }
        };
        let read = record::from_file(&whole.bytes, &source.path, index, self.reading.map.as_ref());
        let place = |line: u64| Some(SourceLine { input: source.path.clone(), line });
        for (line, finding) in read.findings {
            results.finding(&self.judge.policy, finding, None, place(line));
        }
        for (line, finding) in read.unreadable {
            results.finding(&self.judge.policy, finding, None, place(line));
            results.counts.values += 1;
            results.counts.unreadable += 1;
            results.unreadable.push(index);
        }
        results.counts.values += read.ignored;
        results.counts.ignored += read.ignored;
        for object in read.people {
            self.object(object, *number, about, memory, results);
            *number = number.saturating_add(1);
        }
    }

    /// Judges the object that a record belongs to, if the record is its first one.
    fn object(&self, first: Object, number: u32, about: &About, memory: &mut Memory, results: &mut Results) {
        let groups = &self.knowledge.groups;
        if groups.leader(number) != number {
            return;
        }
        let object = match self.store.gather(first, groups.later(number)) {
            Ok(object) => object,
            Err(error) => {
                results.failed.get_or_insert(error);
                return;
            }
        };
        let (notes, matches) = about.of(number);
        let policy = &self.judge.policy;
        let ignored = match recipient::role(&object, self.reading.source_rules) {
            Role::Recipient(kind, why) if policy.policy().kinds.contains(&kind) => Ok((kind, why)),
            Role::Recipient(kind, why) => {
                let why = format!("the policy does not take the kind {} ({why})", kind.word());
                Err((&policy_rules::KIND_NOT_TAKEN, why))
            }
            Role::Structure => {
                self.bystander(&object, matches, "the object is no mail recipient", results);
                return;
            }
            Role::Ignored(rule, why) => Err((rule, why)),
        };
        let (kind, kind_reason) = match ignored {
            Ok(recipient) => recipient,
            Err((rule, why)) => {
                self.bystander(&object, matches, &why, results);
                results.counts.values += object.count();
                results.counts.ignored += object.count();
                let source = SourceLine { input: self.input(object.place), line: object.place.line };
                let finding = Finding::new(rule, why, "");
                results.finding(policy, finding, object.dn.clone(), Some(source));
                return;
            }
        };
        let mut judged = self.judge.recipient(&object, (kind, kind_reason), notes, self, memory);
        if let Some(past) = self.past {
            match past.of_object(matches, &object, &World::reach(self, &object)) {
                Ok(before) => {
                    let share = past.decider.decide(policy, &mut judged, &before, Standing::Here);
                    results.share.add(&share);
                    results.share.names.extend(share.names);
                }
                Err(error) => {
                    results.failed.get_or_insert(error);
                    return;
                }
            }
        }

        let mut rendered = results.spare.take();
        let entry = Entry {
            targets: &self.judge.targets,
            recipient: &judged.recipient,
            payload: judged.payload.as_ref(),
            change: judged.change.as_ref(),
            findings: &judged.findings,
        };
        if let Err(error) = render(&entry, self.format, &mut rendered) {
            results.failed.get_or_insert(output(&error));
            return;
        }
        results.take_judged(&judged, self.verbose);
        results.recipients.push(rendered);
        results.unreadable.extend(judged.unreadable_in);
        let label =
            judged.recipient.identity.primary_smtp.or(judged.recipient.identity.dn).unwrap_or_default();
        results.authorities.add(judged.links, &label);
        results
            .internal_crl
            .extend(judged.internal_crl.into_iter().map(|(issuer, point)| (issuer, point, label.clone())));
        results.revocation_fresh_until =
            earliest(results.revocation_fresh_until, judged.revocation_fresh_until);
    }

    /// Somebody of the time before who is in the inputs and no recipient any more.
    fn bystander(&self, object: &Object, matches: &[(u32, u32)], why: &str, results: &mut Results) {
        let Some(past) = self.past.filter(|_| !matches.is_empty()) else { return };
        match past.of_object(matches, object, &World::reach(self, object)) {
            Ok(before) if before.is_empty() => {}
            Ok(before) => {
                let (findings, lost) = about_bystander(&past.decider, &before, why);
                results.share.lost += lost;
                let address = before.iter().find_map(|one| one.address.clone());
                let source = SourceLine { input: self.input(object.place), line: object.place.line };
                for finding in findings {
                    results.finding(&self.judge.policy, finding, address.clone(), Some(source.clone()));
                }
            }
            Err(error) => {
                results.failed.get_or_insert(error);
            }
        }
    }

    /// What the reader of an export reported, as findings.
    fn problems(&self, source: u32, problems: &mut Vec<Problem>, results: &mut Results) {
        for problem in problems.drain(..) {
            let input = self.input(Place { input: source, line: problem.line });
            export_finding(&self.judge.policy, source, &problem, input, results);
        }
    }
}

/// Whether a problem is about a value of a certificate attribute, which its object reports by itself.
#[must_use]
pub fn is_about_certificate(problem: &Problem) -> bool {
    problem.attribute.as_deref().is_some_and(|name| {
        crate::object::certificate_attribute(name.split(';').next().unwrap_or(name).as_bytes()).is_some()
    })
}

/// Whether an input with this problem may be the beginning of a longer one.
const fn may_be_cut_off(code: crate::ldif::Code) -> bool {
    use crate::ldif::Code as C;
    matches!(code, C::CutOff | C::NoFinalNewline | C::NoRecords | C::SizeLimit)
}

/// Adds what the reader of an export reported to the results.
pub fn export_finding(
    policy: &InForce,
    source: u32,
    problem: &Problem,
    input: String,
    results: &mut Results,
) {
    let finding = input_rules::of_export(problem);
    results.doubtful |= may_be_cut_off(problem.code);
    if problem.severity == crate::ldif::Severity::Error {
        // An unreadable value of a certificate attribute is counted with its recipient.
        // A chunk that is missing was never seen by any object.
        if !is_about_certificate(problem) || problem.code == crate::ldif::Code::RangeIncomplete {
            results.unreadable.push(source);
            results.incomplete = true;
        }
    }
    let place = SourceLine { input, line: problem.line };
    results.finding(policy, finding, problem.dn.clone(), Some(place));
}

/// An output error as one that ends the run.
#[must_use]
pub fn output(error: &OutputError) -> Error {
    if error.is_internal() {
        Error::Internal { message: error.to_string() }
    } else {
        let full = matches!(error, OutputError::Io { source, .. }
            if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded));
        let hint = if full { "free some space there, or name a folder on another disk" } else { "" };
        Error::Output { message: error.to_string(), hint: hint.into() }
    }
}

impl World for Second<'_> {
    fn object(&self, leader: u32) -> Option<Arc<Object>> {
        self.store.object(leader, &self.knowledge.groups)
    }

    fn owners(&self, address: &Address) -> Vec<u32> {
        self.store.kept(self.knowledge.owners(address.as_str()).map_err(Error::spill)).unwrap_or_default()
    }

    fn reach(&self, object: &Object) -> Reach {
        Reach::of(object, self.reading.recipient_map.as_ref())
    }

    fn sharers(&self) -> &Sharers {
        self.sharers
    }

    fn input(&self, place: Place) -> String {
        self.sources.get(place.input as usize).map(|source| source.path.clone()).unwrap_or_default()
    }
}
