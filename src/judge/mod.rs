//! Judging: from an object's values to candidates with findings, verdicts and decisions.
//!
//! Checks are ordered by price. First every value is opened, since one that cannot be read makes its
//! attribute incomplete. Then the cheap rules run, which need only the parsed certificate. Only what
//! they leave is worth a path, unless every signature was asked for. Selection decides at the end,
//! over the recipient as a whole.

mod sheet;

use std::collections::HashMap;

use crate::bundle::model::{
    Attribute, Decision, FindingLine, PayloadLine, Recipient, RecipientKind, Severity, Verdict,
};
use crate::census::keys::{Hash, Kind, Note, hash};
use crate::certificate::Certificate;
use crate::certificate::UnixTime;
use crate::certificate::address::Address;
use crate::certificate::container::Form;
use crate::encoding::sha256;
use crate::extract::{self, Opened};
use crate::limits::REMEMBERED_OUTCOMES;
use crate::object::{Object, Owner, Place};
use crate::path::{Engine, Outcome};
use crate::recipient::{self, Reach};
use crate::rules::usage::Abilities;
use crate::rules::{
    self, Finding, address as address_rules, path as path_rules, recipient as recipient_rules,
    run as run_rules, value as value_rules,
};
use crate::select::{Choice, select};
use sheet::Sheet;
pub use sheet::earliest;

/// How paths count in this run.
pub enum Paths<'m> {
    /// Verified by the engine.
    Verified(Box<Engine<'m>>),
    /// Nobody gave trust anchors, and `--unverified` lets the other rules decide.
    Unverified,
    /// Nobody gave trust anchors: everything is withheld.
    Missing,
}

/// What is the same for every recipient of a run.
pub struct Judge<'m> {
    /// The instant.
    pub at: UnixTime,
    /// How paths count.
    pub paths: Paths<'m>,
    /// Check every signature.
    pub thorough: bool,
    /// A missing CRL withholds.
    pub hard: bool,
}

/// What a recipient can ask about the rest of the run.
pub trait World {
    /// The object that begins with this record, read again.
    fn object(&self, leader: u32) -> Option<Object>;
    /// First records of the objects that own an address.
    fn owners(&self, address: &Address) -> Vec<u32>;
    /// The addresses under which an object is known.
    fn reach(&self, object: &Object) -> Reach;
    /// How outputs name an input.
    fn input(&self, place: Place) -> String;
}

/// What a worker remembers between recipients. It changes the speed and never the result.
#[derive(Default)]
pub struct Memory {
    outcomes: HashMap<(Hash, Hash), Outcome>,
    sharers: HashMap<(Kind, u32), Sharer>,
}

/// Who else has a key or certificate: full hashes of what they have, and how they are named.
type Sharer = (Vec<[u8; 32]>, String);

/// A recipient, judged.
pub struct Judged {
    /// For the manifest, number and payload place open.
    pub recipient: Recipient,
    /// For the payload, number open.
    pub payload: Option<PayloadLine>,
    /// For findings.ndjson.
    pub findings: Vec<FindingLine>,
    /// What the run counts.
    pub counts: Counts,
    /// Published certificates whose CRL cannot be reached from outside: issuer and place named.
    pub internal_crl: Vec<(String, String)>,
    /// Inputs in which its unreadable values stood.
    pub unreadable_in: Vec<u32>,
    /// Earliest nextUpdate of a CRL that a published certificate's path relied on.
    pub revocation_fresh_until: Option<UnixTime>,
}

/// Totals of one or many recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Values of certificate attributes.
    pub values: u64,
    /// Values that could not be read.
    pub unreadable: u64,
    /// Values that were passed by.
    pub ignored: u64,
    /// Candidates.
    pub candidates: u64,
    /// Candidates that are published.
    pub published: u64,
    /// People who can be encrypted to, who can only be checked, and the rest.
    pub coverage: [u64; 3],
    /// Encryptable people whose last certificate ends before the next run.
    pub lapsing: u64,
    /// Findings of each severity: info, warning, error.
    pub findings: [u64; 3],
}

