//! The state of RFC 5280 section 6.1 behind a prefix of a path.
//!
//! After certificate n-1 the working key, subtrees, policy graph and counters depend on the prefix and
//! on the run's inputs alone, never on the leaf. So a state is computed once for an issuer's path,
//! shared, and a leaf is checked against it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use super::constraints::{Constraints, Refusal};
use super::finding::PathCode;
use super::limits::MAX_POLICIES;
use super::policy::Graph;
use super::pool::{CertId, Entry};
use super::revocation::Trust;
use super::signature::PublicKey;
use super::{Options, Revocation};
use crate::certificate::extensions::{self, KeyUsage, Malformed};
use crate::certificate::key::Hash;
use crate::certificate::name::NameKey;
use crate::certificate::{Certificate, Decoded, DefectCode, GeneralName, UnixTime, lint, oid};

/// A finding before its depth is known: it stands at a certificate counted from the anchor.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) index: usize,
    pub(super) code: PathCode,
    pub(super) found: String,
    pub(super) required: String,
    pub(super) section: &'static str,
}

impl Note {
    pub(super) fn new(
        code: PathCode,
        found: impl Into<String>,
        required: impl Into<String>,
        section: &'static str,
    ) -> Self {
        Self { index: 0, code, found: found.into(), required: required.into(), section }
    }
}

/// Which inputs apply: those of the user at the target's own path, plain ones for the paths of CRL
/// signers (RFC 5280 section 6.3.3 (f) asks for a valid path, not for a purpose or a policy).
#[derive(Clone, Copy)]
pub(super) struct Rules<'o> {
    pub(super) options: &'o Options,
    pub(super) level: u8,
}

impl<'o> Rules<'o> {
    fn own(&self) -> bool {
        self.level == 0
    }

    fn eku(&self) -> Option<&'o [u8]> {
        if self.own() { self.options.required_eku.as_deref() } else { None }
    }

    pub(super) fn initial_policies(&self) -> &'o [Vec<u8>] {
        if self.own() { &self.options.initial_policies } else { &[] }
    }
}

/// See the module.
pub(super) struct State {
    /// Anchor first.
    pub(super) path: Vec<CertId>,
    /// Anchor first.
    pub(super) sha256: Vec<[u8; 32]>,
    pub(super) anchor: usize,
    pub(super) subject: NameKey,
    pub(super) key: Arc<PublicKey>,
    pub(super) spki: [u8; 32],
    pub(super) crl_sign: bool,
    /// keyIdentifier, issuer and serial number of the last certificate.
    identity: (Option<Vec<u8>>, NameKey, Vec<u8>),
    constraints: Constraints,
    broken_constraints: bool,
    graph: Graph,
    explicit: usize,
    mapping: usize,
    inhibit_any: usize,
    max_path: usize,
    intermediates: usize,
    pub(super) notes: Vec<Note>,
    /// Earliest nextUpdate of the full CRLs that were relied on.
    pub(super) fresh_until: Option<UnixTime>,
    /// CRLs whose issuer has this state's subject name, judged once.
    pub(super) own_crls: OnceLock<HashMap<usize, Trust>>,
}

