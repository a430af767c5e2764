//! Who is a mail recipient, of which kind, and why; and who is left out.
//!
//! The classes follow what Entra Connect synchronises (Microsoft, "Understanding the default
//! configuration"); an inetOrgPerson of another directory is as good as a user. The kind is a hint
//! from `msExchRecipientTypeDetails`: the upload step takes the kind that the tenant says.

use crate::bundle::model::{Identity, RecipientKind};
use crate::certificate::address::Address;
use crate::input::map::{Lookup, RecipientMap};
use crate::object::{Addresses, Object, guid_text};
use crate::rules::{Rule, recipient as rules};

/// What an object is to this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A recipient.
    Recipient(RecipientKind, &'static str),
    /// No recipient: the rule that says so and the reason. Its certificate values are ignored.
    Ignored(&'static Rule, String),
    /// Part of the directory's structure, without certificates: not worth a word.
    Structure,
}

/// Which objects are left out beyond the plain ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceRules {
    /// Only what can never be a recipient.
    #[default]
    Plain,
    /// Also what Entra Connect's default rules skip.
    EntraConnect,
}

/// Says what an object is.
#[must_use]
pub fn role(object: &Object, source_rules: SourceRules) -> Role {
    let ignored = |why: String| Role::Ignored(&rules::OBJECT_IGNORED, why);
    if let Some(kind) = object.classes.excluded {
        // Groups and computers are told; the tree's own nodes only when they carry a certificate.
        let structure = matches!(kind, "an organizational unit" | "a container" | "a domain");
        if structure && !object.has_certificate_value() {
            return Role::Structure;
        }
        return ignored(format!("the object is {kind}"));
    }
    let name = object.dn.as_deref().map(first_rdn_value).unwrap_or_default();
    if object.dn.as_deref().is_some_and(is_conflict_name) {
        return ignored("the object is the remains of a replication conflict (\\0ACNF: in its name)".into());
    }
    let begins = |prefix: &str| {
        name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            || object
                .account_name
                .as_deref()
                .and_then(|account| account.get(..prefix.len()))
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if begins("SystemMailbox{") || begins("HealthMailbox") {
        return ignored("the object is a system mailbox".into());
    }
    if source_rules == SourceRules::EntraConnect
        && let Some(why) = skipped_by_entra_connect(object, &begins)
    {
        return Role::Ignored(&rules::NOT_SYNCHRONISED, why);
    }
    let recipient = object.classes.person
        || object.classes.contact
        || object.owner.is_some()
        // A record without a class, or of a class that is not known here, that carries a
        // certificate: it may be a person, and a person must not be lost.
        || object.has_certificate_value();
    if !recipient {
        return Role::Structure;
    }
    let (kind, why) = kind(object);
    Role::Recipient(kind, why)
}

/// What Entra Connect's default rules skip.
fn skipped_by_entra_connect(object: &Object, begins: &dyn Fn(&str) -> bool) -> Option<String> {
    if object.owner.is_some() && object.dn.is_none() {
        return None; // from a certificate file: no directory object to be skipped
    }
    if object.critical {
        return Some("isCriticalSystemObject is TRUE".into());
    }
    for prefix in ["AAD_", "MSOL_", "CAS_", "SUPPORT_388945a0"] {
        if begins(prefix) {
            return Some(format!("its name begins with {prefix}"));
        }
    }
    if object.classes.contact {
        return None;
    }
    if object.account_name.is_none() {
        return Some("it has no sAMAccountName".into());
    }
    if !object.nickname {
        return Some("it has no mailNickname, so its Exchange attributes are not synchronised".into());
    }
    None
}

/// Values of msExchRecipientTypeDetails (Microsoft, "RecipientTypeDetails values").
fn kind(object: &Object) -> (RecipientKind, &'static str) {
    if object.classes.contact {
        return (RecipientKind::MailContact, "objectClass is contact");
    }
    match object.recipient_type {
        Some(1 | 2 | 4 | 16 | 32) => (
            RecipientKind::MailUser,
            "msExchRecipientTypeDetails names an on-premises mailbox, which is a mail user in Exchange Online",
        ),
        Some(2_147_483_648 | 8_589_934_592 | 17_179_869_184 | 34_359_738_368) => {
            (RecipientKind::Mailbox, "msExchRecipientTypeDetails names a mailbox in Exchange Online")
        }
        Some(64 | 32_768) => (RecipientKind::MailContact, "msExchRecipientTypeDetails names a mail contact"),
        Some(128) => (RecipientKind::MailUser, "msExchRecipientTypeDetails names a mail user"),
        _ if object.remote => {
            (RecipientKind::Mailbox, "msExchRemoteRecipientType names a mailbox in Exchange Online")
        }
        _ if object.dn.is_none() && object.owner.is_some() => {
            (RecipientKind::MailContact, "assumed: it is known from a certificate file only, as partners are")
        }
        _ => (RecipientKind::Mailbox, "assumed: the source names no recipient type"),
    }
}

/// The name that Active Directory gives to the loser of a replication conflict: the RDN's value, a
/// line feed, `CNF:` and a GUID (MS-ADTS section 3.1.1.5.1.5).
fn is_conflict_name(dn: &str) -> bool {
    if !dn.contains(['\\', '\n']) {
        return false; // nearly every name
    }
    let upper = dn.to_ascii_uppercase();
    upper.contains("\\0ACNF:") || upper.contains("\nCNF:")
}

fn first_rdn_value(dn: &str) -> &str {
    let first = dn.split_once('=').map_or(dn, |(_, value)| value);
    first.split(',').next().unwrap_or(first)
}

/// The addresses under which a recipient is known and looked up.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// What the source says.
    pub source: Addresses,
    /// The address in the cloud, where the recipient map names one.
    pub cloud: Option<Address>,
    /// The same as it is spelled in the map.
    pub cloud_text: Option<String>,
    /// What lines of the recipient map say against each other.
    pub contradiction: Option<String>,
}

