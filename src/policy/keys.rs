//! The plain keys of the policy: one table for reading, writing, comparing, and the schema.

use super::tree::{Problems, ValueSpan, integer, texts};
use super::words::Word;
use super::{Curve, EncryptingBit, FailOn, MaxRemovals, Needed, Policy, Publish, SigningBit};
use crate::bundle::model::{Attribute, RecipientKind};
use crate::certificate::{Oid, oid};
use crate::limits;
use crate::path::Revocation;
use crate::rules::nearest_of;

/// One key.
pub struct Key {
    /// The table that it stands in; empty at the top of the file.
    pub section: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it is, its unit, and what changes with it, in one line.
    pub about: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// What a key holds, and how it is got out of a policy and put into one.
pub enum Kind {
    /// true or false.
    Flag { get: fn(&Policy) -> bool, set: fn(&mut Policy, bool) },
    /// A whole number within limits.
    Number { least: i64, most: i64, get: fn(&Policy) -> i64, set: fn(&mut Policy, i64) },
    /// One of some words.
    Word { words: fn() -> Vec<&'static str>, get: fn(&Policy) -> &'static str, set: fn(&mut Policy, &str) },
    /// Some of some words, at least one; their order says nothing.
    Words {
        words: fn() -> Vec<&'static str>,
        get: fn(&Policy) -> Vec<&'static str>,
        set: fn(&mut Policy, &[&str]),
    },
    /// A key purpose.
    Purpose,
    /// A number of people or a share of them.
    Removals,
}

macro_rules! flag {
    ($($field:ident).+) => {
        Kind::Flag { get: |policy| policy.$($field).+, set: |policy, value| policy.$($field).+ = value }
    };
}

macro_rules! number {
    ($($field:ident).+, $type:ty, $least:expr, $most:expr) => {
        // Both limits fit both types.
        Kind::Number {
            least: $least as i64,
            most: $most as i64,
            get: |policy| policy.$($field).+ as i64,
            set: |policy, value| policy.$($field).+ = value as $type,
        }
    };
}

macro_rules! word {
    ($($field:ident).+, $type:ty) => {
        Kind::Word {
            words: <$type>::words,
            get: |policy| policy.$($field).+.word(),
            set: |policy, word| {
                if let Some(value) = <$type>::of(word) {
                    policy.$($field).+ = value;
                }
            },
        }
    };
}

macro_rules! words {
    ($($field:ident).+, $type:ty) => {
        Kind::Words {
            words: <$type>::words,
            get: |policy| policy.$($field).+.iter().map(|value| value.word()).collect(),
            set: |policy, words| {
                let chosen = <$type>::ALL.iter().filter(|(_, word)| words.contains(word));
                policy.$($field).+ = chosen.map(|(value, _)| *value).collect();
            },
        }
    };
}

/// Days, from `least` to a hundred years.
macro_rules! days {
    ($($field:ident).+, $least:expr) => { number!($($field).+, i64, $least, limits::MOST_DAYS) };
}

/// Every plain key in the order in which it is written. The top of the file comes first, as TOML demands.
pub static KEYS: &[Key] = &[
    Key {
        section: "",
        name: "publish",
        about: "all: every good certificate of a person; newest: a good predecessor is dropped (superseded)",
        kind: word!(publish, Publish),
    },
    Key {
        section: "",
        name: "min_overlap_days",
        about: "with newest: days that a successor must have been valid before its predecessor is dropped",
        kind: days!(min_overlap_days, 0),
    },
    Key {
        section: "",
        name: "attributes",
        about: "attributes to take; values of another are withheld (attribute-not-taken), and the tenant keeps its own",
        kind: words!(attributes, Attribute),
    },
    Key {
        section: "",
        name: "kinds",
        about: "kinds of recipients to take; others are left out, their values ignored (kind-not-taken)",
        kind: words!(kinds, RecipientKind),
    },
    Key {
        section: "",
        name: "aliases",
        about: "false: a certificate that bears only a secondary address of the person is withheld (alias-only)",
        kind: flag!(aliases),
    },
    Key {
        section: "",
        name: "revocation",
        about: "off ignores CRLs; without a usable one soft publishes and warns, hard withholds; option --revocation",
        kind: word!(revocation, Revocation),
    },
    Key {
        section: "",
        name: "max_removals",
        about: "people (10) or share (5%, which is at least 10 people) who may lose their last certificate to encrypt to; option --max-removals",
        kind: Kind::Removals,
    },
    Key {
        section: "",
        name: "fail_on",
        about: "end with exit code 1 at such a finding, or when somebody cannot be written to (uncovered); option --fail-on",
        kind: word!(fail_on, FailOn),
    },
    Key {
        section: "limits",
        name: "rsa_bits_refused_below",
        about: "bits of the modulus; an RSA key with fewer is withheld (rsa-key-too-short)",
        kind: number!(limits.rsa_bits_refused_below, usize, limits::RSA_BITS_REFUSED, limits::RSA_BITS_MOST),
    },
    Key {
        section: "limits",
        name: "rsa_bits_warned_below",
        about: "bits of the modulus; an RSA key with fewer, and not withheld, is told (rsa-key-short)",
        kind: number!(limits.rsa_bits_warned_below, usize, limits::RSA_BITS_REFUSED, limits::RSA_BITS_MOST),
    },
    Key {
        section: "limits",
        name: "curves",
        about: "elliptic curves that mail programs here know; a key on another is told (curve-unusual)",
        kind: words!(limits.curves, Curve),
    },
    Key {
        section: "limits",
        name: "max_validity_days",
        about: "days from start to end of validity; a longer one is told (validity-too-long)",
        kind: days!(limits.max_validity_days, 1),
    },
    Key {
        section: "limits",
        name: "warn_days",
        about: "days; a certificate that ends within them is told (expires-soon)",
        kind: days!(limits.warn_days, 0),
    },
    Key {
        section: "limits",
        name: "days_to_next_run",
        about: "days until the next bundle; who loses the last certificate before is counted as lapsing",
        kind: days!(limits.days_to_next_run, 0),
    },
    Key {
        section: "limits",
        name: "bundle_days",
        about: "days after the instant of judgement for which the bundle may be uploaded (valid until)",
        kind: number!(limits.bundle_days, i64, 1, limits::MOST_BUNDLE_DAYS),
    },
    Key {
        section: "limits",
        name: "values_per_attribute",
        about: "values of one attribute that are published, the best first (beyond-value-limit); 15 is Entra Connect's limit",
        kind: number!(limits.values_per_attribute, usize, 1, limits::VALUES_PER_ATTRIBUTE),
    },
    Key {
        section: "limits",
        name: "value_bytes",
        about: "bytes; a larger value is withheld (value-too-large); 32768 is Active Directory's limit",
        kind: number!(limits.value_bytes, usize, limits::VALUE_BYTES_LEAST, limits::VALUE_BYTES),
    },
    Key {
        section: "usage",
        name: "purpose",
        about: "extended key usage that a certificate and every CA above it must allow (not-for-mail), or a dotted OID",
        kind: Kind::Purpose,
    },
    Key {
        section: "usage",
        name: "any_purpose",
        about: "false: anyExtendedKeyUsage in a person's certificate does not count as that purpose (not-for-mail)",
        kind: flag!(usage.any_purpose),
    },
    Key {
        section: "usage",
        name: "no_purpose",
        about: "false: a person's certificate without an extended key usage is withheld (not-for-mail)",
        kind: flag!(usage.no_purpose),
    },
    Key {
        section: "usage",
        name: "encrypting",
        about: "key usages that allow encryption: keyEncipherment for RSA, keyAgreement for elliptic curves",
        kind: words!(usage.encrypting, EncryptingBit),
    },
    Key {
        section: "usage",
        name: "signing",
        about: "key usages that allow signatures: digitalSignature, contentCommitment (once called nonRepudiation)",
        kind: words!(usage.signing, SigningBit),
    },
    Key {
        section: "usage",
        name: "no_key_usage",
        about: "false: a certificate without a key usage is for nothing (key-usage-unsuitable)",
        kind: flag!(usage.no_key_usage),
    },
    Key {
        section: "usage",
        name: "needed",
        about: "what a certificate must be usable for, else it is withheld (key-usage-unsuitable)",
        kind: word!(usage.needed, Needed),
    },
];

impl Key {
    /// The key as it is named in messages: `limits.warn_days`.
    #[must_use]
    pub fn path(&self) -> String {
        if self.section.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.section, self.name) }
    }

    /// What may be written, where the value alone does not show it.
    #[must_use]
    pub fn choice(&self) -> Option<String> {
        match &self.kind {
            Kind::Number { least, most, .. } => Some(format!("{least} to {most}")),
            Kind::Word { words, .. } | Kind::Words { words, .. } => Some(words().join(", ")),
            Kind::Flag { .. } | Kind::Purpose | Kind::Removals => None,
        }
    }

    /// The value of a policy as TOML.
    #[must_use]
    pub fn value(&self, policy: &Policy) -> String {
        let quoted = |word: &str| format!("\"{word}\"");
        match &self.kind {
            Kind::Flag { get, .. } => get(policy).to_string(),
            Kind::Number { get, .. } => get(policy).to_string(),
            Kind::Word { get, .. } => quoted(get(policy)),
            Kind::Words { get, .. } => {
                let words: Vec<String> = get(policy).into_iter().map(quoted).collect();
                format!("[{}]", words.join(", "))
            }
            Kind::Purpose => quoted(&purpose_text(&policy.usage.purpose)),
            Kind::Removals => match policy.max_removals {
                count @ MaxRemovals::Count(_) => count.text(),
                share @ MaxRemovals::Percent(_) => quoted(&share.text()),
            },
        }
    }

    /// Puts the value of a file into a policy, or adds a problem.
    pub fn read(&self, value: &ValueSpan<'_>, policy: &mut Policy, problems: &mut Problems) {
        let name = self.path();
        let example = format!("write it like {} = {}", self.name, self.value(&Policy::default()));
        match &self.kind {
            Kind::Flag { set, .. } => match value.get_ref().as_bool() {
                Some(flag) => set(policy, flag),
                None => problems.unexpected(
                    &name,
                    value,
                    "true or false",
                    format!("write true or false, without quotes: {} = {}", self.name, true),
                ),
            },
            Kind::Number { least, most, set, .. } => match integer(value.get_ref()) {
                Some(number) if (*least..=*most).contains(&number) => set(policy, number),
                other => {
                    let expected = format!("a whole number from {least} to {most}");
                    let remedy = match (other, value.get_ref().as_str().map(str::parse::<i64>)) {
                        (None, Some(Ok(number))) => format!("take the quotes away: {} = {number}", self.name),
                        (None, _) => example,
                        (Some(_), _) => {
                            format!("{example}, or another number within these limits ({})", self.about)
                        }
                    };
                    problems.unexpected(&name, value, &expected, remedy);
                }
            },
            Kind::Word { words, set, .. } => {
                let words = words();
                match value.get_ref().as_str().filter(|word| words.contains(word)) {
                    Some(word) => set(policy, word),
                    None => wrong_word(&name, value, &words, &example, problems),
                }
            }
            Kind::Words { words, set, .. } => {
                let words = words();
                let Some(found) = texts(&name, value, &example, problems) else { return };
                let mut good = true;
                for (word, item) in &found {
                    if !words.contains(word) {
                        wrong_word(&name, item, &words, &example, problems);
                        good = false;
                    }
                }
                if good {
                    set(policy, &found.iter().map(|(word, _)| *word).collect::<Vec<_>>());
                }
            }
            Kind::Purpose => match value.get_ref().as_str().map(purpose) {
                Some(Some(octets)) => policy.usage.purpose = octets,
                _ => problems.unexpected(
                    &name,
                    value,
                    "emailProtection, or a purpose as a dotted OID",
                    "write purpose = \"emailProtection\"; whether anyExtendedKeyUsage counts is any_purpose",
                ),
            },
            Kind::Removals => {
                let read = match value.get_ref().as_str() {
                    Some(text) => text.parse().ok(),
                    None => integer(value.get_ref())
                        .and_then(|number| u64::try_from(number).ok())
                        .map(MaxRemovals::Count),
                };
                match read {
                    Some(limit) => policy.max_removals = limit,
                    None => problems.unexpected(
                        &name,
                        value,
                        "a number of people such as 10, or a share from \"0%\" to \"100%\"",
                        example,
                    ),
                }
            }
        }
    }
}