impl State {
    /// The state behind an anchor (section 6.1.2), as the contract wants anchors to count: name
    /// constraints always, pathLen and policies when asked for, dates as a warning.
    pub(super) fn anchor(index: usize, entry: &Entry<'_>, rules: Rules<'_>) -> Self {
        let options = rules.options;
        let own = rules.own();
        let never = usize::MAX;
        let mut state = Self {
            path: vec![CertId::Shared(index)],
            sha256: vec![entry.sha256],
            anchor: index,
            subject: entry.subject.clone(),
            key: Arc::clone(&entry.key),
            spki: entry.spki,
            crl_sign: may_sign_crls(&entry.certificate),
            identity: identity(entry),
            constraints: Constraints::default(),
            broken_constraints: false,
            graph: Graph::new(),
            explicit: if own && options.explicit_policy { 0 } else { never },
            mapping: if own && options.inhibit_policy_mapping { 0 } else { never },
            inhibit_any: if own && options.inhibit_any_policy { 0 } else { never },
            max_path: never,
            intermediates: 0,
            notes: Vec::new(),
            fresh_until: None,
            own_crls: OnceLock::new(),
        };
        let certificate = &entry.certificate;
        state.take_constraints(certificate);
        if options.apply_anchor_constraints {
            if let Some(Some(limit)) = certificate.basic_constraints().value().map(|b| b.path_len) {
                state.max_path = limit as usize;
            }
            if let Some(policies) = certificate.policies().into_value() {
                state.graph = Graph::of_anchor(&policies.iter().map(|p| p.id.0).collect::<Vec<_>>());
            }
            state.take_counters(certificate);
            let (from, until) = (certificate.not_before(), certificate.not_after());
            if options.at < from || options.at > until {
                state.note(
                    0,
                    Note::new(
                        PathCode::AnchorExpired,
                        format!("valid from {from} to {until}"),
                        format!("valid at {}", options.at),
                        "RFC 5280 section 6.1.1 (d)",
                    ),
                );
            }
        }
        state.note_defects(certificate, 0);
        state
    }

    fn note(&mut self, index: usize, note: Note) {
        self.notes.push(Note { index, ..note });
    }

    /// Index of the certificate that comes next, counted from the anchor.
    pub(super) fn next_index(&self) -> usize {
        self.path.len()
    }

    fn take_constraints(&mut self, certificate: &Certificate<'_>) {
        match certificate.name_constraints() {
            Decoded::Present { value, .. } => self.constraints.add(&value),
            Decoded::Absent => {}
            Decoded::Undecodable(_) | Decoded::Duplicated => self.broken_constraints = true,
        }
    }

    /// Section 6.1.4 (i), (j).
    fn take_counters(&mut self, certificate: &Certificate<'_>) {
        if let Some(constraints) = certificate.policy_constraints().value() {
            if let Some(n) = constraints.require_explicit {
                self.explicit = self.explicit.min(n as usize);
            }
            if let Some(n) = constraints.inhibit_mapping {
                self.mapping = self.mapping.min(n as usize);
            }
        }
        if let Some(n) = certificate.inhibit_any_policy().value() {
            self.inhibit_any = self.inhibit_any.min(*n as usize);
        }
    }

    /// Whether the next certificate's authorityKeyIdentifier fits; it is told and decides nothing.
    fn key_identifier(&self, certificate: &Certificate<'_>, notes: &mut Vec<Note>) {
        let (key_id, issuer, serial) = &self.identity;
        let found = match certificate.authority_key_id() {
            Decoded::Absent => return,
            Decoded::Undecodable(e) => e.what,
            Decoded::Duplicated => return,
            Decoded::Present { value, .. } => {
                let other_key = value.key_id.zip(key_id.as_deref()).is_some_and(|(a, b)| a != b);
                let other_serial = value.serial.is_some_and(|s| s != serial.as_slice());
                let other_issuer = value
                    .issuer
                    .iter()
                    .any(|name| matches!(name, GeneralName::Directory(name) if name.key() != *issuer));
                match (other_key, other_serial || other_issuer) {
                    (true, _) => "the identifier of another key".to_owned(),
                    (false, true) => "issuer and serial number of another certificate".to_owned(),
                    (false, false) => return,
                }
            }
        };
        let required = "the identifier of the issuer's key";
        notes.push(Note::new(PathCode::KeyIdMismatch, found, required, "RFC 5280 section 4.2.1.1"));
    }