impl Reach {
    /// Works it out from the object and the recipient map.
    #[must_use]
    pub fn of(object: &Object, map: Option<&RecipientMap>) -> Self {
        let source = object.addresses();
        let found = map.map_or(Lookup::None, |map| {
            map.find(object.dn.as_deref(), object.guid, source.list.iter().map(Address::as_str))
        });
        let mut reach = Self { source, ..Self::default() };
        match found {
            Lookup::None => {}
            Lookup::One(hit) => {
                reach.cloud = Address::parse(hit.address).ok();
                reach.cloud_text = reach.cloud.as_ref().map(|_| hit.address.to_owned());
            }
            Lookup::Conflict(one, other) => {
                reach.contradiction = Some(format!(
                    "line {} of the recipient map names {}, line {} names {}",
                    one.line, one.address, other.line, other.address
                ));
            }
        }
        reach
    }

    /// The address that the upload step looks up.
    #[must_use]
    pub fn target(&self) -> Option<&Address> {
        self.cloud.as_ref().or(self.source.primary())
    }

    /// The same as it is spelled where it comes from.
    #[must_use]
    pub fn target_text(&self) -> Option<&str> {
        self.cloud_text.as_deref().or(self.source.primary_text.as_deref())
    }

    /// Every address of the recipient, the ones looked up first.
    pub fn all(&self) -> impl Iterator<Item = &Address> {
        self.cloud.iter().chain(&self.source.list)
    }

    /// Whether an address is the recipient's.
    #[must_use]
    pub fn owns(&self, address: &Address) -> bool {
        self.all().any(|own| own == address)
    }

    /// Whether an address is a primary one: the source's or the cloud's.
    #[must_use]
    pub fn is_primary(&self, address: &Address) -> bool {
        self.cloud.as_ref() == Some(address) || self.source.primary() == Some(address)
    }
}

