//! Policy files: what is wrong is named with line, column and remedy; what is right reads back as it was
//! written; and options go before the file, the file before the default.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod program;

use std::path::Path;
use std::process::Output;

use certferry::certificate::UnixTime;
use certferry::policy::{self, MaxRemovals, Policy, Publish};
use program::*;
use proptest::prelude::*;
use serde_json::Value;

const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// `[[anchor]]` with some lines more.
fn anchor(lines: &str) -> String {
    format!("[[anchor]]\nsha256 = \"{HASH}\"\n{lines}\n")
}

/// `[[exception]]` in which one key is replaced: `("until", "until = 3")`, or taken out.
fn exception(key: &str, line: &str) -> String {
    let lines = [
        ("sha256", format!("sha256 = \"{HASH}\"")),
        ("codes", "codes = [\"no-email-match\"]".to_owned()),
        ("reason", "reason = \"name changed\"".to_owned()),
        ("approver", "approver = \"CISO\"".to_owned()),
        ("until", "until = 2026-12-31".to_owned()),
    ];
    let lines = lines.map(|(name, good)| if name == key { line.to_owned() } else { good });
    format!("[[exception]]\n{}\n", lines.join("\n"))
}

/// Text, line, column, a part of what is found, a part of the remedy.
fn wrong() -> Vec<(String, usize, usize, &'static str, &'static str)> {
    let plain: &[(&str, usize, usize, &str, &str)] = &[
        ("publsh = \"all\"", 1, 1, "unknown key \"publsh\"", "did you mean publish?"),
        ("# a\n\nwarn_days = 30", 3, 1, "at the top", "warn_days belongs into [limits]"),
        ("[limits]\npublish = \"all\"", 2, 1, "in [limits]", "before the first line in [brackets]"),
        ("[limits]\nwarn_day = 3", 2, 1, "\"warn_day\" in [limits]", "did you mean warn_days?"),
        ("[limit]\nwarn_days = 3", 1, 2, "\"limit\"", "did you mean limits?"),
        ("[usage]\nneed = \"both\"", 2, 1, "in [usage]", "did you mean needed?"),
        ("[expired]\nseverity = \"error\"", 1, 2, "\"expired\"", "into [codes]"),
        (
            "publish = \"newst\"",
            1,
            11,
            "the text \"newst\"; expected \"all\" or \"newest\"",
            "did you mean \"newest\"?",
        ),
        ("publish = true", 1, 11, "publish: found true", "publish = \"all\""),
        ("publish = all", 1, 11, "no TOML", "in quotes"),
        ("revocation = \"Hard\"", 1, 14, "\"Hard\"", "did you mean \"hard\"?"),
        ("fail_on = [\"error\"]", 1, 11, "found a list", "fail_on = \"never\""),
        ("aliases = \"yes\"", 1, 11, "expected true or false", "without quotes"),
        (
            "min_overlap_days = -1",
            1,
            20,
            "the number -1; expected a whole number from 0",
            "min_overlap_days = 30",
        ),
        ("[limits]\nwarn_days = \"14\"", 2, 13, "the text \"14\"", "take the quotes away: warn_days = 14"),
        ("[limits]\nwarn_days = 1.5", 2, 13, "the number 1.5", "warn_days = 30"),
        ("[limits]\nbundle_days = 9999999999999999999999", 2, 15, "from 1 to 366", "bundle_days = 30"),
        ("[limits]\nvalues_per_attribute = 16", 2, 24, "from 1 to 15", "Entra Connect's limit"),
        ("[limits]\nvalue_bytes = 65536", 2, 15, "32768", "Active Directory's limit"),
        ("[limits]\nrsa_bits_refused_below = 512", 2, 26, "from 1024", "rsa-key-too-short"),
        (
            "[limits]\nrsa_bits_refused_below = 3072",
            2,
            1,
            "more than limits.rsa_bits_warned_below",
            "at least the same",
        ),
        ("[limits]\ncurves = [\"P-255\"]", 2, 11, "\"P-255\"", "did you mean \"P-256\"?"),
        ("max_removals = 5%", 1, 16, "no TOML", "max_removals = \"5%\""),
        ("max_removals = \"101%\"", 1, 16, "\"101%\"", "max_removals = \"5%\""),
        ("max_removals = -3", 1, 16, "the number -3", "max_removals = \"5%\""),
        ("attributes = []", 1, 14, "an empty list", "attributes = ["),
        ("attributes = [\"userPKCS12\"]", 1, 15, "\"userPKCS12\"", "attributes = ["),
        ("attributes = \"userCertificate\"", 1, 14, "expected a list", "attributes = ["),
        ("kinds = [\"mailbox\", \"mailbox\"]", 1, 21, "each entry once", "take the second one out"),
        ("kinds = [\"mailbox\", 3]", 1, 21, "the number 3", "kinds = ["),
        ("kinds = [\"user\"]", 1, 10, "\"user\"", "mailUser"),
        ("[usage]\npurpose = \"mail\"", 2, 11, "\"mail\"", "emailProtection"),
        ("[usage]\npurpose = \"2.5.29.37.0\"", 2, 11, "2.5.29.37.0", "any_purpose"),
        ("[usage]\nsigning = [\"nonRepudiation\"]", 2, 12, "\"contentCommitment\"", "signing = ["),
        ("[[limits]]\nwarn_days = 3", 1, 1, "found a list; expected [limits]", "a line [limits]"),
        ("limits = 3", 1, 10, "the number 3", "a line [limits]"),
        ("[codes.expird]\nseverity = \"info\"", 1, 8, "no such code", "did you mean expired?"),
        ("[codes.not-ldif]\nseverity = \"info\"", 1, 8, "no such code", "certferry explain"),
        ("[codes]\nexpired = \"info\"", 2, 11, "codes.expired: found the text", "expired = { severity"),
        ("[codes.expired]\nseverty = \"info\"", 2, 1, "in codes.expired", "did you mean severity?"),
        ("[codes.expired]\nseverity = \"fatal\"", 2, 12, "\"fatal\"", "severity = \"error\""),
        ("[codes.expired]\nseverity = 3", 2, 12, "the number 3", "severity = \"error\""),
        (
            "[codes.revoked]\ndecision = \"publish\"",
            2,
            12,
            "cannot be softened: the CA says",
            "decision = \"withhold\"",
        ),
        (
            "[codes.signature-invalid]\ndecision = \"publish\"",
            2,
            12,
            "changed or made by somebody else",
            "take decision out",
        ),
        ("[codes.unreadable-value]\ndecision = \"publish\"", 2, 12, "cannot be read", "a severity only"),
        ("[codes.ca-certificate]\ndecision = \"publish\"", 2, 12, "for everybody", "[[exception]]"),
        (
            "[codes.bad-dn]\ndecision = \"withhold\"",
            2,
            12,
            "decides about no certificate",
            "take decision out",
        ),
        (
            "[codes.expired]\nseverity = \"info\"\nuntil = \"soon\"",
            3,
            9,
            "a day such as",
            "until = 2026-12-31",
        ),
        ("[codes.expired]\nseverity = \"info\"\nreason = \" \"", 3, 10, "says something", "reason"),
        ("[anchor]\nsha256 = \"00\"", 1, 1, "found a table; expected [[anchor]]", "a line [[anchor]]"),
        ("[[anchor]]\ndomains = [\"contoso.com\"]", 1, 1, "has no sha256", "64 hex digits"),
        ("[[anchor]]\nsha256 = \"0011\"", 2, 10, "found 4 hex digits", "64 hex digits"),
        ("[[anchor]]\nsha256 = \"00112233445566778899aabbccddeeff00112233\"", 2, 10, "a SHA-1", "-sha256"),
        ("[[anchor]]\nsha256 = 12", 2, 10, "the number 12", "64 hex digits"),
        ("[anchors]\nx = 1", 1, 2, "\"anchors\"", "did you mean anchor?"),
        ("[[exception]]", 1, 1, "has no approver", "who answers"),
        ("exception = [1]", 1, 14, "the number 1; expected a table", "[[exception]]"),
        ("publish = \"all\"\npublish = \"all\"", 2, 1, "duplicate key", "keep one"),
        ("[limits]\n[usage]\n[limits]", 3, 2, "duplicate key", "stands once"),
        ("[codes.expired", 1, 15, "no TOML", "on a line of its own"),
        ("publish \"all\"", 1, 9, "no TOML", "one key and its value"),
        ("publish = \"all\nfail_on = \"never\"", 1, 15, "no TOML", "the quote that it began with"),
    ];
    let made = [
        (anchor("domains = [\"kim@contoso.com\"]"), 3, 12, "without @ and *", "domains = [\"contoso.com\""),
        (anchor("domains = [\"*.contoso.com\"]"), 3, 12, "\"*.contoso.com\"", "sub-domains too"),
        (anchor("domains = [\"contoso .com\"]"), 3, 12, "\"contoso .com\"", "contoso.de"),
        (anchor("domains = []"), 3, 11, "an empty list", "without the key it counts for all"),
        (anchor("domains = \"contoso.com\""), 3, 11, "expected a list", "domains = ["),
        (anchor("kinds = [\"mailBox\"]"), 3, 10, "\"mailBox\"", "did you mean \"mailbox\"?"),
        (anchor("kind = [\"mailbox\"]"), 3, 1, "in [[anchor]] 1", "did you mean kinds?"),
        ([anchor(""), anchor("")].concat(), 4, 1, "[[anchor]] 2 is about the same", "one of the two"),
        (exception("until", ""), 1, 1, "has no until", "must end"),
        (
            exception("until", "until = \"2026-12-31\""),
            6,
            9,
            "the text",
            "without quotes: until = 2026-12-31",
        ),
        (exception("until", "until = 31.12.2026"), 6, 14, "no TOML", "2026-12-31"),
        (exception("until", "until = 2026-02-30"), 6, 9, "no TOML", "a day that there is"),
        (exception("until", "until = 2026-12-31T12:00:00Z"), 6, 9, "the date", "the last day"),
        (exception("reason", ""), 1, 1, "has no reason", "why it is accepted"),
        (exception("reason", "reason = \"\""), 4, 10, "says something", "why it is accepted"),
        (exception("reason", "reason = \"\"\"a\nb\"\"\""), 4, 10, "on one line", "why it is accepted"),
        (exception("approver", ""), 1, 1, "has no approver", "who answers"),
        (exception("approver", "approver = 4711"), 5, 12, "the number 4711", "who answers"),
        (exception("approver", "aprover = \"x\""), 5, 1, "\"aprover\"", "did you mean approver?"),
        (exception("codes", ""), 1, 1, "has no codes", "codes = ["),
        (exception("codes", "codes = []"), 3, 9, "an empty list", "codes = ["),
        (
            exception("codes", "codes = [\"no-email-mach\"]"),
            3,
            10,
            "\"no-email-mach\"",
            "did you mean no-email-match?",
        ),
        (exception("codes", "codes = [\"revoked\"]"), 3, 10, "by no exception either", "take the code out"),
        (exception("codes", "codes = [\"object-united\"]"), 3, 10, "nothing to except", "under [codes]"),
        (exception("sha256", ""), 1, 1, "has no certificate", "issuer ="),
        (exception("sha256", "issuer = \"CN=CA\""), 1, 1, "has no serial", "manifest.csv"),
        (exception("sha256", "serial = \"01\""), 1, 1, "has no issuer", "manifest.csv"),
        (exception("sha256", "issuer = \"CN=CA\"\nserial = \"1\""), 3, 10, "hex digits in pairs", "0a:1b"),
        (exception("sha256", &format!("sha256 = \"{HASH}\"\nserial = \"01\"")), 1, 1, "in two ways", "keep"),
        (
            [exception("", ""), exception("", "")].concat(),
            7,
            1,
            "accepts no-email-match at the same",
            "keep one",
        ),
    ];
    let plain = plain
        .iter()
        .map(|(text, line, column, found, remedy)| ((*text).to_owned(), *line, *column, *found, *remedy));
    plain.chain(made).collect()
}