    /// Section 6.1.3 (b) to (f) for the next certificate; the graph is changed in place.
    fn names_and_policies(
        &self,
        graph: &mut Graph,
        certificate: &Certificate<'_>,
        self_issued: bool,
        last: bool,
        notes: &mut Vec<Note>,
    ) {
        if !self_issued || last {
            if self.broken_constraints {
                notes.push(Note::new(
                    PathCode::NameConstraintUnsupported,
                    "names below a CA whose nameConstraints cannot be read",
                    "nameConstraints that can be read",
                    "RFC 5280 section 4.2.1.10",
                ));
            }
            notes.extend(self.constraints.check(certificate).into_iter().map(|refusal| match refusal {
                Refusal::Violated { found, required } => {
                    Note::new(PathCode::NameConstraint, found, required, "RFC 5280 section 6.1.3 (b), (c)")
                }
                Refusal::Unsupported { found, required } => Note::new(
                    PathCode::NameConstraintUnsupported,
                    found,
                    required,
                    "RFC 5280 section 4.2.1.10",
                ),
                Refusal::Budget => Note::new(
                    PathCode::Budget,
                    "more names and constraints than are compared",
                    format!("at most {} comparisons", super::limits::MAX_NAME_COMPARISONS),
                    "RFC 4158 section 2.4",
                ),
            }));
        }
        if !graph.is_null() {
            let any_allowed = self.inhibit_any > 0 || (self_issued && !last);
            match certificate.policies().into_value() {
                Some(policies) if policies.len() > MAX_POLICIES => {
                    graph.step(None, false);
                    notes.push(Note::new(
                        PathCode::Budget,
                        format!("{} policies", policies.len()),
                        format!("at most {MAX_POLICIES}"),
                        "RFC 9618 section 3",
                    ));
                }
                Some(policies) => {
                    graph.step(Some(&policies.iter().map(|p| p.id.0).collect::<Vec<_>>()), any_allowed);
                }
                None => graph.step(None, false),
            }
        }
        if self.explicit == 0 && graph.is_null() {
            notes.push(Note::new(
                PathCode::PolicyRequired,
                "no policy that is valid along the path",
                "an acceptable policy",
                "RFC 5280 section 6.1.3 (f)",
            ));
        }
    }

