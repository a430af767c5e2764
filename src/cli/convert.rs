//! `certferry convert`: the main job, from options to a sealed bundle.

mod identity;
mod past;
mod trust_store;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

use super::args::{self, Convert, Manifest, SourceRules as SourceRulesArg, Target as TargetArg};
use super::expected::Expected;
use super::material::Material;
use super::progress;
use super::summary::{self, Closed};
use super::term::Term;
use super::{Done, instant};
use crate::bundle::model::{
    BundleIdentity, FindingCertificate, FindingLine, InputFile, Severity, Source as SourceLine, Summary,
    Target, Tool,
};
use crate::bundle::{self, Closing, ManifestFormat, ManifestHead, Sealed, StageOptions, Writer};
use crate::certificate::UnixTime;
use crate::encoding::hex;
use crate::error::Error;
use crate::history::Past;
use crate::history::limit::Limit;
use crate::input::map::{AddressMap, CertificateMap, MapError, RecipientMap};
use crate::input::walk::relative;
use crate::input::whole;
use crate::judge::{Counts, Judge, Paths, earliest};
use crate::ldif::{self, Tally, UrlRoot};
use crate::limits::{DAY, MAP_FILE_BYTES, REPORTED_ISSUERS};
use crate::pipeline::first::{self, Counted};
use crate::pipeline::hint::Names;
use crate::pipeline::open::{self, Opened};
use crate::pipeline::second::{self, Results, Second};
use crate::pipeline::source::{Content, Source};
use crate::pipeline::store::Store;
use crate::pipeline::{Reading, record};
use crate::policy::{FailOn, InForce, Policy};
use crate::recipient::SourceRules;
use crate::rules::{Finding, Rule, input as input_rules, run as run_rules};
use crate::trust::{Authorities, TrustStore};

/// Converts.
///
/// # Errors
/// What ends the run: wrong use, no usable input, an input that changed, an output that cannot be
/// written.
pub fn run(args: &Convert, term: &Term) -> Result<Done, Error> {
    super::signals::watch();
    let at = instant(args.judging.at.as_deref())?;
    if let Some(out) = &args.out {
        // Before any work: a run of an hour must not end with "already exists".
        bundle::check_target(out, args.force).map_err(|error| second::output(&error))?;
        for stale in bundle::stale_stages(out) {
            term.say(&format!(
                "{} {} was left by a run that was killed; remove it when no run is going on",
                term.yellow("note:"),
                super::term::escape(&stale.display().to_string())
            ));
        }
    }
    if !args.clear.is_empty() && !targets(args).contains(&Target::ExchangeOnline) {
        return Err(Error::usage(
            "--clear empties attributes of the tenant, and nothing is uploaded with --target active-directory alone",
            "leave --clear away, or add --target exchange-online",
        ));
    }
    let expected = Expected::read(&args.expect_records, &args.inputs)?;
    let policy = super::policy::in_force(&args.judging, at)?;
    let mut material = Material::read(&args.judging)?;
    if let Some(store) = &args.keep_trust {
        material.keep(store)?;
    }
    let reading = reading(args)?;
    let options = super::engine::smime(&policy, at);
    let (engine, crl_findings) = super::engine::build(&material, &policy, options);
    let paths = match (args.judging.trust.is_empty(), args.unverified) {
        (false, _) => Paths::Verified(Box::new(engine)),
        (true, true) => Paths::Unverified,
        (true, false) => Paths::Missing,
    };
    let judge = Judge { at, paths, thorough: args.thorough, policy, targets: targets(args) };
    let threads =
        args.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get);
    let mut past = past::read(args, &judge, threads, term)?;

    let mut opened = open::open(&args.inputs)?;
    if !opened.sources.iter().any(|source| !matches!(source.content, Content::Nothing)) {
        return Err(no_input(&opened, None));
    }
    let bytes: u64 = opened.sources.iter().map(Source::length).sum();

    let bar = progress::bar(term, "counting", bytes);
    let counted = first::run(&opened.sources, &reading, threads, &|done| bar.set_position(done));
    bar.finish_and_clear();
    let counted = counted?;
    opened.learn(&counted);
    if counted.sources.iter().all(|count| count.records + count.values == count.secrets) {
        return Err(no_input(&opened, Some(&counted)));
    }

    if let Some(past) = &mut past {
        past.meet(&counted.knowledge)?;
    }

    let policy = judge.rules().document();
    let limit = Limit::of(args.max_removals, judge.rules().max_removals);
    let id = identity::identity(
        args,
        &expected,
        at,
        &opened,
        &material,
        (&policy, &reading),
        (past.as_ref(), limit),
    )?;
    let writer = writer(args, at, &material, &policy)?;
    let mut run = Run::new(args, term, &judge.policy, writer, past.as_ref());
    for finding in &crl_findings {
        run.finding(finding, None)?;
    }
    run.beginning(&judge, &material, &opened, &reading)?;
    run.looking_back()?;
    run.middle(&judge, &reading, &opened, &counted, threads, bytes)?;
    run.end(&opened, &counted, &reading, &expected)?;
    run.gone()?;
    let store = run.trust_store(&judge, &material)?;
    let closed = run.seal(&id, at, &opened, &counted, &expected, store)?;
    summary::print(&closed, args, term);
    Ok(closed.done)
}

