//! Rules about the policy of a run: what it leaves out on purpose, and what its own entries did.

use super::Rule;
use crate::bundle::model::{Decision, Severity};

/// A newer certificate has taken the place of this one.
pub static SUPERSEDED: Rule = Rule {
    code: "superseded",
    severity: Severity::Info,
    decision: Some(Decision::Withhold),
    citation: "policy: publish, min_overlap_days",
    title: "A newer certificate has taken the place of this one",
    means: "The policy publishes the newest certificate only. This one is good, but another value of the attribute began later, ends no earlier, does everything that this one does, and has been valid for the days of overlap.",
    matters: "Mail programs take any of several good certificates, and the person may not carry the old key any more.",
    mend: "Nothing is needed. To go on publishing it, write publish = \"all\" in the policy.",
};

/// The issuer may not vouch for this person.
pub static ISSUER_NOT_FOR_DOMAIN: Rule = Rule {
    code: "issuer-not-for-domain",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 5280 section 6.1.1 (d); policy: [[anchor]]",
    title: "The trust anchor does not count for this person",
    means: "The path is valid, but it ends at a trust anchor that the policy trusts for other domains or other kinds of recipients only, and no path leads to one that counts.",
    matters: "A partner's CA could certify the address of one of your own people, and mail to them would be encrypted to somebody else's key.",
    mend: "Find out how the certificate came there. If the anchor is meant to vouch for this person, add the domain or the kind to its [[anchor]] entry.",
};

/// Every trust anchor counts for everybody.
pub static ANCHORS_NOT_PAIRED: Rule = Rule {
    code: "anchors-not-paired",
    severity: Severity::Warning,
    decision: None,
    citation: "RFC 5280 section 6.1.1 (d); policy: [[anchor]]",
    title: "Of several trust anchors, some count for everybody",
    means: "Several trust anchors were given, and the policy does not say for all of them whom they count for.",
    matters: "Each of them can vouch for every person of the run: a partner's CA could certify the address of one of your own people.",
    mend: "Give each anchor an [[anchor]] entry in the policy, with the domains whose people it may vouch for; or convert partners in a run of their own.",
};

/// An accepted exception was used.
pub static EXCEPTION_USED: Rule = Rule {
    code: "exception-used",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "policy: [[exception]]",
    title: "An accepted exception was used",
    means: "An [[exception]] of the policy accepts a finding at this certificate; the message names the finding, the approver, the reason and the last day.",
    matters: "Without the exception the certificate would be withheld, or the finding told louder.",
    mend: "Nothing, as long as the reason holds. Mend what the finding names before the exception ends.",
};

/// An entry of the policy matched nothing.
pub static POLICY_ENTRY_UNUSED: Rule = Rule {
    code: "policy-entry-unused",
    severity: Severity::Warning,
    decision: None,
    citation: "policy: [codes], [[anchor]], [[exception]]",
    title: "An entry of the policy matched nothing",
    means: "A changed code, an anchor or an exception of the policy did not come up in the run.",
    matters: "It may hold a typing error, and then does not do what was meant; or its reason is gone, and it only waits for something to let through.",
    mend: "Correct the entry, or take it out.",
};

/// An entry of the policy has ended.
pub static POLICY_ENTRY_ENDED: Rule = Rule {
    code: "policy-entry-ended",
    severity: Severity::Warning,
    decision: None,
    citation: "policy: until",
    title: "An entry of the policy has ended",
    means: "The last day of an exception or of a changed code lies before the instant of judgement, so it does not apply.",
    matters: "What it allowed is withheld again.",
    mend: "Mend what it was about and take the entry out, or have it approved again with a new last day.",
};

/// The attribute is not taken.
pub static ATTRIBUTE_NOT_TAKEN: Rule = Rule {
    code: "attribute-not-taken",
    severity: Severity::Info,
    decision: Some(Decision::Withhold),
    citation: "policy: attributes",
    title: "The policy does not take this attribute",
    means: "The value stands in an attribute that the policy leaves out.",
    matters: "The bundle says nothing about this attribute, so the tenant keeps what it has there.",
    mend: "Nothing is needed. To take its values, name the attribute under attributes in the policy.",
};

/// The kind of recipient is not taken.
pub static KIND_NOT_TAKEN: Rule = Rule {
    code: "kind-not-taken",
    severity: Severity::Info,
    decision: None,
    citation: "policy: kinds",
    title: "The policy does not take this kind of recipient",
    means: "The object is a recipient of a kind that the policy leaves out; its certificate values are counted as ignored. Its addresses are still compared with those of the others.",
    matters: "The bundle says nothing about this person, so the tenant keeps what it has.",
    mend: "Nothing is needed. To take such recipients, name the kind under kinds in the policy.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[
    &SUPERSEDED,
    &ISSUER_NOT_FOR_DOMAIN,
    &ANCHORS_NOT_PAIRED,
    &EXCEPTION_USED,
    &POLICY_ENTRY_UNUSED,
    &POLICY_ENTRY_ENDED,
    &ATTRIBUTE_NOT_TAKEN,
    &KIND_NOT_TAKEN,
];