impl Counts {
    /// Adds other totals.
    pub fn add(&mut self, other: &Self) {
        self.values += other.values;
        self.unreadable += other.unreadable;
        self.ignored += other.ignored;
        self.candidates += other.candidates;
        self.published += other.published;
        self.lapsing += other.lapsing;
        for (mine, theirs) in self.coverage.iter_mut().zip(other.coverage) {
            *mine += theirs;
        }
        for (mine, theirs) in self.findings.iter_mut().zip(other.findings) {
            *mine += theirs;
        }
    }

    /// Counts a finding.
    pub fn finding(&mut self, severity: Severity) {
        let [info, warning, error] = &mut self.findings;
        *match severity {
            Severity::Info => info,
            Severity::Warning => warning,
            Severity::Error => error,
        } += 1;
    }
}

/// A value on its way: opened, perhaps parsed, with what was found.
struct Draft<'a> {
    value: &'a crate::object::Value,
    bytes: &'a [u8],
    index: u64,
    form: Form,
    certificate: Option<&'a Certificate<'a>>,
    others: Vec<&'a Certificate<'a>>,
    value_sha256: [u8; 32],
    abilities: Abilities,
    findings: Vec<Finding>,
    verdict: Verdict,
    chain: Vec<[u8; 32]>,
    fresh_until: Option<UnixTime>,
}

