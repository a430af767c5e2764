//! Judging: from an object's values to candidates with findings, verdicts and decisions.
//!
//! Checks are ordered by price. First every value is opened, since one that cannot be read makes its
//! attribute incomplete. Then the cheap rules run, which need only the parsed certificate. Only what
//! they leave is worth a path, unless every signature was asked for. Selection decides at the end,
//! over the recipient as a whole.

mod about;
mod counts;
mod links;
mod memory;
mod parsed;
mod shared;
mod sheet;

use std::rc::Rc;
use std::sync::Arc;

use crate::bundle::directory::Change;
use crate::bundle::model::{
    Attribute, Decision, FindingLine, PayloadLine, Recipient, RecipientKind, Severity, Target, ValueChange,
    Verdict,
};
use crate::census::keys::Note;
use crate::certificate::Certificate;
use crate::certificate::UnixTime;
use crate::certificate::address::Address;
use crate::certificate::container::Form;
use crate::directory::{self, DirectoryObject};
use crate::encoding::sha256;
use crate::extract::{self, Opened};
use crate::limits::DAY;
use crate::object::{Object, Place};
use crate::path::finding::{PathCode, PathFinding};
use crate::path::{Engine, Outcome, Revocation};
use crate::policy::{InForce, Policy, Publish, Word};
use crate::recipient::{self, Reach};
use crate::rules::usage::Abilities;
use crate::rules::{
    self, Finding, address as address_rules, path as path_rules, policy as policy_rules, run as run_rules,
    value as value_rules,
};
use crate::select::{Choice, Goal, select};
use crate::trust::Link;
use about::About;
pub use counts::Counts;
pub use memory::Memory;
use parsed::{Parsed, SecondReader, is_one};
pub use shared::{Sharer, Sharers};
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
    /// What the organisation decided.
    pub policy: InForce,
    /// Where the result is applied.
    pub targets: Vec<Target>,
}

/// For whom a path is asked: what decides which anchors count.
#[derive(Clone, Copy)]
struct For<'a> {
    domain: Option<&'a str>,
    kind: RecipientKind,
}

/// What a recipient can ask about the rest of the run.
pub trait World {
    /// The object that begins with this record, read again; `None` when it cannot be read, which ends the run.
    fn object(&self, leader: u32) -> Option<Arc<Object>>;
    /// First records of the objects that own an address.
    fn owners(&self, address: &Address) -> Vec<u32>;
    /// The addresses under which an object is known.
    fn reach(&self, object: &Object) -> Reach;
    /// What objects have that others share, as far as that is known.
    fn sharers(&self) -> &Sharers;
    /// How outputs name an input.
    fn input(&self, place: Place) -> String;
}

/// A recipient, judged.
pub struct Judged {
    /// For the manifest, number and payload place open.
    pub recipient: Recipient,
    /// For the payload, number open.
    pub payload: Option<PayloadLine>,
    /// For the change of the directory.
    pub change: Option<Change>,
    /// For findings.ndjson.
    pub findings: Vec<FindingLine>,
    /// What the run counts.
    pub counts: Counts,
    /// Published certificates whose CRL cannot be reached from outside: issuer and place named.
    pub internal_crl: Vec<(String, String)>,
    /// Authorities that the published certificates rest on, each once.
    pub links: Vec<Link>,
    /// Inputs in which its unreadable values stood.
    pub unreadable_in: Vec<u32>,
    /// Earliest nextUpdate of a CRL that a published certificate's path relied on.
    pub revocation_fresh_until: Option<UnixTime>,
    /// Attributes that are not known whole.
    pub incomplete: Vec<Attribute>,
    /// It is not certain who the recipient is: another object claims the address, or maps disagree.
    pub doubtful: bool,
}

