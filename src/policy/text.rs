//! From a policy to text: the whole file with a comment on every line, and what differs from the default.

use super::codes::settable;
use super::exceptions::serial_text;
use super::fixed::{Fixed, Softening, fixed};
use super::keys::KEYS;
use super::words::Word;
use super::{Exception, Override, Pairing, Policy, Whose};
use crate::bundle::model::Decision;
use crate::encoding::hex;
use crate::rules::{self, Rule};

/// A place at which a policy is not the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key: `limits.warn_days`, `codes.expired.severity`, `exception 1`.
    pub place: String,
    /// What the default says, as TOML, or `none`.
    pub default: String,
    /// What the policy says, as TOML or in words.
    pub value: String,
    /// Why, where the policy says it.
    pub reason: Option<String>,
}

const HEAD: &str = "\
# The policy of certferry: what is published, what is told, and how loudly. All keys of this release, as they count.
# A file for --policy may hold any part of it; what it leaves out is the default. Option, file, default: the first
# of them that says something counts. Days are days of 24 hours. What a code means: certferry explain CODE.
";

const LIMITS: &str = "[limits]  # numbers and sizes";
const USAGE: &str = "[usage]  # what a certificate must be for";
const CODES: &str = "\
# Severity says how much a person should care (error, warning, info) and changes nothing that is published;
# decision says what happens to the certificate (publish, withhold). A code without a decision decides about none.
# A change may say why and until when: expires-soon = { severity = \"info\", reason = \"…\", until = 2026-12-31 }.
[codes]  # CODE = { severity, decision }";
const ANCHORS: &str = "\
# For whom a trust anchor counts. A path that is valid only below an anchor that does not count for a person is
# issuer-not-for-domain, withheld. An anchor without an entry counts for everybody. An example:
# [[anchor]]
# sha256 = \"64 hex digits\"      # the anchor, by the SHA-256 of its certificate
# domains = [\"partner.example\"] # domains of the addresses that are looked up, each by itself; left out: any
# kinds = [\"mailContact\"]       # mailbox, mailUser, mailContact; left out: any";
const EXCEPTIONS: &str = "\
# Accepted exceptions. Each use is told (exception-used), also one that has ended or matched nothing. An example:
# [[exception]]
# sha256 = \"64 hex digits\"      # the certificate, or issuer = \"…\" and serial = \"…\" as manifest.csv shows them
# codes = [\"no-email-match\"]    # the codes that are accepted at it, and no others
# reason = \"name changed\"       # why
# approver = \"CISO\"             # who answers for it
# until = 2026-12-31            # the last day on which it applies, in UTC";

impl Policy {
    /// The whole policy as TOML with a comment on every line. [`Policy::parse`] reads the same policy back.
    #[must_use]
    pub fn document(&self) -> String {
        let mut out = String::from(HEAD);
        for (section, head) in [("", ""), ("limits", LIMITS), ("usage", USAGE)] {
            out.push('\n');
            if !head.is_empty() {
                out.push_str(head);
                out.push('\n');
            }
            let keys = KEYS.iter().filter(|key| key.section == section);
            let lines: Vec<(String, String)> = keys
                .map(|key| {
                    let comment = match key.choice() {
                        Some(choice) => format!("{} [{choice}]", key.about),
                        None => key.about.to_owned(),
                    };
                    (format!("{} = {}", key.name, key.value(self)), comment)
                })
                .collect();
            push_lines(&mut out, &lines);
        }
        out.push('\n');
        out.push_str(CODES);
        out.push('\n');
        let codes: Vec<(String, String)> =
            settable().map(|rule| code_line(rule, self.codes.get(rule.code))).collect();
        push_lines(&mut out, &codes);
        out.push('\n');
        out.push_str(ANCHORS);
        out.push('\n');
        for pairing in &self.anchors {
            out.push_str("\n[[anchor]]  # a trust anchor and for whom it counts\n");
            push_lines(&mut out, &anchor_lines(pairing));
        }
        out.push('\n');
        out.push_str(EXCEPTIONS);
        out.push('\n');
        for exception in &self.exceptions {
            out.push_str("\n[[exception]]  # an accepted exception\n");
            push_lines(&mut out, &exception_lines(exception));
        }
        out
    }