impl Judge<'_> {
    /// Judges a recipient.
    pub fn recipient(
        &self,
        object: &Object,
        (kind, kind_reason): (RecipientKind, &str),
        notes: &[Note],
        world: &dyn World,
        memory: &mut Memory,
    ) -> Judged {
        let reach = world.reach(object);
        let address = reach.target_text().map(str::to_owned).or_else(|| object.dn.clone());
        let mut sheet = Sheet::new(object, address, world);
        let about = self.about_recipient(object, &reach, notes, world);

        let bears = |der: &[u8]| {
            Certificate::parse(der).is_ok_and(|certificate| {
                address_rules::addresses(&certificate).iter().any(|address| reach.owns(address))
            })
        };
        let opened: Vec<Opened<'_>> =
            object.values.iter().map(|value| extract::open(value, &bears)).collect();
        let parsed: Vec<Parsed<'_>> = opened.iter().map(Parsed::of).collect();
        let mut drafts = self.drafts(object, &opened, &parsed, &mut sheet);
        object.beyond.iter().for_each(|beyond| sheet.beyond(beyond));

        self.cheap_rules(&mut drafts, object, &reach, notes, world, memory);
        for draft in &mut drafts {
            draft.findings.extend(about.for_candidates.iter().cloned());
            for (attribute, why) in &sheet.incomplete {
                if draft.value.attribute == *attribute {
                    draft.findings.push(Finding::new(
                        &value_rules::ATTRIBUTE_INCOMPLETE,
                        format!("{} could not be read whole: {why}", attribute.name()),
                        "every value of the attribute, since a payload replaces the whole set",
                    ));
                }
            }
            self.path(draft, object, memory);
            if let (Some(certificate), false) =
                (draft.certificate, draft.findings.iter().any(Finding::withholds))
            {
                rules::readers::check(certificate, &mut draft.findings);
            }
        }

        let mut choices: Vec<Choice<'_>> = drafts.iter_mut().map(|draft| self.choice(draft)).collect();
        let target = reach.target_text().map(str::to_owned);
        let mut selection = select(&mut choices, target.as_deref(), kind);
        let decided: Vec<(Decision, Vec<Finding>)> =
            choices.into_iter().map(|choice| (choice.decision, choice.findings)).collect();
        for (draft, (decision, findings)) in drafts.iter_mut().zip(decided) {
            draft.findings = findings;
            sheet.candidate(draft, decision, self.reason(draft, decision));
        }
        let mut recipient_findings = about.for_recipient;
        recipient_findings.append(&mut selection.findings);
        recipient_findings.extend(too_many_values(object));
        sheet.close(
            recipient::identity(object, &reach),
            (kind, kind_reason),
            selection.coverage,
            selection.payload,
            &recipient_findings,
            selection.encryptable_until.map(|until| self.lapses(until)).unwrap_or_default(),
        )
    }

    fn lapses(&self, until: i64) -> bool {
        until < self.at.0.saturating_add(crate::limits::NEXT_RUN_DAYS * crate::limits::DAY)
    }

    /// Findings that follow from who the recipient is.
    fn about_recipient(&self, object: &Object, reach: &Reach, notes: &[Note], world: &dyn World) -> About {
        let mut about = About::default();
        for text in &reach.source.invalid {
            about.for_recipient.push(Finding::new(
                &recipient_rules::ADDRESS_INVALID,
                format!("{text:?} is no mail address"),
                "local@domain",
            ));
        }
        if reach.source.several_mail {
            about.for_recipient.push(Finding::new(
                &recipient_rules::SEVERAL_MAIL_VALUES,
                format!("mail has {} values; the first one was taken", object.mail.len()),
                "one primary address",
            ));
        }
        if object.records > 1 && object.dn.is_some() {
            about.for_recipient.push(Finding::new(
                &recipient_rules::OBJECT_UNITED,
                format!("{} records of the input are this object", object.records),
                "",
            ));
        }
        if let Some(other) = &object.other_dn {
            about.for_recipient.push(Finding::new(
                &recipient_rules::GUID_WITH_TWO_DNS,
                format!("the same objectGUID also stands at {other}"),
                "one DN for one object",
            ));
        }
        if let Some(why) = &reach.contradiction {
            let required = "one address in the cloud";
            about.for_candidates.push(Finding::new(&recipient_rules::MAP_CONTRADICTS, why.clone(), required));
        }
        if let Some(finding) = conflict(reach, notes, world) {
            about.for_candidates.push(finding.clone());
            about.for_recipient.push(finding);
        }
        match &object.owner {
            _ if reach.target().is_some() => {}
            Some(Owner::Ambiguous(addresses)) => about.for_candidates.push(Finding::new(
                &recipient_rules::AMBIGUOUS_OWNER,
                format!("the certificate bears {} addresses ({})", addresses.len(), addresses.join(", ")),
                "an entry in --map that names the owner",
            )),
            Some(Owner::Nobody) => about.for_candidates.push(Finding::new(
                &recipient_rules::NO_DECLARED_OWNER,
                "the certificate bears no mail address",
                "an entry in --map that names the owner",
            )),
            _ => {
                let finding = Finding::new(
                    &recipient_rules::NO_RECIPIENT_ADDRESS,
                    "the object has no SMTP address",
                    "a primary address in proxyAddresses or mail",
                );
                if object.has_certificate_value() {
                    about.for_recipient.push(finding.clone());
                }
                about.for_candidates.push(finding);
            }
        }
        about
    }

    /// Turns opened values into drafts; what cannot be read goes to the sheet.
    fn drafts<'a>(
        &self,
        object: &'a Object,
        opened: &'a [Opened<'a>],
        parsed: &'a [Parsed<'a>],
        sheet: &mut Sheet<'_>,
    ) -> Vec<Draft<'a>> {
        let mut drafts: Vec<Draft<'a>> = Vec::new();
        let mut indices: HashMap<Attribute, u64> = HashMap::new();
        for ((value, opened), parsed) in object.values.iter().zip(opened).zip(parsed) {
            let next = indices.entry(value.attribute).or_default();
            let index = *next;
            *next += 1;
            let (bytes, form) = match (opened, &parsed.unreadable) {
                (Opened::Unreadable { rule, found, expected }, _) => {
                    sheet.unreadable(value, index, &Finding::new(rule, found.clone(), expected.clone()));
                    continue;
                }
                (Opened::Readable { .. }, Some(found)) => {
                    let expected = "a certificate (RFC 5280 section 4.1)";
                    let finding = Finding::new(&value_rules::UNREADABLE_VALUE, found.clone(), expected);
                    sheet.unreadable(value, index, &finding);
                    continue;
                }
                (Opened::Readable { bytes, form, .. }, None) => (*bytes, *form),
            };
            let value_sha256 = sha256(bytes);
            let mut findings = opened.findings().to_vec();
            let twin = drafts.iter().find(|d| {
                d.value.attribute == value.attribute && d.value_sha256 == value_sha256 && d.bytes == bytes
            });
            if let Some(first) = twin {
                findings.push(Finding::new(
                    &value_rules::DUPLICATE_VALUE,
                    format!("value {} of {} is byte for byte the same", first.index, value.attribute.name()),
                    "",
                ));
            }
            let certificate = parsed.own.as_ref();
            drafts.push(Draft {
                value,
                bytes,
                index,
                form,
                certificate,
                others: parsed.others.iter().collect(),
                value_sha256,
                abilities: certificate.map(Abilities::of).unwrap_or_default(),
                findings,
                verdict: Verdict::NotChecked,
                chain: Vec::new(),
                fresh_until: None,
            });
        }
        drafts
    }

    /// Every rule that needs no path.
    fn cheap_rules(
        &self,
        drafts: &mut [Draft<'_>],
        object: &Object,
        reach: &Reach,
        notes: &[Note],
        world: &dyn World,
        memory: &mut Memory,
    ) {
        for draft in drafts {
            rules::value::check_size(draft.bytes, &mut draft.findings);
            rules::value::check_form(draft.value.attribute, draft.form, &mut draft.findings);
            let Some(certificate) = draft.certificate else { continue };
            rules::structure::check(certificate, &mut draft.findings);
            rules::validity::check(certificate, self.at, &mut draft.findings);
            rules::usage::check(certificate, &mut draft.findings);
            rules::key::check(certificate, &mut draft.findings);
            let owners = |address: &Address| {
                world
                    .owners(address)
                    .into_iter()
                    .filter_map(|leader| world.object(leader))
                    .filter(|other| !is_same(object, other))
                    .map(|other| world.reach(&other))
                    .find(|other| other.owns(address) && !reach.owns(address))
                    .map(|other| label(&other, None))
            };
            rules::address::check(certificate, reach, &owners, &mut draft.findings);
            soften_not_for_mail(&mut draft.findings);
            shared(certificate, notes, world, memory, &mut draft.findings);
            let signing = draft.others.iter().filter(|other| !other.is_ca());
            for other in signing {
                let mut found = Vec::new();
                rules::validity::check(other, self.at, &mut found);
                rules::key::check(other, &mut found);
                rules::structure::check(other, &mut found);
                if let Some(finding) = found.iter().find(|finding| finding.withholds()) {
                    draft.findings.push(Finding::new(
                        &value_rules::SIGNING_CERTIFICATE_REFUSED,
                        format!(
                            "the certificate with serial {} beside it: {}",
                            other.serial_hex(),
                            finding.found
                        ),
                        "a good signing certificate",
                    ));
                }
            }
        }
    }

    /// Verifies the path where it is worth it.
    fn path(&self, draft: &mut Draft<'_>, object: &Object, memory: &mut Memory) {
        let (Paths::Verified(engine), Some(certificate)) = (&self.paths, draft.certificate) else { return };
        if !self.thorough && draft.findings.iter().any(Finding::withholds) {
            draft.findings.push(Finding::new(
                &run_rules::PATH_NOT_NEEDED,
                "the path was not checked, since the certificate is withheld anyway",
                "--thorough to check it all the same",
            ));
            return;
        }
        let chain: Vec<Certificate<'_>> =
            object.chain.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        let mut extra: Vec<&Certificate<'_>> = draft.others.clone();
        extra.extend(&chain);
        let outcome = self.outcome(engine, certificate, &extra, memory);
        draft.verdict = path_rules::verdict(outcome.verdict);
        draft.chain = outcome.chain;
        draft.fresh_until = outcome.fresh_until;
        path_rules::merge(&outcome.findings, self.hard, &mut draft.findings);
        for other in draft.others.iter().filter(|other| !other.is_ca()) {
            let outcome = self.outcome(engine, other, &extra, memory);
            let already = draft.findings.iter().any(|f| f.rule == &value_rules::SIGNING_CERTIFICATE_REFUSED);
            if path_rules::verdict(outcome.verdict) != Verdict::Valid && !already {
                let findings = outcome.findings.iter().map(|found| path_rules::finding(found, self.hard));
                let why = findings.into_iter().find(Finding::withholds);
                draft.findings.push(Finding::new(
                    &value_rules::SIGNING_CERTIFICATE_REFUSED,
                    format!(
                        "the certificate with serial {} beside it has no valid path{}",
                        other.serial_hex(),
                        why.map(|finding| format!(" ({})", finding.found)).unwrap_or_default()
                    ),
                    "a good signing certificate",
                ));
            }
        }
    }

    fn outcome(
        &self,
        engine: &Engine<'_>,
        certificate: &Certificate<'_>,
        extra: &[&Certificate<'_>],
        memory: &mut Memory,
    ) -> Outcome {
        let mut pool = Vec::with_capacity(extra.len() * 32);
        for other in extra {
            pool.extend_from_slice(&other.sha256());
        }
        let mut target = [0; 16];
        target.copy_from_slice(&certificate.sha256()[..16]);
        let key = (target, if pool.is_empty() { [0; 16] } else { hash(&pool) });
        if let Some(known) = memory.outcomes.get(&key) {
            return known.clone();
        }
        let others: Vec<Certificate<'_>> = extra.iter().map(|other| (*other).clone()).collect();
        let outcome = engine.validate(certificate, &others);
        if memory.outcomes.len() >= REMEMBERED_OUTCOMES {
            memory.outcomes.clear();
        }
        memory.outcomes.insert(key, outcome.clone());
        outcome
    }

    fn choice<'a>(&self, draft: &mut Draft<'a>) -> Choice<'a> {
        let path_allows = match self.paths {
            Paths::Verified(_) => draft.verdict == Verdict::Valid,
            Paths::Unverified => true,
            Paths::Missing => false,
        };
        Choice {
            attribute: draft.value.attribute,
            bytes: draft.bytes,
            abilities: draft.abilities,
            not_after: draft.certificate.map_or(i64::MIN, |certificate| certificate.not_after().0),
            value_sha256: draft.value_sha256,
            findings: std::mem::take(&mut draft.findings),
            // A container without a certificate of the user never is anything to publish.
            path_allows: path_allows && draft.certificate.is_some(),
            decision: Decision::Withhold,
        }
    }

    /// Why, in one plain sentence.
    fn reason(&self, draft: &Draft<'_>, decision: Decision) -> String {
        if decision == Decision::Withhold {
            let withholding = draft.findings.iter().filter(|finding| finding.withholds());
            let cause = withholding.max_by_key(|finding| (plainness(finding), finding.severity));
            return match (cause, &self.paths) {
                (Some(finding), _) => format!("Withheld: {}.", finding.found),
                (None, Paths::Missing) => {
                    "Withheld: no trust anchors were given, so its path could not be verified.".into()
                }
                (None, _) => "Withheld: its path could not be verified.".into(),
            };
        }
        let until = draft.certificate.map(|c| c.not_after().to_string()).unwrap_or_default();
        let use_for = match draft.abilities {
            Abilities { encrypt: true, sign: true } => "can be encrypted to and can sign",
            Abilities { encrypt: true, sign: false } => "can be encrypted to",
            _ => "can sign, but cannot be encrypted to",
        };
        match self.paths {
            Paths::Verified(_) => format!("Published: its path is valid, it {use_for}, until {until}."),
            _ => format!("Published UNVERIFIED, its path was not checked: it {use_for}, until {until}."),
        }
    }
}