/// How inputs are read.
fn reading(args: &Convert) -> Result<Reading, Error> {
    let url_root = args.url_root.as_deref().map(UrlRoot::new).transpose().map_err(|error| {
        Error::usage(
            format!("--url-root: the folder cannot be used: {error}"),
            "name the folder that holds the files",
        )
    })?;
    Ok(Reading {
        ldif: ldif::Options {
            wanted: record::wanted(),
            url_root,
            code_page: super::encoding::read(&args.reading)?,
        },
        map: args.map.as_deref().map(|path| read_map("--map", path, CertificateMap::parse)).transpose()?,
        recipient_map: args
            .recipient_map
            .as_deref()
            .map(|path| read_map("--recipient-map", path, RecipientMap::parse))
            .transpose()?,
        source_rules: match args.source_rules {
            Some(SourceRulesArg::EntraConnect) => SourceRules::EntraConnect,
            None => SourceRules::Plain,
        },
    })
}

/// Reads one of the two tables.
fn read_map<K>(
    option: &str,
    path: &Path,
    parse: fn(&[u8]) -> Result<AddressMap<K>, MapError>,
) -> Result<AddressMap<K>, Error> {
    let wrong = |message: String| {
        Error::usage(
            format!("{option} {}: {message}", path.display()),
            "write a CSV file (UTF-8) whose first line names the columns, as in the examples of the README",
        )
    };
    let whole = whole::read(path, MAP_FILE_BYTES).map_err(|error| wrong(error.to_string()))?;
    parse(&whole.bytes).map_err(|error| wrong(error.to_string()))
}

/// Why there is nothing to work on, file by file.
fn no_input(opened: &Opened, counted: Option<&Counted>) -> Error {
    let mut lines: Vec<String> =
        opened.findings.iter().map(|(_, finding)| finding.found.to_string()).collect();
    for (source, count) in opened.sources.iter().zip(counted.map_or(&[][..], |counted| &counted.sources)) {
        if count.secrets > 0 {
            lines
                .push(format!("{} holds a private key, which was not read, and no certificate", source.path));
        } else if lines.is_empty() {
            lines.push(format!("{} holds no record and no certificate", source.path));
        }
    }
    let more = lines.len().saturating_sub(5);
    lines.truncate(5);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    Error::NoInput {
        message: format!("there is nothing to convert: {}", lines.join("; ")),
        hint: if opened.any_opened {
            "give an export (ldifde -u, csvde -u, ldapsearch) or certificate files (PEM, DER, P7B)".into()
        } else {
            "check the path, and whether you may read it".into()
        },
    }
}

fn writer(args: &Convert, at: UnixTime, material: &Material, policy: &str) -> Result<Option<Writer>, Error> {
    let Some(out) = args.out.as_deref().filter(|_| !args.dry_run) else { return Ok(None) };
    let options = StageOptions {
        force: args.force,
        manifest: format(args.manifest),
        batch: args.batch,
        script: bundle::SCRIPT_BYTES,
    };
    let head = ManifestHead {
        tool: tool(),
        evaluated_at: at.to_string(),
        unverified: args.judging.trust.is_empty(),
        targets: targets(args),
        policy: policy.as_bytes().to_vec(),
        trust_anchors: material.anchors_listed(),
    };
    Writer::begin(out, &options, head).map(Some).map_err(|error| second::output(&error))
}

