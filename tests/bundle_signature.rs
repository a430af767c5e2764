//! Who signed a bundle: signatures made by the real `openssl cms -sign`, good ones and all kinds of bad ones.
#![allow(clippy::unwrap_used)]

mod bundle_support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bundle_support::*;
use certferry::bundle::verify::{Options, ProblemKind as K, Report, Signature, Signer, verify};
use certferry::certificate::Certificate;
use jiff::{Span, Timestamp};

/// A folder with keys, certificates and one bundle; `None`, after saying why, without the program.
struct Bench {
    folder: tempfile::TempDir,
    now: Timestamp,
}

/// Names of the signers that the bench makes, with the options of `openssl genpkey`.
const SIGNERS: &[(&str, &[&str])] = &[
    ("rsa", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    ("short", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"]),
    ("p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ("p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
    ("p521", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]),
    ("encrypts", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    ("other", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
];

impl Bench {
    fn new() -> Option<Self> {
        if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
            eprintln!("skipped: there is no openssl program to sign with");
            return None;
        }
        let bench = Self { folder: tempfile::tempdir().unwrap(), now: Timestamp::now() };
        write_with(&bench.bundle(), &options(), &people(), |closing| {
            closing.bundle.valid_until = "2035-01-01T00:00:00Z".into();
        })
        .unwrap();
        let usage = |bits: &str| format!("keyUsage=critical,{bits}");
        bench.key("ca", SIGNERS[2].1);
        bench.openssl(&[
            "req",
            "-x509",
            "-new",
            "-key",
            "ca.key",
            "-subj",
            "/CN=Seal CA",
            "-days",
            "3650",
            "-out",
            "ca.pem",
        ]);
        for (name, how) in SIGNERS {
            bench.key(name, how);
            let bits = usage(if *name == "encrypts" { "keyEncipherment" } else { "digitalSignature" });
            let (key, request, pem, extensions) =
                (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"), format!("{name}.ext"));
            bench.openssl(&[
                "req",
                "-new",
                "-key",
                &key,
                "-subj",
                &format!("/CN=Seal {name}"),
                "-out",
                &request,
            ]);
            fs::write(bench.path(&extensions), bits + "\nsubjectKeyIdentifier=hash\n").unwrap();
            bench.openssl(&[
                "x509",
                "-req",
                "-in",
                &request,
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-days",
                "365",
                "-extfile",
                &extensions,
                "-out",
                &pem,
            ]);
        }
        Some(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn bundle(&self) -> PathBuf {
        self.path("bundle")
    }

    fn openssl(&self, arguments: &[&str]) {
        let output =
            Command::new("openssl").args(arguments).current_dir(self.folder.path()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn key(&self, name: &str, how: &[&str]) {
        let file = format!("{name}.key");
        self.openssl(&[&["genpkey", "-out", &file][..], how].concat());
    }

    /// Signs SHA256SUMS of a half as `who`, with the README's options and `more`.
    fn sign(&self, half: &str, who: &str, more: &[&str]) {
        let (sums, out) = (format!("bundle/{half}/SHA256SUMS"), format!("bundle/{half}/SHA256SUMS.p7s"));
        let (pem, key) = (format!("{who}.pem"), format!("{who}.key"));
        let usual = [
            "cms", "-sign", "-binary", "-md", "sha256", "-in", &sums, "-signer", &pem, "-inkey", &key,
            "-outform", "DER", "-out", &out,
        ];
        self.openssl(&[&usual[..], more].concat());
    }

    fn sign_both(&self, who: &str, more: &[&str]) {
        self.sign("transfer", who, more);
        self.sign("review", who, more);
    }

    fn der(&self, who: &str) -> Vec<u8> {
        let text = fs::read(self.path(&format!("{who}.pem"))).unwrap();
        let file = certferry::input::files::open_certificate_file(&text);
        Certificate::parse(&file.entries[0].der).unwrap().der().to_vec()
    }

    fn check_at(&self, signer: Option<&Signer>, at: Timestamp) -> Report {
        verify(&self.bundle(), &Options { at, script: SCRIPT, signer }).unwrap()
    }

    fn check(&self, signer: Option<&Signer>) -> Report {
        self.check_at(signer, self.now + Span::new().minutes(1))
    }

    fn asks(&self, who: &str) -> Report {
        self.check(Some(&Signer::Certificate(self.der(who))))
    }

    /// The half's signature file, changed.
    fn edit(&self, half: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.bundle().join(half).join("SHA256SUMS.p7s");
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
}

#[track_caller]
fn good(report: &Report) {
    assert!(report.is_good() && report.signature == Signature::Good, "{}", report.to_text());
    assert!(report.to_text().contains("signed by the signer that was asked for"), "{}", report.to_text());
}

#[track_caller]
fn refuses(report: &Report, word: &str) {
    let found = report.problems.iter().any(|p| p.kind == K::Signature && p.explanation.contains(word));
    assert!(found && !report.is_good(), "no signature problem with {word:?} in\n{}", report.to_text());
    assert_ne!(report.signature, Signature::Good);
}

const PSS: &[&str] = &["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:-1"];

#[test]
fn every_algorithm_with_and_without_attributes_and_certificates() {
    let Some(bench) = Bench::new() else { return };
    let trust = Signer::Anchors(vec![bench.der("ca")]);
    for (who, more) in [
        ("rsa", &[][..]),
        ("rsa", &["-md", "sha512"]),
        ("rsa", PSS),
        ("p256", &[]),
        ("p384", &["-md", "sha384"]),
        ("p521", &["-md", "sha512"]),
        ("p256", &["-keyid"]),
        ("rsa", &["-outform", "PEM"]),
        ("p256", &["-certfile", "ca.pem"]),
    ] {
        for attributes in [&[][..], &["-noattr"]] {
            for certificates in [&[][..], &["-nocerts"]] {
                bench.sign_both(who, &[more, attributes, certificates].concat());
                let report = bench.asks(who);
                good(&report);
                let half = &report.signatures[0];
                let signer = half.signer.as_ref().unwrap();
                assert_eq!(
                    (signer.subject.as_str(), half.file.as_str()),
                    (&*format!("CN=Seal {who}"), "review/SHA256SUMS")
                );
                assert_eq!(half.claimed_signing_time.is_some(), attributes.is_empty());
                let by_path = bench.check(Some(&trust));
                let nobody = bench.check(None);
                if certificates.is_empty() {
                    good(&by_path);
                    assert_eq!(nobody.signature, Signature::NotAsked);
                } else {
                    refuses(&by_path, "does not hold the signer's certificate");
                    assert_eq!(nobody.signature, Signature::NotChecked);
                }
                assert!(nobody.is_good(), "{}", nobody.to_text());
            }
        }
    }
}

#[test]
fn somebody_elses_and_missing_signatures() {
    let Some(bench) = Bench::new() else { return };
    refuses(&bench.asks("rsa"), "missing although a signer was asked for");
    let unsigned = bench.check(None);
    assert!(unsigned.is_good() && unsigned.to_text().contains("unsigned: "), "{}", unsigned.to_text());

    bench.sign("transfer", "rsa", &[]);
    refuses(&bench.asks("rsa"), "missing although a signer was asked for");
    assert!(bench.check(None).to_text().contains("unsigned in part"));

    bench.sign("review", "rsa", &[]);
    good(&bench.asks("rsa"));
    let report = bench.asks("other");
    refuses(&report, "is by somebody else: CN=Seal rsa");
    assert!(report.to_text().contains("asked for was CN=Seal other"));
    // A path to another anchor is none.
    refuses(&bench.check(Some(&Signer::Anchors(vec![bench.der("other")]))), "no valid path to an anchor");

    // The certificate of one, the key of another: openssl refuses to make it, so the name is forged by bytes.
    bench.sign("transfer", "other", &["-nocerts", "-keyid"]);
    refuses(&bench.asks("p256"), "is by somebody else");
    let id = |who: &str| {
        let der = bench.der(who);
        Certificate::parse(&der).unwrap().subject_key_id().into_value().unwrap().to_vec()
    };
    let (from, to) = (id("other"), id("p256"));
    bench.edit("transfer", |bytes| {
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        bytes[at..at + to.len()].copy_from_slice(&to);
    });
    refuses(&bench.asks("p256"), "the signature does not verify");
}

#[test]
fn what_proves_nothing_is_refused_by_name() {
    let Some(bench) = Bench::new() else { return };
    bench.sign_both("rsa", &[]);
    for (more, word) in [
        (&["-nodetach"][..], "carries content of its own"),
        (&["-md", "sha1"], "digest algorithm"),
        (&["-outform", "SMIME"], "S/MIME message"),
        (&["-signer", "other.pem", "-inkey", "other.key"], "2 signers"),
        (&["-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:11"], "salt as long as the hash"),
        (&["-econtent_type", "1.2.3.4"], "another type of content"),
    ] {
        bench.sign("transfer", "rsa", more);
        refuses(&bench.asks("rsa"), word);
        refuses(&bench.check(None), word);
    }
    bench.sign("transfer", "short", &[]);
    refuses(&bench.asks("short"), "1024 bits");
    bench.sign("transfer", "encrypts", &[]);
    refuses(&bench.asks("encrypts"), "does not allow signatures");

    bench.sign("transfer", "rsa", &[]);
    let whole = fs::read(bench.bundle().join("transfer/SHA256SUMS.p7s")).unwrap();
    for (change, word) in [
        ((|bytes| bytes.clear()) as fn(&mut Vec<u8>), "no detached CMS signature"),
        (|bytes| bytes.truncate(bytes.len() - 1), "proves nothing"),
        (|bytes| bytes.push(0), "cannot be read whole"),
        (|bytes| *bytes.last_mut().unwrap() ^= 1, "does not verify"),
        (
            |bytes| *bytes = b"-----BEGIN CMS-----\nAAAA\n-----END CMS-----\n".to_vec(),
            "no detached CMS signature",
        ),
        (|bytes| *bytes = vec![b'x'; 2 << 20], "larger than"),
    ] {
        fs::write(bench.bundle().join("transfer/SHA256SUMS.p7s"), &whole).unwrap();
        bench.edit("transfer", change);
        refuses(&bench.asks("rsa"), word);
    }
    // Every single byte counts: none of the changed signatures is good, and none is a panic.
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x11;
        fs::write(bench.bundle().join("transfer/SHA256SUMS.p7s"), &bytes).unwrap();
        let signer = Signer::Certificate(bench.der("rsa"));
        let report = verify(
            &bench.bundle().join("transfer"),
            &Options { at: bench.now + Span::new().minutes(1), script: SCRIPT, signer: Some(&signer) },
        )
        .unwrap();
        // Bytes of the certificates inside are not signed over; the signer's own is the one that was asked for.
        let inside = whole.windows(bench.der("rsa").len()).position(|window| window == bench.der("rsa"));
        let range = inside.unwrap()..inside.unwrap() + bench.der("rsa").len();
        assert!(
            !report.is_good() || range.contains(&at) || unsigned_octets(&whole).contains(&at),
            "byte {at}: {:02x?} then {:02x?}",
            &whole[at - 12..at],
            &whole[at..at + 6]
        );
    }
}

/// Offsets of octets that no signature covers and that decide nothing: version numbers and the set of digest
/// algorithms (RFC 5652 section 5.1: a hint for readers in one pass).
fn unsigned_octets(whole: &[u8]) -> Vec<usize> {
    let versions =
        whole.windows(3).enumerate().filter(|(_, window)| *window == [2, 1, 1]).map(|(at, _)| at + 2);
    let mut out: Vec<usize> = versions.collect();
    let set = out[0] + 1;
    out.extend(set..set + 2 + usize::from(whole[set + 1]));
    out
}

#[test]
fn a_signature_belongs_to_one_list() {
    let Some(bench) = Bench::new() else { return };
    bench.sign_both("p256", &[]);
    let bundle = bench.bundle();
    let (transfer, review) = (bundle.join("transfer/SHA256SUMS.p7s"), bundle.join("review/SHA256SUMS.p7s"));
    fs::copy(&review, &transfer).unwrap();
    refuses(&bench.asks("p256"), "does not verify");

    // A file is changed and the list made anew: everything fits but the signature.
    bench.sign_both("p256", &[]);
    let script = bundle.join("transfer/HANDOVER.txt");
    fs::write(&script, fs::read_to_string(&script).unwrap() + "Hurry.\n").unwrap();
    sum_again(&bundle.join("transfer"));
    refuses(&bench.asks("p256"), "does not verify");
    let report = bench.asks("p256");
    let halves: Vec<Signature> = report.signatures.iter().map(|half| half.state).collect();
    assert_eq!(halves, [Signature::Good, Signature::Bad]);

    // A link instead of the file is not followed.
    fs::rename(&transfer, bench.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(bench.path("elsewhere"), &transfer).unwrap();
    let report = bench.asks("p256");
    assert!(!report.is_good() && report.signature == Signature::Bad, "{}", report.to_text());
}

#[test]
fn the_signing_time_is_a_claim() {
    let Some(bench) = Bench::new() else { return };
    bench.sign_both("p256", &[]);
    let asked = Signer::Certificate(bench.der("p256"));
    let early = bench.check_at(Some(&asked), bench.now - Span::new().hours(1));
    refuses(&early, "claims to have been made at");
    let late = bench.check_at(Some(&asked), bench.now + Span::new().hours(24 * 800));
    good(&late);
    assert!(late.to_text().contains("has ended since"), "{}", late.to_text());
    assert!(late.to_text().contains("who claims to have done so at"));
    // Without a claim the certificate must be valid now.
    bench.sign_both("p256", &["-noattr"]);
    refuses(&bench.check_at(Some(&asked), bench.now + Span::new().hours(24 * 800)), "was valid from");
    good(&bench.check(Some(&asked)));
}

#[test]
fn the_command_line_asks_for_a_signer() {
    let Some(bench) = Bench::new() else { return };
    bench.sign_both("rsa", &[]);
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_certferry"))
            .args(["verify", "bundle"])
            .args(arguments)
            .current_dir(bench.folder.path())
            .output()
            .unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), text)
    };
    // The upload script of the bench is a stand-in, which is a problem of its own: 5 in every case.
    let (_, text) = run(&["--signer", "rsa.pem"]);
    assert!(text.contains("signed by the signer that was asked for"), "{text}");
    let (code, text) = run(&["--signer", "other.pem", "--format", "json"]);
    assert!(code == 5 && text.contains("\"signature\": \"bad\""), "{text}");
    let (_, text) = run(&["--signer-trust", "ca.pem"]);
    assert!(text.contains("signed by the signer that was asked for"), "{text}");
    fs::write(
        bench.path("two.pem"),
        [fs::read(bench.path("rsa.pem")).unwrap(), fs::read(bench.path("ca.pem")).unwrap()].concat(),
    )
    .unwrap();
    for (arguments, word) in [
        (&["--signer", "two.pem"][..], "there are 2 certificates"),
        (&["--signer", "rsa.key"], "there is no certificate"),
        (&["--signer", "nowhere.pem"], "no such file"),
        (&["--signer", "rsa.pem", "--signer-trust", "ca.pem"], "cannot be used with"),
    ] {
        let (code, text) = run(arguments);
        assert!(code == 2 && text.contains(word), "{arguments:?}: {code} {text}");
    }
    assert!(Path::new(&bench.bundle()).is_dir());
}
