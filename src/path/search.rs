//! Building paths upwards: every issuer candidate, with backtracking, within budgets.
//!
//! A search starts at one certificate and goes up by issuer name to anchors. Every candidate of the
//! right name is tried, best first; a certificate whose subject and key already stand in the path is
//! not taken again (RFC 4158 section 2.4.1), which ends every loop and loses no path, since the part
//! between the two could be left out. Each whole path becomes a [`State`].
//!
//! What a search finds is a function of the pool and the options alone, so it is kept with the
//! certificate that it started at.

use std::collections::HashMap;
use std::sync::Arc;

use super::finding::{PathCode, verdict};
use super::limits::{MAX_DEPTH, MAX_PATHS, MAX_SIGNATURES, MAX_STEPS};
use super::pool::{CertId, Entry, key_id_rank, preference};
use super::revocation;
use super::signature::Checked;
use super::state::{Note, Rules, State};
use super::{Engine, Verdict};
use crate::certificate::name::NameKey;

/// Where a search upwards ended without an anchor.
#[derive(Clone)]
pub(super) struct DeadEnd {
    /// From the start of the search upwards.
    pub(super) chain: Vec<CertId>,
    pub(super) note: Note,
}

impl DeadEnd {
    /// The dead end that tells most: the one that came furthest, then the most definite.
    pub(super) fn rank(&self) -> (std::cmp::Reverse<usize>, u8) {
        let kind = match self.note.code {
            PathCode::UnsupportedAlgorithm => 0,
            PathCode::BadSignature => 1,
            _ => 2,
        };
        (std::cmp::Reverse(self.chain.len()), kind)
    }
}

/// What a search upwards from one certificate found.
#[derive(Default)]
pub(super) struct IssuerPaths {
    /// Best first.
    pub(super) states: Vec<Arc<State>>,
    pub(super) dead_end: Option<DeadEnd>,
    pub(super) exhausted: bool,
}

/// Which anchors count, by SHA-256.
pub(super) type Counts<'c> = dyn Fn(&[u8; 32]) -> bool + 'c;

/// The pool and what came along with one target.
pub(super) struct View<'v, 'm> {
    pub(super) engine: &'v Engine<'m>,
    pub(super) extra: &'v [Entry<'v>],
    /// Anchors for which this says no are intermediates like others. `None`: all of them count.
    pub(super) counts: Option<&'v Counts<'v>>,
}

impl<'v, 'm> View<'v, 'm> {
    pub(super) fn with<R>(&self, id: CertId, f: impl FnOnce(&Entry<'_>) -> R) -> R {
        match id {
            CertId::Shared(i) => f(&self.engine.pool.entries[i]),
            CertId::Extra(i) => f(&self.extra[i]),
        }
    }

    /// Whether a path may end at this certificate.
    pub(super) fn is_anchor(&self, id: CertId) -> bool {
        self.with(id, |entry| entry.is_anchor && self.counts.is_none_or(|counts| counts(&entry.sha256)))
    }

    /// Candidates for the issuer of this name, best first.
    pub(super) fn candidates(&self, issuer: &NameKey, key_id: Option<&[u8]>) -> Vec<CertId> {
        let shared =
            self.engine.pool.by_subject.get(issuer).into_iter().flatten().map(|i| CertId::Shared(*i));
        let extra = (0..self.extra.len()).filter(|i| self.extra[*i].subject == *issuer).map(CertId::Extra);
        let mut all: Vec<CertId> = shared.chain(extra).collect();
        if all.len() > 1 {
            all.sort_by_cached_key(|id| self.with(*id, |e| preference(e, key_id, self.engine.options.at)));
        }
        all
    }

    /// What a search from `start` finds, from the cache where nothing came along with the target and
    /// all anchors count.
    pub(super) fn paths(&self, start: CertId, level: u8) -> Arc<IssuerPaths> {
        match start {
            CertId::Shared(i) if self.extra.is_empty() && self.counts.is_none() => {
                let slot = &self.engine.pool.entries[i].paths[usize::from(level)];
                Arc::clone(slot.get_or_init(|| Arc::new(Search::run(self, start, level))))
            }
            _ => Arc::new(Search::run(self, start, level)),
        }
    }
}

struct Search<'s, 'v, 'm> {
    view: &'s View<'v, 'm>,
    rules: Rules<'s>,
    stack: Vec<CertId>,
    edges: HashMap<(CertId, CertId), Checked>,
    signatures: usize,
    steps: usize,
    found: IssuerPaths,
}

impl<'s, 'v, 'm> Search<'s, 'v, 'm> {
    fn run(view: &'s View<'v, 'm>, start: CertId, level: u8) -> IssuerPaths {
        let rules = Rules { options: &view.engine.options, level };
        let mut search = Search {
            view,
            rules,
            stack: vec![start],
            edges: HashMap::new(),
            signatures: 0,
            steps: 0,
            found: IssuerPaths::default(),
        };
        search.up();
        let mut found = search.found;
        found
            .states
            .sort_by_cached_key(|state| (standing(state, rules), state.sha256.len(), state.sha256.clone()));
        found
    }

