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
    citation: "--trust, --intermediate, --crl, --keep-trust",
    title: "A file among the trust material was left out",
    means: "A file below a folder given with --trust, --intermediate or --crl holds nothing of the expected kind, or a private key, and was skipped. Of a store given with --keep-trust a private key was skipped.",
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
    means: "A certificate under --trust, --intermediate or --keep-trust cannot be parsed, or its file breaks off; it is not used.",
    matters: "Paths that need it are not found, and the certificates below it are withheld; what --keep-trust loses is missing in trust.sst.",
    mend: "Export the certificate from the CA again, or the store from the tenant.",
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

/// A certificate ends before the bundle does.
pub static TRUST_STORE_EXPIRING: Rule = Rule {
    code: "trust-store-expiring",
    severity: Severity::Warning,
    decision: None,
    citation: "Microsoft: Set-SmimeConfig, SMIMECertificateIssuingCA; --keep-trust",
    title: "An authority's certificate was left out of the trust store because it ends too early",
    means: "The certificate ends before the bundle's validUntil. One expired certificate makes the upload of the whole store fail, so it is not in trust.sst.",
    matters: "Outlook on the web trusts only what the store leads to: without the certificate it refuses those below it. For one that is only kept and has ended that is normal.",
    mend: "Get the renewed certificate of the authority, name it with --trust or --intermediate, and convert again. When the authority is gone, renew the people's certificates elsewhere.",
};

/// A certificate in the trust store would be an end entity's.
pub static TRUST_STORE_END_ENTITY: Rule = Rule {
    code: "trust-store-end-entity",
    severity: Severity::Warning,
    decision: None,
    citation: "Microsoft: set up a virtual certificate collection; RFC 5280 section 4.2.1.9",
    title: "A certificate that is no authority's was left out of the trust store",
    means: "The store holds roots and intermediates. This certificate is a person's that was given as an anchor itself (--trust), or one in the store of --keep-trust that is no authority's.",
    matters: "Outlook on the web does not trust a certificate whose path ends at itself, unless a root in the store leads to it.",
    mend: "Name the authority that issued it with --trust. A self-signed certificate of a person cannot be trusted through the store: replace it by one of an authority.",
};

/// A chain without a root.
pub static TRUST_STORE_NO_ROOT: Rule = Rule {
    code: "trust-store-no-root",
    severity: Severity::Warning,
    decision: None,
    citation: "Microsoft: set up a virtual certificate collection",
    title: "The trust store does not hold the root of a chain",
    means: "The anchor at which chains end is not self-signed, and the certificate that signed it is not in trust.sst: here a path may end at any certificate under --trust.",
    matters: "Windows and Exchange build a chain up to a self-signed root; without it Outlook on the web may refuse every certificate below.",
    mend: "Name the self-signed root with --trust and the authority below it with --intermediate, or keep the root with --keep-trust.",
};

/// There are no verified chains to take authorities from.
pub static TRUST_STORE_NOT_MADE: Rule = Rule {
    code: "trust-store-not-made",
    severity: Severity::Warning,
    decision: None,
    citation: "--unverified",
    title: "No authority of this run is in the trust store",
    means: "With --unverified no path is verified, so nobody knows which authorities the published certificates need. trust.sst holds what --keep-trust gave, or there is none.",
    matters: "Outlook on the web cannot validate the published certificates unless the tenant's store has their authorities already.",
    mend: "Convert with --trust (and --intermediate).",
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
    &TRUST_STORE_EXPIRING,
    &TRUST_STORE_END_ENTITY,
    &TRUST_STORE_NO_ROOT,
    &TRUST_STORE_NOT_MADE,
];
