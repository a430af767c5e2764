//! The three that are asked.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use certferry::certificate::{Certificate, UnixTime};
use certferry::path::{Engine, Options, Revocation, Verdict};
use certval::{
    CertFile, CertVector as _, CertificationPath, CertificationPathResults, CertificationPathSettings,
    MemoryCrlSource, PDVCertificate, PDVTrustAnchorChoice, PkiEnvironment, TaSource, TimeOfInterest,
    check_revocation_local, enforce_trust_anchor_constraints,
};

use crate::case::{AT, Case};

/// What somebody says of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The path is good.
    pub valid: bool,
    /// Why not, in its own words; certferry's are the codes of all findings.
    pub words: String,
}

/// certferry, profile `rfc5280`.
///
/// # Panics
/// When a certificate that was just made cannot be read.
#[must_use]
pub fn certferry(case: &Case) -> Answer {
    let plan = &case.plan;
    let options = Options {
        revocation: if plan.hard { Revocation::Hard } else { Revocation::Off },
        required_eku: plan.purpose.then(|| certferry::certificate::oid::EMAIL_PROTECTION.to_vec()),
        explicit_policy: plan.explicit,
        inhibit_any_policy: plan.inhibit_any,
        inhibit_policy_mapping: plan.inhibit_mapping,
        initial_policies: plan.initial_policies.clone(),
        apply_anchor_constraints: plan.anchor_counts,
        ..Options::rfc5280(UnixTime(AT))
    };
    let parse = |der| Certificate::parse(der).expect("made here");
    let (anchor, rest) = case.chain.split_first().expect("an anchor");
    let (target, between) = rest.split_last().expect("a target");
    let between = between.iter().chain(&case.others).map(|der| parse(der)).collect();
    let crls: Vec<&[u8]> = case.crls.iter().flatten().map(Vec::as_slice).collect();
    let (engine, problems) = Engine::new(vec![parse(anchor)], between, &crls, options);
    assert!(problems.is_empty(), "CRLs that were made here: {problems:?}");
    let outcome = engine.validate(&parse(target), &[]);
    let codes: Vec<String> =
        outcome.findings.iter().map(|f| format!("{}@{}", f.code.as_str(), f.depth)).collect();
    Answer { valid: outcome.verdict == Verdict::Valid, words: codes.join(" ") }
}

/// certval: the chain is given, since its path building is not what is compared.
#[must_use]
pub fn certval(case: &Case) -> Answer {
    match certval_says(case) {
        Ok(()) => Answer { valid: true, words: "good".into() },
        Err(words) => Answer { valid: false, words },
    }
}

fn certval_says(case: &Case) -> Result<(), String> {
    let plan = &case.plan;
    let mut settings = CertificationPathSettings::new();
    let at = u64::try_from(AT).map_err(|e| e.to_string())?;
    settings.set_time_of_interest(TimeOfInterest::from_unix_secs(at).map_err(|e| e.to_string())?);
    settings.set_enforce_trust_anchor_constraints(plan.anchor_counts);
    settings.set_enforce_trust_anchor_validity(false);
    settings.set_initial_explicit_policy_indicator(plan.explicit);
    settings.set_initial_inhibit_any_policy_indicator(plan.inhibit_any);
    settings.set_initial_policy_mapping_inhibit_indicator(plan.inhibit_mapping);
    if !plan.initial_policies.is_empty() {
        settings.set_initial_policy_set(plan.initial_policies.iter().map(|id| dotted(id)).collect());
    }
    if plan.purpose {
        // Of the target alone. The other setting intersects the purposes of the whole path, the anchor's
        // included, and takes anyExtendedKeyUsage for a purpose like others: README.md, "Purposes".
        settings.set_extended_key_usage(vec!["1.3.6.1.5.5.7.3.4".into()]);
    }
    settings.set_check_revocation_status(plan.hard);

    let (anchor, rest) = case.chain.split_first().ok_or("no anchor")?;
    let (target, between) = rest.split_last().ok_or("no target")?;
    let mut anchors = TaSource::new();
    anchors.push(CertFile { filename: "anchor".into(), bytes: anchor.clone() });
    anchors.initialize().map_err(|e| e.to_string())?;
    let mut environment = PkiEnvironment::default();
    environment.populate_5280_pki_environment();
    environment.add_trust_anchor_source(Box::new(anchors));
    let lists = MemoryCrlSource::new();
    for crl in case.crls.iter().flatten() {
        lists.add(crl);
    }
    environment.add_crl_source(Box::new(lists));

    let anchor = PDVTrustAnchorChoice::create(anchor, "anchor").map_err(|e| format!("anchor: {e}"))?;
    let read =
        |der: &Vec<u8>| PDVCertificate::try_from(der.as_slice()).map_err(|e| format!("certificate: {e}"));
    let settings = enforce_trust_anchor_constraints(&settings, &anchor).map_err(|e| e.to_string())?;
    let between = between.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let path = CertificationPath::new(anchor, between, read(target)?);
    let mut results = CertificationPathResults::new();
    environment.validate_path(&environment, &settings, &path, &mut results).map_err(|e| e.to_string())?;
    check_revocation_local(&environment, &settings, &path, &mut results).map_err(|e| e.to_string())
}

