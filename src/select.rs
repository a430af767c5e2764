//! Selection: the final complete set of each recipient and attribute.
//!
//! A payload line replaces what the tenant holds, so it is built only from attributes that are known
//! whole, and a withheld value is never in it. Published values are put best first (a courtesy:
//! directories keep no order), at most as many as the policy allows. An attribute with nothing to
//! publish is left out of the line, which means "leave untouched": nothing is erased by accident.

mod newest;

use std::cmp::Reverse;

use crate::bundle::MAX_PAYLOAD_LINE;
use crate::bundle::model::{
    Attribute, Coverage, Decision, PayloadLine, RecipientKind, Severity, Target, ValueChange,
};
use crate::bundle::render::payload_len;
use crate::certificate::UnixTime;
use crate::certificate::address::Address;
use crate::encoding::base64;
use crate::policy::{Policy, Publish};
use crate::rules::usage::Abilities;
use crate::rules::{Finding, recipient as recipient_rules, validity, value as value_rules};

/// What selection needs to know of a candidate.
#[derive(Debug)]
pub struct Choice<'a> {
    /// The attribute.
    pub attribute: Attribute,
    /// The value as it stood.
    pub bytes: &'a [u8],
    /// What the certificate can be used for.
    pub abilities: Abilities,
    /// Start of validity, Unix seconds.
    pub not_before: i64,
    /// End of validity, Unix seconds.
    pub not_after: i64,
    /// Addresses of the recipient in the certificate; asked for where the newest is published.
    pub own: Vec<Address>,
    /// SHA-256 of the value, which breaks ties.
    pub value_sha256: [u8; 32],
    /// Everything found so far; selection adds to it.
    pub findings: Vec<Finding>,
    /// Whether the path allows publication.
    pub path_allows: bool,
    /// Its end is the only thing that withholds it ([`crate::directory`]).
    pub obsolete: bool,
    /// Publishing it adds it to the directory object, which does not hold it.
    pub adds: bool,
    /// What the change of the directory does with it.
    pub change: Option<ValueChange>,
    /// Decided here.
    pub decision: Decision,
}

impl Default for Choice<'_> {
    fn default() -> Self {
        Self {
            attribute: Attribute::UserCertificate,
            bytes: &[],
            abilities: Abilities::default(),
            not_before: i64::MIN,
            not_after: i64::MIN,
            own: Vec::new(),
            value_sha256: [0; 32],
            findings: Vec::new(),
            path_allows: false,
            obsolete: false,
            adds: false,
            change: None,
            decision: Decision::Withhold,
        }
    }
}

/// For whom, and for what, values are selected.
#[derive(Debug)]
pub struct Goal<'a> {
    /// The address that the upload step looks up.
    pub address: Option<&'a str>,
    /// The kind of recipient.
    pub kind: RecipientKind,
    /// Where the result is applied.
    pub targets: &'a [Target],
    /// How many values may be added to each attribute of the directory object.
    pub room: [usize; 2],
    /// What the organisation decided.
    pub policy: &'a Policy,
    /// The instant that certificates are judged at.
    pub at: UnixTime,
}

/// What is published for one recipient.
#[derive(Debug)]
pub struct Selection {
    /// The payload line without its number, when something is published.
    pub payload: Option<PayloadLine>,
    /// Whether the person can be written to.
    pub coverage: Coverage,
    /// End of the last published certificate to encrypt to.
    pub encryptable_until: Option<i64>,
    /// Findings about the recipient as a whole.
    pub findings: Vec<Finding>,
}

