//! A made-up company of twenty people, written as a bundle.
#![allow(dead_code, clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use certferry::bundle::directory::Change;
use certferry::bundle::model::*;
use certferry::bundle::verify::{Options, Outcome, ProblemKind as K, Report, verify};
use certferry::bundle::{
    Closing, Entry, ManifestFormat, ManifestHead, OutputError, Rendered, Sealed, StageOptions, Tally, Writer,
    render, sums,
};
use certferry::certificate::{Certificate, sst};
use certferry::input::files::open_certificate_file;
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::LazyLock;

pub const SCRIPT: &[u8] = b"# a placeholder for the upload script\r\n";
pub const EVALUATED_AT: &str = "2026-11-24T12:00:00Z";
pub const VALID_UNTIL: &str = "2026-12-24T12:00:00Z";

pub struct Person {
    pub recipient: Recipient,
    pub payload: Option<PayloadLine>,
    pub change: Option<Change>,
    pub findings: Vec<FindingLine>,
}

pub fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn value(person: usize, index: u64, attribute: Attribute) -> Vec<u8> {
    format!("{} {index} of person {person}", attribute.name()).into_bytes()
}

/// The company's root, the only authority.
pub fn root() -> &'static [u8] {
    static ROOT: LazyLock<Vec<u8>> = LazyLock::new(|| pem("fixtures/pki/trust/root.pem"));
    &ROOT
}

/// The certificate of a file of the project.
pub fn pem(file: &str) -> Vec<u8> {
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    open_certificate_file(&bytes).entries[0].der.to_vec()
}

/// A certificate as the manifest lists it among those of the trust store.
pub fn trusted(der: &[u8], people: u64) -> TrustStoreEntry {
    let certificate = Certificate::parse(der).unwrap();
    TrustStoreEntry {
        sha256: sha256(der),
        sha1: certificate.sha1().iter().map(|byte| format!("{byte:02x}")).collect(),
        subject: certificate.subject().to_string(),
        serial: certificate.serial_hex(),
        not_before: certificate.not_before().to_string(),
        not_after: certificate.not_after().to_string(),
        origin: if people > 0 { TrustOrigin::Chain } else { TrustOrigin::Kept },
        people,
        left_out: None,
    }
}

fn candidate(person: usize, attribute: Attribute, index: u64, decision: Decision) -> Candidate {
    let value = value(person, index, attribute);
    let findings = match decision {
        Decision::Publish => Vec::new(),
        Decision::Withhold => vec![CandidateFinding {
            code: "expired".into(),
            severity: Severity::Info,
            message: "not valid after 2020-01-01T00:00:00Z".into(),
        }],
    };
    Candidate {
        sha256: Some(sha256(&value)),
        sha1: Some("ab".repeat(20)),
        value_sha256: sha256(&value),
        attribute,
        index,
        subject: Some(format!("CN=Person {person}, O=\"Made, Up\"")),
        issuer: Some("CN=Issuing CA".to_owned()),
        serial: Some(format!("4a:{person:02x}")),
        not_before: Some("2019-01-01T00:00:00Z".to_owned()),
        not_after: Some("2027-01-01T00:00:00Z".to_owned()),
        emails: vec![format!("person{person}@example.org")],
        key: Some("RSA 2048".to_owned()),
        signature_algorithm: Some("sha256WithRSAEncryption".to_owned()),
        encrypts: true,
        path: PathReport { verdict: Verdict::Valid, chain: vec![sha256(&value), sha256(root())] },
        findings,
        decision,
        change: None,
        reason: match decision {
            Decision::Publish => "current and fit for encryption".to_owned(),
            Decision::Withhold => "it has expired".to_owned(),
        },
    }
}