/// An OID of this crate's own cases in dots: one arc of two octets after 2, then arcs of one.
fn dotted(contents: &[u8]) -> String {
    certferry::certificate::oid::Oid(contents).to_string()
}

/// Is there an openssl program?
#[must_use]
pub fn has_openssl() -> bool {
    let run = Command::new("openssl").arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    run.is_ok_and(|status| status.success())
}

/// `openssl verify`, with its files in this folder.
///
/// # Errors
/// The program or the files cannot be used.
pub fn openssl(case: &Case, folder: &Path) -> std::io::Result<Answer> {
    let plan = &case.plan;
    let write = |name: &str,
                 label: &str,
                 ders: &mut dyn Iterator<Item = &Vec<u8>>|
     -> std::io::Result<std::path::PathBuf> {
        let path = folder.join(name);
        let mut file = std::fs::File::create(&path)?;
        for der in ders {
            file.write_all(pem(label, der).as_bytes())?;
        }
        Ok(path)
    };
    let (first, last) = (&case.chain[..1], &case.chain[case.chain.len() - 1..]);
    let between = &case.chain[1..case.chain.len() - 1];
    let mut command = Command::new("openssl");
    command.arg("verify").args(["-no-CAfile", "-no-CApath", "-no-CAstore", "-attime", &AT.to_string()]);
    command.arg("-trusted").arg(write("anchor.pem", "CERTIFICATE", &mut first.iter())?);
    let mut pool = between.iter().chain(&case.others).peekable();
    if pool.peek().is_some() {
        command.arg("-untrusted").arg(write("between.pem", "CERTIFICATE", &mut pool)?);
    }
    if plan.hard {
        command.args(["-crl_check", "-crl_check_all"]);
        let mut crls = case.crls.iter().flatten().peekable();
        if crls.peek().is_some() {
            command.arg("-CRLfile").arg(write("crls.pem", "X509 CRL", &mut crls)?);
        }
    }
    if plan.purpose {
        command.args(["-purpose", "smimesign"]);
    }
    // Without one of these openssl does not look at policies at all.
    command.arg("-policy_check");
    for (yes, option) in [
        (plan.explicit, "-explicit_policy"),
        (plan.inhibit_any, "-inhibit_any"),
        (plan.inhibit_mapping, "-inhibit_map"),
    ] {
        if yes {
            command.arg(option);
        }
    }
    if plan.initial_policies.is_empty() {
        // Unlike RFC 5280 section 6.1.1 (c), openssl takes an empty set for no policy at all.
        command.args(["-policy", "2.5.29.32.0"]);
    }
    for policy in &plan.initial_policies {
        command.args(["-policy", &dotted(policy)]);
    }
    command.arg(write("target.pem", "CERTIFICATE", &mut last.iter())?);
    let run = command.stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    let errors: Vec<&str> =
        text.lines().filter(|line| line.starts_with("error ") && line.contains(" lookup: ")).collect();
    let words = if run.status.success() { "OK".to_owned() } else { errors.join("; ") };
    if !run.status.success() && errors.is_empty() {
        return Err(std::io::Error::other(format!("openssl verify could not be asked: {text}")));
    }
    Ok(Answer { valid: run.status.success(), words })
}

fn pem(label: &str, der: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let word = group.iter().fold(0_u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - group.len()));
            for i in 0..4 {
                let letter = ALPHABET[(word >> (18 - 6 * i)) as usize & 63] as char;
                text.push(if i > group.len() { '=' } else { letter });
            }
        }
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}
