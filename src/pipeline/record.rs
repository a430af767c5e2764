//! From what a reader hands over to an [`Object`]: LDIF records, and certificates of files.

use crate::certificate::Certificate;
use crate::input::files::{self, CertificateFile};
use crate::input::map::Map;
use crate::ldif::{self, Record, Value, Wanted};
use crate::limits::CERTIFICATE_FILE_BYTES;
use crate::object::{self, Content, Field, Object, Owner, Place};
use crate::rules::address::addresses;
use crate::bundle::model::Attribute;

/// Attributes that anything is made of; values of others are not even decoded.
#[must_use]
pub fn wanted() -> Wanted {
    Wanted::Only(
        [
            "objectClass",
            "objectGUID",
            "mS-DS-ConsistencyGuid",
            "userPrincipalName",
            "displayName",
            "cn",
            "name",
            "mail",
            "proxyAddresses",
            "mailNickname",
            "sAMAccountName",
            "msExchRecipientTypeDetails",
            "msExchRemoteRecipientType",
            "isCriticalSystemObject",
            "userCertificate",
            "userSMIMECertificate",
            "userPKCS12",
        ]
        .map(str::to_owned)
        .to_vec(),
    )
}
