//! What a bundle must say, computed from who people really are.

use std::collections::{BTreeMap, BTreeSet};

use certferry::history::diff::model::{Cause, PersonChange, Standing, Totals};
use serde_json::Value;

use super::directory::{Directory, Person, Random};
use super::tenant::Tenant;
use crate::town::{Bundle, base64};

/// What is asked of a run.
#[derive(Debug)]
pub struct Asked {
    pub inventory: bool,
    pub clear: Vec<&'static str>,
}

impl Asked {
    pub fn draw(random: &mut Random, month: u32) -> Self {
        let mut clear = Vec::new();
        for class in ["revoked", "expired", "shadowing", "gone"] {
            if random.chance(40) {
                clear.push(class);
            }
        }
        Self { inventory: month > 0 && random.chance(50), clear }
    }
}

type Sets = [BTreeSet<usize>; 2];

/// An entry of a manifest, as the model has it.
#[derive(Clone, Debug)]
pub struct Record {
    /// Who they are; `None` for a mailbox that only the inventory knew.
    who: Option<u8>,
    dn: Option<String>,
    address: String,
    gone: bool,
    /// What the directory holds, with why a value is withheld.
    values: [BTreeMap<usize, Option<Cause>>; 2],
    published: Sets,
    cleared: [Option<&'static str>; 2],
    remaining: Sets,
    encryptable: bool,
}

/// The bundle before, as the model has it.
pub struct Past {
    records: Vec<Record>,
    with_guid: bool,
}

/// What a bundle must say.
pub struct Expected {
    pub records: Vec<Record>,
    pub gone: Vec<String>,
    pub removed: u64,
    pub revoked_still_published: u64,
    pub cleared: BTreeMap<&'static str, u64>,
    had: u64,
    lost: u64,
    with_guid: bool,
    first: bool,
}

/// What is known of somebody from before.
#[derive(Default)]
struct Evidence<'r> {
    records: Vec<&'r Record>,
    sets: Sets,
    again: [bool; 2],
}