/// A value on its way: opened, perhaps parsed, with what was found.
struct Draft<'a> {
    value: &'a crate::object::Value,
    opened: &'a Opened<'a>,
    bytes: &'a [u8],
    index: u64,
    form: Form,
    certificate: Option<&'a Certificate<'a>>,
    others: Vec<&'a Certificate<'a>>,
    /// Every certificate beside its own one could be read.
    whole: bool,
    /// The certificate itself stands in a CRL.
    revoked: bool,
    /// Its end is the only thing that speaks against it.
    obsolete: bool,
    value_sha256: [u8; 32],
    abilities: Abilities,
    findings: Vec<Finding>,
    verdict: Verdict,
    chain: Vec<[u8; 32]>,
    /// Valid paths of the signing certificates beside it.
    signers: Vec<Vec<[u8; 32]>>,
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
        world.sharers().keep(object, &reach, notes);
        let about = About::of(object, &reach, notes, world);
        // Without trust anchors nothing is published, and nothing is changed.
        let changes =
            self.targets.contains(&Target::ActiveDirectory) && !matches!(self.paths, Paths::Missing);
        let directory = changes.then(|| DirectoryObject::of(object));
        let address = reach.target_text().unwrap_or_default();
        let out_of_reach = directory.as_ref().and_then(|it| it.out_of_reach(address, &self.targets));

        let bears = |der: &[u8]| {
            Certificate::parse(der).is_ok_and(|certificate| {
                address_rules::addresses(&certificate).iter().any(|address| reach.owns(address))
            })
        };
        let opened: Vec<Opened<'_>> =
            object.values.iter().map(|value| extract::open(value, &bears)).collect();
        let parsed = Parsed::all(&opened);
        let mut drafts = self.drafts(object, &opened, &parsed, &mut sheet);
        object.beyond.iter().for_each(|beyond| sheet.beyond(beyond, &self.policy));

        self.cheap_rules(&mut drafts, object, &reach, notes, world);
        let whom = For { domain: reach.target().map(Address::domain), kind };
        let mut second_reader = SecondReader::default();
        for draft in &mut drafts {
            draft.findings.extend(about.for_candidates.iter().cloned());
            let nowhere = out_of_reach.iter().filter(|it| it.withholds() && draft.value.from_file);
            draft.findings.extend(nowhere.cloned());
            for (attribute, why) in &sheet.incomplete {
                if draft.value.attribute == *attribute {
                    draft.findings.push(Finding::new(
                        &value_rules::ATTRIBUTE_INCOMPLETE,
                        format!("{} could not be read whole: {why}", attribute.name()),
                        "every value of the attribute, since a payload replaces the whole set",
                    ));
                }
            }
            self.policy.settle_candidate(&mut draft.findings, draft.certificate);
            self.statement(draft);
            let expired = directory::has_only_expired(&draft.findings);
            self.path(draft, object, whom, memory);
            draft.obsolete = directory.is_some() && self.is_obsolete(draft, expired);
            if let (Some(certificate), false) =
                (draft.certificate, draft.findings.iter().any(Finding::withholds))
            {
                second_reader.check(certificate, &mut draft.findings);
            }
            self.policy.settle_candidate(&mut draft.findings, draft.certificate);
        }

        let mut choices: Vec<Choice<'_>> =
            drafts.iter_mut().map(|draft| self.choice(draft, &reach)).collect();
        let room = directory.as_ref().map_or([usize::MAX; 2], |directory| directory.prepare(&mut choices));
        let address = reach.target_text();
        let goal = Goal { address, kind, targets: &self.targets, room, policy: self.rules(), at: self.at };
        let mut selection = select(&mut choices, &goal);
        let change = directory.as_ref().and_then(|directory| directory.finish(&mut choices));
        let doubtful = !about.for_candidates.is_empty();
        let mut recipient_findings = about.for_recipient;
        recipient_findings.append(&mut selection.findings);
        recipient_findings.extend(directory::too_many_values(object, directory.as_ref(), &choices));
        if drafts.iter().any(|draft| draft.value.from_file || draft.obsolete) {
            recipient_findings.extend(out_of_reach);
        }
        recipient_findings.iter_mut().for_each(|finding| self.policy.settle(finding));
        let decided: Vec<(Decision, Option<ValueChange>, Vec<Finding>)> =
            choices.into_iter().map(|choice| (choice.decision, choice.change, choice.findings)).collect();
        for (draft, (decision, change, findings)) in drafts.iter_mut().zip(decided) {
            draft.findings = findings;
            self.policy.settle_candidate(&mut draft.findings, draft.certificate);
            if decision == Decision::Publish {
                self.links(draft, object, &mut sheet.links);
            }
            sheet.candidate(draft, decision, change, self.reason(draft, decision, change), memory);
        }
        let judged = sheet.close(
            recipient::identity(object, &reach),
            (kind, kind_reason),
            selection.coverage,
            (selection.payload, change),
            &recipient_findings,
            selection.encryptable_until.map(|until| self.lapses(until)).unwrap_or_default(),
        );
        Judged { doubtful, ..judged }
    }

    /// The policy itself.
    #[must_use]
    pub fn rules(&self) -> &Policy {
        self.policy.policy()
    }

    /// Whether a missing CRL withholds.
    fn hard(&self) -> bool {
        self.rules().revocation == Revocation::Hard
    }

    fn lapses(&self, until: i64) -> bool {
        until < self.at.0.saturating_add(self.rules().limits.days_to_next_run.saturating_mul(DAY))
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
        let mut indices: Vec<(Attribute, u64)> = Vec::with_capacity(2);
        for ((value, opened), parsed) in object.values.iter().zip(opened).zip(parsed) {
            let index = match indices.iter_mut().find(|(attribute, _)| *attribute == value.attribute) {
                Some((_, last)) => {
                    *last += 1;
                    *last
                }
                None => {
                    indices.push((value.attribute, 0));
                    0
                }
            };
            let (bytes, form) = match (opened, &parsed.unreadable) {
                (Opened::Unreadable { rule, found, expected }, _) => {
                    let mut finding = Finding::new(rule, found.clone(), expected.clone());
                    self.policy.settle(&mut finding);
                    sheet.unreadable(value, index, &finding);
                    continue;
                }
                (Opened::Readable { .. }, Some(found)) => {
                    let expected = "a certificate (RFC 5280 section 4.1)";
                    let mut finding = Finding::new(&value_rules::UNREADABLE_VALUE, found.clone(), expected);
                    self.policy.settle(&mut finding);
                    sheet.unreadable(value, index, &finding);
                    continue;
                }
                (Opened::Readable { bytes, form, .. }, None) => (*bytes, *form),
            };
            let mine = parsed.own.as_ref();
            // The same certificate in both attributes is one, and what is found out about it is found out once.
            let known = || drafts.iter().filter_map(|draft| draft.certificate);
            let certificate = mine.map(|mine| known().find(|known| is_one(known, mine)).unwrap_or(mine));
            // As a rule the value is the certificate, and is hashed once.
            let value_sha256 = match certificate {
                Some(whole) if form == Form::Certificate && whole.der().len() == bytes.len() => {
                    whole.sha256()
                }
                _ => sha256(bytes),
            };
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
            drafts.push(Draft {
                value,
                opened,
                bytes,
                index,
                form,
                certificate,
                others: parsed.others.iter().collect(),
                whole: parsed.whole,
                revoked: false,
                obsolete: false,
                value_sha256,
                abilities: certificate.map(|c| Abilities::of(c, &self.rules().usage)).unwrap_or_default(),
                findings,
                verdict: Verdict::NotChecked,
                chain: Vec::new(),
                signers: Vec::new(),
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
    ) {
        let policy = self.rules();
        // What was found out about certificates by themselves: both attributes mostly hold the same.
        let mut known: Vec<(&Certificate<'_>, Vec<Finding>)> = Vec::with_capacity(drafts.len());
        for draft in drafts {
            if !policy.attributes.contains(&draft.value.attribute) {
                draft.findings.push(Finding::new(
                    &policy_rules::ATTRIBUTE_NOT_TAKEN,
                    format!("the policy does not take {}", draft.value.attribute.name()),
                    "",
                ));
            }
            rules::value::check_size(draft.bytes, &policy.limits, &mut draft.findings);
            rules::value::check_form(draft.value.attribute, draft.form, &mut draft.findings);
            let Some(certificate) = draft.certificate else { continue };
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
            match known.iter().find(|(known, _)| std::ptr::eq(*known, certificate)) {
                Some((_, found)) => draft.findings.extend_from_slice(found),
                None => {
                    let mut found = Vec::new();
                    rules::structure::check(certificate, &mut found);
                    rules::validity::check(certificate, self.at, policy, &mut found);
                    rules::usage::check(certificate, &policy.usage, &mut found);
                    rules::key::check(certificate, &policy.limits, &mut found);
                    rules::address::check(certificate, reach, policy.aliases, &owners, &mut found);
                    draft.findings.extend_from_slice(&found);
                    known.push((certificate, found));
                }
            }
            self.policy.settle_candidate(&mut draft.findings, draft.certificate);
            soften_not_for_mail(&mut draft.findings);
            world.sharers().check(certificate, notes, world, &mut draft.findings);
            let signing = draft.others.iter().filter(|other| !other.is_ca());
            for other in signing {
                let mut found = Vec::new();
                rules::validity::check(other, self.at, policy, &mut found);
                rules::key::check(other, &policy.limits, &mut found);
                rules::structure::check(other, &mut found);
                found.iter_mut().for_each(|finding| self.policy.settle(finding));
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

    /// Checks the signatures over the value where it may be published, or where the policy decides by what is found.
    fn statement(&self, draft: &mut Draft<'_>) {
        let withheld = draft.findings.iter().any(Finding::withholds);
        let named = || rules::value::STATEMENTS.into_iter().any(|rule| self.policy.names(rule));
        if withheld && !self.thorough && !named() {
            return;
        }
        let before = draft.findings.len();
        let found = draft.opened.check_statement(&mut draft.findings);
        if found.is_empty() {
            return;
        }
        let told = before + found.len();
        self.policy.settle_candidate(&mut draft.findings, draft.certificate);
        if draft.findings.iter().any(is_not_for_mail) {
            // These, and behind all others the exceptions that accept them.
            for (at, finding) in draft.findings.iter_mut().enumerate() {
                if found.contains(&at) || at >= told {
                    finding.severity = Severity::Info;
                }
            }
        }
    }

    /// Verifies the path where it is worth it.
    fn path(&self, draft: &mut Draft<'_>, object: &Object, whom: For<'_>, memory: &mut Memory) {
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
        let (outcome, outside) = self.outcome_for(engine, certificate, &extra, whom, memory);
        draft.verdict = path_rules::verdict(outcome.verdict);
        draft.chain.clone_from(&outcome.chain);
        draft.fresh_until = outcome.fresh_until;
        let revoked = |found: &PathFinding| found.depth == 0 && found.code == PathCode::Revoked;
        draft.revoked = outcome.findings.iter().any(revoked);
        path_rules::merge(&outcome.findings, self.hard(), &mut draft.findings);
        draft.findings.extend(outside);
        for other in draft.others.iter().filter(|other| !other.is_ca()) {
            let (outcome, outside) = self.outcome_for(engine, other, &extra, whom, memory);
            let already = draft.findings.iter().any(|f| f.rule == &value_rules::SIGNING_CERTIFICATE_REFUSED);
            let good = path_rules::verdict(outcome.verdict) == Verdict::Valid && outside.is_none();
            if good {
                draft.signers.push(outcome.chain.clone());
            } else if !already {
                let findings = outcome.findings.iter().map(|found| path_rules::finding(found, self.hard()));
                let why = findings.chain(outside).find(Finding::withholds);
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

    /// Whether the change of the directory may delete the value, in which only `expired` withholds without a path.
    fn is_obsolete(&self, draft: &Draft<'_>, expired: bool) -> bool {
        let ended = expired || draft.revoked && directory::has_only_been_revoked(&draft.findings);
        let spent = |own| directory::is_spent(own, &draft.others, self.at);
        ended && draft.whole && draft.certificate.is_some_and(spent)
    }

    /// The path by the anchors that count for somebody, and what is to be told when there is one by others
    /// only.
    fn outcome_for(
        &self,
        engine: &Engine<'_>,
        certificate: &Certificate<'_>,
        extra: &[&Certificate<'_>],
        whom: For<'_>,
        memory: &mut Memory,
    ) -> (Rc<Outcome>, Option<Finding>) {
        let outcome = memory.outcome(engine, certificate, extra);
        let counts = |anchor: &[u8; 32]| self.policy.counts(anchor, whom.domain, Some(whom.kind));
        let (outcome, outside) = path_rules::paired(outcome, &self.policy, &counts, || {
            let others: Vec<Certificate<'_>> = extra.iter().map(|other| (*other).clone()).collect();
            engine.validate_under(certificate, &others, &counts)
        });
        let outside = outside.map(|anchor| {
            let who = format!("{}, {}", whom.domain.unwrap_or("no address"), whom.kind.word());
            path_rules::not_for_domain(engine, &anchor, &self.policy, &who)
        });
        (outcome, outside)
    }

    fn choice<'a>(&self, draft: &mut Draft<'a>, reach: &Reach) -> Choice<'a> {
        let path_allows = match self.paths {
            Paths::Verified(_) => draft.verdict == Verdict::Valid,
            Paths::Unverified => true,
            Paths::Missing => false,
        };
        Choice {
            attribute: draft.value.attribute,
            bytes: draft.bytes,
            abilities: draft.abilities,
            not_before: draft.certificate.map_or(i64::MIN, |certificate| certificate.not_before().0),
            not_after: draft.certificate.map_or(i64::MIN, |certificate| certificate.not_after().0),
            own: match (self.rules().publish, draft.certificate) {
                (Publish::Newest, Some(certificate)) => {
                    let borne = address_rules::addresses(certificate).into_iter();
                    borne.filter(|address| reach.owns(address)).collect()
                }
                _ => Vec::new(),
            },
            value_sha256: draft.value_sha256,
            findings: std::mem::take(&mut draft.findings),
            // A container without a certificate of the user never is anything to publish.
            path_allows: path_allows && draft.certificate.is_some(),
            obsolete: draft.obsolete,
            ..Choice::default()
        }
    }

    /// Why, in one plain sentence.
    fn reason(&self, draft: &Draft<'_>, decision: Decision, change: Option<ValueChange>) -> String {
        let then = match change {
            Some(ValueChange::Delete) => "; the change of the directory deletes it",
            Some(ValueChange::Add) => "; the change of the directory adds it",
            None => "",
        };
        if decision == Decision::Withhold {
            let withholding = draft.findings.iter().filter(|finding| finding.withholds());
            let cause = withholding.max_by_key(|finding| (plainness(finding), finding.severity));
            return match (cause, &self.paths) {
                (Some(finding), _) => match &finding.ruling {
                    Some(ruling) => format!("Withheld: {}; {}{then}.", finding.found, ruling.clause),
                    None => format!("Withheld: {}{then}.", finding.found),
                },
                (None, Paths::Missing) => {
                    "Withheld: no trust anchors were given, so its path could not be verified.".into()
                }
                (None, _) => "Withheld: its path could not be verified.".into(),
            };
        }
        let until = draft.certificate.map(|c| c.not_after().to_rfc3339()).unwrap_or_default();
        let use_for = match draft.abilities {
            Abilities { encrypt: true, sign: true } => "can be encrypted to and can sign",
            Abilities { encrypt: true, sign: false } => "can be encrypted to",
            _ => "can sign, but cannot be encrypted to",
        };
        let softened = |finding: &&Finding| finding.ruling.as_ref().is_some_and(|ruling| ruling.softens);
        let softened: Vec<&str> = draft.findings.iter().filter(softened).map(|f| f.rule.code).collect();
        let spite = match softened.as_slice() {
            [] => String::new(),
            codes => format!("; in spite of {}, which the policy accepts", codes.join(" and ")),
        };
        match self.paths {
            Paths::Verified(_) => {
                format!("Published: its path is valid, it {use_for}, until {until}{spite}{then}.")
            }
            _ => {
                format!(
                    "Published UNVERIFIED, its path was not checked: it {use_for}, until {until}{spite}{then}."
                )
            }
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
    if findings.iter().any(is_not_for_mail) {
        // How loud the rule itself is, the policy says.
        for finding in findings.iter_mut().filter(|finding| !is_not_for_mail(finding)) {
            finding.severity = Severity::Info;
        }
    }
}

fn is_not_for_mail(finding: &Finding) -> bool {
    finding.rule == &rules::usage::NOT_FOR_MAIL
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
