//! Certification paths: RFC 5280 section 6, complete, explained and bounded.
//!
//! The engine answers one question: is there a chain from this certificate to an anchor that somebody
//! trusts, on which every check passes at a given instant? It reads no clock, no file and no network.
//! It says one of three things ([`Verdict`]), and it says why: all findings, with the certificate they
//! concern, what was found and what was required. The verdict is computed from the findings by one
//! table ([`finding::verdict`]).
//!
//! ```
//! use certferry::certificate::{Certificate, UnixTime};
//! use certferry::path::{Engine, Options, Revocation};
//!
//! # fn f(root: &[u8], ca: &[u8], crl: &[u8], user: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let options = Options { revocation: Revocation::Hard, ..Options::smime(UnixTime::from_rfc3339("2026-11-24T00:00:00Z")?) };
//! let (engine, problems) =
//!     Engine::new(vec![Certificate::parse(root)?], vec![Certificate::parse(ca)?], &[crl], options);
//! assert!(problems.is_empty(), "CRLs that cannot be read count as missing");
//! let outcome = engine.validate(&Certificate::parse(user)?, &[]);
//! println!("{:?}", outcome.verdict);
//! for finding in &outcome.findings {
//!     println!("{}: {finding}", finding.code.as_str());
//! }
//! # Ok(()) }
//! ```
//!
//! # How it is fast
//! The state of path processing behind an issuer depends on the issuer's path alone. It is computed
//! once ([`Engine`] keeps it with the issuer) and shared between threads; a certificate then costs its
//! own signature, its own checks, and look-ups in indexed CRLs.
//!
//! # What it refuses to guess
//! An extension that path processing depends on and that cannot be decoded, a critical one that is
//! not known, a constrained name form that cannot be compared: never valid. An algorithm that cannot
//! be verified, a budget that ran out: not verified, never "bad". No result depends on the order of
//! inputs, on threads, or on what a cache holds.

mod constraints;
pub mod crl;
pub mod finding;
pub mod limits;
mod policy;
mod pool;
mod revocation;
mod search;
pub mod signature;
mod state;

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::{Arc, RwLock};

pub use finding::{Effect, PathCode, PathCodeInfo, PathFinding, Severity, Verdict};

use crate::certificate::extensions::Malformed;
use crate::certificate::name::NameKey;
use crate::certificate::{Certificate, UnixTime, oid};
use crl::Crl;
use limits::{MAX_EXTRA, MAX_SIGNATURES};
use pool::{Entry, Pool, key_id_rank};
use search::{Counts, DeadEnd, View, note_verdict};
use signature::{Checked, PublicKey};
use state::{Note, Rules, State, earlier, facts};

/// How revocation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Revocation {
    /// CRLs are not looked at.
    Off,
    /// A listed certificate is revoked; where no CRL says anything, that is told.
    #[default]
    Soft,
    /// Where no CRL says that a certificate is good, it is not verified.
    Hard,
}

/// The inputs of RFC 5280 section 6.1.1 beside the certificates.
#[derive(Clone, Debug)]
pub struct Options {
    /// The instant that certificates and CRLs are judged at.
    pub at: UnixTime,
    /// How revocation counts.
    pub revocation: Revocation,
    /// Contents octets of a key purpose that every certificate below the anchor must have if it has
    /// an extKeyUsage at all (anyExtendedKeyUsage will do).
    pub required_eku: Option<Vec<u8>>,
    /// user-initial-policy-set as contents octets; empty means anyPolicy.
    pub initial_policies: Vec<Vec<u8>>,
    /// initial-explicit-policy
    pub explicit_policy: bool,
    /// initial-policy-mapping-inhibit
    pub inhibit_policy_mapping: bool,
    /// initial-any-policy-inhibit
    pub inhibit_any_policy: bool,
    /// Intermediates that a path may have; self-issued ones are not counted.
    pub max_depth: Option<usize>,
    /// Whether pathLen and policies of the anchor's certificate count and its dates are told (RFC 5937).
    /// Its name constraints always count.
    pub apply_anchor_constraints: bool,
}

