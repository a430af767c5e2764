//! What the change of the directory does at one object (`--target active-directory`).
//!
//! Deleting is the only thing in this program that takes something away, so the rule is narrow: **a value is deleted
//! when its end is the only thing that speaks against it.** It would be published if it were current: it is a
//! certificate for mail, with an address of this person, in the form that its attribute holds, of a known owner, and
//! nothing else about it withholds it. Whatever is withheld for another reason stays, also when it has expired: an EFS
//! or logon certificate, one with another address, a weak one, a damaged container, a value of an object whose address
//! somebody else claims too.
//!
//! * *Expired* is what the certificate says by itself, so no path is needed, and `--thorough` changes nothing.
//! * *Revoked* needs a path: the certificate itself stands in a CRL that was verified. That its issuer is revoked is not
//!   enough. That another CRL of the path is missing or stale does not make the revocation doubtful. A certificate on
//!   hold is revoked (the inverse brings it back).
//! * A *container* in userSMIMECertificate goes only when its certificate to encrypt to has ended and every other
//!   end-entity certificate in it has expired too; so a stale value that shadows a fresh userCertificate goes.
//! * Two independent parsers must read the certificate alike, as for publishing.
//! * Without `--trust` and without `--unverified` nothing is published, and nothing is changed.
//! * What is published is never deleted. Of byte-identical values of one attribute (joined exports, a file beside the
//!   directory) the first one is judged and stands for all, and the value is named once.
//!
//! A value is *added* when it comes from a certificate file, is published, and the object does not hold it. Files come to
//! objects by the census: a certificate goes to the one directory object that owns the address of its owner, as its
//! primary address or else as any other; with several claimants it stays by itself. Where there is no such object, or the
//! object's name is not certain (it stands under two names, or under one that is no DN), nothing is added or deleted, and
//! `no-directory-object` says so; without Exchange Online as a target the certificate is then withheld. No more is added
//! than fits into Entra Connect's limit of 15 values beside what stays.
//!
//! An attribute that is not known whole is left alone in either direction, because its values are withheld.

use std::collections::HashSet;

use crate::bundle::directory::{ATTRIBUTES, Change};
use crate::bundle::model::{Attribute, Decision, Target, ValueChange};
use crate::certificate::{Certificate, UnixTime};
use crate::encoding::sha256;
use crate::ldif::dn;
use crate::limits::{DN_BYTES, VALUES_PER_ATTRIBUTE};
use crate::object::{Content, Object};
use crate::rules::{Finding, readers, recipient as rules, validity};
use crate::select::Choice;

/// An object of the directory, and whether it can be changed.
pub struct DirectoryObject<'o> {
    /// Its DN, or why there is none that can be relied on.
    name: Result<&'o str, String>,
    /// What it holds, each value once.
    held: HashSet<(Attribute, [u8; 32])>,
    /// Values of each attribute of which only their number is known.
    unreadable: [usize; 2],
}

impl<'o> DirectoryObject<'o> {
    /// What the records of an object tell.
    #[must_use]
    pub fn of(object: &'o Object) -> Self {
        let (mut held, mut unreadable) = (HashSet::new(), [0; 2]);
        for value in object.values.iter().filter(|value| !value.from_file) {
            match &value.content {
                Content::Bytes(bytes) => {
                    held.insert((value.attribute, sha256(bytes)));
                }
                Content::Secret(_) | Content::Unreadable(..) => {
                    for (count, attribute) in unreadable.iter_mut().zip(ATTRIBUTES) {
                        *count += usize::from(value.attribute == attribute);
                    }
                }
            }
        }
        for (count, attribute) in unreadable.iter_mut().zip(ATTRIBUTES) {
            *count = count.saturating_add(object.beyond(attribute));
        }
        Self { name: name(object), held, unreadable }
    }

    /// Why nothing can be changed at the object, as a finding about the person with this address.
    #[must_use]
    pub fn out_of_reach(&self, address: &str, targets: &[Target]) -> Option<Finding> {
        let why = self.name.as_ref().err()?;
        let mut finding = Finding::new(
            &rules::NO_DIRECTORY_OBJECT,
            format!("nothing can be changed in the directory for {address}: {why}"),
            "one directory object with that address, under one name, in the input",
        );
        if targets.contains(&Target::ExchangeOnline) {
            // The payload carries it.
            finding.decision = None;
        }
        Some(finding)
    }

