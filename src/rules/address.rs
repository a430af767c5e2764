//! Rules about mail addresses: whose certificate it is (RFC 8550 section 3).

use super::{Finding, Rule};
use crate::bundle::model::{Decision, Severity};
use crate::certificate::address::{Address, AddressError};
use crate::certificate::{Certificate, EmailAddress, EmailSource};
use crate::recipient::Reach;

/// The certificate bears no mail address.
pub static NO_EMAIL_ADDRESS: Rule = Rule {
    code: "no-email-address",
    severity: Severity::Warning,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 3",
    title: "The certificate bears no mail address",
    means: "Neither the subject alternative name nor the subject of the certificate holds a mail address.",
    matters: "Mail programs compare the address they write to with the certificate's and refuse one without any.",
    mend: "Issue a certificate with the person's address in the subject alternative name.",
};

/// The certificate is for another address.
pub static NO_EMAIL_MATCH: Rule = Rule {
    code: "no-email-match",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 3",
    title: "The certificate is for another address",
    means: "None of the certificate's mail addresses is an address of the recipient.",
    matters: "Mail programs refuse it for this recipient, or warn; it may be somebody else's certificate in the wrong entry.",
    mend: "Check whose it is. If the person's address changed, issue a certificate for the new one or add the old one to proxyAddresses.",
};

/// The certificate belongs to another recipient of the run.
pub static FOREIGN_ADDRESS: Rule = Rule {
    code: "foreign-address",
    severity: Severity::Error,
    decision: Some(Decision::Withhold),
    citation: "RFC 8550 section 3",
    title: "The certificate belongs to another recipient of the run",
    means: "None of the certificate's addresses is this recipient's, and one of them is another recipient's.",
    matters: "Mail to this person would be encrypted to the other one's key, who could read it.",
    mend: "Delete the value from this entry; by default every directory user may write their own userCertificate, so also ask how it came there.",
};

/// The certificate also bears another recipient's address.
pub static ALSO_FOREIGN_ADDRESS: Rule = Rule {
    code: "also-foreign-address",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 8550 section 3",
    title: "The certificate also bears another recipient's address",
    means: "The certificate bears an address of this recipient and also one of another recipient of the run.",
    matters: "That is usual for shared mailboxes; for people it means that one can sign in the name of the other.",
    mend: "Ask the CA whether both addresses were certified on purpose.",
};

/// The certificate bears only a secondary address.
pub static ALIAS_ONLY: Rule = Rule {
    code: "alias-only",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "Exchange Online: Set-SmimeConfig, OWAUseSecondaryProxiesWhenFindingCertificates",
    title: "The certificate bears only a secondary address",
    means: "The certificate has a secondary address of the recipient and not the primary one. The policy may withhold such certificates.",
    matters: "Some mail programs compare with the primary address only and then find no certificate for this person.",
    mend: "Issue the next certificate with the primary address in the subject alternative name.",
};

/// Subject and alternative name disagree about the address.
pub static SUBJECT_EMAIL_DIFFERS: Rule = Rule {
    code: "subject-email-differs",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 8550 section 3; RFC 5280 section 4.1.2.6",
    title: "Subject and alternative name disagree about the address",
    means: "The emailAddress in the subject is not among the addresses of the subject alternative name.",
    matters: "Programs that still look at the subject see another person than those that look at the alternative name.",
    mend: "Issue the next certificate without an address in the subject, or with the same one.",
};

/// An address in the certificate is malformed.
pub static EMAIL_INVALID: Rule = Rule {
    code: "email-invalid",
    severity: Severity::Warning,
    decision: Some(Decision::Publish),
    citation: "RFC 5280 section 4.2.1.6; RFC 9598 section 3",
    title: "An address in the certificate is malformed",
    means: "A mail address in the certificate is not of the form local@domain, or holds characters that the field does not allow; it was not compared.",
    matters: "Mail programs ignore such an address.",
    mend: "Issue the certificate again with a correct address.",
};

/// All rules of the family.
pub static RULES: &[&Rule] = &[
    &NO_EMAIL_ADDRESS,
    &NO_EMAIL_MATCH,
    &FOREIGN_ADDRESS,
    &ALSO_FOREIGN_ADDRESS,
    &ALIAS_ONLY,
    &SUBJECT_EMAIL_DIFFERS,
    &EMAIL_INVALID,
];

/// The addresses of a certificate that can be compared. An rfc822Name or emailAddress must be ASCII
/// (RFC 5280 section 4.2.1.6); one that is not is never taken for an address.
#[must_use]
pub fn addresses(certificate: &Certificate<'_>) -> Vec<Address> {
    distinct(&read(certificate))
}

/// An address of a certificate with what it is when it is compared.
type Read<'a> = (EmailAddress<'a>, Result<Address, AddressError>);

fn read<'a>(certificate: &Certificate<'a>) -> Vec<Read<'a>> {
    let parse = |email: EmailAddress<'a>| {
        let address = Address::parse(&email.text);
        (email, address)
    };
    certificate.email_addresses().into_iter().map(parse).collect()
}

/// Whether every character is one that the field allows.
fn fits(email: &EmailAddress<'_>) -> bool {
    email.ascii || email.source == EmailSource::SmtpUtf8Mailbox
}

