//! Revocation (RFC 5280 section 6.3): which CRLs speak of a certificate, and what they say.
//!
//! A CRL counts when its scope covers the certificate and somebody who may sign it did: the issuer
//! itself, or another certificate of the CRL issuer's name that chains to the same anchor (section
//! 6.3.3 (f)). Two rules go beyond the RFC, both towards refusing: a CRL that lists the certificate
//! revokes it even when it is stale or holds something critical that is not processed; and a
//! removeFromCRL counts only in a delta CRL that is current and applies.
//!
//! Signers are followed [`MAX_SIGNER_LEVEL`] levels deep: what covers a signer of a CRL is asked with
//! plain inputs one level up, so that the question never comes back to itself.

use std::collections::HashMap;

use super::crl::{Crl, Entry as CrlEntry, REMOVE_FROM_CRL, point_keys};
use super::finding::PathCode;
use super::limits::{MAX_CRL_SIGNERS, MAX_SIGNER_LEVEL};
use super::pool::{CertId, key_id_rank};
use super::search::{View, note_verdict};
use super::signature::Checked;
use super::state::{Note, Rules, State, earlier, facts, may_sign_crls};
use super::{Engine, Revocation, Verdict};
use crate::certificate::extensions::{DistributionPoint, Reasons};
use crate::certificate::name::NameKey;
use crate::certificate::{Certificate, Decoded, GeneralName, UnixTime};

/// Whether a CRL may be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    Signed,
    Not(String),
}

const SECTION: &str = "RFC 5280 section 6.3.3";

/// Asks the CRLs about a certificate that `state`'s last certificate issued. Returns what to tell and
/// the earliest nextUpdate that was relied on.
pub(super) fn check(
    engine: &Engine<'_>,
    certificate: &Certificate<'_>,
    issuer: &NameKey,
    state: &State,
    level: u8,
) -> (Vec<Note>, Option<UnixTime>) {
    check_for(engine, certificate, issuer, state, level, None)
}

/// [`check`], for the certificate of a CRL signer: CRLs that it signed itself count for it too. Where
/// they are all there is (PKITS 4.14.30), its status could not be known otherwise.
fn check_for(
    engine: &Engine<'_>,
    certificate: &Certificate<'_>,
    issuer: &NameKey,
    state: &State,
    level: u8,
    signer: Option<usize>,
) -> (Vec<Note>, Option<UnixTime>) {
    let options = &engine.options;
    if options.revocation == Revocation::Off
        || (engine.has_no_crls() && options.revocation == Revocation::Soft)
    {
        return (Vec::new(), None);
    }
    let points = match certificate.crl_distribution_points() {
        Decoded::Present { value, .. } => value,
        // Without the extension the CRL of the issuer itself is meant (section 6.3.3, last paragraph).
        _ => vec![DistributionPoint::default()],
    };
    let implicit = certificate.crl_distribution_points().is_absent();
    let mut asked = Asked { engine, state, level, signer, applicable: Vec::new(), untrusted: Vec::new() };
    for point in &points {
        asked.point(certificate, issuer, point, implicit);
    }
    asked.judge(certificate, issuer)
}

struct Applicable {
    crl: usize,
    reasons: u16,
}

struct Asked<'q, 'm> {
    engine: &'q Engine<'m>,
    state: &'q State,
    level: u8,
    signer: Option<usize>,
    applicable: Vec<Applicable>,
    untrusted: Vec<String>,
}

