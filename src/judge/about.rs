//! Findings that follow from who the recipient is, whatever stands in the certificates.

use super::World;
use crate::census::keys::{Kind, Note, hash};
use crate::object::{Object, Owner};
use crate::recipient::Reach;
use crate::rules::{Finding, recipient as recipient_rules, value as value_rules};

/// See the module.
#[derive(Default)]
pub struct About {
    /// About the recipient as a whole.
    pub for_recipient: Vec<Finding>,
    /// For every candidate.
    pub for_candidates: Vec<Finding>,
}

impl About {
    /// Collects them.
    pub fn of(object: &Object, reach: &Reach, notes: &[Note], world: &dyn World) -> Self {
        let mut about = Self::default();
        for (attribute, secret) in &object.secrets {
            about.for_recipient.push(Finding::new(
                &value_rules::PRIVATE_KEY,
                format!("{attribute}: {secret}"),
                "no private key",
            ));
        }
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