    /// Where it is not the default, in the order of the file.
    #[must_use]
    pub fn differences(&self) -> Vec<Difference> {
        let default = Self::default();
        let mut found: Vec<Difference> = KEYS
            .iter()
            .map(|key| Difference {
                place: key.path(),
                default: key.value(&default),
                value: key.value(self),
                reason: None,
            })
            .filter(|difference| difference.default != difference.value)
            .collect();
        for (code, change) in &self.codes {
            let Some(rule) = rules::find(code) else { continue };
            let mut add = |part: &str, default: &str, value: &str| {
                let until = change.until.as_ref().map(|until| format!(" until {}", until.day()));
                found.push(Difference {
                    place: format!("codes.{code}.{part}"),
                    default: format!("\"{default}\""),
                    value: format!("\"{value}\"{}", until.unwrap_or_default()),
                    reason: change.reason.clone(),
                });
            };
            if let Some(severity) = change.severity {
                add("severity", rule.severity.word(), severity.word());
            }
            if let (Some(decision), Some(default)) = (change.decision, rule.decision) {
                add("decision", default.word(), decision.word());
            }
        }
        for (pairing, number) in self.anchors.iter().zip(1..) {
            found.push(Difference {
                place: format!("anchor {number}"),
                default: "none".to_owned(),
                value: format!("{} counts for {}", hex(&pairing.sha256), pairing.whom()),
                reason: None,
            });
        }
        for (exception, number) in self.exceptions.iter().zip(1..) {
            found.push(Difference {
                place: format!("exception {number}"),
                default: "none".to_owned(),
                value: format!(
                    "{} accepts {} at {} until {}",
                    exception.approver,
                    exception.codes.join(", "),
                    exception.whose,
                    exception.until.day()
                ),
                reason: Some(exception.reason.clone()),
            });
        }
        found
    }
}

/// Lines with their comments below each other; long ones do not push the others away.
fn push_lines(out: &mut String, lines: &[(String, String)]) {
    const MOST: usize = 78;
    let width = |line: &String| line.chars().count();
    let column = lines.iter().map(|(line, _)| width(line)).filter(|width| *width <= MOST).max().unwrap_or(0);
    for (line, comment) in lines {
        let blanks = column.saturating_sub(width(line));
        out.push_str(&format!("{line}{:blanks$}  # {comment}\n", ""));
    }
}

fn code_line(rule: &Rule, change: Option<&Override>) -> (String, String) {
    let severity = change.and_then(|change| change.severity).unwrap_or(rule.severity);
    let decision = change.and_then(|change| change.decision).or(rule.decision);
    let mut line = format!("{} = {{ severity = \"{}\"", rule.code, severity.word());
    if let Some(decision) = decision {
        line.push_str(&format!(", decision = \"{}\"", decision.word()));
    }
    if let Some(reason) = change.and_then(|change| change.reason.as_deref()) {
        line.push_str(&format!(", reason = {}", quoted(reason)));
    }
    if let Some(until) = change.and_then(|change| change.until.as_ref()) {
        line.push_str(&format!(", until = {}", until.day()));
    }
    line.push_str(" }");
    let mut comment = rule.title.to_owned();
    match fixed(rule.code) {
        Some(Fixed { softening: Softening::Never, .. }) if rule.decision == Some(Decision::Withhold) => {
            comment.push_str("; cannot be softened");
        }
        Some(Fixed { softening: Softening::ByException, .. }) => {
            comment.push_str("; only an [[exception]] can soften it");
        }
        _ => {}
    }
    (line, comment)
}

fn anchor_lines(pairing: &Pairing) -> Vec<(String, String)> {
    let list = |words: &mut dyn Iterator<Item = &str>| {
        format!("[{}]", words.map(quoted).collect::<Vec<_>>().join(", "))
    };
    let mut lines =
        vec![(format!("sha256 = \"{}\"", hex(&pairing.sha256)), "SHA-256 of its certificate".to_owned())];
    if let Some(domains) = &pairing.domains {
        let text = list(&mut domains.iter().map(String::as_str));
        lines.push((format!("domains = {text}"), "domains of the addresses that are looked up".to_owned()));
    }
    if let Some(kinds) = &pairing.kinds {
        let text = list(&mut kinds.iter().map(|kind| kind.word()));
        lines.push((format!("kinds = {text}"), "kinds of recipients".to_owned()));
    }
    lines
}

fn exception_lines(exception: &Exception) -> Vec<(String, String)> {
    let mut lines = match &exception.whose {
        Whose::Sha256(sha256) => {
            vec![(format!("sha256 = \"{}\"", hex(sha256)), "SHA-256 of the certificate".to_owned())]
        }
        Whose::Serial { issuer, serial } => vec![
            (format!("issuer = {}", quoted(issuer)), "issuer of the certificate".to_owned()),
            (format!("serial = \"{}\"", serial_text(serial)), "its serial number".to_owned()),
        ],
    };
    let codes: Vec<String> = exception.codes.iter().map(|code| format!("\"{code}\"")).collect();
    lines.push((format!("codes = [{}]", codes.join(", ")), "codes that are accepted at it".to_owned()));
    lines.push((format!("reason = {}", quoted(&exception.reason)), "why".to_owned()));
    lines.push((format!("approver = {}", quoted(&exception.approver)), "who answers for it".to_owned()));
    lines.push((format!("until = {}", exception.until.day()), "the last day on which it applies".to_owned()));
    lines
}

/// A text as a TOML string on one line. Control characters, which no text of a policy has, need no care.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