/// Whether a certificate of which only issuer and serial number are known is revoked: by a CRL that may be
/// believed on some path of the issuer, or because every path of the issuer holds a revoked certificate.
/// In words, what says so. Distribution points are not known, so every CRL that speaks of the issuer is asked.
pub(super) fn listed(engine: &Engine<'_>, issuer: &NameKey, serial: &[u8]) -> Option<String> {
    if engine.options.revocation == Revocation::Off {
        return None;
    }
    let view = View { engine, extra: &[], counts: None };
    let issuers = engine.pool.by_subject.get(issuer).into_iter().flatten();
    let paths: Vec<_> = issuers.map(|i| view.paths(CertId::Shared(*i), 0)).collect();
    let mut states = paths.iter().flat_map(|paths| &paths.states).peekable();
    states.peek()?;
    let mut of_issuer: Option<String> = None;
    let mut every_path = true;
    for state in states {
        let mut asked =
            Asked { engine, state, level: 0, signer: None, applicable: Vec::new(), untrusted: Vec::new() };
        for (i, crl) in engine.crls.iter().enumerate() {
            let scope = crl.scope();
            let speaks = (crl.issuer_key() == issuer || scope.indirect) && !scope.only_attribute;
            if speaks && asked.trust(i, crl.issuer_key() == issuer) == Trust::Signed {
                asked.applicable.push(Applicable { crl: i, reasons: 0 });
            }
        }
        if let Some(note) = asked.revoking(&asked.entries(issuer, serial)) {
            return Some(note.found);
        }
        match state.notes.iter().find(|note| note.code == PathCode::Revoked) {
            Some(note) => of_issuer = of_issuer.or_else(|| Some(format!("its issuer is {}", note.found))),
            None => every_path = false,
        }
    }
    of_issuer.filter(|_| every_path)
}

