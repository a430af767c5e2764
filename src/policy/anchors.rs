//! For whom a trust anchor counts.
//!
//! An anchor vouches for every address that the CAs below it certify. Where anchors of several
//! organisations are trusted in one run, each of them could vouch for the people of the others; a pairing
//! says for whose addresses an anchor was meant.

use toml::de::DeArray;

use super::exceptions::tables;
use super::keys::wrong_word;
use super::tree::{Fields, Problems};
use super::words::Word;
use crate::bundle::model::RecipientKind;
use crate::certificate::address::domain_key;
use crate::encoding::unhex;

/// An anchor and the recipients for whom it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// SHA-256 of the anchor's certificate.
    pub sha256: [u8; 32],
    /// Domains of the address that the upload step looks up, as A-labels in lower case, sorted; `None`: any.
    pub domains: Option<Vec<String>>,
    /// Kinds of recipients; `None`: any.
    pub kinds: Option<Vec<RecipientKind>>,
}

impl Pairing {
    /// Whether it counts for a recipient. Who has no address or no known kind is not among those named.
    #[must_use]
    pub fn counts(&self, domain: Option<&str>, kind: Option<RecipientKind>) -> bool {
        let of_domain = self.domains.as_ref().is_none_or(|domains| {
            domain.is_some_and(|domain| domains.binary_search_by(|own| own.as_str().cmp(domain)).is_ok())
        });
        of_domain && self.kinds.as_ref().is_none_or(|kinds| kind.is_some_and(|kind| kinds.contains(&kind)))
    }

    /// For whom it counts, in words.
    #[must_use]
    pub fn whom(&self) -> String {
        let domains = match &self.domains {
            Some(domains) => format!("addresses in {}", domains.join(", ")),
            None => "addresses in any domain".to_owned(),
        };
        match &self.kinds {
            Some(kinds) => {
                let kinds: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
                format!("{domains} of the kind {}", kinds.join(" or "))
            }
            None => domains,
        }
    }
}

const KNOWN: &[&str] = &["sha256", "domains", "kinds"];
const SHA256: &str =
    "write the 64 hex digits that openssl x509 -fingerprint -sha256 prints, with or without colons";
const DOMAINS: &str = "write it like domains = [\"contoso.com\", \"contoso.de\"]; each domain stands by itself, sub-domains too; without the key it counts for all";
const KINDS: &str = "write it like kinds = [\"mailContact\"]; without the key it counts for all";

/// Reads every `[[anchor]]`.
pub fn read(list: &DeArray<'_>, problems: &mut Problems) -> Vec<Pairing> {
    let mut pairings: Vec<Pairing> = Vec::new();
    for (number, span, table) in tables(list, "anchor", problems) {
        let fields = Fields::new(format!("[[anchor]] {number}"), span, table, KNOWN, problems);
        let sha256 = sha256(&fields, problems);
        if sha256.is_none() && fields.get("sha256").is_none() {
            fields.missing("sha256", SHA256, problems);
        }
        let domains = fields.list("domains", DOMAINS, problems).map(|list| {
            let mut domains: Vec<String> = Vec::new();
            for (text, value) in list {
                match domain_key(&text.to_lowercase()) {
                    Some(domain) => domains.push(domain),
                    None => problems.unexpected(
                        &fields.named("domains"),
                        value,
                        "a domain such as contoso.com, without @ and *",
                        DOMAINS,
                    ),
                }
            }
            domains.sort();
            domains.dedup();
            domains
        });
        let kinds = fields.list("kinds", KINDS, problems).map(|list| {
            let mut kinds = Vec::new();
            for (text, value) in list {
                match RecipientKind::of(text) {
                    Some(kind) => kinds.push(kind),
                    None => {
                        let words = RecipientKind::words();
                        wrong_word(&fields.named("kinds"), value, &words, KINDS, problems);
                    }
                }
            }
            kinds
        });
        let Some(sha256) = sha256 else { continue };
        if let Some(first) = pairings.iter().position(|known| known.sha256 == sha256) {
            let message = format!("{} is about the same anchor as [[anchor]] {}", fields.label(), first + 1);
            problems.add(fields.span(), message, "make one of the two, with the domains of both");
        }
        pairings.push(Pairing { sha256, domains, kinds });
    }
    pairings
}

/// The field `sha256` of an entry, where there is one.
pub fn sha256(fields: &Fields<'_, '_>, problems: &mut Problems) -> Option<[u8; 32]> {
    let text = fields.text("sha256", SHA256, problems)?;
    let read = unhex(text).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    if let (None, Some(value)) = (read, fields.get("sha256")) {
        let digits = text.chars().filter(char::is_ascii_hexdigit).count();
        let odd = text.chars().any(|c| !c.is_ascii_hexdigit() && c != ':' && !c.is_whitespace());
        let found = match (odd, digits) {
            (true, _) => "something else than hex digits".to_owned(),
            (false, 40) => "40 hex digits, which is a SHA-1".to_owned(),
            (false, _) => format!("{digits} hex digits"),
        };
        let message = format!("{}: found {found}; expected 64 hex digits", fields.named("sha256"));
        problems.add(&value.span(), message, SHA256);
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_known_is_not_meant() {
        let mut pairing = Pairing {
            sha256: [0; 32],
            domains: Some(vec!["contoso.com".into(), "contoso.de".into()]),
            kinds: None,
        };
        assert!(pairing.counts(Some("contoso.de"), None));
        assert!(!pairing.counts(Some("mail.contoso.de"), None), "a sub-domain is another domain");
        assert!(!pairing.counts(None, None));
        pairing.kinds = Some(vec![RecipientKind::MailContact]);
        assert!(pairing.counts(Some("contoso.com"), Some(RecipientKind::MailContact)));
        assert!(!pairing.counts(Some("contoso.com"), Some(RecipientKind::Mailbox)));
        assert!(!pairing.counts(Some("contoso.com"), None));
        pairing.domains = None;
        assert!(pairing.counts(None, Some(RecipientKind::MailContact)));
        assert_eq!(pairing.whom(), "addresses in any domain of the kind mailContact");
    }
}
