//! Why an export holds no certificate: what the attributes in it tell.

use std::collections::BTreeSet;

use crate::ldif::Record;

/// Names that are remembered; an export has some dozens.
const NAMES: usize = 64;

/// Names that a message lists.
const LISTED: usize = 6;

/// Attributes that Active Directory gives only when no list of attributes was asked for, or all were.
const UNASKED: &[&str] =
    &["instancetype", "whencreated", "usncreated", "distinguishedname", "objectcategory"];

/// Attributes of every object of Active Directory whose values are binary.
const BINARY: &[&str] = &["objectguid", "objectsid"];

/// Attributes of certificates; a csvde export may name them and hold none.
const CERTIFICATES: &[&str] = &["usercertificate", "usersmimecertificate"];

/// The names of the attributes of an export, in lower case and without options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(BTreeSet<String>);

impl Names {
    /// Adds those of a record.
    pub fn record(&mut self, record: &Record) {
        for attribute in record.attributes() {
            self.add(attribute.base());
        }
    }

    fn add(&mut self, name: &str) {
        if self.0.len() < NAMES && !self.0.contains(name) {
            self.0.insert(name.to_ascii_lowercase());
        }
    }

    /// Adds those of what was read behind it.
    pub fn merge(&mut self, later: &Self) {
        later.0.iter().for_each(|name| self.add(name));
    }

    /// Why there is no certificate, as a clause.
    #[must_use]
    pub fn why(&self) -> String {
        let any = |names: &[&str]| names.iter().any(|name| self.0.contains(*name));
        if any(CERTIFICATES) {
            return "the attributes are there, and every value is empty or in a file of its own (ldapsearch -A, -t)"
                .to_owned();
        }
        if any(UNASKED) && !any(BINARY) {
            return "attributes of every kind are there but none that is binary, not even objectGUID: it looks like ldifde -n or csvde -n, which leaves them out".to_owned();
        }
        if any(UNASKED) {
            return "attributes of every kind are there, so nobody in it has one, or the account that exported may not read them".to_owned();
        }
        let listed: Vec<&str> = self.0.iter().take(LISTED).map(String::as_str).collect();
        let more = if self.0.len() > LISTED { " and others" } else { "" };
        format!(
            "it holds only {}{more}: it looks as if the list of attributes (ldifde -l, csvde -l, ldapsearch) named no certificate attribute",
            listed.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(names: &[&str]) -> String {
        let mut all = Names::default();
        names.iter().for_each(|name| all.add(name));
        all.why()
    }

    #[test]
    fn attributes_tell_how_the_export_was_made() {
        assert!(
            why(&["cn", "mail", "objectGUID"])
                .contains("it holds only cn, mail, objectguid: it looks as if the list")
        );
        assert!(why(&["cn", "instanceType", "whenCreated"]).contains("-n"));
        assert!(why(&["cn", "instanceType", "objectGUID"]).contains("nobody in it"));
        assert!(why(&["cn", "userCertificate"]).contains("every value is empty"));
        let many: Vec<String> = (10..30).map(|n| format!("a{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(why(&many).contains("a10, a11, a12, a13, a14, a15 and others:"));
    }
}
