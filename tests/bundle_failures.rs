//! Whatever ends a run early leaves nothing behind, and an old bundle as it was.
#![allow(clippy::unwrap_used)]

mod bundle_support;

use bundle_support::*;
use certferry::bundle::model::*;
use certferry::bundle::{
    Entry, ManifestFormat, OutputError, Rendered, StageOptions, Writer, remove_stages, render, stale_stages,
};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const TASK: &str = "CERTFERRY_BUNDLE_CHILD";
const TARGET: &str = "CERTFERRY_BUNDLE_TARGET";

fn force() -> StageOptions {
    StageOptions { force: true, ..options() }
}

/// Somebody else's run, in a process of its own: it can be killed, limited, or told to stop.
#[test]
fn child() {
    let (Ok(task), Ok(target)) = (std::env::var(TASK), std::env::var(TARGET)) else { return };
    let target = Path::new(&target);
    let mut writer = Writer::begin(target, &force(), head()).unwrap();
    append_all(&mut writer, &people()).unwrap();
    match task.as_str() {
        "wait" => {
            println!("\nstaged {}", writer.stage_path().display());
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
        "stop" => {
            // The signal's thread comes while this one writes.
            let signal = std::thread::spawn(remove_stages);
            let mut result = Ok(());
            while result.is_ok() && !signal.is_finished() {
                result = append_all(&mut writer, &people());
            }
            signal.join().unwrap();
            let closing = closing(writer.tally());
            let sealed = writer.seal(&closing);
            assert!(
                matches!(sealed, Err(OutputError::Interrupted { .. } | OutputError::Io { .. })),
                "{sealed:?}"
            );
            assert!(matches!(Writer::begin(target, &force(), head()), Err(OutputError::Interrupted { .. })));
            println!("\nstopped");
        }
        _ => {
            let error = fill(writer);
            assert!(matches!(error, OutputError::Io { .. }), "{error}");
            println!("\nfull: {error}");
        }
    }
}

/// Appends until it fails.
fn fill(mut writer: Writer) -> OutputError {
    for _ in 0..10_000 {
        if let Err(error) = append_all(&mut writer, &people()) {
            return error;
        }
    }
    panic!("the disk did not become full");
}

fn run(task: &str, target: &Path, before: &str) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{before}exec \"$0\" --exact child --nocapture");
    command.arg("-c").arg(script).arg(std::env::current_exe().unwrap());
    command.env(TASK, task).env(TARGET, target).stdin(Stdio::null());
    command
}

#[test]
fn a_dropped_or_panicking_run_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    let mut writer = Writer::begin(&target, &options(), head()).unwrap();
    append_all(&mut writer, &people()).unwrap();
    assert_eq!(names(dir.path()).len(), 1);
    assert!(names(dir.path())[0].starts_with(".b.certferry-"));
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(writer.stage_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "nobody else reads half a bundle");
    }
    drop(writer);
    assert!(names(dir.path()).is_empty());

    let panicked = std::panic::catch_unwind(|| {
        let mut writer = Writer::begin(&target, &options(), head()).unwrap();
        append_all(&mut writer, &people()).unwrap();
        panic!("on purpose");
    });
    assert!(panicked.is_err());
    assert!(names(dir.path()).is_empty());
}

#[test]
fn force_exchanges_the_whole_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    fs::write(target.join("review/SHA256SUMS.p7s"), "of the old one").unwrap();
    let mut fewer = people();
    fewer.truncate(7);
    assert!(matches!(write_with(&target, &options(), &fewer, |_| {}), Err(OutputError::Exists { .. })));
    let sealed = write_with(&target, &force(), &fewer, |_| {}).unwrap();
    assert_eq!(sealed.leftover, None);
    assert_eq!(names(dir.path()), ["b"]);
    let report = check(&target);
    assert!(report.is_good() && report.summary.unwrap().recipients == 7);
    // Forced where nothing stands is simply new.
    write_with(&dir.path().join("c"), &force(), &fewer, |_| {}).unwrap();
    assert_eq!(files(&dir.path().join("c")), files(&target));
}

#[test]
fn a_failure_keeps_the_old_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    let old = files(&target);
    let lost = write_with(&target, &force(), &people(), |closing| closing.summary.values += 1);
    assert!(matches!(&lost, Err(error @ OutputError::Inconsistent(_)) if error.is_internal()), "{lost:?}");
    let lost = write_with(&target, &force(), &people(), |closing| closing.summary.published -= 1);
    assert!(matches!(lost, Err(OutputError::Inconsistent(text)) if text.contains("19 published")));
    assert_eq!(names(dir.path()), ["b"]);
    assert_eq!(files(&target), old);
}