    /// Before selection: which values are deleted, and which would be added if they were published. Returns how many
    /// may be added to each attribute.
    pub fn prepare(&self, choices: &mut [Choice<'_>]) -> [usize; 2] {
        let mut room = [VALUES_PER_ATTRIBUTE; 2];
        if self.name.is_ok() {
            for choice in choices.iter_mut() {
                let held = self.holds(choice);
                choice.change = (held && choice.obsolete).then_some(ValueChange::Delete);
                choice.adds = !held;
            }
        }
        for (room, attribute) in room.iter_mut().zip(ATTRIBUTES) {
            *room = room.saturating_sub(self.left(attribute, choices));
        }
        room
    }

    /// Behind selection: notes what is added, and gives the change, if there is one.
    pub fn finish(&self, choices: &mut [Choice<'_>]) -> Option<Change> {
        let dn = self.name.as_ref().ok()?;
        let mut change = Change { dn: (*dn).to_owned(), ..Change::default() };
        for choice in choices {
            if choice.decision == Decision::Publish {
                choice.change = choice.adds.then_some(ValueChange::Add);
            }
            let value = || (choice.attribute, choice.bytes.to_vec());
            match choice.change {
                Some(ValueChange::Delete) => change.delete.push(value()),
                Some(ValueChange::Add) => change.add.push(value()),
                None => {}
            }
        }
        (!change.delete.is_empty() || !change.add.is_empty()).then_some(change)
    }

    /// Values of an attribute that the object holds once the change is made.
    #[must_use]
    pub fn left(&self, attribute: Attribute, choices: &[Choice<'_>]) -> usize {
        let held = self.held.iter().filter(|(of, _)| *of == attribute).count();
        let unreadable = self.unreadable.iter().zip(ATTRIBUTES).find(|(_, of)| *of == attribute);
        let of = |change| {
            let wanted =
                |choice: &&Choice<'_>| choice.attribute == attribute && choice.change == Some(change);
            choices.iter().filter(wanted).count()
        };
        (held + unreadable.map_or(0, |(count, _)| *count) + of(ValueChange::Add))
            .saturating_sub(of(ValueChange::Delete))
    }

    fn holds(&self, choice: &Choice<'_>) -> bool {
        self.held.contains(&(choice.attribute, choice.value_sha256))
    }
}

/// The DN of an object as it stood, if it names the object for certain.
fn name(object: &Object) -> Result<&str, String> {
    let Some(name) = object.dn.as_deref() else {
        return Err("the input holds no directory object with that address and a readable name".into());
    };
    if let Some(other) = &object.other_dn {
        return Err(format!("the object stands at {name} and at {other}"));
    }
    // What could not be decoded became U+FFFD, or stands as \XX.
    let stray = name.contains('\u{fffd}') || std::str::from_utf8(&unescaped(name)).is_err();
    if name.len() > DN_BYTES || stray || !dn::is_valid(name.as_bytes()) {
        let shown: String = name.chars().take(200).collect();
        return Err(format!("{shown:?} is not a distinguished name that can be relied on"));
    }
    Ok(name)
}

/// A DN with its `\XX` (RFC 4514 section 2.4) as the bytes that they stand for; other escapes stay.
fn unescaped(name: &str) -> Vec<u8> {
    let bytes = name.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).and_then(|pair| std::str::from_utf8(pair).ok());
        let value = pair.filter(|_| *byte == b'\\').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        out.push(value.unwrap_or(*byte));
        // A backslash that escapes a backslash begins nothing else.
        let pairs = *byte == b'\\' && bytes.get(at + 1) == Some(&b'\\');
        if pairs {
            out.push(b'\\');
        }
        at += if value.is_some() { 3 } else { 1 + usize::from(pairs) };
    }
    out
}

/// Whether a certificate's expiry is the only thing that withholds it so far, without a path.
#[must_use]
pub fn has_only_expired(findings: &[Finding]) -> bool {
    only(findings, |finding| finding.rule == &validity::EXPIRED)
}

/// Whether a certificate's revocation is the only thing that withholds it. What is not known of other CRLs withholds
/// where revocation counts hard, and does not matter for one that is known to be revoked.
#[must_use]
pub fn has_only_been_revoked(findings: &[Finding]) -> bool {
    only(findings, |finding| {
        matches!(finding.rule.code, "revoked" | "crl-missing" | "crl-stale" | "crl-unverifiable")
    })
}

fn only(findings: &[Finding], end: impl Fn(&Finding) -> bool) -> bool {
    let mut withholding = findings.iter().filter(|finding| finding.withholds()).peekable();
    withholding.peek().is_some() && withholding.all(end)
}

/// More values than Entra Connect exports: as they are, or, where the object is changed, as they will be.
#[must_use]
pub fn too_many_values(
    object: &Object,
    changed: Option<&DirectoryObject<'_>>,
    choices: &[Choice<'_>],
) -> Vec<Finding> {
    let each = ATTRIBUTES.into_iter().filter_map(|attribute| {
        let (count, found) = match changed {
            Some(directory) => {
                let left = directory.left(attribute, choices);
                (left, format!("{} holds {left} values once the change is made", attribute.name()))
            }
            None => {
                let held = object.values.iter().filter(|value| value.attribute == attribute).count();
                let count = held.saturating_add(object.beyond(attribute));
                (count, format!("{} holds {count} values", attribute.name()))
            }
        };
        (count > VALUES_PER_ATTRIBUTE)
            .then(|| Finding::new(&rules::TOO_MANY_VALUES, found, format!("at most {VALUES_PER_ATTRIBUTE}")))
    });
    each.collect()
}

/// Whether nothing in a value is of use any more, when its own certificate has ended: every other end-entity
/// certificate has expired, and both parsers read its own alike.
#[must_use]
pub fn is_spent(own: &Certificate<'_>, others: &[&Certificate<'_>], at: UnixTime) -> bool {
    let mut second = Vec::new();
    readers::check(own, &mut second);
    !second.iter().any(Finding::withholds)
        && others.iter().all(|other| other.is_ca() || at > other.not_after())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Field, Owner, Place};
    use crate::rules::path;
    use crate::rules::usage::NOT_FOR_MAIL;