impl Options {
    /// Path processing alone (profile `rfc5280`): no purpose, nothing of the anchor but its names.
    #[must_use]
    pub fn rfc5280(at: UnixTime) -> Self {
        Self {
            at,
            revocation: Revocation::default(),
            required_eku: None,
            initial_policies: Vec::new(),
            explicit_policy: false,
            inhibit_policy_mapping: false,
            inhibit_any_policy: false,
            max_depth: None,
            apply_anchor_constraints: false,
        }
    }

    /// Certificates for mail (profile `smime`): emailProtection, and the anchor's own limits.
    #[must_use]
    pub fn smime(at: UnixTime) -> Self {
        Self {
            required_eku: Some(oid::EMAIL_PROTECTION.to_vec()),
            apply_anchor_constraints: true,
            ..Self::rfc5280(at)
        }
    }
}

/// What [`Engine::validate`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The verdict, which the findings account for.
    pub verdict: Verdict,
    /// SHA-256 of the path's certificates: the target first, the anchor last. Where no path was
    /// found, as far as it goes.
    pub chain: Vec<[u8; 32]>,
    /// The user-constrained policy set (RFC 5280 section 6.1.5 (g), RFC 9618) as contents octets,
    /// sorted; anyPolicy alone when any policy is left. Empty unless there is a path.
    pub policies: Vec<Vec<u8>>,
    /// Everything that was found on the path, the target's first.
    pub findings: Vec<PathFinding>,
    /// The earliest nextUpdate of the full CRLs that the verdict relies on.
    pub fresh_until: Option<UnixTime>,
}

/// Anchors, intermediates and CRLs, with what is known of them. Shared between threads by reference.
pub struct Engine<'m> {
    options: Options,
    pool: Pool<'m>,
    crls: Vec<Crl<'m>>,
    crls_by_issuer: HashMap<NameKey, Vec<usize>>,
    crls_given: bool,
    crl_signatures: Memo<(usize, [u8; 32]), Checked>,
    signers: Memo<(usize, usize, u8), bool>,
}

/// Answers to pure questions, kept up to a bound. Whether an answer is kept changes no result.
struct Memo<K, V>(RwLock<HashMap<K, V>>);

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// CRLs × signers of one run; beyond it answers are computed again.
    const CAPACITY: usize = 65_536;

    fn get(&self, key: &K) -> Option<V> {
        self.0.read().ok()?.get(key).cloned()
    }

    fn put(&self, key: K, value: V) {
        if let Ok(mut map) = self.0.write()
            && map.len() < Self::CAPACITY
        {
            map.insert(key, value);
        }
    }
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(RwLock::new(HashMap::new()))
    }
}

impl<'m> Engine<'m> {
    /// Takes the material. Duplicates are merged; a certificate that is among the anchors is an
    /// anchor. CRLs (DER) that cannot be read are returned with their index and count as missing.
    #[must_use]
    pub fn new(
        anchors: Vec<Certificate<'m>>,
        intermediates: Vec<Certificate<'m>>,
        crls: &[&'m [u8]],
        options: Options,
    ) -> (Self, Vec<(usize, Malformed)>) {
        let mut problems = Vec::new();
        let mut read = Vec::new();
        for (i, der) in crls.iter().enumerate() {
            match Crl::parse(der) {
                Ok(crl) => read.push(crl),
                Err(e) => problems.push((i, e)),
            }
        }
        read.sort_by_key(Crl::sha256);
        read.dedup_by_key(|crl| crl.sha256());
        let mut crls_by_issuer: HashMap<NameKey, Vec<usize>> = HashMap::new();
        for (i, crl) in read.iter().enumerate() {
            crls_by_issuer.entry(crl.issuer_key().clone()).or_default().push(i);
        }
        let engine = Self {
            options,
            pool: Pool::new(anchors, intermediates),
            crls: read,
            crls_by_issuer,
            crls_given: !crls.is_empty(),
            crl_signatures: Memo::default(),
            signers: Memo::default(),
        };
        (engine, problems)
    }

    /// The inputs it was made with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Whether no CRL was given at all, so that with [`Revocation::Soft`] nothing was checked and no
    /// certificate is told about it. A CRL that cannot be read was given, and is missing.
    #[must_use]
    pub fn has_no_crls(&self) -> bool {
        !self.crls_given
    }

    /// Says that CRLs were meant to be given although none could be read: they count as missing.
    pub fn expect_crls(&mut self) {
        self.crls_given = true;
        // What was found before was found without asking for them.
        self.pool.entries.iter_mut().for_each(|entry| entry.paths = Default::default());
        self.signers = Memo::default();
    }

    /// SHA-256 of the anchors, sorted.
    #[must_use]
    pub fn anchors(&self) -> Vec<[u8; 32]> {
        self.pool.entries.iter().filter(|e| e.is_anchor).map(|e| e.sha256).collect()
    }

    /// The DER of an anchor or intermediate by its SHA-256, for bundles of published chains.
    #[must_use]
    pub fn certificate(&self, sha256: &[u8; 32]) -> Option<&Certificate<'m>> {
        self.pool.by_sha256.get(sha256).map(|i| &self.pool.entries[*i].certificate)
    }