/// The targets, each once and in order, however they were given.
fn targets(args: &Convert) -> Vec<Target> {
    let asked = |target| args.target.contains(&target);
    let all = [
        (TargetArg::ExchangeOnline, Target::ExchangeOnline),
        (TargetArg::ActiveDirectory, Target::ActiveDirectory),
    ];
    all.into_iter().filter(|(arg, _)| asked(*arg)).map(|(_, target)| target).collect()
}

fn format(manifest: Manifest) -> ManifestFormat {
    match manifest {
        Manifest::Json => ManifestFormat::Json,
        Manifest::Csv => ManifestFormat::Csv,
        Manifest::Both => ManifestFormat::Both,
    }
}

fn tool() -> Tool {
    Tool { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() }
}

/// A run on its way.
struct Run<'a> {
    args: &'a Convert,
    term: &'a Term,
    policy: &'a InForce,
    writer: Option<Writer>,
    counts: Counts,
    codes: BTreeMap<(&'static str, Severity), u64>,
    unreadable: BTreeMap<u32, u64>,
    tallies: BTreeMap<u32, Tally>,
    /// Attributes of exports that hold no certificate.
    names: BTreeMap<u32, Names>,
    /// Issuer → a place that it names, at whom it was seen first, and at how many people.
    internal_crl: BTreeMap<String, (String, String, u64)>,
    authorities: Authorities,
    revocation_fresh_until: Option<UnixTime>,
    must_look: bool,
    recipients: u64,
    /// The time before, and what was found out about it.
    past: Option<&'a Past>,
    back: past::Sums,
    told: Vec<(String, String)>,
}

impl<'a> Run<'a> {
    fn new(
        args: &'a Convert,
        term: &'a Term,
        policy: &'a InForce,
        writer: Option<Writer>,
        past: Option<&'a Past>,
    ) -> Self {
        Self {
            args,
            term,
            policy,
            writer,
            counts: Counts::default(),
            codes: BTreeMap::new(),
            unreadable: BTreeMap::new(),
            tallies: BTreeMap::new(),
            names: BTreeMap::new(),
            internal_crl: BTreeMap::new(),
            authorities: Authorities::default(),
            revocation_fresh_until: None,
            must_look: false,
            recipients: 0,
            past,
            back: past::Sums::default(),
            told: Vec::new(),
        }
    }

    /// A finding about the run or a file.
    fn finding(&mut self, finding: &Finding, source: Option<SourceLine>) -> Result<(), Error> {
        self.finding_about(finding, None, source)
    }

    /// A finding about a certificate that is no recipient's, the run or a file, as the policy weighs it.
    fn finding_about(
        &mut self,
        finding: &Finding,
        certificate: Option<FindingCertificate>,
        source: Option<SourceLine>,
    ) -> Result<(), Error> {
        let mut finding = finding.clone();
        self.policy.settle(&mut finding);
        let line = finding.line(None, None, certificate, source);
        self.tell(&line);
        self.counts.finding(finding.severity);
        self.code(finding.rule, finding.severity, 1);
        if self.term.verbose && finding.severity > Severity::Info {
            summary::finding(&line, self.term);
        }
        match &mut self.writer {
            Some(writer) => writer.finding(&line).map_err(|error| second::output(&error)),
            None => Ok(()),
        }
    }

    /// Keeps the words of what concerns the run for its summary.
    fn tell(&mut self, line: &FindingLine) {
        if self.told.len() < summary::TOLD
            && line.severity > Severity::Info
            && line.code != run_rules::NO_TRUST_ANCHORS.code // its title says it all
            && summary::is_of_the_run(&line.code)
            && self.told.iter().all(|(code, _)| *code != line.code)
        {
            let place = line.source.as_ref().map(|at| format!("{}:{}: ", at.input, at.line));
            self.told.push((line.code.to_string(), format!("{}{}", place.unwrap_or_default(), line.found)));
        }
    }

