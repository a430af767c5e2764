//! Rules about recipients: who they are, and what one entry has to do with another.

use super::Rule;
use crate::bundle::model::{Decision, Severity};

/// Two objects claim one primary address.
pub static ADDRESS_CONFLICT: Rule = Rule {
    code: "address-conflict",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "Microsoft, Entra Connect: attribute uniqueness of proxyAddresses",
    title: "Two objects claim one primary address",
    means: "Two different objects of the run have the same primary SMTP address (or are mapped to the same address in the cloud), so every certificate of both is withheld.",
    matters: "The upload step finds a recipient by address. With two claimants, one person's certificate would be published for the other, and mail would be encrypted to the wrong key.",
    mend: "Find out which object owns the address, correct the other one in the directory, and export again; if both stand for one person, give them the same objectGUID or leave one out of the export.",
};

/// The recipient has no mail address.
pub static NO_RECIPIENT_ADDRESS: Rule = Rule {
    code: "no-recipient-address",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "Exchange Online: recipients are looked up by SMTP address",
    title: "The recipient has no mail address",
    means: "Neither proxyAddresses nor mail of the object holds an SMTP address, so there is nothing to publish a certificate for.",
    matters: "Nobody can address mail to this object; a certificate of it may belong to a logon or service account.",
    mend: "If the person has a mailbox, fill in mail or proxyAddresses, or name the address with --recipient-map; otherwise nothing is needed.",
};

/// An address of the recipient is not a mail address.
pub static ADDRESS_INVALID: Rule = Rule {
    code: "address-invalid",
    severity: Severity::Warning,
    decision: None,
    citation: "RFC 5321 section 4.1.2; RFC 6531",
    title: "An address of the recipient is not a mail address",
    means: "A value of mail, proxyAddresses or of the recipient map does not have the form local@domain and was left out.",
    matters: "A recipient whose only address is wrong cannot be found in the tenant.",
    mend: "Correct the value in the directory or in the map.",
};

/// mail has several values.
pub static SEVERAL_MAIL_VALUES: Rule = Rule {
    code: "several-mail-values",
    severity: Severity::Info,
    decision: None,
    citation: "RFC 4524 section 2.16 (mail is multi-valued outside Active Directory)",
    title: "mail has several values",
    means: "The object has no primary proxy address and several values of mail; the first in input order was taken as the primary address.",
    matters: "Directories keep no order of values, so the next export may name another one first.",
    mend: "Add proxyAddresses with one value that begins with SMTP:, or name the address with --recipient-map.",
};

/// Only signing certificates are published for this person.
pub static SIGN_ONLY: Rule = Rule {
    code: "sign-only",
    severity: Severity::Warning,
    decision: None,
    citation: "RFC 8550 section 4.4.2; RFC 5280 section 4.2.1.3",
    title: "Only signing certificates are published for this person",
    means: "At least one certificate of the recipient is published, but none of them may be used to encrypt.",
    matters: "Others can check this person's signatures but cannot send encrypted mail.",
    mend: "Issue an encryption certificate (keyEncipherment for RSA, keyAgreement for elliptic curves) and publish it in the directory.",
};

/// Old userSMIMECertificate values may stay in front.
pub static SHADOWING_REMAINS: Rule = Rule {
    code: "shadowing-remains",
    severity: Severity::Warning,
    decision: None,
    citation: "Outlook reads userSMIMECertificate before userCertificate",
    title: "Old userSMIMECertificate values may stay in front",
    means: "userCertificate publishes, and userSMIMECertificate is left untouched although everything in it was withheld, or although the tenant holds values in it, by --previous or --published. What the tenant holds there stays.",
    matters: "Outlook takes userSMIMECertificate first and falls back to userCertificate only when it is empty: it may go on using the old certificate.",
    mend: "Delete the stale value in the directory, and look at what the tenant holds for this recipient; --clear shadowing removes stale values there.",
};

/// A stale userSMIMECertificate stands before a fresh userCertificate.
pub static STALE_SHADOWS_FRESH: Rule = Rule {
    code: "stale-shadows-fresh",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "Outlook reads userSMIMECertificate before userCertificate",
    title: "A stale userSMIMECertificate stands before a fresh userCertificate",
    means: "The userSMIMECertificate value carries an expired certificate while userCertificate holds one that is published.",
    matters: "Published as it is, it would hide the fresh certificate from Outlook, a frequent complaint after a renewal.",
    mend: "Delete the old userSMIMECertificate value in the directory, or have the person publish the new certificate from Outlook again.",
};

/// The attribute holds more than 15 values.
pub static TOO_MANY_VALUES: Rule = Rule {
    code: "too-many-values",
    severity: Severity::Warning,
    decision: None,
    citation: "Microsoft: LargeObject errors caused by the userCertificate attribute",
    title: "The attribute holds more than 15 values",
    means: "The object has more values in one certificate attribute than Entra Connect exports.",
    matters: "In a synchronised site such an object's export fails with LargeObject, and every other change of that person stops as well.",
    mend: "Delete expired and unused certificates from the object in the directory.",
};

/// The object is no mail recipient and was left out.
pub static OBJECT_IGNORED: Rule = Rule {
    code: "object-ignored",
    severity: Severity::Info,
    decision: None,
    citation: "Entra Connect: default synchronisation rules",
    title: "The object is no mail recipient and was left out",
    means: "The object is a computer, a group, a certification authority, a system mailbox or a replication conflict; its certificate values are counted as ignored.",
    matters: "Certificates of such objects serve device logon or the directory itself, not mail.",
    mend: "Nothing is needed, unless the object should be a person: then correct its object class.",
};