    /// Whether a certificate is one of the anchors and intermediates.
    #[must_use]
    pub fn holds(&self, certificate: &Certificate<'_>) -> bool {
        self.pool.holds(certificate)
    }

    /// Whether a certificate that is not at hand is revoked, by its issuer's name and its serial number
    /// (contents octets); in words, what says so. It asks the CRLs of [`Engine::new`] as [`validate`](Self::validate)
    /// does, with [`Revocation::Off`] none. An issuer that is neither anchor nor intermediate says nothing.
    #[must_use]
    pub fn revoked(&self, issuer: &NameKey, serial: &[u8]) -> Option<String> {
        revocation::listed(self, issuer, serial)
    }

    /// The name of an anchor or intermediate by the way it is shown.
    #[must_use]
    pub fn issuer_shown_as(&self, shown: &str) -> Option<&NameKey> {
        let mut entries = self.pool.entries.iter();
        entries.find(|entry| entry.certificate.subject().to_string() == shown).map(|entry| &entry.subject)
    }

    /// Judges one certificate. `extra` are certificates of the same value or file: intermediates for
    /// this target alone, never anchors, never kept, never signers of CRLs.
    ///
    /// The result is a function of the engine's inputs, the target and the set of `extra`.
    #[must_use]
    pub fn validate(&self, target: &Certificate<'_>, extra: &[Certificate<'_>]) -> Outcome {
        self.judge(target, extra, None)
    }

    /// [`Engine::validate`], where only the anchors count for whose SHA-256 `counts` says yes; the others
    /// are intermediates. Nothing of it is kept between calls, so ask [`Engine::validate`] first: what is
    /// not valid there is not valid here.
    #[must_use]
    pub fn validate_under(
        &self,
        target: &Certificate<'_>,
        extra: &[Certificate<'_>],
        counts: &dyn Fn(&[u8; 32]) -> bool,
    ) -> Outcome {
        self.judge(target, extra, Some(counts))
    }

    fn judge(
        &self,
        target: &Certificate<'_>,
        extra: &[Certificate<'_>],
        counts: Option<&Counts<'_>>,
    ) -> Outcome {
        let sha256 = target.sha256();
        let rules = Rules { options: &self.options, level: 0 };
        let own = facts(target, rules);
        if let Some(i) = self.pool.by_sha256.get(&sha256)
            && self.pool.entries[*i].is_anchor
            && counts.is_none_or(|counts| counts(&sha256))
        {
            return self.anchor_itself(target, sha256, own);
        }
        let issuer = self.pool.issuer_key(target);
        let (extra, too_many) = self.relevant(extra, sha256, &issuer);
        let view = View { engine: self, extra: &extra, counts };
        Target { view, target, sha256, issuer, own, rules }.judge(too_many)
    }

    /// A target that is an anchor: a path of length one. Its dates and purpose count, nothing else.
    fn anchor_itself(&self, target: &Certificate<'_>, sha256: [u8; 32], own: Vec<Note>) -> Outcome {
        let counts = |note: &Note| {
            matches!(note.code, PathCode::Expired | PathCode::NotYetValid | PathCode::ExtendedKeyUsage)
                || (note.code == PathCode::ExtensionMalformed
                    && target.extended_key_usage().is_broken()
                    && self.options.required_eku.is_some())
        };
        let notes: Vec<Note> = own.into_iter().filter(counts).collect();
        let policies = match self.options.initial_policies.as_slice() {
            [] => vec![oid::ANY_POLICY.to_vec()],
            wanted => wanted.to_vec(),
        };
        outcome(self.options.revocation, vec![sha256], policies, notes, None)
    }

    /// The extra certificates that could stand on a path, in an order of their own. Those that the
    /// pool has are left out, so that its cached paths serve.
    fn relevant<'e>(
        &self,
        extra: &'e [Certificate<'e>],
        target: [u8; 32],
        issuer: &NameKey,
    ) -> (Vec<Entry<'e>>, bool) {
        let mut all: Vec<Entry<'e>> = extra
            .iter()
            .filter(|c| !self.holds(c) && c.sha256() != target)
            .map(|c| Entry::new(c.clone(), false))
            .collect();
        if all.is_empty() {
            return (all, false);
        }
        all.sort_by_key(|entry| entry.sha256);
        all.dedup_by_key(|entry| entry.sha256);
        let mut by_subject: HashMap<&NameKey, Vec<usize>> = HashMap::new();
        for (i, entry) in all.iter().enumerate() {
            by_subject.entry(&entry.subject).or_default().push(i);
        }
        let mut reached = vec![false; all.len()];
        let mut seen = HashSet::from([issuer]);
        let mut needed = vec![issuer];
        while let Some(name) = needed.pop() {
            let shared = self.pool.by_subject.get(name).into_iter().flatten();
            let mut next: Vec<&NameKey> = shared.map(|i| &self.pool.entries[*i].issuer).collect();
            for &i in by_subject.get(name).into_iter().flatten() {
                reached[i] = true;
                next.push(&all[i].issuer);
            }
            needed.extend(next.into_iter().filter(|name| seen.insert(*name)));
        }
        let mut keep = reached.into_iter();
        all.retain(|_| keep.next().unwrap_or(false));
        let too_many = all.len() > MAX_EXTRA;
        all.truncate(MAX_EXTRA);
        (all, too_many)
    }

    /// Checks a CRL's signature with a key, once per pair.
    fn crl_signature(&self, crl: usize, spki: [u8; 32], key: &Arc<PublicKey>) -> Checked {
        if let Some(known) = self.crl_signatures.get(&(crl, spki)) {
            return known;
        }
        let (algorithm, message, signature) = self.crls[crl].signed();
        let checked = key.verify(algorithm, message, signature);
        self.crl_signatures.put((crl, spki), checked.clone());
        checked
    }
}

