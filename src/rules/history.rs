//! Rules about what changed since the bundle before, and what the tenant holds.

use super::Rule;
use crate::bundle::model::Severity;

/// A person loses the last certificate to encrypt to.
pub static ENCRYPTION_REMOVED: Rule = Rule {
    code: "encryption-removed",
    severity: Severity::Warning,
    decision: None,
    citation: "--max-removals",
    title: "The person's certificates to encrypt to are taken away",
    means: "The tenant holds a certificate to encrypt to for this person, by --previous or --published, and once this payload is applied it holds none: the attribute is cleared, or replaced by a set without one.",
    matters: "From then on nobody can send this person encrypted mail. Many such people at once are usually a mistake in the export or the trust material.",
    mend: "Look at the person's candidates and why each was withheld. If it is meant, nothing is needed; otherwise mend the input, or leave the class away from --clear.",
};

/// Could be written to by the bundle before and not by this one.
pub static LOST_SINCE_PREVIOUS: Rule = Rule {
    code: "lost-since-previous",
    severity: Severity::Warning,
    decision: None,
    citation: "--previous",
    title: "The bundle before published a certificate to encrypt to, this one does not",
    means: "The person could be written to by the bundle before; in this one nothing that can be encrypted to is published for them. What the tenant holds stays there.",
    matters: "The certificate that stays has usually expired or is doubtful, and nobody replaces it any more.",
    mend: "Read why the person's candidates were withheld; renew the certificate, or remove it from the tenant with --clear.",
};

/// All certificates come from another issuer than before.
pub static ISSUER_REPLACED: Rule = Rule {
    code: "issuer-replaced",
    severity: Severity::Warning,
    decision: None,
    citation: "--previous, --published",
    title: "The person's certificates come from another issuer than before",
    means: "Every certificate to encrypt to that this payload sets for the person was issued by an authority that had issued none of those that the tenant holds.",
    matters: "It is normal when a CA was renewed under another name. For a single person it may be a certificate that somebody planted.",
    mend: "Ask who ordered the new certificate. If nobody did, withhold it: take that CA out of --trust, or delete the value in the directory.",
};

/// Stands in no input.
pub static RECIPIENT_GONE: Rule = Rule {
    code: "recipient-gone",
    severity: Severity::Warning,
    decision: None,
    citation: "--previous, --published",
    title: "The person stands in no input any more",
    means: "The bundle before or the tenant has this recipient, and no object of the inputs is them: no address, no objectGUID and no name in the inputs is theirs.",
    matters: "They have left, or the export is incomplete. Their certificates stay in the tenant until somebody removes them.",
    mend: "Check that the export is complete (--expect-records). To remove the certificates of those who left, use --clear gone.",
};

/// Clearing those who are gone would be guessing.
pub static GONE_NOT_CLEARED: Rule = Rule {
    code: "gone-not-cleared",
    severity: Severity::Error,
    decision: None,
    citation: "--clear gone",
    title: "Nobody who is gone was cleared, because the inputs were not read whole",
    means: "--clear gone was given, but records or files of the inputs could not be read, or their number is not the expected one, or a file seems to be cut off (its last line has no end, it holds nothing, or exactly as many records as a usual size limit) and --expect-records did not say how many there must be. Whoever seems to be gone may stand in what is missing.",
    matters: "Clearing would take certificates away from people who are still there.",
    mend: "Mend or repeat the export until every record is read, then run again. Where it only seems to be cut off, say with --expect-records how many records it must hold.",
};

/// An attribute is emptied.
pub static ATTRIBUTE_CLEARED: Rule = Rule {
    code: "attribute-cleared",
    severity: Severity::Info,
    decision: None,
    citation: "--clear",
    title: "The attribute is cleared in the tenant",
    means: "Nothing of the attribute can be published, a class that was named with --clear fits, and the payload empties it.",
    matters: "What the tenant holds in this attribute is removed when the payload is uploaded.",
    mend: "Nothing when it is meant. Otherwise run again without that class.",
};

/// The tenant keeps a revoked certificate.
pub static REVOKED_STILL_PUBLISHED: Rule = Rule {
    code: "revoked-still-published",
    severity: Severity::Error,
    decision: None,
    citation: "RFC 5280 section 6.3; --clear revoked",
    title: "A revoked certificate stays published in the tenant",
    means: "The tenant holds a certificate, by --previous or --published, that is revoked now, and this payload leaves its attribute untouched.",
    matters: "Mail goes on being encrypted to a certificate whose key was lost, stolen or withdrawn.",
    mend: "Run again with --clear revoked, or publish a new certificate for the person in the same attribute; the upload then replaces the set.",
};

/// The predecessor is not before this run.
pub static PREVIOUS_OUT_OF_ORDER: Rule = Rule {
    code: "previous-out-of-order",
    severity: Severity::Warning,
    decision: None,
    citation: "--previous, --published, --at",
    title: "What was given as the time before is later, or an inventory is older than the bundle before",
    means: "The bundle given with --previous was judged after this run's instant, or the inventory given with --published was taken before that bundle was made.",
    matters: "What changed is computed in the wrong direction, or the inventory cannot show what the bundle before did in the tenant.",
    mend: "Give the bundle that was made last before this run, and take the inventory after its upload.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[
    &ENCRYPTION_REMOVED,
    &LOST_SINCE_PREVIOUS,
    &ISSUER_REPLACED,
    &RECIPIENT_GONE,
    &GONE_NOT_CLEARED,
    &ATTRIBUTE_CLEARED,
    &REVOKED_STILL_PUBLISHED,
    &PREVIOUS_OUT_OF_ORDER,
];