#[test]
fn what_is_wrong_is_named_with_place_and_remedy() {
    for (text, line, column, found, remedy) in wrong() {
        let problems = Policy::parse(&text).unwrap_err();
        let first = &problems[0];
        let said = format!("{text}\n{first:?}");
        assert_eq!((first.line, first.column), (line, column), "{said}");
        assert!(first.message.contains(found), "{found:?} is not in {said}");
        assert!(first.remedy.contains(remedy), "{remedy:?} is not in {said}");
        assert!(first.remedy.len() > 10 && first.message.len() > 10, "{said}");
        // What is wrong is still wrong, and at its place, behind a whole good file (unless a key is there twice).
        let behind = format!("# one\n# two\n{text}");
        let moved = &Policy::parse(&behind).unwrap_err()[0];
        assert_eq!((moved.line, moved.column, &moved.message), (line + 2, column, &first.message));
    }
    assert!(wrong().len() > 80);
}

#[test]
fn all_problems_are_told_in_the_order_of_the_text() {
    let problems = Policy::parse("publish = 3\nx = 1\n[limits]\nwarn_days = -1\n[codes.a]\n").unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [1, 2, 4, 5]);
    let many: String = (0..30).map(|n| format!("x{n} = 1\n")).collect();
    let problems = Policy::parse(&many).unwrap_err();
    assert_eq!(problems.len(), 20);
    assert!(problems[19].remedy.contains("10 more problems"), "{:?}", problems[19]);
}