impl Expected {
    pub fn of(
        directory: &Directory,
        month: u32,
        past: Option<&Past>,
        tenant: &Tenant,
        asked: &Asked,
    ) -> Self {
        let mut expected = Self {
            records: Vec::new(),
            gone: Vec::new(),
            removed: 0,
            revoked_still_published: 0,
            cleared: BTreeMap::new(),
            had: 0,
            lost: 0,
            with_guid: directory.with_guid,
            first: past.is_none(),
        };
        let present: Vec<&Person> = directory.people.iter().filter(|person| person.present).collect();
        let mut of: BTreeMap<u8, Evidence<'_>> = BTreeMap::new();
        let mut absent: Vec<(String, Evidence<'_>, Option<&Record>, bool)> = Vec::new();
        for record in past.map(|past| past.records.as_slice()).unwrap_or_default() {
            let (who, contested) = expected.who_is(record, directory, &present);
            let evidence = match who {
                Some(id) => of.entry(id).or_default(),
                None => {
                    absent.push((record.address.clone(), Evidence::default(), Some(record), contested));
                    &mut absent.last_mut().unwrap().1
                }
            };
            evidence.records.push(record);
            for at in 0..2 {
                evidence.sets[at].extend(&record.published[at]);
                if !asked.inventory {
                    evidence.sets[at].extend(&record.remaining[at]);
                    evidence.again[at] |= record.cleared[at].is_some();
                }
            }
        }
        if asked.inventory {
            for mailbox in tenant.held() {
                let evidence = match directory.owner(&mailbox.address) {
                    Some(owner) => of.entry(owner.id).or_default(),
                    None => match absent.iter().position(|(address, ..)| *address == mailbox.address) {
                        Some(at) => &mut absent[at].1,
                        None => {
                            absent.push((mailbox.address.clone(), Evidence::default(), None, false));
                            &mut absent.last_mut().unwrap().1
                        }
                    },
                };
                for at in 0..2 {
                    evidence.sets[at].extend(&mailbox.sets[at]);
                }
            }
        }
        for person in present {
            let evidence = of.remove(&person.id).unwrap_or_default();
            expected.here(directory, month, person, &evidence, asked);
        }
        for (address, evidence, record, contested) in absent {
            expected.away(directory, address, &evidence, record, contested, asked);
        }
        expected
    }

    /// Who a record of the bundle before is now; otherwise whether the address is somebody else's.
    fn who_is(&self, record: &Record, directory: &Directory, present: &[&Person]) -> (Option<u8>, bool) {
        if let Some(person) = present.iter().find(|person| person.address == record.address) {
            return (Some(person.id), false);
        }
        let same = present.iter().find(|person| Some(person.id) == record.who);
        let owner = directory.owner(&record.address);
        if self.with_guid && record.who.is_some() {
            return match (same, owner) {
                (Some(person), _) => (Some(person.id), false),
                (None, owner) => (None, owner.is_some()),
            };
        }
        // Without objectGUID people are known by an address, then by their name.
        if let Some(owner) = owner {
            return (Some(owner.id), false);
        }
        let named = present.iter().find(|person| record.dn.as_ref() == Some(&person.dn));
        (named.map(|person| person.id), false)
    }

    fn here(
        &mut self,
        directory: &Directory,
        month: u32,
        person: &Person,
        evidence: &Evidence<'_>,
        asked: &Asked,
    ) {
        let values: [BTreeMap<usize, Option<Cause>>; 2] = [0, 1].map(|at| {
            person.sets[at]
                .iter()
                .map(|number| (*number, directory.withheld(*number, person, month)))
                .collect()
        });
        let published: Sets = [0, 1].map(|at| {
            values[at].iter().filter(|(_, why)| why.is_none()).map(|(number, _)| *number).collect()
        });
        let encrypts = |set: &BTreeSet<usize>| set.iter().any(|number| directory.sheets[*number].encrypts);
        let expired = |number: &usize| directory.sheets[*number].until <= month;
        let revoked = |number: &usize| directory.sheets[*number].revoked;
        let cleared = [0, 1].map(|at| {
            if !published[at].is_empty() {
                return None;
            }
            let mut known: BTreeSet<usize> = values[at].keys().copied().collect();
            known.extend(&evidence.sets[at]);
            // Of a value in the directory a run does not ask the CRLs when it is withheld anyway.
            let seen_revoked = |number: &usize| {
                revoked(number)
                    && (evidence.sets[at].contains(number)
                        || values[at].get(number) == Some(&Some(Cause::TrustMaterial)))
            };
            asked.clear.iter().copied().find(|class| match *class {
                "revoked" => evidence.sets[at].iter().any(&revoked),
                "expired" => !known.is_empty() && known.iter().all(&expired),
                "shadowing" => {
                    let in_directory = values[at]
                        .keys()
                        .all(|number| expired(number) || values[at][number] == Some(Cause::TrustMaterial));
                    at == 1
                        && encrypts(&published[0])
                        && !known.is_empty()
                        && in_directory
                        && evidence.sets[at].iter().all(|number| expired(number) || seen_revoked(number))
                }
                _ => false,
            })
        });
        let encryptable = published.iter().any(encrypts);
        self.lost += u64::from(evidence.records.iter().any(|record| record.encryptable) && !encryptable);
        self.add(
            directory,
            evidence,
            Record {
                who: Some(person.id),
                dn: Some(person.dn.clone()),
                address: person.address.clone(),
                gone: false,
                values,
                published,
                cleared,
                remaining: Sets::default(),
                encryptable,
            },
        );
    }

    fn away(
        &mut self,
        directory: &Directory,
        address: String,
        evidence: &Evidence<'_>,
        record: Option<&Record>,
        contested: bool,
        asked: &Asked,
    ) {
        let clears = asked.clear.contains(&"gone") && !contested;
        let cleared = [0, 1]
            .map(|at| (clears && (!evidence.sets[at].is_empty() || evidence.again[at])).then_some("gone"));
        self.lost += u64::from(evidence.records.iter().any(|record| record.encryptable));
        self.gone.push(address.clone());
        self.add(
            directory,
            evidence,
            Record {
                who: record.and_then(|record| record.who),
                dn: record.and_then(|record| record.dn.clone()),
                address,
                gone: true,
                values: Default::default(),
                published: Sets::default(),
                cleared,
                remaining: Sets::default(),
                encryptable: false,
            },
        );
    }

    fn add(&mut self, directory: &Directory, evidence: &Evidence<'_>, mut record: Record) {
        let encrypts = |set: &BTreeSet<usize>| set.iter().any(|number| directory.sheets[*number].encrypts);
        for at in 0..2 {
            if let Some(class) = record.cleared[at] {
                *self.cleared.entry(class).or_default() += 1;
            } else if record.published[at].is_empty() {
                record.remaining[at].clone_from(&evidence.sets[at]);
            }
        }
        let had = evidence.sets.iter().any(encrypts);
        let has = record.published.iter().chain(&record.remaining).any(encrypts);
        self.had += u64::from(had);
        self.removed += u64::from(had && !has);
        let stays = record.remaining.iter().flatten().filter(|number| directory.sheets[**number].revoked);
        self.revoked_still_published += stays.count() as u64;
        self.records.push(record);
    }

    /// Holds a bundle against it.
    pub fn check(&self, bundle: &Bundle, directory: &Directory, place: &str) {
        let summary = bundle.summary();
        let asked = !summary["changes"].is_null();
        assert_eq!(bundle.gone(), self.gone, "{place}");
        for class in ["revoked", "expired", "shadowing", "gone"] {
            assert_eq!(
                bundle.cleared(class),
                self.cleared.get(class).copied().unwrap_or_default(),
                "{place}: {class}"
            );
        }
        assert_eq!(bundle.lost(), self.lost, "{place}: lostSincePrevious");
        if asked {
            let found = ["had", "removed", "gone", "revokedStillPublished"].map(|name| bundle.changes(name));
            let wanted = [self.had, self.removed, self.gone.len() as u64, self.revoked_still_published];
            assert_eq!(found, wanted, "{place}: had, removed, gone, revoked");
        }
        let encryptable = self.records.iter().filter(|record| record.encryptable).count();
        assert_eq!(summary["coverage"]["encryptable"], encryptable, "{place}");
        let recipients = bundle.manifest["recipients"].as_array().unwrap();
        assert_eq!(recipients.len(), self.records.len(), "{place}");
        let mut lines = 0;
        for (record, found) in self.records.iter().zip(recipients) {
            let who = format!("{place}: {}", record.address);
            assert_eq!(found["identity"]["primarySmtp"], record.address, "{who}");
            assert_eq!(found["source"].is_null(), record.gone, "{who}");
            let sets: Vec<Option<BTreeSet<String>>> = (0..2)
                .map(|at| {
                    let values =
                        || record.published[at].iter().map(|n| base64(&directory.sheets[*n].der)).collect();
                    (record.cleared[at].is_some() || !record.published[at].is_empty()).then(values)
                })
                .collect();
            let line = bundle.line(&record.address);
            assert_eq!(line.is_some(), sets.iter().any(Option::is_some), "{who}: {line:?}");
            lines += usize::from(line.is_some());
            for (at, name) in ["userCertificate", "userSMIMECertificate"].into_iter().enumerate() {
                let in_line = line.and_then(|line| line.get(name)).map(|values| {
                    let values = values.as_array().unwrap().iter();
                    values.map(|value| value.as_str().unwrap().to_owned()).collect::<BTreeSet<String>>()
                });
                assert_eq!(in_line, sets[at], "{who}: {name}");
                if asked {
                    let remaining: BTreeSet<&str> = found["history"]["remaining"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter(|value| value["attribute"] == name)
                        .map(|value| value["sha256"].as_str().unwrap())
                        .collect();
                    let wanted: Vec<String> =
                        record.remaining[at].iter().map(|n| hash(directory, *n)).collect();
                    assert_eq!(
                        remaining,
                        wanted.iter().map(String::as_str).collect(),
                        "{who}: {name} remaining"
                    );
                }
            }
        }
        assert_eq!(bundle.payload.len(), lines, "{place}: payload lines");
        if self.first {
            assert_eq!(bundle.manifest["bundle"]["previous"], Value::Null);
        }
    }

    pub fn into_past(self) -> Past {
        Past { records: self.records, with_guid: self.with_guid }
    }
}

fn hash(directory: &Directory, number: usize) -> String {
    certferry::encoding::hex(&certferry::encoding::sha256(&directory.sheets[number].der))
}

/// Holds a comparison of two bundles against the two models.
pub fn check_diff(past: &Past, now: &Expected, totals: &Totals, changes: &[PersonChange], place: &str) {
    let guid = |record: &Record| record.who.filter(|_| past.with_guid);
    let weight = |old: &Record, new: &Record| {
        let (a, b) = (guid(old), guid(new));
        let agree = a.is_none() || b.is_none() || a == b;
        let address = old.address == new.address;
        let name = old.dn.is_some() && old.dn == new.dn && agree;
        8 * u32::from(a.is_some() && a == b)
            + 4 * u32::from(address)
            + 2 * u32::from(address && agree)
            + u32::from(name)
    };
    // Each old record asks for its best new one; each new one takes the best that asks.
    let mut pairs: BTreeMap<usize, (u32, usize)> = BTreeMap::new();
    for (o, old) in past.records.iter().enumerate() {
        let best = now
            .records
            .iter()
            .enumerate()
            .map(|(n, new)| (weight(old, new), n))
            .max_by_key(|(w, n)| (*w, usize::MAX - n));
        if let Some((weight, n)) = best.filter(|(weight, _)| *weight > 0) {
            let taken = pairs.entry(n).or_insert((weight, o));
            if weight > taken.0 {
                *taken = (weight, o);
            }
        }
    }
    let taken: BTreeSet<usize> = pairs.values().map(|(_, old)| *old).collect();
    let mut both: Vec<(Option<&Record>, Option<&Record>)> = now
        .records
        .iter()
        .enumerate()
        .map(|(n, new)| (pairs.get(&n).map(|(_, old)| &past.records[*old]), Some(new)))
        .collect();
    both.extend(
        past.records.iter().enumerate().filter(|(o, _)| !taken.contains(o)).map(|(_, old)| (Some(old), None)),
    );
    let mut wanted = Totals::default();
    let mut listed = BTreeSet::new();
    for (old, new) in both {
        let here = |record: Option<&Record>| record.is_some_and(|record| !record.gone);
        wanted.people.old += u64::from(here(old));
        wanted.people.new += u64::from(here(new));
        wanted.people.added += u64::from(!here(old) && here(new));
        wanted.people.removed += u64::from(here(old) && !here(new));
        let encrypts = |record: Option<&Record>| record.is_some_and(|record| record.encryptable);
        wanted.encryptable.old += u64::from(encrypts(old));
        wanted.encryptable.new += u64::from(encrypts(new));
        wanted.encryptable.gained += u64::from(!encrypts(old) && encrypts(new));
        wanted.encryptable.lost += u64::from(encrypts(old) && !encrypts(new));
        let moved = matches!((old, new), (Some(old), Some(new)) if old.address != new.address);
        wanted.people.address_changed += u64::from(moved);
        let clears = new.map_or(0, |record| record.cleared.iter().flatten().count());
        wanted.cleared += clears as u64;
        let empty = BTreeMap::new();
        let mut differs = moved || clears > 0 || here(old) != here(new);
        for at in 0..2 {
            let before = old.map_or(&empty, |record| &record.values[at]);
            let after = new.map_or(&empty, |record| &record.values[at]);
            differs |= before
                .iter()
                .map(|(n, why)| (n, why.is_none()))
                .ne(after.iter().map(|(n, why)| (n, why.is_none())));
            let published = |values: &BTreeMap<usize, Option<Cause>>| -> BTreeSet<usize> {
                values.iter().filter(|(_, why)| why.is_none()).map(|(n, _)| *n).collect()
            };
            let (was, is) = (published(before), published(after));
            let (went, came) = (was.difference(&is).count() as u64, is.difference(&was).count() as u64);
            wanted.certificates.replaced += went.min(came);
            wanted.certificates.removed += went.saturating_sub(came);
            wanted.certificates.added += came.saturating_sub(went);
            for (number, why) in after {
                let Some(then) = before.get(number) else { continue };
                let Some(cause) = why.or(*then).filter(|_| why.is_none() != then.is_none()) else { continue };
                wanted.decisions.changed += 1;
                *match cause {
                    Cause::Input => &mut wanted.decisions.input,
                    Cause::Time => &mut wanted.decisions.time,
                    _ => &mut wanted.decisions.trust_material,
                } += 1;
            }
        }
        let coverage =
            |record: &Record| (record.encryptable, record.published.iter().all(BTreeSet::is_empty));
        differs |= matches!((old, new), (Some(old), Some(new)) if coverage(old) != coverage(new));
        wanted.people.changed += u64::from(differs && here(old) && here(new));
        if differs || old.is_none() || new.is_none() && here(old) {
            listed.insert(new.or(old).unwrap().address.clone());
        }
    }
    assert_eq!(totals, &wanted, "{place}: diff");
    let named: BTreeSet<String> = changes.iter().filter_map(|change| change.address.clone()).collect();
    assert_eq!(named, listed, "{place}: diff names");
    let removed = changes.iter().filter(|change| change.change == Standing::Removed).count() as u64;
    assert_eq!(removed, totals.people.removed, "{place}");
}
