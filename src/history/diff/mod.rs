//! What changed between two bundles: people, certificates, decisions and why, policy, trust anchors.
//!
//! Both manifests are read once as streams; what is compared of a recipient lies on disk. Recipients are the same
//! by objectGUID, else by address, else by name; certificates by the bytes of their value in one attribute.
//! [`compare`] hands out one changed recipient after the other and returns the totals at the end.

pub mod cause;
pub mod model;
mod person;
mod policy;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::Path;

use cause::{Context, cause_of};
use model::{
    Anchors, BundleHead, CertificateChange, DIFF_SCHEMA, Head, PersonChange, Standing, Totals, ValueChange,
};
use person::{Person, Side, Value};

use crate::bundle::model::{Attribute, Coverage, Decision, TrustAnchor};
use crate::census::join::{self, Found};
use crate::census::sorter::Sorter;
use crate::error::Error;

/// Compares two bundles. `each` gets every recipient about whom something changed, first those of the newer
/// bundle in its order, then those who are only in the older one.
///
/// # Errors
/// [`Error::NotGood`] for a bundle that was changed, [`Error::NoInput`] for one that cannot be read,
/// [`Error::Spill`] when the temporary folder fails, and what `each` returns.
pub fn compare(
    old: &Path,
    new: &Path,
    mut each: impl FnMut(&PersonChange) -> Result<(), Error>,
) -> Result<(Head, Totals), Error> {
    let old = Side::read("OLD", old)?;
    let (new, knowledge) = Side::read("NEW", new)?.known()?;
    let pairs = pairs(&old, &knowledge)?;
    let policy = policy::compare(&old.policy, &new.policy)?;
    let context = Context::of(&old.frame, &new.frame, &old.policy, &new.policy);
    let mut totals = Totals { policy: policy.len() as u64, ..Totals::default() };
    let anchors = anchors(&old.frame.trust_anchors, &new.frame.trust_anchors);
    let mut taken = Sorter::default();

    let mut partners = pairs.iter();
    let mut next = partners.next().transpose().map_err(Error::spill)?;
    for number in 0..new.people.count() {
        let person = new.people.get(number).map_err(Error::spill)?;
        let mut partner = None;
        while let Some(key) = next.take_if(|key| join::unpack(key).0 == number) {
            // The best claim stands first; a second one of the older bundle is somebody who is gone.
            if partner.is_none() {
                let of_old = join::unpack(&reversed(&key)).1;
                partner = Some(old.people.get(of_old).map_err(Error::spill)?);
                let mut mark = [0; 32];
                mark[..4].copy_from_slice(&of_old.to_be_bytes());
                taken.push(mark).map_err(Error::spill)?;
            }
            next = partners.next().transpose().map_err(Error::spill)?;
        }
        if let Some(change) = person_change(partner.as_ref(), Some(&person), &context, &mut totals) {
            each(&change)?;
        }
    }
    let taken = taken.finish().map_err(Error::spill)?;
    let mut taken = taken.iter();
    let mut mark = taken.next().transpose().map_err(Error::spill)?;
    for number in 0..old.people.count() {
        if mark.is_some_and(|key| join::unpack(&key).0 == number) {
            mark = taken.next().transpose().map_err(Error::spill)?;
            continue;
        }
        let person = old.people.get(number).map_err(Error::spill)?;
        if let Some(change) = person_change(Some(&person), None, &context, &mut totals) {
            each(&change)?;
        }
    }
    let head = Head {
        schema: DIFF_SCHEMA.to_owned(),
        old: BundleHead::of(&old.frame),
        new: BundleHead::of(&new.frame),
        policy,
        trust_anchors: anchors,
    };
    Ok((head, totals))
}