/// One target being judged.
struct Target<'t, 'c, 'v, 'm> {
    view: View<'v, 'm>,
    target: &'t Certificate<'c>,
    sha256: [u8; 32],
    issuer: NameKey,
    own: Vec<Note>,
    rules: Rules<'t>,
}

impl Target<'_, '_, '_, '_> {
    fn judge(self, too_many: bool) -> Outcome {
        let target = self.target;
        let wanted = target.authority_key_id().into_value().and_then(|id| id.key_id);
        let mut exhausted = too_many;
        let mut best: Option<((Verdict, usize), Outcome)> = None;
        let mut revoked: Option<Outcome> = None;
        let says = |o: &Outcome, code| o.findings.iter().any(|f| f.depth == 0 && f.code == code);
        let unknown = |o: &Outcome| {
            [PathCode::CrlMissing, PathCode::CrlStale, PathCode::CrlUnverifiable]
                .iter()
                .any(|code| says(o, *code))
        };
        let mut dead: Option<DeadEnd> = None;
        let mut named = false;
        let candidates = self.view.candidates(&self.issuer, wanted);
        for (spent, id) in candidates.into_iter().enumerate() {
            if spent >= MAX_SIGNATURES {
                exhausted = true;
                break;
            }
            let (same, rank, checked) = self.view.with(id, |entry| {
                let rank = key_id_rank(wanted, entry.key_id);
                if entry.sha256 == self.sha256 {
                    return (true, rank, Checked::Bad);
                }
                let whole = target.signature_unused_bits() == 0;
                let checked =
                    entry.key.verify(target.signature_algorithm(), target.tbs(), target.signature());
                (false, rank, if whole { checked } else { Checked::Bad })
            });
            let end = match checked {
                Checked::Bad if same || rank == 2 => continue,
                Checked::Bad => DeadEnd { chain: Vec::new(), note: search::bad_signature() },
                Checked::Unsupported(what) => DeadEnd { chain: Vec::new(), note: search::unsupported(what) },
                Checked::Good => {
                    named = true;
                    let paths = self.view.paths(id, 0);
                    exhausted |= paths.exhausted;
                    for state in paths.states.iter().filter(|s| !s.sha256.contains(&self.sha256)) {
                        let (standing, outcome) = self.against(state);
                        if standing.0 == Verdict::Valid && !unknown(&outcome) {
                            return outcome;
                        }
                        if revoked.is_none() && says(&outcome, PathCode::Revoked) {
                            revoked = Some(outcome.clone());
                        }
                        if best.as_ref().is_none_or(|(before, _)| standing < *before) {
                            best = Some((standing, outcome));
                        }
                    }
                    match &paths.dead_end {
                        Some(end) => end.clone(),
                        None => continue,
                    }
                }
            };
            named = true;
            if dead.as_ref().is_none_or(|before| end.rank() < before.rank()) {
                dead = Some(end);
            }
        }
        // A CRL that lists the target is proof, however the search ended and although another path
        // does not lead to the CRL.
        if let Some(outcome) = revoked {
            return outcome;
        }
        if exhausted && best.as_ref().is_none_or(|(standing, _)| standing.0 != Verdict::Valid) {
            let required = "a search within the limits of certferry::path::limits";
            let section = "RFC 4158 section 2.4";
            let note = Note::new(PathCode::Budget, "a search that was ended", required, section);
            return self.without_path(DeadEnd { chain: Vec::new(), note });
        }
        if let Some((_, outcome)) = best {
            return outcome;
        }
        let nobody = || DeadEnd { chain: Vec::new(), note: search::no_issuer(&target.issuer().to_string()) };
        self.without_path(dead.filter(|_| named).unwrap_or_else(nobody))
    }