/// A word that is none of the known ones.
pub fn wrong_word(name: &str, value: &ValueSpan<'_>, words: &[&str], example: &str, problems: &mut Problems) {
    let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    let near = value.get_ref().as_str().and_then(|word| {
        let lower = word.to_ascii_lowercase();
        let same = words.iter().find(|known| known.eq_ignore_ascii_case(&lower)).copied();
        same.or_else(|| nearest_of(word, words.iter().copied()).first().copied())
    });
    let remedy = near.map_or_else(|| example.to_owned(), |near| format!("did you mean {near:?}?"));
    problems.unexpected(name, value, &quoted.join(" or "), remedy);
}

/// A purpose in the form of the file: its name where that is emailProtection, else dotted.
#[must_use]
pub fn purpose_text(octets: &[u8]) -> String {
    if octets == oid::EMAIL_PROTECTION { "emailProtection".into() } else { Oid(octets).to_string() }
}

/// The contents octets of a purpose. anyExtendedKeyUsage is none (RFC 5280 section 4.2.1.12).
fn purpose(text: &str) -> Option<Vec<u8>> {
    if text == "emailProtection" {
        return Some(oid::EMAIL_PROTECTION.to_vec());
    }
    Oid::parse(text).filter(|octets| octets != oid::ANY_EXTENDED_KEY_USAGE)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_and_explained() {
        let mut paths: Vec<String> = KEYS.iter().map(Key::path).collect();
        paths.sort();
        assert!(paths.windows(2).all(|pair| pair[0] != pair[1]));
        for key in KEYS {
            assert!(key.about.len() > 30, "{} is not explained", key.path());
            for code in key.about.split(['(', ')']).skip(1).step_by(2) {
                let code = code.trim();
                if code.contains('-') && !code.contains(' ') {
                    assert!(crate::rules::find(code).is_some(), "{}: {code} is no code", key.path());
                }
            }
        }
        let sections: Vec<&str> = KEYS.iter().map(|key| key.section).collect();
        let mut sorted = sections.clone();
        sorted.dedup();
        assert_eq!(sorted, ["", "limits", "usage"], "a section stands in one piece");
    }
}
