//! Object identifiers: the ones this crate knows, by their DER contents octets.
//!
//! Identifiers are kept as they stand in the certificate (contents octets, X.690 section 8.19) and
//! compared as bytes; the dotted form is made only for people.

use std::borrow::Cow;
use std::fmt;

/// An object identifier, borrowed as its contents octets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid<'a>(pub &'a [u8]);

impl Oid<'_> {
    /// The arcs, or `None` when the octets are no identifier (empty, cut off, an arc above 64 bits).
    #[must_use]
    pub fn arcs(&self) -> Option<Vec<u64>> {
        if self.0.is_empty() || self.0.last().is_some_and(|b| b & 0x80 != 0) {
            return None;
        }
        let mut arcs = Vec::with_capacity(8);
        let mut arc: u64 = 0;
        for byte in self.0 {
            if arc >> 57 != 0 {
                return None;
            }
            arc = arc << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                if arcs.is_empty() {
                    let first = (arc / 40).min(2);
                    arcs.push(first);
                    arcs.push(arc - first * 40);
                } else {
                    arcs.push(arc);
                }
                arc = 0;
            }
        }
        Some(arcs)
    }

    /// Whether these are its contents octets. Identifiers of one arc differ in the last octet, which is looked at
    /// first.
    #[must_use]
    pub fn is(&self, octets: &[u8]) -> bool {
        self.0.last() == octets.last() && self.0 == octets
    }

    /// A name for people when the identifier is a known one (`emailProtection`), else the dotted form.
    #[must_use]
    pub fn name(&self) -> Cow<'static, str> {
        NAMES
            .iter()
            .find(|(octets, _)| self.is(octets))
            .map_or_else(|| Cow::Owned(self.to_string()), |(_, name)| Cow::Borrowed(*name))
    }

    /// Contents octets of a dotted identifier such as `2.5.29.32.0`; `None` when it is none.
    #[must_use]
    pub fn parse(dotted: &str) -> Option<Vec<u8>> {
        let arcs: Vec<u64> = dotted
            .split('.')
            .map(|arc| if arc.bytes().all(|b| b.is_ascii_digit()) { arc.parse().ok() } else { None })
            .collect::<Option<_>>()?;
        let (&[first, second], rest) = arcs.split_first_chunk::<2>()?;
        if first > 2 || (first < 2 && second > 39) {
            return None;
        }
        let mut out = Vec::new();
        push_arc(&mut out, (first * 40).checked_add(second)?);
        rest.iter().for_each(|arc| push_arc(&mut out, *arc));
        Some(out)
    }
}

fn push_arc(out: &mut Vec<u8>, arc: u64) {
    for shift in (1..10).rev() {
        if arc >> (7 * shift) != 0 {
            out.push(0x80 | (arc >> (7 * shift) & 0x7f) as u8);
        }
    }
    out.push((arc & 0x7f) as u8);
}

impl fmt::Display for Oid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.arcs() {
            Some(arcs) => {
                for (i, arc) in arcs.iter().enumerate() {
                    if i > 0 {
                        f.write_str(".")?;
                    }
                    write!(f, "{arc}")?;
                }
                Ok(())
            }
            None => {
                f.write_str("#")?;
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }
    }
}