/// How well a cause explains by itself that a certificate is withheld. One that was never meant for mail
/// needs no word about its address; an authority's needs none about its key usage.
fn plainness(finding: &Finding) -> u8 {
    let rule = finding.rule;
    if rule == &value_rules::DUPLICATE_VALUE {
        3
    } else if rule == &rules::usage::CA_CERTIFICATE {
        2
    } else {
        u8::from(rule == &rules::usage::NOT_FOR_MAIL)
    }
}

/// `error` and `warning` are for certificates that were meant for mail; what else is wrong with one for
/// logon or file encryption is nobody's concern here.
fn soften_not_for_mail(findings: &mut [Finding]) {
    if findings.iter().any(|finding| finding.rule == &rules::usage::NOT_FOR_MAIL) {
        for finding in findings {
            finding.severity = Severity::Info;
        }
    }
}

#[derive(Default)]
struct About {
    for_recipient: Vec<Finding>,
    for_candidates: Vec<Finding>,
}

/// The certificates of an opened value, parsed once.
struct Parsed<'a> {
    own: Option<Certificate<'a>>,
    others: Vec<Certificate<'a>>,
    unreadable: Option<String>,
}

impl<'a> Parsed<'a> {
    fn of(opened: &'a Opened<'a>) -> Self {
        let mut parsed = Self { own: None, others: Vec::new(), unreadable: None };
        if let Opened::Readable { own, others, .. } = opened {
            match own.as_deref().map(Certificate::parse) {
                Some(Ok(certificate)) => parsed.own = Some(certificate),
                Some(Err(unreadable)) => parsed.unreadable = Some(unreadable.to_string()),
                None => {}
            }
            parsed.others = others.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        }
        parsed
    }
}