#[test]
fn the_default_is_explained_line_by_line_and_reads_back() {
    let output = certferry(["generate", "policy"]);
    assert_eq!(code(&output), 0);
    let text = stdout(&output);
    for line in text.lines().filter(|line| !line.is_empty()) {
        let comment = line.split_once('#').map(|(_, comment)| comment).unwrap_or_default();
        assert!(comment.trim().len() > 5, "{line:?} is not explained");
    }
    assert_eq!(Policy::parse(&text), Ok(Policy::default()));
    assert_eq!(Policy::parse(""), Ok(Policy::default()));
    assert_eq!(Policy::parse(&text.replace('\n', "\r\n")), Ok(Policy::default()));
    assert!(Policy::default().differences().is_empty());
    // What stands in comments as an example can be used.
    let example = |head: &str| -> String {
        let lines = text.lines().skip_while(|line| *line != format!("# {head}"));
        let lines = lines.take_while(|line| !line.is_empty()).map(|line| line.trim_start_matches("# "));
        lines.collect::<Vec<_>>().join("\n").replace("64 hex digits", HASH)
    };
    for head in ["[[anchor]]", "[[exception]]"] {
        let policy = Policy::parse(&example(head)).unwrap();
        assert_eq!(policy.anchors.len() + policy.exceptions.len(), 1, "{}", example(head));
    }
}