pub fn people() -> Vec<Person> {
    let names = ["=HYPERLINK(\"https://x\")", "Jörg Müller", "홍길동", "יעל כהן", "Plain \u{1F600} Name"];
    (0..20)
        .map(|n| {
            use Attribute::{UserCertificate as U, UserSmimeCertificate as S};
            use Decision::{Publish as P, Withhold as W};
            let plan: &[(Attribute, u64, Decision)] = match n % 5 {
                0 => &[(U, 0, P), (U, 1, P)],
                1 => &[(U, 0, W), (U, 1, P)],
                2 => &[(U, 0, P), (S, 0, P), (S, 1, W)],
                3 => &[],
                _ => &[(U, 0, W)],
            };
            let candidates: Vec<_> =
                plan.iter().map(|&(attribute, index, d)| candidate(n, attribute, index, d)).collect();
            let primary =
                if n == 7 { "jörg@bücher.example".to_owned() } else { format!("person{n}@example.org") };
            let kind = [RecipientKind::Mailbox, RecipientKind::MailUser, RecipientKind::MailContact][n % 3];
            let set = |attribute| {
                let values: Vec<String> = plan
                    .iter()
                    .filter(|(of, _, decision)| *of == attribute && *decision == P)
                    .map(|(_, index, _)| STANDARD.encode(value(n, *index, attribute)))
                    .collect();
                (!values.is_empty()).then_some(values)
            };
            let (user, smime) = (set(U), set(S));
            let payload = (user.is_some() || smime.is_some()).then(|| PayloadLine {
                number: 0,
                address: primary.clone(),
                kind,
                user_certificate: user,
                user_smime_certificate: smime,
            });
            let findings = plan
                .iter()
                .filter(|(_, _, decision)| *decision == W)
                .map(|(attribute, index, _)| FindingLine {
                    recipient: Some(0),
                    code: "expired".into(),
                    severity: Severity::Info,
                    decision: Some(W),
                    address: Some(primary.clone()),
                    certificate: Some(FindingCertificate {
                        sha256: Some(sha256(&value(n, *index, *attribute))),
                        attribute: Some(*attribute),
                        index: Some(*index),
                    }),
                    source: Some(Source { input: "export.ldf".to_owned(), line: 1 + 10 * n as u64 }),
                    found: "2020-01-01T00:00:00Z".into(),
                    required: "an end of validity after the instant of judging".into(),
                    message: "not valid after 2020-01-01T00:00:00Z".into(),
                })
                .collect();
            let recipient = Recipient {
                number: 0,
                identity: Identity {
                    primary_smtp: Some(primary),
                    dn: Some(format!("CN=Person {n},OU=People,DC=example,DC=org")),
                    display_name: Some(names[n % 5].to_owned()),
                    ..Identity::default()
                },
                kind,
                kind_reason: "made up".to_owned(),
                coverage: if payload.is_some() { Coverage::Encryptable } else { Coverage::None },
                source: Some(Source { input: "export.ldf".to_owned(), line: 1 + 10 * n as u64 }),
                candidates,
                findings: Vec::new(),
                history: None,
                payload: None,
                change: None,
            };
            Person { recipient, payload, change: None, findings }
        })
        .collect()
}