    /// Appends a CA certificate: sections 6.1.3 and 6.1.4. Its signature has been checked; what is
    /// wrong is noted and the state goes on, so that everything is found.
    pub(super) fn extend(
        &self,
        id: CertId,
        entry: &Entry<'_>,
        rules: Rules<'_>,
        revocation: (Vec<Note>, Option<UnixTime>),
    ) -> Self {
        let index = self.next_index();
        let certificate = &entry.certificate;
        let mut notes = facts(certificate, rules);
        let mut graph = self.graph.clone();
        self.names_and_policies(&mut graph, certificate, entry.self_issued, false, &mut notes);
        self.key_identifier(certificate, &mut notes);
        notes.extend(revocation.0);
        // 6.1.4 (a), (b)
        let mappings = certificate.policy_mappings().into_value().unwrap_or_default();
        let pairs: Vec<(&[u8], &[u8])> = mappings.iter().map(|(a, b)| (a.0, b.0)).collect();
        if pairs.iter().any(|(a, b)| *a == oid::ANY_POLICY || *b == oid::ANY_POLICY) {
            let required = "no mapping to or from anyPolicy";
            let section = "RFC 5280 section 6.1.4 (a)";
            notes.push(Note::new(PathCode::PolicyMapping, "a mapping of anyPolicy", required, section));
        }
        if pairs.len() > MAX_POLICIES {
            let found = format!("{} policy mappings", pairs.len());
            let required = format!("at most {MAX_POLICIES}");
            notes.push(Note::new(PathCode::Budget, found, required, "RFC 9618 section 3"));
            graph.step(None, false);
        }
        graph.map(&pairs, self.mapping > 0);
        let less = |n: usize| if entry.self_issued || n == usize::MAX { n } else { n.saturating_sub(1) };
        // 6.1.4 (k), (l), (m), (n)
        let constraints = certificate.basic_constraints().into_value();
        if !constraints.is_some_and(|b| b.ca) {
            notes.push(Note::new(
                PathCode::NotACa,
                match (certificate.version(), constraints) {
                    (1 | 2, _) => format!("a version {} certificate", certificate.version()),
                    (_, None) => "no basicConstraints".to_owned(),
                    (_, Some(_)) => "basicConstraints without cA".to_owned(),
                },
                "basicConstraints with cA",
                "RFC 5280 section 6.1.4 (k)",
            ));
        }
        let mut max_path = self.max_path;
        if !entry.self_issued {
            if max_path == 0 {
                notes.push(Note::new(
                    PathCode::PathLen,
                    "a CA certificate more",
                    "no further CA certificate, by the pathLenConstraint above it",
                    "RFC 5280 section 6.1.4 (l)",
                ));
            }
            max_path = less(max_path);
        }
        if let Some(limit) = constraints.and_then(|b| b.path_len) {
            max_path = max_path.min(limit as usize);
        }
        if let Some(usage) = certificate.key_usage().value()
            && !usage.has(KeyUsage::KEY_CERT_SIGN)
        {
            let found = format!("keyUsage {}", usage.names().join(", "));
            let section = "RFC 5280 section 6.1.4 (n)";
            notes.push(Note::new(PathCode::KeyUsage, found, "keyCertSign", section));
        }
        let intermediates = self.intermediates + usize::from(!entry.self_issued);
        if rules.own()
            && let Some(limit) = rules.options.max_depth
            && intermediates > limit
        {
            let found = format!("{intermediates} intermediates");
            let required = format!("at most {limit}");
            notes.push(Note::new(PathCode::MaxDepth, found, required, "RFC 5280 section 6.1"));
        }
        let mut all = self.notes.clone();
        all.extend(notes.into_iter().map(|note| Note { index, ..note }));
        let mut next = Self {
            path: [self.path.as_slice(), &[id]].concat(),
            sha256: [self.sha256.as_slice(), &[entry.sha256]].concat(),
            anchor: self.anchor,
            subject: entry.subject.clone(),
            key: Arc::clone(&entry.key),
            spki: entry.spki,
            crl_sign: may_sign_crls(certificate),
            identity: identity(entry),
            constraints: self.constraints.clone(),
            broken_constraints: self.broken_constraints,
            graph,
            explicit: less(self.explicit),
            mapping: less(self.mapping),
            inhibit_any: less(self.inhibit_any),
            max_path,
            intermediates,
            notes: all,
            fresh_until: earlier(self.fresh_until, revocation.1),
            own_crls: OnceLock::new(),
        };
        next.take_constraints(certificate);
        next.take_counters(certificate);
        next.note_defects(certificate, index);
        next
    }

    fn note_defects(&mut self, certificate: &Certificate<'_>, index: usize) {
        // What the path itself judges is told by the path, but for the anchor, of which nothing is.
        let judged = |code| {
            index > 0
                && matches!(
                    code,
                    DefectCode::AlgorithmMismatch
                        | DefectCode::NotDer
                        | DefectCode::VersionMismatch
                        | DefectCode::DuplicateExtension
                        | DefectCode::UnknownCriticalExtension
                        | DefectCode::UndecodableExtension
                )
        };
        let defects: Vec<_> = certificate.defects().iter().filter(|d| !judged(d.code)).collect();
        if let Some(first) = defects.first() {
            self.note(
                index,
                Note::new(
                    PathCode::IssuerDefect,
                    format!("{}: {} ({} in all)", first.code.as_str(), first.found, defects.len()),
                    first.required,
                    first.section,
                ),
            );
        }
    }

    /// The last certificate against this state: sections 6.1.3 and 6.1.5. Returns what is wrong and
    /// the user-constrained policy set.
    pub(super) fn finish(&self, target: &Certificate<'_>, rules: Rules<'_>) -> (Vec<Note>, Vec<Vec<u8>>) {
        let mut notes = Vec::new();
        let mut graph = self.graph.clone();
        self.names_and_policies(&mut graph, target, false, true, &mut notes);
        self.key_identifier(target, &mut notes);
        // 6.1.5 (a), (b)
        let mut explicit = self.explicit.saturating_sub(usize::from(self.explicit != usize::MAX));
        if target.policy_constraints().value().and_then(|c| c.require_explicit) == Some(0) {
            explicit = 0;
        }
        let policies =
            if graph.is_null() { Vec::new() } else { graph.user_constrained(rules.initial_policies()) };
        if explicit == 0 && policies.is_empty() && !notes.iter().any(|n| n.code == PathCode::PolicyRequired) {
            notes.push(Note::new(
                PathCode::PolicyRequired,
                "no policy that is valid along the path and was asked for",
                "an acceptable policy",
                "RFC 5280 section 6.1.5 (g)",
            ));
        }
        (notes, policies)
    }
}