/// Two objects claim one primary address.
fn conflict(reach: &Reach, notes: &[Note], world: &dyn World) -> Option<Finding> {
    let own = |kind: Kind| match kind {
        Kind::Primary => reach.source.primary(),
        Kind::Target => reach.target(),
        _ => None,
    };
    notes.iter().find_map(|note| {
        let address = own(note.kind).filter(|address| hash(address.as_str().as_bytes()) == note.hash)?;
        let other = world.object(note.other)?;
        let theirs = world.reach(&other);
        let confirmed = match note.kind {
            Kind::Primary => theirs.source.primary() == Some(address),
            _ => theirs.target() == Some(address),
        };
        confirmed.then(|| {
            Finding::new(
                &recipient_rules::ADDRESS_CONFLICT,
                format!(
                    "{} objects claim the address {}; another one is {}",
                    note.objects,
                    address.as_str(),
                    // Its address says nothing here: it is the same.
                    other.dn.clone().unwrap_or_else(|| format!(
                        "at line {} of {}",
                        other.place.line,
                        world.input(other.place)
                    ))
                ),
                "one object for one primary address",
            )
        })
    })
}

/// The same key or certificate at several recipients.
fn shared(
    certificate: &Certificate<'_>,
    notes: &[Note],
    world: &dyn World,
    memory: &mut Memory,
    findings: &mut Vec<Finding>,
) {
    for note in notes {
        let (rule, what, bytes) = match note.kind {
            Kind::PublicKey => (&recipient_rules::SHARED_KEY, "key", certificate.spki()),
            Kind::Certificate => (&recipient_rules::SHARED_CERTIFICATE, "certificate", certificate.der()),
            _ => continue,
        };
        if note.hash != hash(bytes) {
            continue;
        }
        if memory.sharers.len() >= REMEMBERED_OUTCOMES {
            memory.sharers.clear();
        }
        let sharer = memory.sharers.entry((note.kind, note.other)).or_insert_with(|| sharer(note, world));
        if !sharer.0.contains(&sha256(bytes)) {
            continue; // Equal in 128 bits and no more: chance, or somebody's design.
        }
        let (count, who, leads) = (note.objects, &sharer.1, note.leader < note.other);
        let found = if leads {
            format!("{count} recipients have this {what}, this one first; another one is {who}")
        } else {
            format!("{count} recipients have this {what}; the first one is {who}")
        };
        let mut finding = Finding::new(rule, found, format!("a {what} of one's own"));
        finding.listed = leads;
        findings.push(finding);
    }
}

