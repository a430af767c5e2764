//! What was decided, as findings: in words that a person can read.

use super::before::{Before, Held, HeldBy, Origin};
use crate::bundle::model::{ClearClass, Cleared, Decision};
use crate::judge::Judged;
use crate::rules::{Finding, history as rules};

/// Somebody who stands in no input.
pub fn gone(before: &[Before], contested: bool) -> Finding {
    let mut said: Vec<String> = Vec::new();
    for one in before {
        said.push(match one.origin {
            Origin::Previous { number, gone: false, .. } => {
                format!("number {number} of the bundle before stands in no input")
            }
            Origin::Previous { number, gone: true, .. } => {
                format!("number {number} of the bundle before, gone then already, stands in no input")
            }
            Origin::Inventory { synchronised, values: [user, smime], .. } => format!(
                "the tenant holds {} for this address{}, and it stands in no input",
                values(usize::try_from(user.saturating_add(smime)).unwrap_or(usize::MAX)),
                if synchronised { ", which comes from an on-premises directory" } else { "" }
            ),
        });
    }
    if contested {
        said.push("the address belongs to somebody else now, so nothing is written to it".into());
    }
    Finding::new(&rules::RECIPIENT_GONE, said.join("; "), "an object in the inputs, or --clear gone")
}

/// An attribute that is cleared, and why.
pub fn clearing(one: &Cleared, evidence: &[Held]) -> Finding {
    let name = one.attribute.name();
    let held = evidence.iter().filter(|held| held.value.attribute == one.attribute);
    let because = match one.class {
        ClearClass::Revoked => {
            let mut revoked = held.filter(|held| held.revoked.is_some());
            let serial = revoked.next().and_then(|held| held.value.serial.clone()).unwrap_or_default();
            format!("it holds the certificate with serial {serial}, which is revoked")
        }
        ClearClass::Expired => "every value that is known of it has expired".into(),
        ClearClass::Shadowing => {
            "it holds only stale values, in front of a userCertificate that is published".into()
        }
        ClearClass::Gone => "the person stands in no input".into(),
    };
    Finding::new(
        &rules::ATTRIBUTE_CLEARED,
        format!("{name} is cleared (--clear {}): {because}", one.class.word()),
        "",
    )
}

/// Everything comes from another issuer.
pub fn other_issuer(judged: &Judged, evidence: &[Held]) -> Finding {
    let new =
        judged.recipient.candidates.iter().find(|one| one.decision == Decision::Publish && one.encrypts);
    let old = evidence.iter().find(|held| held.value.encrypts);
    let shown = |issuer: Option<String>| issuer.unwrap_or_else(|| "an unknown issuer".into());
    Finding::new(
        &rules::ISSUER_REPLACED,
        format!(
            "what the tenant holds was issued by {}, what replaces it by {}",
            shown(old.and_then(|held| held.value.issuer.clone())),
            shown(new.and_then(|one| one.issuer.clone()))
        ),
        "somebody who knows that this person's CA has changed",
    )
}

/// A revoked value that stays.
pub fn still_published(held: &Held, why: &str) -> Finding {
    let by = match held.by {
        HeldBy::Payload => "the bundle before published it",
        HeldBy::Left => "an earlier bundle published it",
        HeldBy::Inventory => "the tenant holds it",
    };
    let serial = held.value.serial.as_deref().unwrap_or("unknown");
    Finding::new(
        &rules::REVOKED_STILL_PUBLISHED,
        format!(
            "the certificate with serial {serial} stays in {}: {by}, and it is revoked ({why})",
            held.value.attribute.name()
        ),
        "--clear revoked, or a certificate that replaces it",
    )
}

/// A number of values.
pub fn values(count: usize) -> String {
    if count == 1 { "1 value".into() } else { format!("{count} values") }
}

/// A number of certificates to encrypt to.
pub fn certificates(count: usize) -> String {
    if count == 1 {
        "the certificate to encrypt to".into()
    } else {
        format!("each of the {count} certificates to encrypt to")
    }
}