fn identity(entry: &Entry<'_>) -> (Option<Vec<u8>>, NameKey, Vec<u8>) {
    (entry.key_id.map(<[u8]>::to_vec), entry.issuer.clone(), entry.certificate.serial().to_vec())
}

pub(super) fn earlier(a: Option<UnixTime>, b: Option<UnixTime>) -> Option<UnixTime> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Whether keyUsage lets the key sign CRLs (RFC 5280 section 6.3.3 (f)).
pub(super) fn may_sign_crls(certificate: &Certificate<'_>) -> bool {
    match certificate.key_usage() {
        Decoded::Absent => true,
        Decoded::Present { value, .. } => value.has(KeyUsage::CRL_SIGN),
        Decoded::Undecodable(_) | Decoded::Duplicated => false,
    }
}

/// What is wrong with a certificate of a path whatever stands above it.
pub(super) fn facts(certificate: &Certificate<'_>, rules: Rules<'_>) -> Vec<Note> {
    let options = rules.options;
    let mut notes = Vec::new();
    if options.at > certificate.not_after() {
        notes.push(Note::new(
            PathCode::Expired,
            format!("valid until {}", certificate.not_after()),
            format!("valid at {}", options.at),
            "RFC 5280 section 6.1.3 (a)(2)",
        ));
    }
    if options.at < certificate.not_before() {
        notes.push(Note::new(
            PathCode::NotYetValid,
            format!("valid from {}", certificate.not_before()),
            format!("valid at {}", options.at),
            "RFC 5280 section 6.1.3 (a)(2)",
        ));
    }
    let (inner, outer) = (certificate.inner_signature_algorithm(), certificate.signature_algorithm());
    if inner != outer {
        notes.push(Note::new(
            PathCode::AlgorithmMismatch,
            format!("{} inside, {} outside", inner.name(), outer.name()),
            "the same algorithm in both places",
            "RFC 5280 section 4.1.1.2",
        ));
    }
    if outer.hash() == Some(Hash::Sha1) {
        notes.push(Note::new(
            PathCode::Sha1Signature,
            outer.name(),
            "SHA-256 or better",
            "RFC 6194 section 3.1",
        ));
    }
    structure(certificate, &mut notes);
    extensions_of(certificate, rules, &mut notes);
    notes
}

fn structure(certificate: &Certificate<'_>, notes: &mut Vec<Note>) {
    let version = certificate.version();
    if !(1..=3).contains(&version) || (certificate.has_extensions_field() && version != 3) {
        let found = if certificate.has_extensions_field() { "with extensions" } else { "without extensions" };
        notes.push(Note::new(
            PathCode::VersionMismatch,
            format!("version {version} {found}"),
            "version 3 where there are extensions",
            "RFC 5280 section 4.1.2.1",
        ));
    }
    let der = match certificate.leftover() {
        Some(at) => Some((at, "an element too many".to_owned())),
        None => certificate.check_der().err().map(|e| (e.offset, e.what)),
    };
    let name = [certificate.issuer(), certificate.subject()].into_iter().find(|name| !name.is_well_formed());
    let der = der.or_else(|| {
        let unreadable = certificate.key().oid.0.is_empty();
        unreadable.then(|| (certificate.offset_of(certificate.spki()), "an unreadable key".to_owned()))
    });
    let der =
        der.or_else(|| name.map(|name| (certificate.offset_of(name.raw()), "an unreadable name".to_owned())));
    if let Some((at, what)) = der {
        notes.push(Note::new(
            PathCode::NotDer,
            format!("at byte {at}: {what}"),
            "DER",
            "RFC 5280 section 4.1",
        ));
    }
    if let Some(twice) = certificate.duplicate_extension() {
        let section = "RFC 5280 section 4.2";
        notes.push(Note::new(PathCode::DuplicateExtension, twice.id.name(), "one of a kind", section));
    }
}