impl fmt::Debug for Oid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! oids {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $octets:expr;)*) => {
        $($(#[$doc])* pub const $id: &[u8] = $octets;)*
        const NAMES: &[(&[u8], &str)] = &[$(($id, $name)),*];
    };
}

oids! {
    // Name attributes; they come first because names are shown most.
    /// commonName
    COMMON_NAME = "CN", &[0x55, 4, 3];
    /// surname
    SURNAME = "SN", &[0x55, 4, 4];
    /// serialNumber
    SERIAL_NUMBER = "serialNumber", &[0x55, 4, 5];
    /// countryName
    COUNTRY = "C", &[0x55, 4, 6];
    /// localityName
    LOCALITY = "L", &[0x55, 4, 7];
    /// stateOrProvinceName
    STATE = "ST", &[0x55, 4, 8];
    /// streetAddress
    STREET = "STREET", &[0x55, 4, 9];
    /// organizationName
    ORGANIZATION = "O", &[0x55, 4, 10];
    /// organizationalUnitName
    ORGANIZATIONAL_UNIT = "OU", &[0x55, 4, 11];
    /// title
    TITLE = "title", &[0x55, 4, 12];
    /// postalCode
    POSTAL_CODE = "postalCode", &[0x55, 4, 17];
    /// name
    NAME = "name", &[0x55, 4, 41];
    /// givenName
    GIVEN_NAME = "givenName", &[0x55, 4, 42];
    /// initials
    INITIALS = "initials", &[0x55, 4, 43];
    /// generationQualifier
    GENERATION = "generationQualifier", &[0x55, 4, 44];
    /// dnQualifier
    DN_QUALIFIER = "dnQualifier", &[0x55, 4, 46];
    /// pseudonym
    PSEUDONYM = "pseudonym", &[0x55, 4, 65];
    /// organizationIdentifier
    ORGANIZATION_IDENTIFIER = "organizationIdentifier", &[0x55, 4, 97];
    /// domainComponent
    DOMAIN_COMPONENT = "DC", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25];
    /// userId
    USER_ID = "UID", &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1];
    /// emailAddress (PKCS#9)
    EMAIL_ADDRESS = "emailAddress", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];
    // Certificate extensions, RFC 5280 section 4.2.
    /// subjectDirectoryAttributes
    SUBJECT_DIRECTORY_ATTRIBUTES = "subjectDirectoryAttributes", &[0x55, 0x1d, 9];
    /// subjectKeyIdentifier
    SUBJECT_KEY_IDENTIFIER = "subjectKeyIdentifier", &[0x55, 0x1d, 14];
    /// keyUsage
    KEY_USAGE = "keyUsage", &[0x55, 0x1d, 15];
    /// privateKeyUsagePeriod (RFC 3280)
    PRIVATE_KEY_USAGE_PERIOD = "privateKeyUsagePeriod", &[0x55, 0x1d, 16];
    /// subjectAltName
    SUBJECT_ALT_NAME = "subjectAltName", &[0x55, 0x1d, 17];
    /// issuerAltName
    ISSUER_ALT_NAME = "issuerAltName", &[0x55, 0x1d, 18];
    /// basicConstraints
    BASIC_CONSTRAINTS = "basicConstraints", &[0x55, 0x1d, 19];
    /// nameConstraints
    NAME_CONSTRAINTS = "nameConstraints", &[0x55, 0x1d, 30];
    /// cRLDistributionPoints
    CRL_DISTRIBUTION_POINTS = "cRLDistributionPoints", &[0x55, 0x1d, 31];
    /// certificatePolicies
    CERTIFICATE_POLICIES = "certificatePolicies", &[0x55, 0x1d, 32];
    /// anyPolicy
    ANY_POLICY = "anyPolicy", &[0x55, 0x1d, 32, 0];
    /// policyMappings
    POLICY_MAPPINGS = "policyMappings", &[0x55, 0x1d, 33];
    /// authorityKeyIdentifier
    AUTHORITY_KEY_IDENTIFIER = "authorityKeyIdentifier", &[0x55, 0x1d, 35];
    /// policyConstraints
    POLICY_CONSTRAINTS = "policyConstraints", &[0x55, 0x1d, 36];
    /// extKeyUsage
    EXT_KEY_USAGE = "extKeyUsage", &[0x55, 0x1d, 37];
    /// freshestCRL
    FRESHEST_CRL = "freshestCRL", &[0x55, 0x1d, 46];
    /// inhibitAnyPolicy
    INHIBIT_ANY_POLICY = "inhibitAnyPolicy", &[0x55, 0x1d, 54];
    /// authorityInfoAccess
    AUTHORITY_INFO_ACCESS = "authorityInfoAccess", &[0x2b, 6, 1, 5, 5, 7, 1, 1];
    /// subjectInfoAccess
    SUBJECT_INFO_ACCESS = "subjectInfoAccess", &[0x2b, 6, 1, 5, 5, 7, 1, 11];
    /// Certificate Transparency poison (RFC 6962 section 3.1): not a certificate for use
    CT_POISON = "ctPoison", &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 3];
    /// Certificate Transparency SCT list
    CT_SCTS = "signedCertificateTimestampList", &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];
    // CRL extensions, RFC 5280 section 5.
    /// cRLNumber
    CRL_NUMBER = "cRLNumber", &[0x55, 0x1d, 20];
    /// reasonCode
    REASON_CODE = "cRLReason", &[0x55, 0x1d, 21];
    /// invalidityDate
    INVALIDITY_DATE = "invalidityDate", &[0x55, 0x1d, 24];
    /// holdInstructionCode (RFC 3280)
    HOLD_INSTRUCTION = "holdInstructionCode", &[0x55, 0x1d, 23];
    /// deltaCRLIndicator
    DELTA_CRL_INDICATOR = "deltaCRLIndicator", &[0x55, 0x1d, 27];
    /// issuingDistributionPoint
    ISSUING_DISTRIBUTION_POINT = "issuingDistributionPoint", &[0x55, 0x1d, 28];
    /// certificateIssuer
    CERTIFICATE_ISSUER = "certificateIssuer", &[0x55, 0x1d, 29];
    // Extended key usages.
    /// anyExtendedKeyUsage
    ANY_EXTENDED_KEY_USAGE = "anyExtendedKeyUsage", &[0x55, 0x1d, 37, 0];
    /// serverAuth
    SERVER_AUTH = "serverAuth", &[0x2b, 6, 1, 5, 5, 7, 3, 1];
    /// clientAuth
    CLIENT_AUTH = "clientAuth", &[0x2b, 6, 1, 5, 5, 7, 3, 2];
    /// codeSigning
    CODE_SIGNING = "codeSigning", &[0x2b, 6, 1, 5, 5, 7, 3, 3];
    /// emailProtection
    EMAIL_PROTECTION = "emailProtection", &[0x2b, 6, 1, 5, 5, 7, 3, 4];
    /// timeStamping
    TIME_STAMPING = "timeStamping", &[0x2b, 6, 1, 5, 5, 7, 3, 8];
    /// OCSPSigning
    OCSP_SIGNING = "OCSPSigning", &[0x2b, 6, 1, 5, 5, 7, 3, 9];
    /// Microsoft smart card logon
    SMARTCARD_LOGON = "smartcardLogon", &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 20, 2, 2];
    /// Microsoft Encrypting File System
    EFS = "encryptedFileSystem", &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 4];
    /// Microsoft EFS recovery
    EFS_RECOVERY = "efsRecovery", &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 4, 1];
    /// Microsoft document signing
    DOCUMENT_SIGNING = "documentSigning", &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 12];
    // Microsoft certificate extensions and names.
    /// User principal name, an otherName
    UPN = "userPrincipalName", &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 20, 2, 3];
    /// certificate template name (version 1)
    MS_TEMPLATE_NAME = "certificateTemplateName", &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 20, 2];
    /// certificate template (version 2)
    MS_TEMPLATE = "certificateTemplate", &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 21, 7];
    /// application policies
    MS_APPLICATION_POLICIES = "applicationPolicies", &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 21, 10];
    /// security identifier (SID) extension
    MS_SECURITY = "ntdsCaSecurity", &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 25, 2];
    /// S/MIME capabilities
    SMIME_CAPABILITIES = "smimeCapabilities", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 15];
    /// SmtpUTF8Mailbox, an otherName (RFC 9598)
    SMTP_UTF8_MAILBOX = "smtpUTF8Mailbox", &[0x2b, 6, 1, 5, 5, 7, 8, 9];
    // Access methods.
    /// caIssuers
    CA_ISSUERS = "caIssuers", &[0x2b, 6, 1, 5, 5, 7, 0x30, 2];
    /// OCSP
    OCSP = "ocsp", &[0x2b, 6, 1, 5, 5, 7, 0x30, 1];
    // Keys.
    /// rsaEncryption
    RSA = "rsaEncryption", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
    /// id-RSAES-OAEP
    RSA_OAEP = "RSAES-OAEP", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 7];
    /// id-RSASSA-PSS
    RSA_PSS = "RSASSA-PSS", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
    /// id-ecPublicKey
    EC = "ecPublicKey", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    /// id-Ed25519
    ED25519 = "Ed25519", &[0x2b, 0x65, 0x70];
    /// id-Ed448
    ED448 = "Ed448", &[0x2b, 0x65, 0x71];
    /// id-X25519
    X25519 = "X25519", &[0x2b, 0x65, 0x6e];
    /// id-X448
    X448 = "X448", &[0x2b, 0x65, 0x6f];
    /// id-dsa
    DSA = "DSA", &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
    /// dhpublicnumber
    DH = "DH", &[0x2a, 0x86, 0x48, 0xce, 0x3e, 2, 1];
    /// dhKeyAgreement (PKCS#3)
    DH_PKCS3 = "DH (PKCS#3)", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 3, 1];
    // Curves.
    /// NIST P-192
    P192 = "P-192", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1];
    /// NIST P-224
    P224 = "P-224", &[0x2b, 0x81, 4, 0, 33];
    /// NIST P-256
    P256 = "P-256", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    /// NIST P-384
    P384 = "P-384", &[0x2b, 0x81, 4, 0, 34];
    /// NIST P-521
    P521 = "P-521", &[0x2b, 0x81, 4, 0, 35];
    /// secp256k1
    SECP256K1 = "secp256k1", &[0x2b, 0x81, 4, 0, 10];
    /// brainpoolP256r1
    BRAINPOOL_P256R1 = "brainpoolP256r1", &[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7];
    /// brainpoolP320r1
    BRAINPOOL_P320R1 = "brainpoolP320r1", &[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 9];
    /// brainpoolP384r1
    BRAINPOOL_P384R1 = "brainpoolP384r1", &[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 11];
    /// brainpoolP512r1
    BRAINPOOL_P512R1 = "brainpoolP512r1", &[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 13];
    // Signatures.
    /// md2WithRSAEncryption
    MD2_RSA = "md2WithRSAEncryption", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 2];
    /// md5WithRSAEncryption
    MD5_RSA = "md5WithRSAEncryption", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4];
    /// sha1WithRSAEncryption
    SHA1_RSA = "sha1WithRSAEncryption", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5];
    /// sha1WithRSASignature (OIW), the same thing
    SHA1_RSA_OIW = "sha1WithRSASignature", &[0x2b, 0x0e, 3, 2, 29];
    /// sha224WithRSAEncryption
    SHA224_RSA = "sha224WithRSAEncryption", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 14];
    /// sha256WithRSAEncryption
    SHA256_RSA = "sha256WithRSAEncryption", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
    /// sha384WithRSAEncryption
    SHA384_RSA = "sha384WithRSAEncryption", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12];
    /// sha512WithRSAEncryption
    SHA512_RSA = "sha512WithRSAEncryption", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13];
    /// ecdsa-with-SHA1
    ECDSA_SHA1 = "ecdsa-with-SHA1", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1];
    /// ecdsa-with-SHA224
    ECDSA_SHA224 = "ecdsa-with-SHA224", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1];
    /// ecdsa-with-SHA256
    ECDSA_SHA256 = "ecdsa-with-SHA256", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
    /// ecdsa-with-SHA384
    ECDSA_SHA384 = "ecdsa-with-SHA384", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];
    /// ecdsa-with-SHA512
    ECDSA_SHA512 = "ecdsa-with-SHA512", &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
    /// dsa-with-SHA1
    DSA_SHA1 = "dsa-with-SHA1", &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3];
    /// dsa-with-SHA224
    DSA_SHA224 = "dsa-with-SHA224", &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 1];
    /// dsa-with-SHA256
    DSA_SHA256 = "dsa-with-SHA256", &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 3, 2];
    // Digests.
    /// SHA-1
    SHA1 = "SHA-1", &[0x2b, 0x0e, 3, 2, 26];
    /// SHA-224
    SHA224 = "SHA-224", &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4];
    /// SHA-256
    SHA256 = "SHA-256", &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
    /// SHA-384
    SHA384 = "SHA-384", &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
    /// SHA-512
    SHA512 = "SHA-512", &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
    /// MGF1
    MGF1 = "MGF1", &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 8];
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn dotted_and_back() {
        for dotted in ["2.5.29.32.0", "1.3.6.1.4.1.311.20.2.3", "2.999.3", "0.9.2342.19200300.100.1.25"] {
            assert_eq!(Oid(&Oid::parse(dotted).unwrap()).to_string(), dotted);
        }
        assert_eq!(Oid::parse("1.3.6.1.4.1.311.20.2.3").unwrap(), UPN);
        for bad in ["", "1", "1.40", "3.1", "1.2.", "1.2.x", "1.+2", "1.2.18446744073709551616"] {
            assert_eq!(Oid::parse(bad), None, "{bad}");
        }
        assert_eq!(Oid(EMAIL_PROTECTION).name(), "emailProtection");
        assert_eq!(Oid(&[0x80]).to_string(), "#80", "octets that are no identifier are shown as they are");
        assert_eq!(Oid(&[0x55]).to_string(), "2.5");
    }
}