/// Entra Connect would not synchronise the object.
pub static NOT_SYNCHRONISED: Rule = Rule {
    code: "not-synchronised",
    severity: Severity::Info,
    decision: None,
    citation: "Microsoft: Entra Connect Sync, understanding the default configuration",
    title: "Entra Connect would not synchronise the object",
    means: "With --source-rules entra-connect, objects that Entra Connect's default rules skip are left out too; their certificate values are counted as ignored.",
    matters: "An object that does not exist in the cloud cannot carry a certificate there.",
    mend: "If the object should be synchronised, give it what the message names; otherwise run without --source-rules.",
};

/// Several records were united into one object.
pub static OBJECT_UNITED: Rule = Rule {
    code: "object-united",
    severity: Severity::Info,
    decision: None,
    citation: "RFC 4512 section 2.1; MS-ADTS 3.1.1.3.1.3.3 (range retrieval)",
    title: "Several records were united into one object",
    means: "Records with the same objectGUID, or the same DN, are one object; their values were united, and each occurrence was counted.",
    matters: "The records may come from two exports of different days; values that were deleted in between are still there in the older one.",
    mend: "Nothing is needed when the export splits large objects; otherwise use one export of one day.",
};

/// One object was found under two names.
pub static GUID_WITH_TWO_DNS: Rule = Rule {
    code: "guid-with-two-dns",
    severity: Severity::Warning,
    decision: None,
    citation: "MS-ADTS 3.1.1.1.4 (objectGUID identifies an object for life)",
    title: "One object was found under two names",
    means: "Records with the same objectGUID have different DNs; they were united under the first one.",
    matters: "The object was renamed or moved between two exports, so one of them is out of date.",
    mend: "Use one export of one day.",
};

/// Several recipients use the same key.
pub static SHARED_KEY: Rule = Rule {
    code: "shared-key",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 5280 section 4.1.2.7; NIST SP 800-57 part 1 section 5.2",
    title: "Several recipients use the same key",
    means: "Certificates of more than one recipient hold the same public key.",
    matters: "Whoever holds the private key can read the mail of all of them. That is intended for a shared mailbox and a serious fault for people.",
    mend: "Ask the CA why the key was certified for several people; where it was not intended, revoke and issue new certificates with keys of their own.",
};

/// Several recipients have the same certificate.
pub static SHARED_CERTIFICATE: Rule = Rule {
    code: "shared-certificate",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 8550 section 3",
    title: "Several recipients have the same certificate",
    means: "The very same certificate stands at more than one recipient.",
    matters: "Whoever holds its private key can read the mail of all of them; a copy in the wrong entry is a frequent mistake.",
    mend: "Keep it only at the recipients whose addresses it bears.",
};

/// It is not clear whose certificate this is.
pub static AMBIGUOUS_OWNER: Rule = Rule {
    code: "ambiguous-owner",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 3",
    title: "It is not clear whose certificate this is",
    means: "A certificate from a file bears several mail addresses and the map does not say whose it is.",
    matters: "Guessing could publish it for the wrong person.",
    mend: "Name the file or the certificate's thumbprint in the file given with --map, with the recipient's primary address.",
};

/// Nobody is named as the owner of this certificate.
pub static NO_DECLARED_OWNER: Rule = Rule {
    code: "no-declared-owner",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 3",
    title: "Nobody is named as the owner of this certificate",
    means: "A certificate from a file bears no mail address and the map does not say whose it is.",
    matters: "Without an owner it cannot be published for anybody.",
    mend: "Name the file or the certificate's thumbprint in the file given with --map, with the recipient's primary address.",
};

/// The recipient map contradicts itself about somebody.
pub static MAP_CONTRADICTS: Rule = Rule {
    code: "map-contradicts",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "--recipient-map",
    title: "The recipient map contradicts itself",
    means: "Several lines of --recipient-map fit this recipient (by DN, objectGUID or address) and name different addresses.",
    matters: "It is not known which address in the cloud is meant, and a guess could publish for the wrong person.",
    mend: "Keep one of the lines that the message names.",
};

/// A certificate of a file cannot be added to the directory.
pub static NO_DIRECTORY_OBJECT: Rule = Rule {
    code: "no-directory-object",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "--target active-directory",
    title: "There is no directory object that could be changed",
    means: "The change of the directory adds certificates from files to the object that owns the address, and deletes ended ones from it. The input holds no such object, or one whose name is not certain, so nothing is changed for this person.",
    matters: "A certificate that is not added reaches nobody by Entra Connect, and an ended one stays where mail programs find it.",
    mend: "Give the directory's export, of one day, together with the files; correct the address in the directory or name the owner with --map. For partners who have no object in the directory use --target exchange-online.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[
    &ADDRESS_CONFLICT,
    &NO_RECIPIENT_ADDRESS,
    &ADDRESS_INVALID,
    &SEVERAL_MAIL_VALUES,
    &SIGN_ONLY,
    &SHADOWING_REMAINS,
    &STALE_SHADOWS_FRESH,
    &TOO_MANY_VALUES,
    &OBJECT_IGNORED,
    &NOT_SYNCHRONISED,
    &OBJECT_UNITED,
    &GUID_WITH_TWO_DNS,
    &SHARED_KEY,
    &SHARED_CERTIFICATE,
    &AMBIGUOUS_OWNER,
    &NO_DECLARED_OWNER,
    &MAP_CONTRADICTS,
    &NO_DIRECTORY_OBJECT,
];