/// A policy in which everything is changed.
fn changed() -> String {
    let mut text = String::from(
        "publish = \"newest\"\nmin_overlap_days = 14\nattributes = [\"userSMIMECertificate\"]\n\
         kinds = [\"mailContact\", \"mailbox\"]\naliases = false\nrevocation = \"hard\"\nmax_removals = 7\n\
         fail_on = \"error\"\n[limits]\nrsa_bits_refused_below = 2048\nrsa_bits_warned_below = 3072\n\
         curves = [\"P-384\"]\nmax_validity_days = 825\nwarn_days = 45\ndays_to_next_run = 40\nbundle_days = 14\n\
         values_per_attribute = 5\nvalue_bytes = 16384\n[usage]\npurpose = \"1.2.3.4\"\nany_purpose = false\n\
         no_purpose = false\nencrypting = [\"keyEncipherment\"]\n\
         signing = [\"contentCommitment\", \"digitalSignature\"]\nno_key_usage = false\nneeded = \"both\"\n\
         [codes]\nsignature-sha1 = { decision = \"withhold\", severity = \"error\", reason = \"a \\\"b\\\" \\\\ c\" }\n\
         expired = { severity = \"info\", until = 2026-12-31 }\nrevoked = { decision = \"withhold\" }\n",
    );
    text.push_str(&anchor("domains = [\"Müller.example\", \"contoso.com\"]\nkinds = [\"mailUser\"]"));
    text.push_str(&format!("[[anchor]]\nsha256 = \"{}\"\n", HASH.replace("00", "FF")));
    text.push_str(&exception("", ""));
    text.push_str(&exception("sha256", "issuer = \"CN=CA, O=\\\"x\\\"\"\nserial = \"00:0A:1b\""));
    text
}