/// Pairs of the newer and the older bundle: number in the newer one, weight turned round so that the heaviest comes
/// first, number in the older one.
fn pairs(old: &Side, knowledge: &crate::census::Knowledge) -> Result<crate::census::sorter::Sorted, Error> {
    let mut pairs = Sorter::default();
    let claims = join::claims(knowledge, &old.keys, join::by_identity).map_err(Error::spill)?;
    join::decide(&claims, |entry, found| match found {
        Found::Object(of_new, weight) => {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&of_new.to_be_bytes());
            key[4] = u8::MAX - weight;
            key[5..9].copy_from_slice(&entry.to_be_bytes());
            pairs.push(key)
        }
        Found::AddressInUse => Ok(()),
    })
    .map_err(Error::spill)?;
    pairs.finish().map_err(Error::spill)
}

/// A pair with the older number where [`join::unpack`] looks for the second one.
fn reversed(key: &[u8; 32]) -> [u8; 32] {
    let mut turned = *key;
    turned[4..8].copy_from_slice(&key[5..9]);
    turned
}

/// What changed about one person; `None` when nothing did.
fn person_change(
    old: Option<&Person>,
    new: Option<&Person>,
    context: &Context<'_>,
    totals: &mut Totals,
) -> Option<PersonChange> {
    let here = |person: Option<&Person>| person.is_some_and(|person| !person.gone);
    let standing = match (here(old), here(new)) {
        (false, true) => Standing::Added,
        (true, false) => Standing::Removed,
        (true, true) => Standing::Stays,
        (false, false) => Standing::Gone,
    };
    let either = new.or(old)?;
    let mut change = PersonChange {
        change: standing,
        address: either.address.clone(),
        display_name: either.display_name.clone(),
        old_number: old.map(|person| person.number),
        new_number: new.map(|person| person.number),
        old_address: None,
        old_coverage: old.map(|person| person.coverage),
        new_coverage: new.map(|person| person.coverage),
        cleared: new.map(|person| person.cleared.clone()).unwrap_or_default(),
        certificates: Vec::new(),
        values: Vec::new(),
    };
    if let (Some(old), Some(new)) = (old, new)
        && old.address_key() != new.address_key()
    {
        change.old_address.clone_from(&old.address);
    }
    change.values = values(old, new, context);
    change.certificates = certificates(&change.values);
    count(&change, standing, totals);
    let nothing = change.old_address.is_none()
        && change.old_coverage == change.new_coverage
        && change.cleared.is_empty()
        && change.values.is_empty();
    (!nothing || matches!(standing, Standing::Added | Standing::Removed)).then_some(change)
}

fn count(change: &PersonChange, standing: Standing, totals: &mut Totals) {
    let encryptable = |coverage: Option<Coverage>| coverage == Some(Coverage::Encryptable);
    let people = &mut totals.people;
    people.old += u64::from(matches!(standing, Standing::Removed | Standing::Stays));
    people.new += u64::from(matches!(standing, Standing::Added | Standing::Stays));
    people.added += u64::from(standing == Standing::Added);
    people.removed += u64::from(standing == Standing::Removed);
    people.address_changed += u64::from(change.old_address.is_some());
    let changed = change.old_coverage != change.new_coverage
        || change.old_address.is_some()
        || !change.cleared.is_empty()
        || !change.values.is_empty();
    people.changed += u64::from(standing == Standing::Stays && changed);
    let coverage = &mut totals.encryptable;
    coverage.old += u64::from(encryptable(change.old_coverage));
    coverage.new += u64::from(encryptable(change.new_coverage));
    match (encryptable(change.old_coverage), encryptable(change.new_coverage)) {
        (false, true) => coverage.gained += 1,
        (true, false) => coverage.lost += 1,
        _ => {}
    }
    for one in &change.certificates {
        match (&one.old, &one.new) {
            (Some(_), Some(_)) => totals.certificates.replaced += 1,
            (None, Some(_)) => totals.certificates.added += 1,
            (Some(_), None) => totals.certificates.removed += 1,
            (None, None) => {}
        }
    }
    for value in &change.values {
        if let (Some(_), Some(_)) = (value.old, value.new) {
            totals.decisions.changed += 1;
            totals.decisions.add(value.cause);
        }
    }
    totals.cleared += change.cleared.len() as u64;
}