/// What another object has of a kind, and how it is named.
fn sharer(note: &Note, world: &dyn World) -> Sharer {
    let Some(other) = world.object(note.other) else { return (Vec::new(), String::new()) };
    let certificates = extract::certificates(&other);
    let parsed = certificates.iter().filter_map(|der| Certificate::parse(der).ok());
    let hashes = parsed
        .map(|theirs| sha256(if note.kind == Kind::PublicKey { theirs.spki() } else { theirs.der() }))
        .collect();
    (hashes, label(&world.reach(&other), other.dn.as_deref()))
}

fn too_many_values(object: &Object) -> Vec<Finding> {
    [Attribute::UserCertificate, Attribute::UserSmimeCertificate]
        .into_iter()
        .filter_map(|attribute| {
            let held = object.values.iter().filter(|value| value.attribute == attribute).count();
            let beyond = object.beyond.iter().find(|beyond| beyond.attribute == attribute);
            let count = held + beyond.map_or(0, |beyond| usize::try_from(beyond.count).unwrap_or(usize::MAX));
            (count > crate::limits::VALUES_PER_ATTRIBUTE).then(|| {
                Finding::new(
                    &recipient_rules::TOO_MANY_VALUES,
                    format!("{} holds {count} values", attribute.name()),
                    format!("at most {}", crate::limits::VALUES_PER_ATTRIBUTE),
                )
            })
        })
        .collect()
}

fn is_same(left: &Object, right: &Object) -> bool {
    left.place == right.place
}

/// How a person is named in a sentence.
fn label(reach: &Reach, dn: Option<&str>) -> String {
    reach
        .target()
        .map(|address| address.as_str().to_owned())
        .or_else(|| dn.map(str::to_owned))
        .unwrap_or_else(|| "an object without address".into())
}