#[test]
fn every_policy_reads_back_and_tells_its_differences() {
    let policy = Policy::parse(&changed()).unwrap();
    assert_eq!(policy.publish, Publish::Newest);
    assert_eq!(policy.max_removals, MaxRemovals::Count(7));
    assert_eq!(policy.anchors[0].domains.as_ref().unwrap(), &["contoso.com", "xn--mller-kva.example"]);
    assert_eq!(policy.codes.len(), 2, "what is the default anyway is no change");
    let text = policy.document();
    assert_eq!(Policy::parse(&text).as_ref(), Ok(&policy), "{text}");
    assert_eq!(policy.document(), text, "the same bytes again");
    for line in text.lines().filter(|line| !line.is_empty()) {
        assert!(line.contains('#'), "{line:?} is not explained");
    }
    let differences = policy.differences();
    let default: toml::Table = Policy::default().document().parse().unwrap();
    let keys = default.iter().map(|(name, value)| match value.as_table() {
        Some(_) if name == "codes" => 0,
        Some(section) => section.len(),
        None => 1,
    });
    assert_eq!(differences.len(), keys.sum::<usize>() + 3 + 2 + 2, "{differences:#?}");
    let of = |place: &str| differences.iter().find(|found| found.place == place).unwrap();
    assert_eq!(of("limits.warn_days").value, "45");
    assert_eq!(of("codes.signature-sha1.decision").reason.as_deref(), Some("a \"b\" \\ c"));
    assert_eq!(of("codes.expired.severity").value, "\"info\" until 2026-12-31");
    assert!(of("anchor 1").value.contains("contoso.com, xn--mller-kva.example of the kind mailUser"));
    assert!(of("anchor 2").value.contains("any domain"));
    assert!(of("exception 2").value.contains("serial number 0a:1b of CN=CA"));
    assert_eq!(of("exception 1").reason.as_deref(), Some("name changed"));
}

/// What cannot be softened is said where a code is explained, too.
#[test]
fn explain_says_what_cannot_be_softened() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let all = words(&stdout(&certferry(["explain", "--all"])));
    for fixed in policy::FIXED {
        assert!(all.contains(&words(&format!(": {}.", fixed.reason))), "{}", fixed.code);
    }
    let said = stdout(&certferry(["explain", "revoked"]));
    assert!(said.contains("In a policy") && said.contains("No policy can soften it"), "{said}");
    assert!(!stdout(&certferry(["explain", "value-form"])).contains("In a policy"));
}

#[test]
fn the_last_day_is_the_last() {
    let until = Policy::parse(&exception("", "")).unwrap().exceptions[0].until.clone();
    let at = |text: &str| UnixTime::from_rfc3339(text).unwrap();
    assert!(!until.is_over(at("2026-12-31T23:59:59Z")));
    assert!(until.is_over(at("2027-01-01T00:00:00Z")));
}