/// Values that came, went, or are decided otherwise: by attribute and hash of the value, each occurrence by itself.
fn values(old: Option<&Person>, new: Option<&Person>, context: &Context<'_>) -> Vec<ValueChange> {
    let mut found = Vec::new();
    let mut before: BTreeMap<(Attribute, &str), Vec<&Value>> = BTreeMap::new();
    for value in old.map(|person| person.values.as_slice()).unwrap_or_default() {
        before.entry((value.attribute, &value.value_sha256)).or_default().push(value);
    }
    // Of several occurrences the published one stands last, so that it is taken first.
    for values in before.values_mut() {
        values.sort_by_key(|value| (Reverse(value.decision == Decision::Withhold), Reverse(value.index)));
    }
    let mut after: Vec<&Value> = new.map(|person| person.values.iter().collect()).unwrap_or_default();
    after.sort_by_key(|value| (value.attribute, value.decision == Decision::Withhold, value.index));
    for value in after {
        let twin = before.get_mut(&(value.attribute, value.value_sha256.as_str())).and_then(Vec::pop);
        match twin {
            Some(twin) if twin.decision == value.decision => {}
            twin => found.push(value_change(twin, Some(value), context)),
        }
    }
    let mut rest: Vec<&Value> = before.into_values().flatten().collect();
    rest.sort_by_key(|value| (value.attribute, value.index));
    found.extend(rest.into_iter().map(|value| value_change(Some(value), None, context)));
    found
}

fn value_change(old: Option<&Value>, new: Option<&Value>, context: &Context<'_>) -> ValueChange {
    let (cause, codes) = cause_of(old, new, context);
    // One of the two is there.
    let shown = new.or(old);
    let text = |get: fn(&Value) -> &Option<String>| shown.and_then(|value| get(value).clone());
    ValueChange {
        attribute: shown.map_or(Attribute::UserCertificate, |value| value.attribute),
        sha256: text(|value| &value.sha256),
        subject: text(|value| &value.subject),
        issuer: text(|value| &value.issuer),
        serial: text(|value| &value.serial),
        not_after: text(|value| &value.not_after),
        old: old.map(|value| value.decision),
        new: new.map(|value| value.decision),
        cause,
        codes,
        old_reason: old.map(|value| value.reason.clone()),
        new_reason: new.map(|value| value.reason.clone()),
    }
}

/// Published certificates that came and went; in one attribute, what came replaces what went, the longest-lasting
/// with the longest-lasting.
fn certificates(values: &[ValueChange]) -> Vec<CertificateChange> {
    let mut found = Vec::new();
    for attribute in [Attribute::UserCertificate, Attribute::UserSmimeCertificate] {
        let of = |published: fn(&ValueChange) -> bool| {
            let mut list: Vec<&ValueChange> =
                values.iter().filter(|value| value.attribute == attribute && published(value)).collect();
            list.sort_by(|a, b| (&b.not_after, &a.sha256).cmp(&(&a.not_after, &b.sha256)));
            list.into_iter()
        };
        let mut went = of(|value| value.old == Some(Decision::Publish));
        let mut came = of(|value| value.new == Some(Decision::Publish));
        loop {
            let (old, new) = (went.next(), came.next());
            if old.is_none() && new.is_none() {
                break;
            }
            let hash = |value: Option<&ValueChange>| value.and_then(|value| value.sha256.clone());
            let issuer = |value: Option<&ValueChange>| value.and_then(|value| value.issuer.clone());
            found.push(CertificateChange {
                attribute,
                old: hash(old),
                new: hash(new),
                other_issuer: old.is_some() && new.is_some() && issuer(old) != issuer(new),
            });
        }
    }
    found
}

/// Trust anchors that came and went.
fn anchors(old: &[TrustAnchor], new: &[TrustAnchor]) -> Anchors {
    let missing = |these: &[TrustAnchor], those: &[TrustAnchor]| {
        let known = |anchor: &&TrustAnchor| !those.iter().any(|other| other.sha256 == anchor.sha256);
        these.iter().filter(known).cloned().collect()
    };
    Anchors { added: missing(new, old), removed: missing(old, new) }
}