    fn code(&mut self, rule: &'static Rule, severity: Severity, count: u64) {
        *self.codes.entry((rule.code, severity)).or_default() += count;
    }

    /// What is known before anything is judged.
    fn beginning(
        &mut self,
        judge: &Judge<'_>,
        material: &Material,
        opened: &Opened,
        reading: &Reading,
    ) -> Result<(), Error> {
        if !matches!(judge.paths, Paths::Verified(_)) {
            let found = if self.args.unverified {
                "no trust anchors were given; nothing was verified, and the other rules decided (--unverified)"
            } else {
                "no trust anchors were given; everything is withheld"
            };
            self.finding(
                &Finding::new(
                    &run_rules::NO_TRUST_ANCHORS,
                    found,
                    "--trust with the root certificate of the CA",
                ),
                None,
            )?;
            self.must_look |= !self.args.unverified;
        } else if super::engine::unasked(self.policy, material) {
            let finding = Finding::new(
                &run_rules::REVOCATION_NOT_CHECKED,
                "no CRL was given, so revocation was not checked",
                "--crl with the current CRLs of the CAs",
            );
            self.finding(&finding, None)?;
        }
        for finding in self.policy.beginning(&material.anchors_listed()) {
            self.finding(&finding, None)?;
        }
        for source in &opened.sources {
            if let (Content::Export(stream), Some(page)) = (&source.content, reading.ldif.code_page)
                && stream.format.is_unicode()
            {
                let found =
                    format!("{} is Unicode, so --encoding {} was not used for it", source.path, page.name());
                let place = SourceLine { input: source.path.clone(), line: 1 };
                self.finding(&Finding::new(&input_rules::ENCODING_NOT_USED, found, ""), Some(place))?;
            }
        }
        let named = material.findings.iter().map(|(_, finding)| (None, finding));
        let inputs = opened.findings.iter().map(|(name, finding)| (Some(name), finding));
        for (name, finding) in named.chain(inputs) {
            // What must be looked at does not become less by being told more quietly.
            self.must_look |= finding.rule.severity == Severity::Error;
            self.back.incomplete |= name.is_some() && finding.rule.severity == Severity::Error;
            self.finding(finding, name.map(|name| SourceLine { input: name.clone(), line: 1 }))?;
        }
        Ok(())
    }

    /// Judges everything.
    fn middle(
        &mut self,
        judge: &Judge<'_>,
        reading: &Reading,
        opened: &Opened,
        counted: &Counted,
        threads: usize,
        bytes: u64,
    ) -> Result<(), Error> {
        let second = Second {
            sources: &opened.sources,
            reading,
            judge,
            format: format(self.args.manifest),
            knowledge: &counted.knowledge,
            sharers: &counted.sharers,
            store: Store::new(&opened.sources, &counted.table, reading),
            verbose: self.term.verbose,
            past: self.past,
        };
        let bar = progress::bar(self.term, "judging", bytes);
        let done =
            second.run(&counted.bases, counted.records, threads, &|done| bar.set_position(done), |results| {
                self.take(results)
            });
        bar.finish_and_clear();
        done
    }

    fn take(&mut self, results: &mut Results) -> Result<(), Error> {
        for line in &results.findings {
            self.tell(line);
            if let Some(writer) = &mut self.writer {
                writer.finding(line).map_err(|error| second::output(&error))?;
            }
        }
        for line in &results.told {
            summary::finding(line, self.term);
        }
        for rendered in &results.recipients {
            self.recipients += 1;
            if let Some(writer) = &mut self.writer {
                writer.append(rendered).map_err(|error| second::output(&error))?;
            }
        }
        self.counts.add(&results.counts);
        self.back.take(results);
        for ((code, severity), count) in std::mem::take(&mut results.codes) {
            if let Some(rule) = crate::rules::find(code) {
                self.code(rule, severity, count);
            }
        }
        for source in std::mem::take(&mut results.unreadable) {
            *self.unreadable.entry(source).or_default() += 1;
        }
        if let Some((source, tally)) = results.tally.take() {
            self.tallies.entry(source).or_default().merge(tally);
        }
        self.authorities.merge(std::mem::take(&mut results.authorities));
        if let Some((source, names)) = results.names.take() {
            self.names.entry(source).or_default().merge(&names);
        }
        for (issuer, point, at) in std::mem::take(&mut results.internal_crl) {
            if self.internal_crl.len() < REPORTED_ISSUERS || self.internal_crl.contains_key(&issuer) {
                self.internal_crl.entry(issuer).or_insert((point, at, 0)).2 += 1;
            }
        }
        self.revocation_fresh_until = earliest(self.revocation_fresh_until, results.revocation_fresh_until);
        Ok(())
    }