/// Who the recipient is, for the manifest.
#[must_use]
pub fn identity(object: &Object, reach: &Reach) -> Identity {
    let anchor = object.consistency_guid.as_deref().or(object.guid.as_ref().map(<[u8; 16]>::as_slice));
    Identity {
        primary_smtp: reach.source.primary_text.clone(),
        cloud_address: reach.cloud_text.clone(),
        user_principal_name: object.upn.clone(),
        dn: object.dn.clone(),
        object_guid: object.guid.as_ref().map(guid_text),
        immutable_id: anchor.map(crate::encoding::base64),
        display_name: object.display_name.clone().or_else(|| object.common_name.clone()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::object::{Field, Place};

    fn object(fields: &[(&str, &str)]) -> Object {
        let mut object = Object::at(Place::default());
        for (name, value) in fields {
            object.take(Field { name: name.as_bytes(), value: Ok(value.as_bytes()), line: 1, range: None });
        }
        object
    }

    #[test]
    fn kinds_follow_the_type_numbers() {
        for (number, kind) in [
            ("1", RecipientKind::MailUser),
            ("2147483648", RecipientKind::Mailbox),
            ("34359738368", RecipientKind::Mailbox),
            ("64", RecipientKind::MailContact),
            ("128", RecipientKind::MailUser),
            ("4096", RecipientKind::Mailbox),
        ] {
            let user = object(&[("objectClass", "user"), ("msExchRecipientTypeDetails", number)]);
            assert!(matches!(role(&user, SourceRules::Plain), Role::Recipient(found, _) if found == kind));
        }
        let contact = object(&[("objectClass", "contact")]);
        assert!(matches!(role(&contact, SourceRules::Plain), Role::Recipient(RecipientKind::MailContact, _)));
    }

    #[test]
    fn who_is_left_out_and_who_is_not() {
        let ignored =
            |fields: &[(&str, &str)], rules| matches!(role(&object(fields), rules), Role::Ignored(..));
        let plain = SourceRules::Plain;
        assert!(ignored(&[("objectClass", "user"), ("objectClass", "computer")], plain));
        assert!(ignored(&[("objectClass", "group")], plain));
        assert!(!ignored(&[("objectClass", "inetOrgPerson")], plain));
        assert_eq!(role(&object(&[("objectClass", "domain")]), plain), Role::Structure);
        assert!(ignored(&[("objectClass", "container"), ("userCertificate", "x")], plain));
        assert!(matches!(role(&object(&[("userCertificate", "x")]), plain), Role::Recipient(..)));
        assert_eq!(role(&object(&[("description", "x")]), plain), Role::Structure);

        let mut lost = object(&[("objectClass", "user")]);
        lost.dn = Some("CN=Kim\\0ACNF:1c2d,OU=x".into());
        assert!(matches!(role(&lost, plain), Role::Ignored(..)));
        lost.dn = Some("CN=SystemMailbox{1f05a927},CN=Users".into());
        assert!(matches!(role(&lost, plain), Role::Ignored(..)));

        let user = [("objectClass", "user"), ("sAMAccountName", "kim")];
        assert!(!ignored(&user, plain));
        assert!(ignored(&user, SourceRules::EntraConnect), "no mailNickname");
        let whole = [user[0], user[1], ("mailNickname", "kim")];
        assert!(!ignored(&whole, SourceRules::EntraConnect));
        let service = [user[0], ("sAMAccountName", "MSOL_12"), ("mailNickname", "x")];
        assert!(ignored(&service, SourceRules::EntraConnect));
    }

    #[test]
    fn the_immutable_id_is_made_of_raw_bytes() {
        let mut user = object(&[]);
        user.guid = Some([1; 16]);
        let reach = Reach::of(&user, None);
        assert_eq!(identity(&user, &reach).immutable_id.unwrap(), "AQEBAQEBAQEBAQEBAQEBAQ==");
        user.consistency_guid = Some(vec![0; 16]);
        assert_eq!(identity(&user, &reach).immutable_id.unwrap(), "AAAAAAAAAAAAAAAAAAAAAA==");
    }
}
