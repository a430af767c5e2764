//! Rules about a run as a whole: what was asked for and what was not done.

use super::Rule;
use crate::bundle::model::Severity;

/// No trust anchors were given.
pub static NO_TRUST_ANCHORS: Rule = Rule {
    code: "no-trust-anchors",
    severity: Severity::Error,
    decision: None,
    citation: "RFC 5280 section 6.1.1 (d)",
    title: "No trust anchors were given",
    means: "Without --trust no certification path was verified. Everything is withheld, or, with --unverified, the other rules alone decided and every output says UNVERIFIED.",
    matters: "Any directory user may write their own userCertificate by default, so an address in a certificate proves nothing by itself.",
    mend: "Name the root certificate of your CA with --trust (and the issuing CAs with --intermediate).",
};

/// The whole input holds no certificate value.
pub static NO_CERTIFICATE_VALUES: Rule = Rule {
    code: "no-certificate-values",
    severity: Severity::Error,
    decision: None,
    citation: "Microsoft: ldifde, parameter -n; ldapsearch(1), attribute list",
    title: "The whole input holds no certificate value",
    means: "Records were read, but none has a value of userCertificate or userSMIMECertificate.",
    matters: "The export was probably made without certificates, so nobody would be published.",
    mend: "Export again with the certificate attributes: ldifde without -n and with -l naming userCertificate and userSMIMECertificate; ldapsearch with both named.",
};

/// Revocation was not checked.
pub static REVOCATION_NOT_CHECKED: Rule = Rule {
    code: "revocation-not-checked",
    severity: Severity::Warning,
    decision: None,
    citation: "RFC 5280 section 6.3",
    title: "Revocation was not checked",
    means: "No --crl was given, so revoked certificates cannot be told from good ones.",
    matters: "Mail may be encrypted to a certificate whose key was lost or stolen.",
    mend: "Copy the current CRLs of your CAs and name them with --crl.",
};

/// Not as many records as expected.
pub static RECORD_COUNT_UNEXPECTED: Rule = Rule {
    code: "record-count-unexpected",
    severity: Severity::Error,
    decision: None,
    citation: "--expect-records",
    title: "Not as many records as expected",
    means: "The number of records that were read differs from the one given with --expect-records.",
    matters: "The export is incomplete or of another scope; people may be missing.",
    mend: "Count the records at the source again and export again.",
};

/// CRLs cannot be reached from the internet.
pub static INTERNAL_CRL_POINT: Rule = Rule {
    code: "internal-crl-point",
    severity: Severity::Warning,
    decision: None,
    citation: "RFC 5280 section 4.2.1.13; Microsoft: S/MIME for Outlook on the web",
    title: "CRLs cannot be reached from the internet",
    means: "Certificates of this issuer name only CRL distribution points with ldap: or file: addresses or with host names that exist only inside.",
    matters: "Exchange Online and mail programs outside cannot check revocation; some then refuse the certificate or delay the mail.",
    mend: "Publish the CRL on a web server that can be reached from outside and have the CA name it in new certificates.",
};

/// The path was not checked because the certificate is withheld anyway.
pub static PATH_NOT_NEEDED: Rule = Rule {
    code: "path-not-needed",
    severity: Severity::Info,
    decision: None,
    citation: "--thorough",
    title: "The path was not checked because the certificate is withheld anyway",
    means: "Another rule already withholds the certificate, so its signature and path were not looked at.",
    matters: "It changes nothing: the certificate is not published either way.",
    mend: "Run with --thorough to see the verdict on every path.",
};

/// A file among the trust material was left out.
pub static TRUST_FILE_SKIPPED: Rule = Rule {
    code: "trust-file-skipped",
    severity: Severity::Warning,
    decision: None,
    citation: "--trust, --intermediate, --crl",
    title: "A file among the trust material was left out",
    means: "A file below a folder given with --trust, --intermediate or --crl holds nothing of the expected kind, or a private key, and was skipped.",
    matters: "If it was meant to be used, paths that need it are not found.",
    mend: "Move files that do not belong there elsewhere; keep private keys away from this machine.",
};

/// A certificate among the trust material could not be read.
pub static TRUST_CERTIFICATE_UNREADABLE: Rule = Rule {
    code: "trust-certificate-unreadable",
    severity: Severity::Error,
    decision: None,
    citation: "RFC 5280 section 4.1",
    title: "A certificate among the trust material could not be read",
    means: "A certificate under --trust or --intermediate cannot be parsed; it is not used.",
    matters: "Paths that need it are not found, and the certificates below it are withheld.",
    mend: "Export the certificate from the CA again.",
};

/// A CRL could not be used.
pub static CRL_UNUSABLE: Rule = Rule {
    code: "crl-unusable",
    severity: Severity::Warning,
    decision: None,
    citation: "RFC 5280 section 5",
    title: "A CRL could not be used",
    means: "A file under --crl cannot be read as a CRL; it counts as missing.",
    matters: "Revoked certificates of that issuer are not recognised.",
    mend: "Download the CRL again and check it with openssl crl.",
};

/// An entry of a map matched nothing.
pub static MAP_ENTRY_UNUSED: Rule = Rule {
    code: "map-entry-unused",
    severity: Severity::Warning,
    decision: None,
    citation: "--map, --recipient-map",
    title: "An entry of a map matched nothing",
    means: "A line of --map or --recipient-map names a file, certificate, DN, objectGUID or address that the run did not meet.",
    matters: "A typing error there leaves a person without a certificate or under the wrong address.",
    mend: "Correct or delete the line.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[
    &NO_TRUST_ANCHORS,
    &NO_CERTIFICATE_VALUES,
    &REVOCATION_NOT_CHECKED,
    &RECORD_COUNT_UNEXPECTED,
    &INTERNAL_CRL_POINT,
    &PATH_NOT_NEEDED,
    &TRUST_FILE_SKIPPED,
    &TRUST_CERTIFICATE_UNREADABLE,
    &CRL_UNUSABLE,
    &MAP_ENTRY_UNUSED,
];