/// Decides every choice and builds the payload line.
#[must_use]
pub fn select(choices: &mut [Choice<'_>], goal: &Goal<'_>) -> Selection {
    let (policy, at) = (goal.policy, goal.at);
    for choice in choices.iter_mut() {
        let withheld = !choice.path_allows || choice.findings.iter().any(Finding::withholds);
        choice.decision = if withheld { Decision::Withhold } else { Decision::Publish };
    }
    if policy.publish == Publish::Newest {
        newest::supersede(choices, policy.min_overlap_days, at);
    }
    let most = policy.limits.values_per_attribute;
    let mut sets = [Attribute::UserCertificate, Attribute::UserSmimeCertificate]
        .map(|attribute| best_first(choices, attribute));
    for (set, room) in sets.iter_mut().zip(goal.room) {
        while set.len() > most {
            drop_last(choices, set, most, |_| true, &format!("{most} better values are published"));
        }
        while set.iter().filter_map(|at| choices.get(*at)).filter(|choice| choice.adds).count() > room {
            let why = format!("the directory object has room for {room} further values");
            drop_last(choices, set, most, |choice| choice.adds, &why);
        }
    }
    let uploads = goal.targets.contains(&Target::ExchangeOnline);
    let payload = loop {
        let line = if uploads { line(choices, &sets, goal) } else { None };
        match line {
            Some(line) if payload_len(&line) >= MAX_PAYLOAD_LINE => {
                // Fifteen values of the largest size in both attributes: the longer list gives way.
                let [first, second] = &mut sets;
                let longer = if first.len() >= second.len() { first } else { second };
                let why = "the values before it fill what one payload line may carry";
                drop_last(choices, longer, most, |_| true, why);
            }
            other => break other,
        }
    };
    let mut findings = Vec::new();
    let published = |choice: &&Choice<'_>| choice.decision == Decision::Publish;
    let encryptable_until =
        choices.iter().filter(published).filter(|c| c.abilities.encrypt).map(|c| c.not_after).max();
    let coverage = match (encryptable_until, choices.iter().any(|c| published(&c))) {
        (Some(_), _) => Coverage::Encryptable,
        (None, true) => Coverage::SignOnly,
        (None, false) => Coverage::None,
    };
    if coverage == Coverage::SignOnly {
        findings.push(Finding::new(
            &recipient_rules::SIGN_ONLY,
            "none of the published certificates can be encrypted to",
            "a certificate with keyEncipherment (RSA) or keyAgreement (elliptic curves)",
        ));
    }
    shadowing(choices, uploads, &mut findings);
    if encryptable_until.is_some() {
        soften_expired(choices);
    }
    Selection { payload, coverage, encryptable_until, findings }
}

/// Indices of the published choices of an attribute: those that can be encrypted to first, then those
/// that last longest; equal ones in the order of their hashes, which no reordering of the input
/// changes.
fn best_first(choices: &[Choice<'_>], attribute: Attribute) -> Vec<usize> {
    let mut set: Vec<usize> = choices
        .iter()
        .enumerate()
        .filter(|(_, choice)| choice.attribute == attribute && choice.decision == Decision::Publish)
        .map(|(at, _)| at)
        .collect();
    set.sort_by_key(|at| {
        choices
            .get(*at)
            .map(|choice| (Reverse(choice.abilities.encrypt), Reverse(choice.not_after), choice.value_sha256))
    });
    set
}

/// Drops the last value of a set that `which` names.
fn drop_last(
    choices: &mut [Choice<'_>],
    set: &mut Vec<usize>,
    most: usize,
    which: impl Fn(&Choice<'_>) -> bool,
    why: &str,
) {
    let last = set.iter().rposition(|at| choices.get(*at).is_some_and(&which));
    if let Some(choice) = last.map(|last| set.remove(last)).and_then(|at| choices.get_mut(at)) {
        choice.decision = Decision::Withhold;
        choice.findings.push(Finding::new(
            &value_rules::BEYOND_VALUE_LIMIT,
            format!("{why}, so this one is left out"),
            format!("at most {most} values of an attribute"),
        ));
    }
}

fn line(choices: &[Choice<'_>], sets: &[Vec<usize>; 2], goal: &Goal<'_>) -> Option<PayloadLine> {
    let values = |set: &Vec<usize>| {
        let values: Vec<String> =
            set.iter().filter_map(|at| choices.get(*at)).map(|choice| base64(choice.bytes)).collect();
        (!values.is_empty()).then_some(values)
    };
    let [certificates, containers] = sets;
    let (user_certificate, user_smime_certificate) = (values(certificates), values(containers));
    if user_certificate.is_none() && user_smime_certificate.is_none() {
        return None;
    }
    Some(PayloadLine {
        number: 0,
        address: goal.address?.to_owned(),
        kind: goal.kind,
        user_certificate,
        user_smime_certificate,
    })
}

/// Outlook reads userSMIMECertificate first: a stale value there hides a fresh userCertificate. A payload leaves it
/// where it is; the change of the directory deletes it, if it may.
fn shadowing(choices: &mut [Choice<'_>], uploads: bool, findings: &mut Vec<Finding>) {
    let fresh = choices.iter().any(|choice| {
        choice.attribute == Attribute::UserCertificate
            && choice.decision == Decision::Publish
            && choice.abilities.encrypt
    });
    let containers = || choices.iter().filter(|c| c.attribute == Attribute::UserSmimeCertificate);
    let emptied = containers().next().is_some() && containers().all(|c| c.decision == Decision::Withhold);
    if !fresh || !emptied {
        return;
    }
    let goes = |choice: &Choice<'_>| {
        // A duplicate goes with the value that it repeats.
        let repeats = choice.findings.iter().any(|finding| finding.rule == &value_rules::DUPLICATE_VALUE);
        choice.change == Some(ValueChange::Delete) || repeats
    };
    if uploads || !containers().all(goes) {
        findings.push(Finding::new(
            &recipient_rules::SHADOWING_REMAINS,
            "every value of userSMIMECertificate is withheld while userCertificate is published",
            "no stale userSMIMECertificate in the tenant; look at what it holds for this recipient",
        ));
    }
    for choice in choices.iter_mut().filter(|c| c.attribute == Attribute::UserSmimeCertificate) {
        if choice.findings.iter().any(|finding| finding.rule == &validity::EXPIRED) {
            choice.findings.push(Finding::new(
                &recipient_rules::STALE_SHADOWS_FRESH,
                "the value has expired and stands before a fresh userCertificate",
                "no expired value in userSMIMECertificate",
            ));
        }
    }
}

/// An expired certificate that has a successor is normal.
fn soften_expired(choices: &mut [Choice<'_>]) {
    for finding in choices.iter_mut().flat_map(|choice| &mut choice.findings) {
        if finding.rule == &validity::EXPIRED {
            finding.severity = Severity::Info;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    fn choice(attribute: Attribute, bytes: &[u8], encrypt: bool, not_after: i64) -> Choice<'_> {
        Choice {
            attribute,
            bytes,
            abilities: Abilities { encrypt, sign: true },
            not_before: 0,
            not_after,
            value_sha256: crate::encoding::sha256(bytes),
            path_allows: true,
            ..Choice::default()
        }
    }

    static DEFAULT: LazyLock<Policy> = LazyLock::new(Policy::default);

    fn goal(targets: &[Target], room: usize) -> Goal<'_> {
        Goal {
            address: Some("kim@x"),
            kind: RecipientKind::Mailbox,
            targets,
            room: [room; 2],
            policy: &DEFAULT,
            at: UnixTime(0),
        }
    }

    fn run(choices: &mut [Choice<'_>]) -> Selection {
        select(choices, &goal(&[Target::ExchangeOnline], 15))
    }

    #[test]
    fn no_more_is_added_than_the_directory_object_has_room_for() {
        let bytes: Vec<[u8; 1]> = (0..6).map(|n| [n]).collect();
        let mut choices: Vec<Choice<'_>> = bytes
            .iter()
            .map(|b| Choice {
                adds: b[0] % 2 == 0,
                ..choice(Attribute::UserCertificate, b, true, i64::from(b[0]))
            })
            .collect();
        let selection = select(&mut choices, &goal(&[Target::ActiveDirectory], 1));
        assert!(selection.payload.is_none());
        let published: Vec<u8> =
            choices.iter().filter(|c| c.decision == Decision::Publish).map(|c| c.bytes[0]).collect();
        assert_eq!(published, [1, 3, 4, 5], "what is there already, and the best of the new ones");
        assert_eq!(choices[2].findings[0].rule, &value_rules::BEYOND_VALUE_LIMIT);
    }

    #[test]
    fn a_shadow_that_is_deleted_does_not_remain() {
        let remains = |targets: &[Target], change| {
            let stale = Finding::new(&validity::EXPIRED, "x", "y");
            let mut choices = [
                choice(Attribute::UserCertificate, b"good", true, 9),
                Choice {
                    change,
                    findings: vec![stale],
                    ..choice(Attribute::UserSmimeCertificate, b"old", true, 1)
                },
            ];
            let found = select(&mut choices, &goal(targets, 15)).findings;
            found.iter().any(|finding| finding.rule == &recipient_rules::SHADOWING_REMAINS)
        };
        assert!(!remains(&[Target::ActiveDirectory], Some(ValueChange::Delete)));
        assert!(remains(&[Target::ActiveDirectory], None));
        assert!(remains(&[Target::ExchangeOnline, Target::ActiveDirectory], Some(ValueChange::Delete)));
    }

    #[test]
    fn the_best_come_first_and_fifteen_are_enough() {
        let bytes: Vec<[u8; 1]> = (0..20).map(|n| [n]).collect();
        let mut choices: Vec<Choice<'_>> = bytes
            .iter()
            .map(|b| choice(Attribute::UserCertificate, b, b[0] % 2 == 0, i64::from(b[0])))
            .collect();
        let selection = run(&mut choices);
        let set = selection.payload.unwrap().user_certificate.unwrap();
        assert_eq!(set.len(), 15);
        assert_eq!(set[0], base64(&[18]), "can encrypt and lasts longest");
        assert_eq!(set[10], base64(&[19]), "signs only, after all that encrypt");
        assert_eq!(selection.encryptable_until, Some(18));
        let dropped: Vec<u8> = choices
            .iter()
            .filter(|c| c.findings.iter().any(|f| f.rule == &value_rules::BEYOND_VALUE_LIMIT))
            .map(|c| c.bytes[0])
            .collect();
        assert_eq!(dropped, [1, 3, 5, 7, 9]);
        assert!(choices.iter().filter(|c| c.decision == Decision::Withhold).count() == 5);
    }

    #[test]
    fn a_line_never_grows_too_long() {
        let big: Vec<Vec<u8>> = (0..30u8).map(|n| vec![n; 32_768]).collect();
        let mut choices: Vec<Choice<'_>> = big
            .iter()
            .enumerate()
            .map(|(n, bytes)| {
                let attribute =
                    if n < 15 { Attribute::UserCertificate } else { Attribute::UserSmimeCertificate };
                choice(attribute, bytes, true, 5)
            })
            .collect();
        let selection = run(&mut choices);
        let line = selection.payload.unwrap();
        assert!(payload_len(&line) < MAX_PAYLOAD_LINE);
        let published = choices.iter().filter(|c| c.decision == Decision::Publish).count();
        let in_line = line.user_certificate.unwrap().len() + line.user_smime_certificate.unwrap().len();
        assert_eq!(published, in_line);
        assert!(in_line >= 20, "only {in_line} left");
    }

    #[test]
    fn what_withholds_is_never_in_the_line() {
        let mut choices = [
            choice(Attribute::UserCertificate, b"good", true, 9),
            choice(Attribute::UserCertificate, b"no path", true, 99),
            choice(Attribute::UserSmimeCertificate, b"old", true, 1),
        ];
        choices[1].path_allows = false;
        choices[2].findings.push(Finding::new(&validity::EXPIRED, "x", "y"));
        let selection = run(&mut choices);
        let line = selection.payload.unwrap();
        assert_eq!(line.user_certificate.unwrap(), [base64(b"good")]);
        assert_eq!(line.user_smime_certificate, None, "absent: left untouched, not cleared");
        assert!(selection.findings.iter().any(|f| f.rule == &recipient_rules::SHADOWING_REMAINS));
        let old: Vec<_> = choices[2].findings.iter().map(|f| (f.rule.code, f.severity)).collect();
        assert_eq!(old, [("expired", Severity::Info), ("stale-shadows-fresh", Severity::Warning)]);
    }

    /// Days of validity of two certificates, and what happens to the first one at day 100.
    #[test]
    fn the_newest_takes_the_place_of_who_loses_nothing() {
        let policy = Policy { publish: Publish::Newest, min_overlap_days: 30, ..Policy::default() };
        let kim = Address::parse("kim@example.com").unwrap();
        let dropped = |change: fn(&mut [Choice<'_>; 2], Address)| {
            let mut pair = [
                choice(Attribute::UserCertificate, b"old", true, 200 * 86_400),
                choice(Attribute::UserCertificate, b"new", true, 300 * 86_400),
            ];
            pair[1].not_before = 70 * 86_400;
            change(&mut pair, kim.clone());
            let at = UnixTime(100 * 86_400);
            let goal = Goal { policy: &policy, at, ..goal(&[Target::ExchangeOnline], 15) };
            let selection = select(&mut pair, &goal);
            assert_eq!(selection.coverage, Coverage::Encryptable);
            let told = pair[0].findings.iter().any(|found| found.rule.code == "superseded");
            assert_eq!(told, pair[0].decision == Decision::Withhold);
            told
        };
        assert!(dropped(|_, _| {}));
        assert!(!dropped(|pair, _| pair[1].not_before += 1), "not valid for 30 days yet");
        assert!(!dropped(|pair, _| pair[1].not_before = 0), "none is newer");
        assert!(!dropped(|pair, _| pair[1].not_after = 199 * 86_400), "ends earlier");
        assert!(!dropped(|pair, _| pair[1].abilities.encrypt = false));
        assert!(!dropped(|pair, _| pair[1].abilities.sign = false));
        assert!(!dropped(|pair, _| pair[1].attribute = Attribute::UserSmimeCertificate));
        assert!(!dropped(|pair, _| pair[1].path_allows = false));
        assert!(!dropped(|pair, kim| pair[0].own.push(kim)), "bears another address");
        assert!(dropped(|pair, kim| pair.iter_mut().for_each(|choice| choice.own.push(kim.clone()))));
    }

    #[test]
    fn coverage_tells_who_can_be_written_to() {
        let mut none = [];
        assert_eq!(run(&mut none).coverage, Coverage::None);
        let mut signs = [choice(Attribute::UserCertificate, b"s", false, 9)];
        let selection = run(&mut signs);
        assert_eq!(selection.coverage, Coverage::SignOnly);
        assert_eq!(selection.findings[0].rule, &recipient_rules::SIGN_ONLY);
    }
}