    fn up(&mut self) {
        let Some(&top) = self.stack.last() else { return };
        self.steps += 1;
        if self.steps > MAX_STEPS || self.found.states.len() >= MAX_PATHS {
            self.found.exhausted = true;
            return;
        }
        let view = self.view;
        if view.is_anchor(top) {
            self.complete();
            return;
        }
        // The target stands below the start, so the path may have one certificate less.
        if self.stack.len() + 1 >= MAX_DEPTH {
            self.found.exhausted = true;
            return;
        }
        let (candidates, wanted) = view.with(top, |entry| {
            (
                view.candidates(&entry.issuer, entry.authority_key_id),
                entry.authority_key_id.map(<[u8]>::to_vec),
            )
        });
        let mut named = false;
        for candidate in candidates {
            if self.is_loop(candidate) {
                continue;
            }
            let rank = view.with(candidate, |e| key_id_rank(wanted.as_deref(), e.key_id));
            match self.edge(top, candidate) {
                None => {
                    self.found.exhausted = true;
                    return;
                }
                Some(Checked::Good) => {
                    named = true;
                    self.stack.push(candidate);
                    self.up();
                    self.stack.pop();
                }
                // Another key of the issuer's name is no proof against this certificate.
                Some(Checked::Bad) if rank == 2 => {}
                Some(Checked::Bad) => {
                    named = true;
                    self.dead(bad_signature());
                }
                Some(Checked::Unsupported(what)) => {
                    named = true;
                    self.dead(unsupported(what));
                }
            }
        }
        if !named {
            let issuer = view.with(top, |e| e.certificate.issuer().to_string());
            self.dead(no_issuer(&issuer));
        }
    }

    /// Whether the candidate's subject and key already stand in the path.
    fn is_loop(&self, candidate: CertId) -> bool {
        self.view.with(candidate, |c| {
            self.stack.iter().any(|id| {
                *id == candidate || self.view.with(*id, |e| e.spki == c.spki && e.subject == c.subject)
            })
        })
    }

    /// Whether `below` is signed by `above`; `None` when the budget is spent.
    fn edge(&mut self, below: CertId, above: CertId) -> Option<Checked> {
        if let Some(known) = self.edges.get(&(below, above)) {
            return Some(known.clone());
        }
        if self.signatures >= MAX_SIGNATURES {
            return None;
        }
        self.signatures += 1;
        let checked = self.view.with(above, |issuer| self.view.with(below, |entry| signed_by(entry, issuer)));
        self.edges.insert((below, above), checked.clone());
        Some(checked)
    }

    fn dead(&mut self, note: Note) {
        let end = DeadEnd { chain: self.stack.clone(), note };
        if self.found.dead_end.as_ref().is_none_or(|before| end.rank() < before.rank()) {
            self.found.dead_end = Some(end);
        }
    }

    /// The top of the stack is an anchor: computes the state from there down.
    fn complete(&mut self) {
        let mut down = self.stack.iter().rev();
        let Some(&CertId::Shared(anchor)) = down.next() else { return };
        let engine = self.view.engine;
        let mut state = State::anchor(anchor, &engine.pool.entries[anchor], self.rules);
        for &id in down {
            state = self.view.with(id, |entry| {
                let checked =
                    revocation::check(engine, &entry.certificate, &entry.issuer, &state, self.rules.level);
                state.extend(id, entry, self.rules, checked)
            });
        }
        self.found.states.push(Arc::new(state));
    }
}

/// Checks a certificate's signature with an issuer's key.
fn signed_by(entry: &Entry<'_>, issuer: &Entry<'_>) -> Checked {
    let certificate = &entry.certificate;
    if certificate.signature_unused_bits() != 0 {
        return Checked::Bad;
    }
    issuer.key.verify(certificate.signature_algorithm(), certificate.tbs(), certificate.signature())
}

/// How good a prefix is: its verdict, then how much is wrong.
pub(super) fn standing(state: &State, rules: Rules<'_>) -> (Verdict, usize) {
    note_verdict(&state.notes, rules)
}

pub(super) fn note_verdict(notes: &[Note], rules: Rules<'_>) -> (Verdict, usize) {
    let each = |note: &Note| verdict(std::iter::once(note.code), rules.options.revocation);
    let worst = notes.iter().map(each).max().unwrap_or(Verdict::Valid);
    (worst, notes.iter().filter(|note| each(note) != Verdict::Valid).count())
}

pub(super) fn bad_signature() -> Note {
    Note::new(
        PathCode::BadSignature,
        "a signature that does not verify with the issuer's key",
        "a signature by the key of the certificate's issuer",
        "RFC 5280 section 6.1.3 (a)(1)",
    )
}

pub(super) fn unsupported(what: String) -> Note {
    let required = "RSA of 1024 to 8192 bits, ECDSA on P-256, P-384, P-521 or secp256k1, Ed25519";
    Note::new(PathCode::UnsupportedAlgorithm, what, required, "RFC 5280 section 4.1.1.2")
}

pub(super) fn no_issuer(issuer: &str) -> Note {
    Note::new(
        PathCode::NoIssuer,
        format!("no certificate of {issuer} that could have signed it"),
        "a chain to a trust anchor",
        "RFC 5280 section 6.1",
    )
}
