//! The certificates of a recipient's values, each parsed and read a second time once.

use crate::certificate::Certificate;
use crate::extract::{NEAR, Opened};
use crate::rules::{self, Finding};

/// What the second parser said of a recipient's certificates, each read once.
#[derive(Default)]
pub(super) struct SecondReader<'a>(Vec<(&'a Certificate<'a>, Vec<Finding>)>);

impl<'a> SecondReader<'a> {
    /// Reads it, unless that was done, and adds what was found.
    pub(super) fn check(&mut self, certificate: &'a Certificate<'a>, findings: &mut Vec<Finding>) {
        if let Some((_, found)) = self.0.iter().find(|(known, _)| std::ptr::eq(*known, certificate)) {
            findings.extend_from_slice(found);
            return;
        }
        let mut found = Vec::new();
        rules::readers::check(certificate, &mut found);
        findings.extend_from_slice(&found);
        self.0.push((certificate, found));
    }
}

/// Whether two certificates and what stands behind them are the same bytes.
pub(super) fn is_one(left: &Certificate<'_>, right: &Certificate<'_>) -> bool {
    left.der() == right.der() && left.trailing() == right.trailing()
}

/// The certificates of an opened value, parsed once.
pub(super) struct Parsed<'a> {
    /// The user's own certificate.
    pub(super) own: Option<Certificate<'a>>,
    /// The others in it.
    pub(super) others: Vec<Certificate<'a>>,
    /// None of the others was left out.
    pub(super) whole: bool,
    /// Why its own certificate cannot be read.
    pub(super) unreadable: Option<String>,
}

impl<'a> Parsed<'a> {
    /// Parses what was opened, each certificate once as a rule.
    pub(super) fn all(opened: &'a [Opened<'a>]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::with_capacity(opened.len());
        for (at, one) in opened.iter().enumerate() {
            // Both attributes mostly hold the same.
            let near = at.saturating_sub(NEAR)..at;
            let same = |known: &&Opened<'_>| own(one).is_some() && own(known) == own(one);
            let known =
                opened.get(near.clone()).unwrap_or_default().iter().zip(all.get(near).unwrap_or_default());
            let known =
                known.rev().find(|(opened, _)| same(opened)).and_then(|(_, parsed)| parsed.own.clone());
            let parsed = Self::of(one, known);
            all.push(parsed);
        }
        all
    }

    /// Parses a value; its own certificate may be `known`.
    fn of(opened: &'a Opened<'a>, known: Option<Certificate<'a>>) -> Self {
        let mut parsed = Self { own: known, others: Vec::new(), whole: true, unreadable: None };
        if let Opened::Readable { own, others, .. } = opened {
            if parsed.own.is_none() {
                match own.as_deref().map(Certificate::parse) {
                    Some(Ok(certificate)) => parsed.own = Some(certificate),
                    Some(Err(unreadable)) => parsed.unreadable = Some(unreadable.to_string()),
                    None => {}
                }
            }
            parsed.others = others.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
            parsed.whole = parsed.others.len() == others.len();
        }
        parsed
    }
}

/// The user's own certificate of an opened value.
fn own<'o>(opened: &'o Opened<'_>) -> Option<&'o [u8]> {
    match opened {
        Opened::Readable { own, .. } => own.as_deref(),
        Opened::Unreadable { .. } => None,
    }
}