#[test]
fn what_appears_meanwhile_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    for options in [options(), force()] {
        let mut writer = Writer::begin(&target, &options, head()).unwrap();
        append_all(&mut writer, &people()).unwrap();
        fs::create_dir(&target).unwrap();
        let closing = closing(writer.tally());
        let error = writer.seal(&closing).unwrap_err();
        assert!(matches!(error, OutputError::Exists { .. } | OutputError::NotABundle { .. }), "{error}");
        assert_eq!(names(dir.path()), ["b"]);
        fs::remove_dir(&target).unwrap();
    }
}

#[test]
fn a_contradiction_is_never_written() {
    let refused = |change: fn(&mut Person)| {
        let mut person = people().remove(0);
        change(&mut person);
        let entry = Entry {
            targets: &[certferry::bundle::model::Target::ExchangeOnline],
            change: None,
            recipient: &person.recipient,
            payload: person.payload.as_ref(),
            findings: &person.findings,
        };
        let result = render(&entry, ManifestFormat::Both, &mut Rendered::default());
        assert!(matches!(result, Err(OutputError::Inconsistent(_))), "{result:?}");
    };
    refused(|person| person.recipient.number = 1);
    refused(|person| person.payload = None);
    refused(|person| person.recipient.coverage = Coverage::None);
    refused(|person| person.payload.as_mut().unwrap().user_certificate.as_mut().unwrap().truncate(1));
    refused(|person| person.recipient.candidates[0].decision = Decision::Withhold);
    refused(|person| person.recipient.candidates[0].attribute = Attribute::UserPkcs12);
    refused(|person| {
        person.recipient.candidates.truncate(1);
        person.payload.as_mut().unwrap().user_certificate = Some(vec!["A".repeat(1_000_000)]);
    });
    refused(|person| person.recipient.candidates[0].change = Some(ValueChange::Delete));
    refused(|person| {
        person.recipient.candidates.clear();
        person.payload.as_mut().unwrap().user_certificate = None;
    });
}

#[test]
fn the_estimate_of_a_line_is_never_too_small() {
    use certferry::bundle::render::payload_len;
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    let lines: Vec<String> = files(&target)
        .into_iter()
        .filter(|(name, _)| name.starts_with("transfer/payload/"))
        .flat_map(|(_, bytes)| {
            String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    let payloads: Vec<PayloadLine> = people().into_iter().filter_map(|person| person.payload).collect();
    assert_eq!(lines.len(), payloads.len());
    for (line, payload) in lines.iter().zip(&payloads) {
        assert!(line.len() < payload_len(payload), "{line}");
    }
}

#[test]
fn a_killed_run_leaves_a_stage_that_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    let mut child = run("wait", &target, "").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut staged = None;
    for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok) {
        if let Some(path) = line.strip_prefix("staged ") {
            staged = Some(path.to_owned());
            break;
        }
    }
    assert!(stale_stages(&target).is_empty(), "a live run's stage is not stale");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(stale_stages(&target), [Path::new(&staged.unwrap())]);
    assert!(!target.exists());
    assert!(stale_stages(&dir.path().join("another")).is_empty());
    write(&target);
    assert_eq!(stale_stages(&target).len(), 1, "reported, not deleted");
}

#[test]
fn a_signal_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    write(&target);
    let old = files(&target);
    let output = run("stop", &target, "").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("\nstopped"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(names(dir.path()), ["b"]);
    assert_eq!(files(&target), old);
}

#[test]
fn a_file_that_may_not_grow_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("b");
    // 256 blocks of 512 bytes; ignored, the signal becomes an error of write.
    let output = run("full", &target, "trap '' XFSZ; ulimit -f 256; ").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("\nfull: "),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(text.contains("could not write"), "{text}");
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_full_disk_leaves_nothing_but_the_old_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
        .arg(&disk)
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        eprintln!("skipped: a small tmpfs cannot be mounted here");
        return;
    }
    let outcome = std::panic::catch_unwind(|| {
        let target = disk.join("b");
        let error = fill(Writer::begin(&target, &options(), head()).unwrap());
        assert!(error.to_string().contains("nothing was left behind"), "{error}");
        assert!(names(&disk).is_empty());

        write(&target);
        let old = files(&target);
        let error = fill(Writer::begin(&target, &force(), head()).unwrap());
        assert!(matches!(error, OutputError::Io { .. }));
        assert_eq!(names(&disk), ["b"]);
        assert_eq!(files(&target), old);
    });
    let unmounted = Command::new("umount").arg(&disk).status().unwrap();
    assert!(unmounted.success());
    outcome.unwrap();
}