    fn object(dn: &str) -> Object {
        let mut object = Object::at(Place::default());
        object.dn = Some(dn.to_owned());
        object
    }

    fn take(object: &mut Object, name: &str, value: &[u8]) {
        object.take(Field { name: name.as_bytes(), value: Ok(value), line: 1, range: None });
    }

    fn choice(attribute: Attribute, bytes: &[u8]) -> Choice<'_> {
        Choice { value_sha256: sha256(bytes), bytes, attribute, ..Choice::default() }
    }

    #[test]
    fn only_a_name_that_is_certain_is_used() {
        for dn in [
            "CN=Kim,DC=x",
            "CN=Kim\\, Lee\\\\,DC=x",
            "CN=\\ Kim\\ ,DC=x",
            "CN=\\#Zoë\\\"a\\+b,DC=x",
            "CN=Zo\\C3\\AB,DC=x",
            "CN=a\\\\EB,DC=x",
        ] {
            assert_eq!(name(&object(dn)), Ok(dn));
        }
        for dn in ["Kim", "CN=\"Kim, Lee\",DC=x", "CN=Zo\u{fffd},DC=x", "CN=Zo\\EB,DC=x", "CN=\\\\\\C3,DC=x"]
        {
            assert!(name(&object(dn)).is_err(), "{dn}");
        }
        let long = format!("CN={}", "a".repeat(DN_BYTES));
        assert!(name(&object(&long)).is_err());
        let mut moved = object("CN=Kim,DC=x");
        moved.unite(object("CN=Kim,OU=New,DC=x"));
        moved.guid = Some([1; 16]);
        assert!(name(&moved).is_err_and(|why| why.contains("OU=New")));
    }

    #[test]
    fn what_stands_in_both_is_named_once_and_nothing_is_added_twice() {
        let mut kim = object("CN=Kim,DC=x");
        take(&mut kim, "userCertificate", b"old");
        take(&mut kim, "userCertificate", b"current");
        take(&mut kim, "userCertificate", b"");
        let mut file = Object::at(Place::default());
        file.owner = Some(Owner::Nobody);
        for value in [&b"old"[..], b"current", b"new"] {
            take(&mut file, "userCertificate", value);
        }
        kim.unite(file);
        let directory = DirectoryObject::of(&kim);
        let of = |bytes: &'static [u8], decision| Choice {
            obsolete: bytes == b"old",
            decision,
            ..choice(Attribute::UserCertificate, bytes)
        };
        // The second "old" is a duplicate-value, which is withheld for that and so is not obsolete.
        let mut choices = [
            of(b"old", Decision::Withhold),
            of(b"current", Decision::Publish),
            Choice { obsolete: false, ..of(b"old", Decision::Withhold) },
            of(b"new", Decision::Publish),
        ];
        assert_eq!(directory.prepare(&mut choices), [VALUES_PER_ATTRIBUTE - 2, VALUES_PER_ATTRIBUTE]);
        let change = directory.finish(&mut choices).unwrap_or_default();
        assert_eq!(change.delete, [(Attribute::UserCertificate, b"old".to_vec())]);
        assert_eq!(change.add, [(Attribute::UserCertificate, b"new".to_vec())]);
        assert_eq!(directory.left(Attribute::UserCertificate, &choices), 3, "current, new, unreadable");
        let told: Vec<Option<ValueChange>> = choices.iter().map(|choice| choice.change).collect();
        assert_eq!(told, [Some(ValueChange::Delete), None, None, Some(ValueChange::Add)]);
    }

    #[test]
    fn an_end_must_be_the_only_reason() {
        let expired = || Finding::new(&validity::EXPIRED, "x", "y");
        let other = || Finding::new(&NOT_FOR_MAIL, "x", "y");
        let path = |code: &str| {
            let rule = path::rules().iter().find(|rule| rule.code == code).unwrap_or(&NOT_FOR_MAIL);
            Finding { decision: Some(Decision::Withhold), ..Finding::new(rule, "x", "y") }
        };
        assert!(has_only_expired(&[expired(), Finding::new(&rules::SHARED_KEY, "x", "y")]));
        assert!(!has_only_expired(&[]));
        assert!(!has_only_expired(&[expired(), other()]));
        assert!(!has_only_expired(&[path("revoked")]));
        assert!(has_only_been_revoked(&[path("revoked"), path("crl-stale")]));
        assert!(!has_only_been_revoked(&[path("revoked"), path("signature-invalid")]));
        assert!(!has_only_been_revoked(&[path("revoked"), expired()]));
    }
}