    /// The target below one issuer's path.
    fn against(&self, state: &State) -> ((Verdict, usize), Outcome) {
        let index = state.next_index();
        let (mut notes, policies) = state.finish(self.target, self.rules);
        let (crl_notes, fresh) =
            revocation::check(self.view.engine, self.target, &self.issuer, state, self.rules.level);
        notes.extend(crl_notes);
        notes.extend(self.own.iter().cloned());
        notes.iter_mut().for_each(|note| note.index = index);
        notes.extend(state.notes.iter().cloned());
        let standing = note_verdict(&notes, self.rules);
        let chain: Vec<[u8; 32]> =
            std::iter::once(self.sha256).chain(state.sha256.iter().rev().copied()).collect();
        let fresh = earlier(state.fresh_until, fresh);
        (standing, outcome(self.rules.options.revocation, chain, policies, notes, fresh))
    }

    /// The target and as much of a chain as there is.
    fn without_path(&self, end: DeadEnd) -> Outcome {
        let last = end.chain.len();
        let mut chain = vec![self.sha256];
        let mut notes: Vec<Note> = self.own.iter().map(|n| Note { index: last, ..n.clone() }).collect();
        for (i, id) in end.chain.iter().enumerate() {
            self.view.with(*id, |entry| {
                chain.push(entry.sha256);
                let of_entry = facts(&entry.certificate, self.rules);
                notes.extend(of_entry.into_iter().map(|n| Note { index: last - 1 - i, ..n }));
            });
        }
        notes.push(Note { index: 0, ..end.note });
        outcome(self.rules.options.revocation, chain, Vec::new(), notes, None)
    }
}

/// Turns notes counted from the anchor into findings counted from the target.
fn outcome(
    revocation: Revocation,
    chain: Vec<[u8; 32]>,
    policies: Vec<Vec<u8>>,
    notes: Vec<Note>,
    fresh_until: Option<UnixTime>,
) -> Outcome {
    let top = chain.len() - 1;
    let mut findings: Vec<PathFinding> = notes
        .into_iter()
        .map(|note| {
            let depth = top.saturating_sub(note.index);
            PathFinding {
                code: note.code,
                depth,
                certificate: chain[depth],
                found: note.found,
                required: note.required,
                section: note.section,
            }
        })
        .collect();
    findings.sort_by(|a, b| (a.depth, a.code, &a.found).cmp(&(b.depth, b.code, &b.found)));
    findings.dedup();
    let verdict = finding::verdict(findings.iter().map(|f| f.code), revocation);
    Outcome { verdict, chain, policies, findings, fresh_until }
}