impl<'m> Asked<'_, 'm> {
    /// Collects the CRLs of one distribution point, section 6.3.3 (b) to (f).
    fn point(
        &mut self,
        certificate: &Certificate<'_>,
        issuer: &NameKey,
        point: &DistributionPoint<'_>,
        implicit: bool,
    ) {
        let issuers: Vec<NameKey> = point
            .crl_issuer
            .iter()
            .filter_map(|name| if let GeneralName::Directory(name) = name { Some(name.key()) } else { None })
            .collect();
        let engine = self.engine;
        let ca = certificate.is_ca();
        for name in std::iter::once(issuer).chain(issuers.iter().filter(|name| *name != issuer)) {
            let meant = if point.crl_issuer.is_empty() { name == issuer } else { issuers.contains(name) };
            for &i in engine.crls_by_issuer.get(name).into_iter().flatten() {
                let crl = &engine.crls[i];
                let scope = crl.scope();
                // Serial numbers of attribute certificates are another series.
                if (name != issuer && !scope.indirect) || scope.only_attribute {
                    continue;
                }
                let covers = meant
                    && names_fit(crl, certificate, point, implicit)
                    && !(scope.only_user && ca)
                    && (ca || !scope.only_ca);
                match self.trust(i, name == &self.state.subject) {
                    Trust::Signed if covers => {
                        let all = Reasons::ALL.0;
                        let reasons = point.reasons.map_or(all, |r| r.0) & scope.reasons.unwrap_or(all);
                        self.applicable.push(Applicable { crl: i, reasons });
                    }
                    // Of another distribution point or kind, and lists the certificate all the same: a
                    // serial number is given once by an issuer, so this can mean no other.
                    Trust::Signed if crl.find(issuer, certificate.serial()).is_some() => {
                        self.applicable.push(Applicable { crl: i, reasons: 0 });
                    }
                    Trust::Not(why) if covers => self.untrusted.push(why),
                    Trust::Signed | Trust::Not(_) => {}
                }
            }
        }
    }

    fn trust(&self, crl: usize, own: bool) -> Trust {
        if let Some(signer) = self.signer {
            let entry = &self.engine.pool.entries[signer];
            if *self.engine.crls[crl].issuer_key() == entry.subject
                && may_sign_crls(&entry.certificate)
                && self.engine.crl_signature(crl, entry.spki, &entry.key) == Checked::Good
            {
                return Trust::Signed;
            }
        }
        if !own {
            return trust(self.engine, self.state, crl, self.level);
        }
        let group = self.state.own_crls.get_or_init(|| {
            let of_name = self.engine.crls_by_issuer.get(&self.state.subject);
            let judge = |i: &usize| (*i, trust(self.engine, self.state, *i, self.level));
            of_name.into_iter().flatten().map(judge).collect::<HashMap<_, _>>()
        });
        group.get(&crl).cloned().unwrap_or_else(|| Trust::Not("a CRL of another issuer".into()))
    }

    fn is_current(&self, crl: &Crl<'_>) -> bool {
        let at = self.engine.options.at;
        crl.this_update() <= at && crl.next_update().is_none_or(|next| at <= next)
    }

    /// The collected CRLs with what they say of a serial number.
    fn entries(&self, issuer: &NameKey, serial: &[u8]) -> Vec<(&Applicable, &Crl<'m>, Option<CrlEntry>)> {
        let crl = |one: &Applicable| &self.engine.crls[one.crl];
        self.applicable.iter().map(|one| (one, crl(one), crl(one).find(issuer, serial))).collect()
    }

    /// What revokes, unless a delta that applies takes it back.
    fn revoking(&self, entries: &[(&Applicable, &Crl<'m>, Option<CrlEntry>)]) -> Option<Note> {
        for (_, crl, entry) in entries {
            let Some(entry) = entry else { continue };
            if entry.reason == REMOVE_FROM_CRL {
                continue;
            }
            let removed = !crl.is_delta()
                && entries.iter().any(|(_, delta, change)| {
                    change.as_ref().is_some_and(|c| c.reason == REMOVE_FROM_CRL)
                        && delta.updates(crl)
                        && self.is_current(delta)
                        && delta.problem().is_none()
                });
            if !removed {
                return Some(revoked(crl, entry));
            }
        }
        None
    }

    fn judge(self, certificate: &Certificate<'_>, issuer: &NameKey) -> (Vec<Note>, Option<UnixTime>) {
        let at = self.engine.options.at;
        let entries = self.entries(issuer, certificate.serial());
        if let Some(note) = self.revoking(&entries) {
            return (vec![note], None);
        }
        let mut mask = 0;
        let mut fresh = None;
        let mut notes = Vec::new();
        let contradicts =
            |entry: &Option<CrlEntry>| entry.as_ref().is_some_and(|e| e.reason == REMOVE_FROM_CRL);
        let (mut stale, mut unusable) = (None, self.untrusted.first().cloned());
        for (one, crl, entry) in &entries {
            if crl.is_delta() {
                continue;
            }
            if let Some(problem) = crl.problem() {
                unusable.get_or_insert(problem);
            } else if contradicts(entry) {
                // RFC 5280 section 5.3.1: the code appears in delta CRLs alone.
                unusable.get_or_insert("a complete CRL that lists the certificate as removeFromCRL".into());
            } else if !self.is_current(crl) {
                let until =
                    crl.next_update().map_or("without nextUpdate".to_owned(), |n| format!("until {n}"));
                stale.get_or_insert(format!("a CRL from {} {until}", crl.this_update()));
            } else {
                mask |= one.reasons;
                fresh = earlier(fresh, crl.next_update());
                if crl.next_update().is_none() {
                    let found = format!("a CRL from {} without nextUpdate", crl.this_update());
                    notes.push(Note::new(
                        PathCode::CrlNoNextUpdate,
                        found,
                        "nextUpdate",
                        "RFC 5280 section 5.1.2.5",
                    ));
                }
                if let Some(defect) = crl.defect() {
                    let required = "a cRLNumber that is not critical";
                    notes.push(Note::new(PathCode::CrlDefect, defect, required, "RFC 5280 section 5.2.3"));
                }
            }
        }
        if mask & Reasons::ALL.0 == Reasons::ALL.0 {
            notes.dedup_by(|a, b| a.code == b.code);
            return (notes, fresh);
        }
        let required = format!("a CRL that covers the certificate for every reason at {at}");
        let note = match (stale, unusable) {
            (Some(stale), _) => Note::new(PathCode::CrlStale, stale, required, SECTION),
            (None, Some(why)) => Note::new(PathCode::CrlUnverifiable, why, required, SECTION),
            (None, None) => {
                let issuer = certificate.issuer();
                Note::new(PathCode::CrlMissing, format!("no such CRL of {issuer}"), required, SECTION)
            }
        };
        (vec![note], None)
    }
}

fn revoked(crl: &Crl<'_>, entry: &CrlEntry) -> Note {
    let since = entry.date.map_or("at an unknown date".to_owned(), |date| format!("since {date}"));
    Note::new(
        PathCode::Revoked,
        format!("revoked {since}, {}, in the CRL from {}", entry.reason_name(), crl.this_update()),
        "a serial number that no CRL lists",
        SECTION,
    )
}

/// Section 6.3.3 (b)(2)(i): whether the CRL's distribution point is one of the certificate's.
fn names_fit(
    crl: &Crl<'_>,
    certificate: &Certificate<'_>,
    point: &DistributionPoint<'_>,
    implicit: bool,
) -> bool {
    let Some(wanted) = &crl.scope().names else { return true };
    let mut ours = Vec::new();
    if implicit {
        ours.push(super::crl::general_key(&GeneralName::Directory(certificate.issuer())));
    } else if let Some(name) = &point.name {
        let base = point.crl_issuer.iter().find_map(|n| match n {
            GeneralName::Directory(name) => Some(*name),
            _ => None,
        });
        ours = point_keys(name, &base.unwrap_or(certificate.issuer()));
    } else {
        ours.extend(point.crl_issuer.iter().map(super::crl::general_key));
    }
    ours.iter().any(|name| wanted.contains(name))
}

/// Whether somebody who may sign this CRL did, for certificates issued below `state`.
fn trust(engine: &Engine<'_>, state: &State, index: usize, level: u8) -> Trust {
    let crl = &engine.crls[index];
    let mut why = None;
    if *crl.issuer_key() == state.subject {
        let checked = engine.crl_signature(index, state.spki, &state.key);
        match (checked, state.crl_sign) {
            (Checked::Good, true) => return Trust::Signed,
            (Checked::Good, false) => {
                why = Some("a CRL whose issuer may not sign CRLs (keyUsage without cRLSign)".to_owned());
            }
            (Checked::Unsupported(what), _) => why = Some(format!("a CRL signed with {what}")),
            (Checked::Bad, _) => {}
        }
    }
    let wanted = crl.authority_key_id();
    let mut signers: Vec<usize> =
        engine.pool.by_subject.get(crl.issuer_key()).into_iter().flatten().copied().collect();
    signers.sort_by_key(|i| (key_id_rank(wanted, engine.pool.entries[*i].key_id), *i));
    for i in signers.into_iter().take(MAX_CRL_SIGNERS) {
        let entry = &engine.pool.entries[i];
        if !may_sign_crls(&entry.certificate) {
            continue;
        }
        match engine.crl_signature(index, entry.spki, &entry.key) {
            Checked::Bad => continue,
            Checked::Unsupported(what) => {
                why.get_or_insert(format!("a CRL signed with {what}"));
                continue;
            }
            Checked::Good => {}
        }
        // A certificate of the path itself has been judged with it.
        if state.path.contains(&CertId::Shared(i)) || signer_is_valid(engine, i, state.anchor, level) {
            return Trust::Signed;
        }
        why.get_or_insert(format!("a CRL whose signer {} has no valid path", entry.certificate.subject()));
    }
    Trust::Not(why.unwrap_or_else(|| format!("a CRL of {} that nobody known has signed", crl.issuer())))
}

/// Whether a CRL signer has a valid path to the same anchor (section 6.3.3 (f)).
fn signer_is_valid(engine: &Engine<'_>, signer: usize, anchor: usize, level: u8) -> bool {
    let level = level + 1;
    if level > MAX_SIGNER_LEVEL {
        return false;
    }
    let entry = &engine.pool.entries[signer];
    if entry.is_anchor {
        return signer == anchor;
    }
    if let Some(known) = engine.signers.get(&(signer, anchor, level)) {
        return known;
    }
    let rules = Rules { options: &engine.options, level };
    let view = View { engine, extra: &[], counts: None };
    let own = facts(&entry.certificate, rules);
    let valid = note_verdict(&own, rules).0 == Verdict::Valid
        && view.candidates(&entry.issuer, entry.authority_key_id).into_iter().take(MAX_CRL_SIGNERS).any(
            |id| {
                let CertId::Shared(i) = id else { return false };
                let issuer = &engine.pool.entries[i];
                let certificate = &entry.certificate;
                i != signer
                    && certificate.signature_unused_bits() == 0
                    && issuer.key.verify(
                        certificate.signature_algorithm(),
                        certificate.tbs(),
                        certificate.signature(),
                    ) == Checked::Good
                    && view.paths(id, level).states.iter().any(|state| {
                        if state.anchor != anchor || note_verdict(&state.notes, rules).0 != Verdict::Valid {
                            return false;
                        }
                        let (mut notes, _) = state.finish(certificate, rules);
                        notes.extend(
                            check_for(engine, certificate, &entry.issuer, state, level, Some(signer)).0,
                        );
                        note_verdict(&notes, rules).0 == Verdict::Valid
                    })
            },
        );
    engine.signers.put((signer, anchor, level), valid);
    valid
}