    /// What is known only when everything was read.
    fn end(
        &mut self,
        opened: &Opened,
        counted: &Counted,
        reading: &Reading,
        expected: &Expected,
    ) -> Result<(), Error> {
        for (source, tally) in std::mem::take(&mut self.tallies) {
            let input =
                opened.sources.get(source as usize).map(|source| source.path.clone()).unwrap_or_default();
            let mut results = Results::default();
            for problem in tally.finish() {
                second::export_finding(self.policy, source, &problem, input.clone(), &mut results);
            }
            self.take(&mut results)?;
        }
        for (issuer, (point, first, count)) in std::mem::take(&mut self.internal_crl) {
            let finding = Finding::new(
                &run_rules::INTERNAL_CRL_POINT,
                format!(
                    "certificates of {issuer} at {count} people (the first one is {first}) name only {point}, which is not reachable from the internet"
                ),
                "a CRL distribution point that begins with http: and can be reached from outside",
            );
            self.finding(&finding, None)?;
        }
        let mut counts: Vec<(String, u64, u64)> = Vec::new();
        let records = |of: Option<usize>| -> u64 {
            let all = counted.sources.iter().zip(&opened.arguments);
            all.filter(|(_, argument)| of.is_none_or(|of| **argument == of))
                .map(|(count, _)| count.records)
                .sum()
        };
        if let Some(wanted) = expected.total {
            counts.push(("all inputs".into(), records(None), wanted));
        }
        for (argument, wanted) in &expected.inputs {
            let name = self.args.inputs.get(*argument).map(|path| relative(path, path)).unwrap_or_default();
            counts.push((name, records(Some(*argument)), *wanted));
        }
        for (name, found, wanted) in counts.into_iter().filter(|(_, found, wanted)| found != wanted) {
            let finding = Finding::new(
                &run_rules::RECORD_COUNT_UNEXPECTED,
                format!("{name}: {found} records were read"),
                format!("{wanted} records (--expect-records)"),
            );
            self.finding(&finding, None)?;
            self.must_look = true;
            self.back.incomplete = true;
        }
        self.back.incomplete |= self.back.doubtful && !expected.of_all(self.args.inputs.len());
        let names = std::mem::take(&mut self.names);
        for (source, names) in &names {
            let Some(source) = opened.sources.get(*source as usize) else { continue };
            let finding = Finding::new(
                &input_rules::EXPORT_WITHOUT_CERTIFICATES,
                format!("no record of {} holds a certificate; {}", source.path, names.why()),
                "userCertificate or userSMIMECertificate in the export",
            );
            self.finding(&finding, Some(SourceLine { input: source.path.clone(), line: 1 }))?;
        }
        if self.counts.values == 0 {
            let why = names.values().next().map(|names| format!("; {}", names.why())).unwrap_or_default();
            let finding = Finding::new(
                &run_rules::NO_CERTIFICATE_VALUES,
                format!("{} records were read, and none holds a certificate{why}", counted.records),
                "userCertificate or userSMIMECertificate in the export",
            );
            self.finding(&finding, None)?;
            self.must_look = true;
        }
        let mut unused: Vec<(&str, u64, String)> = Vec::new();
        if let Some(map) = &reading.map {
            unused.extend(map.unmatched().into_iter().map(|(key, line)| ("--map", line, key.to_string())));
        }
        if let Some(map) = &reading.recipient_map {
            let rows = map.unmatched().into_iter();
            unused.extend(rows.map(|(key, line)| ("--recipient-map", line, key.to_string())));
        }
        for (option, line, key) in unused {
            let finding = Finding::new(
                &run_rules::MAP_ENTRY_UNUSED,
                format!("line {line} of {option}: nothing in the run matches {key}"),
                "something that occurs in the inputs",
            );
            self.finding(&finding, None)?;
        }
        for finding in self.policy.end() {
            self.finding(&finding, None)?;
        }
        Ok(())
    }