pub fn head() -> ManifestHead {
    ManifestHead {
        tool: Tool { name: "certferry".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
        evaluated_at: EVALUATED_AT.to_owned(),
        unverified: false,
        targets: vec![Target::ExchangeOnline],
        policy: b"# the policy\n".to_vec(),
        trust_anchors: vec![TrustAnchor {
            sha256: sha256(root()),
            subject: "CN=Root".to_owned(),
            serial: "01".to_owned(),
            not_before: "2010-01-01T00:00:00Z".to_owned(),
            not_after: "2040-01-01T00:00:00Z".to_owned(),
        }],
    }
}

pub fn options() -> StageOptions {
    StageOptions {
        force: false,
        manifest: ManifestFormat::Both,
        batch: NonZeroU64::new(4).unwrap(),
        script: SCRIPT,
    }
}

pub fn closing(tally: &Tally) -> Closing {
    Closing {
        inputs: vec![InputFile {
            path: "export.ldf".to_owned(),
            bytes: 4711,
            sha256: sha256(b"export"),
            kind: "ldif".to_owned(),
            records: 21,
            expected_records: None,
            unreadable: 1,
        }],
        // Everybody with a published certificate has one below the root.
        trust_store: if tally.published > 0 {
            vec![trusted(root(), tally.encryptable + tally.sign_only)]
        } else {
            vec![]
        },
        sst: (tally.published > 0).then(|| sst::write([root()])),
        summary: Summary {
            recipients: tally.recipients,
            values: tally.candidates + 3,
            candidates: tally.candidates,
            published: tally.published,
            withheld: tally.candidates - tally.published,
            unreadable: 1,
            ignored: 2,
            coverage: CoverageCounts {
                encryptable: tally.encryptable,
                sign_only: tally.sign_only,
                none: tally.none,
                ..CoverageCounts::default()
            },
            cleared: ClearedCounts::default(),
            directory_changes: tally.changes,
            changes: None,
        },
        bundle: BundleIdentity {
            id: sha256(b"the bundle"),
            valid_until: VALID_UNTIL.to_owned(),
            revocation_fresh_until: Some("2026-12-01T00:00:00Z".to_owned()),
            sequence: None,
            previous: None,
        },
    }
}

pub fn append_all(writer: &mut Writer, people: &[Person]) -> Result<(), OutputError> {
    append_for(writer, people, &[Target::ExchangeOnline])
}

pub fn append_for(writer: &mut Writer, people: &[Person], targets: &[Target]) -> Result<(), OutputError> {
    let mut rendered = Rendered::default();
    writer.finding(&FindingLine {
        recipient: None,
        code: "revocation-not-checked".into(),
        severity: Severity::Warning,
        decision: None,
        address: None,
        certificate: None,
        source: None,
        found: "no --crl".into(),
        required: "a CRL of each issuer".into(),
        message: "no CRL was given".into(),
    })?;
    for person in people {
        let entry = Entry {
            targets,
            recipient: &person.recipient,
            payload: person.payload.as_ref(),
            change: person.change.as_ref(),
            findings: &person.findings,
        };
        render(&entry, ManifestFormat::Both, &mut rendered)?;
        writer.append(&rendered)?;
    }
    Ok(())
}

/// Writes `people` to `target`, closed by what `change` makes of the usual closing.
pub fn write_with(
    target: &Path,
    options: &StageOptions,
    people: &[Person],
    change: impl FnOnce(&mut Closing),
) -> Result<Sealed, OutputError> {
    let mut writer = Writer::begin(target, options, head())?;
    append_all(&mut writer, people)?;
    let mut closing = closing(writer.tally());
    change(&mut closing);
    writer.seal(&closing)
}

pub fn write(target: &Path) -> Sealed {
    write_with(target, &options(), &people(), |_| {}).unwrap()
}

pub fn check(dir: &Path) -> Report {
    check_at(dir, EVALUATED_AT)
}

pub fn check_at(dir: &Path, at: &str) -> Report {
    verify(dir, &Options { at: at.parse().unwrap(), script: SCRIPT, signer: None }).unwrap()
}

/// Every file below `dir` with its bytes.
pub fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    walkdir::WalkDir::new(dir)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let name = entry.path().strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// What somebody does who changes a half and knows about SHA256SUMS.
pub fn sum_again(half: &Path) {
    let mut all = sums::Sums::new();
    for (name, bytes) in files(half) {
        if name != sums::SUMS && name != sums::SIGNATURE {
            all.insert(name, sha256(&bytes));
        }
    }
    fs::write(half.join(sums::SUMS), sums::write(&all)).unwrap();
}

/// The names in a folder, sorted.
pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

pub const MANIFEST: &str = "review/manifest.json";
pub const TRANSFER: &str = "transfer/transfer.json";

/// The report on a fresh bundle after `change`.
pub fn after(change: impl FnOnce(&Path)) -> Report {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    change(&target);
    check(&target)
}

pub fn edit(dir: &Path, file: &str, from: &str, to: &str) {
    let path = dir.join(file);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{file} does not hold {from}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[track_caller]
pub fn finds(report: &Report, kind: K, file: &str, word: &str) {
    assert_eq!(report.verdict, Outcome::Bad);
    assert!(
        report.problems.iter().any(|problem| problem.kind == kind
            && problem.file.as_deref().unwrap_or_default() == file
            && problem.explanation.contains(word)),
        "no {kind:?} of {file} with {word:?} in\n{}",
        report.to_text()
    );
    assert!(report.to_text().starts_with("BAD"));
}

/// Changes the review half and everything again that depends on it.
pub fn review_again(dir: &Path, change: impl FnOnce(&Path)) {
    let old = sha256(&fs::read(dir.join(MANIFEST)).unwrap());
    change(dir);
    let new = sha256(&fs::read(dir.join(MANIFEST)).unwrap());
    edit(dir, TRANSFER, &old, &new);
    sum_again(&dir.join("review"));
    sum_again(&dir.join("transfer"));
}

/// What somebody finds who changed the review half and made everything again that depends on it.
pub fn review(file: &str, from: &str, to: &str) -> Report {
    after(|dir| review_again(dir, |dir| edit(dir, file, from, to)))
}