#[test]
fn real_policies_fit_the_schema() {
    let output = certferry(["generate", "schema", "policy"]);
    assert_eq!(code(&output), 0);
    assert_eq!(stdout(&output), policy::schema());
    let validator = jsonschema::validator_for(&serde_json::from_slice(&output.stdout).unwrap()).unwrap();
    let json = |text: &str| -> Value {
        // A date of TOML is a text in JSON.
        fn convert(value: &toml::Value) -> Value {
            match value {
                toml::Value::Datetime(date) => Value::String(date.to_string()),
                toml::Value::Array(list) => Value::Array(list.iter().map(convert).collect()),
                toml::Value::Table(table) => {
                    Value::Object(table.iter().map(|(key, value)| (key.clone(), convert(value))).collect())
                }
                plain => serde_json::to_value(plain).unwrap(),
            }
        }
        convert(&toml::Value::Table(text.parse().unwrap()))
    };
    for text in [Policy::default().document(), changed(), Policy::parse(&changed()).unwrap().document()] {
        let value = json(&text);
        assert!(validator.is_valid(&value), "{:?}", validator.iter_errors(&value).next());
    }
    let mut refused = 0;
    for (text, ..) in wrong() {
        if text.parse::<toml::Table>().is_ok() {
            refused += usize::from(!validator.is_valid(&json(&text)));
        }
    }
    // Entries that stand twice, and some forms of texts, are beyond a schema.
    assert!(refused > 60, "the schema refuses only {refused} of the wrong files");
}

fn run(out: &Path, more: &[&str]) -> Output {
    convert(&["openldap.ldif"], out, more)
}

#[test]
fn the_program_says_where_and_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("site policy.toml");
    let name = file.to_str().unwrap();
    let bundle = dir.path().join("bundle");
    let refused = |bytes: &[u8], words: &[&str]| {
        std::fs::write(&file, bytes).unwrap();
        let inspected = certferry(["inspect", fixture("folder").to_str().unwrap(), "--policy", name]);
        for output in [run(&bundle, &["--policy", name]), inspected] {
            let told = stderr(&output);
            assert_eq!(code(&output), 2, "{told}");
            for word in words {
                assert!(told.contains(word), "{word:?} is not in {told}");
            }
            assert!(stdout(&output).is_empty() && !bundle.exists());
        }
    };
    refused(
        b"# ok\n[limits]\nwarn_day = 3\n",
        &["site policy.toml, line 3, column 1", "try: did you mean warn_days?"],
    );
    refused(b"publish = 3\nfail_on = 3\n", &["line 1, column 11", "line 2, column 11"]);
    refused(b"publish = \"all\"\n# \xff\n", &["line 2 is not UTF-8", "save the file as UTF-8"]);
    refused(&vec![b'#'; (4 << 20) + 1], &["could not be read"]);
    std::fs::remove_file(&file).unwrap();
    let output = run(&bundle, &["--policy", name]);
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("certferry generate policy"), "{}", stderr(&output));
    // What Windows PowerShell 5.1 makes of `generate policy > file`.
    let text = Policy::default().document().replace('\n', "\r\n");
    let wide: Vec<u8> =
        std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    std::fs::write(&file, wide).unwrap();
    assert_eq!(code(&run(&bundle, &["--policy", name, "--dry-run"])), 1, "as without a policy");
}

#[test]
fn the_default_as_a_file_changes_no_byte() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.toml");
    std::fs::write(&file, Policy::default().document()).unwrap();
    let (plain, with) = (dir.path().join("plain"), dir.path().join("with"));
    let first = run(&plain, &["--jobs", "1"]);
    assert!(!stderr(&first).contains("differs from the default"));
    run(&with, &["--policy", file.to_str().unwrap()]);
    assert_eq!(tree(&plain), tree(&with));
    assert_eq!(std::fs::read(plain.join("review/policy.toml")).unwrap(), std::fs::read(&file).unwrap());
}