    /// Ends the run: seals the bundle, and decides the exit code.
    fn seal(
        mut self,
        id: &[u8; 32],
        at: UnixTime,
        opened: &Opened,
        counted: &Counted,
        expected: &Expected,
        store: TrustStore,
    ) -> Result<Closed, Error> {
        let policy = self.policy.policy();
        let limit = Limit::of(self.args.max_removals, policy.max_removals);
        self.back.check(limit, self.term)?;
        let [encryptable, sign_only, none] = self.counts.coverage;
        let mut summary = Summary {
            recipients: self.recipients,
            values: self.counts.values,
            candidates: self.counts.candidates,
            published: self.counts.published,
            withheld: self.counts.candidates - self.counts.published,
            unreadable: self.counts.unreadable,
            ignored: self.counts.ignored,
            directory_changes: self.counts.changes,
            ..Summary::default()
        };
        summary.coverage.encryptable = encryptable;
        summary.coverage.sign_only = sign_only;
        summary.coverage.none = none;
        summary.coverage.lapses_before_next_run = self.counts.lapsing;
        self.back.close(self.past, limit, &mut summary);
        let before = self.past.and_then(|past| past.previous.as_ref());
        let identity = BundleIdentity {
            id: hex(id),
            valid_until: valid_until(at, policy).to_string(),
            revocation_fresh_until: self.revocation_fresh_until.map(|until| until.to_string()),
            sequence: before.map(|bundle| bundle.sequence.unwrap_or_default().saturating_add(1)),
            previous: before.map(|bundle| bundle.id.clone()),
        };
        let inputs = inputs(opened, counted, expected, &self.unreadable);
        let trusted = store.counts();
        let sealed: Option<Sealed> = match self.writer.take() {
            Some(writer) => {
                let closing = Closing {
                    inputs,
                    trust_store: store.entries,
                    sst: store.sst,
                    summary: summary.clone(),
                    bundle: identity.clone(),
                };
                Some(writer.seal(&closing).map_err(|error| second::output(&error))?)
            }
            None => None,
        };
        let [_, warnings, errors] = self.counts.findings;
        let fail_on = self.args.fail_on.map_or(policy.fail_on, args::FailOn::in_policy);
        let failed = match fail_on {
            FailOn::Never => false,
            FailOn::Warning => warnings + errors > 0,
            FailOn::Error => errors > 0,
            // Whoever stands in no input is nobody who should be written to.
            FailOn::Uncovered => none + sign_only > self.back.share.changes.gone,
        };
        let look = self.must_look
            || self.revoked_stays()
            || failed
            || self.counts.unreadable > 0
            || !self.unreadable.is_empty();
        Ok(Closed {
            summary,
            identity,
            sealed,
            trusted,
            codes: self.codes,
            names: self.back.names,
            told: self.told,
            unverified: self.args.judging.trust.is_empty(),
            days_to_next_run: policy.limits.days_to_next_run,
            differences: policy.differences(),
            done: if look { Done::Look } else { Done::Good },
        })
    }
}

/// Until when a bundle that was judged at `at` may be uploaded.
fn valid_until(at: UnixTime, policy: &Policy) -> UnixTime {
    UnixTime(at.0.saturating_add(policy.limits.bundle_days.saturating_mul(DAY)))
}

fn inputs(
    opened: &Opened,
    counted: &Counted,
    expected: &Expected,
    unreadable: &BTreeMap<u32, u64>,
) -> Vec<InputFile> {
    let files = opened.sources.iter().zip(&counted.sources).zip(0u32..);
    files
        .map(|((source, count), index)| InputFile {
            path: source.path.clone(),
            bytes: source.bytes,
            sha256: hex(&source.sha256),
            kind: source.kind.clone(),
            records: count.records,
            expected_records: expected.of(index as usize, opened),
            unreadable: unreadable.get(&index).copied().unwrap_or_default(),
        })
        .collect()
}