fn extensions_of(certificate: &Certificate<'_>, rules: Rules<'_>, notes: &mut Vec<Note>) {
    if let Some(e) = certificate.broken_extension() {
        let required = "extensions that can be read to the end";
        notes.push(Note::new(PathCode::ExtensionMalformed, e.to_string(), required, "RFC 5280 section 4.2"));
    }
    // What an empty one of these means is left open (RFC 5280 sections 4.2.1.10 and 4.2.1.11).
    let empty = || Malformed::new(0, "an empty sequence");
    for extension in certificate.extensions() {
        let value = extension.value;
        let read = match extension.id.0 {
            oid::BASIC_CONSTRAINTS => extensions::basic_constraints(value).err(),
            oid::KEY_USAGE => extensions::key_usage(value).err(),
            oid::SUBJECT_ALT_NAME => extensions::general_names(value).err(),
            oid::NAME_CONSTRAINTS => match extensions::name_constraints(value) {
                Ok(all) if all.permitted.is_empty() && all.excluded.is_empty() => Some(empty()),
                read => read.err(),
            },
            oid::CERTIFICATE_POLICIES => match extensions::policies(value) {
                Ok(all) => {
                    if extension.critical && all.iter().any(|p| !lint::known_qualifiers(p.qualifiers)) {
                        let found = "a policy qualifier that is not known, in a critical extension";
                        let required = "a CPS pointer or a user notice";
                        let section = "RFC 5280 section 4.2.1.4";
                        notes.push(Note::new(PathCode::UnknownCritical, found, required, section));
                    }
                    let mut seen = HashSet::new();
                    let twice = all.iter().find(|policy| !seen.insert(policy.id));
                    twice.map(|policy| Malformed::new(0, format!("the policy {} stands twice", policy.id)))
                }
                Err(e) => Some(e),
            },
            oid::POLICY_MAPPINGS => extensions::policy_mappings(value).err(),
            oid::POLICY_CONSTRAINTS => match extensions::policy_constraints(value) {
                Ok(both) if both.require_explicit.is_none() && both.inhibit_mapping.is_none() => {
                    Some(empty())
                }
                read => read.err(),
            },
            oid::INHIBIT_ANY_POLICY => extensions::inhibit_any_policy(value).err(),
            oid::CRL_DISTRIBUTION_POINTS if rules.options.revocation != Revocation::Off => {
                extensions::distribution_points(value).err()
            }
            oid::EXT_KEY_USAGE => match extensions::extended_key_usage(value) {
                Ok(purposes) => {
                    if let Some(required) = rules.eku()
                        && !purposes.iter().any(|p| p.0 == required || p.0 == oid::ANY_EXTENDED_KEY_USAGE)
                    {
                        let found = purposes.iter().map(oid::Oid::name).collect::<Vec<_>>().join(", ");
                        let section = "RFC 5280 section 4.2.1.12";
                        let required = oid::Oid(required).name();
                        notes.push(Note::new(PathCode::ExtendedKeyUsage, found, required, section));
                    }
                    None
                }
                Err(e) => Some(e),
            },
            _ if extension.critical && !extensions::is_processed(extension.id) => {
                let required = "an extension that is processed, or one that is not critical";
                let section = "RFC 5280 section 4.2";
                notes.push(Note::new(PathCode::UnknownCritical, extension.id.name(), required, section));
                None
            }
            _ => None,
        };
        if let Some(e) = read {
            notes.push(Note::new(
                PathCode::ExtensionMalformed,
                format!("{}: {}", extension.id.name(), e.what),
                "the syntax of the extension",
                "RFC 5280 section 4.2",
            ));
        }
    }
}