#[test]
fn option_then_file_then_default() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.toml");
    std::fs::write(&file, "revocation = \"hard\"\nfail_on = \"warning\"\n[limits]\nwarn_days = 45\n")
        .unwrap();
    let name = file.to_str().unwrap();
    let used = |out: &str, more: &[&str]| {
        let bundle = dir.path().join(out);
        let output = run(&bundle, more);
        let text = std::fs::read_to_string(bundle.join("review/policy.toml")).unwrap();
        (Policy::parse(&text).unwrap(), manifest(&bundle), stderr(&output))
    };
    let (by_file, manifest_of_file, told) = used("file", &["--policy", name]);
    assert_eq!(by_file.revocation, certferry::path::Revocation::Hard);
    assert!(told.contains("The policy differs from the default in 3 places"), "{told}");
    assert!(told.contains("limits.warn_days: 45 (default: 30)"), "{told}");
    let (by_option, manifest_of_option, _) =
        used("option", &["--policy", name, "--revocation", "soft", "--fail-on", "never"]);
    assert_eq!(by_option.revocation, certferry::path::Revocation::Soft, "the policy as used");
    assert_eq!(by_option.limits.warn_days, 45);
    assert_ne!(manifest_of_file["bundle"]["id"], manifest_of_option["bundle"]["id"]);
    let sha256 = |out: &str| {
        let bytes = std::fs::read(dir.path().join(out).join("review/policy.toml")).unwrap();
        certferry::encoding::hex(&certferry::encoding::sha256(&bytes))
    };
    assert_eq!(manifest_of_option["policy"]["sha256"], sha256("option"));
    // The policy as used does the same again, without the option.
    let again = dir.path().join("option/review/policy.toml");
    let (_, manifest_again, _) = used("again", &["--policy", again.to_str().unwrap()]);
    assert_eq!(manifest_again, manifest_of_option);
}

#[test]
fn path_processing_alone_knows_of_revocation_only() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("policy.toml");
    std::fs::write(&file, "[codes.signature-sha1]\ndecision = \"withhold\"\n[usage]\npurpose = \"1.2.3\"\n")
        .unwrap();
    let export = fixture("ad-ldifde-utf8.ldf");
    let mut arguments =
        vec!["inspect".to_owned(), export.display().to_string(), "--profile".into(), "rfc5280".into()];
    arguments.extend(trust());
    let plain = certferry(&arguments);
    arguments.extend(["--policy".to_owned(), file.display().to_string()]);
    let with = certferry(&arguments);
    assert!(stdout(&plain) == stdout(&with));
    assert!(stderr(&with).contains("of --policy only revocation counts"), "{}", stderr(&with));
    std::fs::write(&file, "revocation = \"off\"\n").unwrap();
    assert!(stdout(&certferry(&arguments)) != stdout(&plain), "without CRLs nothing is revoked");
}

/// A file with some bytes taken out, doubled or replaced.
fn spoiled() -> impl Strategy<Value = String> {
    let whole = [changed(), Policy::default().document(), exception("", ""), anchor("domains = [\"a.b\"]")];
    let spots = proptest::collection::vec(
        (any::<proptest::sample::Index>(), any::<u8>(), "[\\PC\n\"\\[\\]={}#.]{0,3}"),
        1..6,
    );
    (proptest::sample::select(whole.to_vec()), spots).prop_map(|(text, spots)| {
        let mut letters: Vec<char> = text.chars().collect();
        for (at, how, new) in spots {
            let at = at.index(letters.len());
            let end = (at + usize::from(how % 4)).min(letters.len());
            letters.splice(at..end, new.chars());
        }
        letters.into_iter().collect()
    })
}

proptest! {
    /// No text ends the program: it is a policy that reads back, or its problems have places in it.
    #[test]
    fn any_text_is_a_policy_or_has_problems(text in prop_oneof![spoiled(), "\\PC{0,60}"]) {
        match Policy::parse(&text) {
            Ok(policy) => prop_assert_eq!(Policy::parse(&policy.document()), Ok(policy)),
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    prop_assert!(problem.line >= 1 && problem.line <= 1 + text.matches('\n').count());
                    prop_assert!(problem.column >= 1 && !problem.message.is_empty());
                    prop_assert!(!problem.remedy.is_empty());
                }
            }
        }
    }
}