fn distinct(all: &[Read<'_>]) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::with_capacity(1);
    for (email, address) in all {
        if let Ok(address) = address
            && fits(email)
            && !found.contains(address)
        {
            found.push(address.clone());
        }
    }
    found
}

/// The addresses as they stand in the certificate, for display.
#[must_use]
pub fn texts(certificate: &Certificate<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for email in certificate.email_addresses() {
        if !found.iter().any(|known| *known == email.text) {
            found.push(email.text.into_owned());
        }
    }
    found
}

/// Judges whose certificate it is. `owner` names another recipient of the run who has an address; `aliases`
/// says whether a secondary address is enough.
pub fn check(
    certificate: &Certificate<'_>,
    reach: &Reach,
    aliases: bool,
    owner: &dyn Fn(&Address) -> Option<String>,
    findings: &mut Vec<Finding>,
) {
    let read = read(certificate);
    forms(&read, findings);
    let all = distinct(&read);
    if all.is_empty() {
        findings.push(Finding::new(
            &NO_EMAIL_ADDRESS,
            "the certificate bears no mail address",
            "the recipient's address in the subject alternative name",
        ));
        return;
    }
    let listed = |addresses: &[Address]| {
        let mut text: Vec<&str> = addresses.iter().take(3).map(Address::as_str).collect();
        if addresses.len() > 3 {
            text.push("…");
        }
        text.join(", ")
    };
    let (own, others): (Vec<Address>, Vec<Address>) =
        all.into_iter().partition(|address| reach.owns(address));
    let foreign = others.iter().find_map(|address| owner(address).map(|who| (address, who)));
    let required = || {
        reach
            .target()
            .map_or_else(String::new, |address| format!("an address of the recipient, such as {address}"))
    };
    match (own.is_empty(), foreign) {
        (true, Some((address, who))) => findings.push(Finding::new(
            &FOREIGN_ADDRESS,
            format!("the certificate is for {address}, {}", of_another(address, &who)),
            required(),
        )),
        // Without any address of the recipient there is nothing to compare with; that is a finding
        // of its own.
        (true, None) if reach.all().next().is_some() => findings.push(Finding::new(
            &NO_EMAIL_MATCH,
            format!("the certificate is for {}, which is no address of the recipient", listed(&others)),
            required(),
        )),
        (true, None) => {}
        (false, Some((address, who))) => findings.push(Finding::new(
            &ALSO_FOREIGN_ADDRESS,
            format!("the certificate also bears {address}, {}", of_another(address, &who)),
            "only addresses of the recipient",
        )),
        (false, None) => {}
    }
    if !own.is_empty() && !own.iter().any(|address| reach.is_primary(address)) {
        let mut finding = Finding::new(
            &ALIAS_ONLY,
            format!("the certificate bears {}, a secondary address", listed(&own)),
            reach.target().map_or_else(String::new, |address| format!("the primary address {address}")),
        );
        if !aliases {
            finding.decision = Some(Decision::Withhold);
            finding.required.to_mut().push_str(", since the policy takes no aliases");
        }
        findings.push(finding);
    }
}

/// Whose the address is; the other recipient is named where the address is not that name already.
fn of_another(address: &Address, who: &str) -> String {
    if who.eq_ignore_ascii_case(address.as_str()) {
        "the primary address of another recipient".to_owned()
    } else {
        format!("an address of another recipient ({who})")
    }
}

/// The certificate must bear this address.
pub fn check_one(certificate: &Certificate<'_>, wanted: &Address, findings: &mut Vec<Finding>) {
    let all = addresses(certificate);
    if !all.is_empty() && !all.contains(wanted) {
        findings.push(Finding::new(
            &NO_EMAIL_MATCH,
            format!("the certificate is for {}, and not for {wanted}", texts(certificate).join(", ")),
            format!("the address {wanted}"),
        ));
    }
    check_any(certificate, findings);
}

/// The certificate must bear any address at all.
pub fn check_any(certificate: &Certificate<'_>, findings: &mut Vec<Finding>) {
    if addresses(certificate).is_empty() {
        findings.push(Finding::new(
            &NO_EMAIL_ADDRESS,
            "the certificate bears no mail address",
            "an address in the subject alternative name",
        ));
    }
}

/// Addresses that cannot be compared, and a subject that disagrees with the alternative name.
pub fn check_form(certificate: &Certificate<'_>, findings: &mut Vec<Finding>) {
    forms(&read(certificate), findings);
}

fn forms(all: &[Read<'_>], findings: &mut Vec<Finding>) {
    for (email, address) in all {
        if let Some(why) = match address {
            _ if !fits(email) => Some("it holds characters that are not ASCII".to_owned()),
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        } {
            findings.push(Finding::new(
                &EMAIL_INVALID,
                format!("{:?} in the certificate is no mail address ({why})", email.text),
                "local@domain in ASCII",
            ));
        }
    }
    let compared = |in_subject: bool| {
        all.iter()
            .filter(move |(email, _)| (email.source == EmailSource::SubjectEmailAddress) == in_subject)
            .filter_map(|(_, address)| address.as_ref().ok())
    };
    if let Some(first) = compared(false).next()
        && let Some(differing) =
            compared(true).find(|address| !compared(false).any(|known| known == *address))
    {
        findings.push(Finding::new(
            &SUBJECT_EMAIL_DIFFERS,
            format!("the subject bears {differing}, the alternative name {first}"),
            "the same address in both, or none in the subject",
        ));
    }
}
