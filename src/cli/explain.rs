//! `certferry explain`: what a finding means, why it matters, how to mend it.
use super::args::Explain;
use super::{Done, write_stdout};
use crate::bundle::model::{Decision, Severity};
use crate::error::Error;
use crate::policy::{self, Fixed, Softening};
use crate::rules::{self, Rule};

/// Prints one rule, all of them, or the list of codes.
///
/// # Errors
/// A usage error for a code that does not exist.
pub fn run(args: &Explain) -> Result<Done, Error> {
    let text = match &args.code {
        Some(code) => match rules::find(code) {
            Some(rule) => explain(rule),
            None => return Err(unknown(code)),
        },
        None if args.all => rules::registry().iter().map(|rule| explain(rule)).collect::<Vec<_>>().join("\n"),
        None => list(),
    };
    write_stdout(|out| out.write_all(text.as_bytes()))?;
    Ok(Done::Good)
}

fn unknown(code: &str) -> Error {
    let near = rules::nearest(code);
    let hint = if near.is_empty() {
        "certferry explain lists all codes".to_owned()
    } else {
        format!("did you mean {}? certferry explain lists all codes", near.join(" or "))
    };
    Error::usage(format!("there is no finding with the code {code:?}"), hint)
}

fn list() -> String {
    let mut out = String::new();
    for rule in rules::registry() {
        out.push_str(&format!(
            "{:<34} {:<8} {:<9} {}\n",
            rule.code,
            severity(rule.severity),
            decision(rule),
            rule.title
        ));
    }
    out
}

fn explain(rule: &Rule) -> String {
    let mut out = format!(
        "{}\n  {}.\n\n  severity  {}\n  decision  {}\n  source    {}\n",
        rule.code,
        rule.title,
        severity(rule.severity),
        match decision(rule) {
            "-" => "none: it decides about no candidate",
            "publish" => "publish: it does not withhold a certificate",
            other => other,
        },
        rule.citation
    );
    if let Some(Fixed { softening, reason, .. }) = policy::fixed(rule.code) {
        let how = match softening {
            Softening::Never => "No policy can soften it",
            Softening::ByException => {
                "A policy can soften it for a single certificate only, by an [[exception]]"
            }
        };
        out.push_str(&format!("\n  In a policy\n{}", wrapped(&format!("{how}: {reason}."), 96)));
    }
    for (head, text) in
        [("What it means", rule.means), ("Why it matters", rule.matters), ("What to do", rule.mend)]
    {
        out.push_str(&format!("\n  {head}\n{}", wrapped(text, 96)));
    }
    out
}

/// Breaks a text at blanks, indented by four.
fn wrapped(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column == 0 {
            out.push_str("    ");
        } else if column + 1 + length > width {
            out.push_str("\n    ");
            column = 0;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
    out
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn decision(rule: &Rule) -> &'static str {
    match rule.decision {
        None => "-",
        Some(Decision::Publish) => "publish",
        Some(Decision::Withhold) => "withhold",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_explained_within_the_width() {
        for rule in rules::registry() {
            let text = explain(rule);
            assert!(text.contains(rule.code) && text.contains("What to do"));
            assert!(text.lines().skip(6).all(|line| line.chars().count() <= 101), "{text}");
        }
    }

    #[test]
    fn a_wrong_code_is_a_usage_error_with_a_guess() {
        let error = unknown("expird");
        assert_eq!(error.exit_code(), 2);
        assert!(error.hint().contains("expired"));
    }
}
