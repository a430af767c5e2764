//! An export that is cut off, grows or is written over while it is read: a clear error or the whole result of what
//! was there before, never a mixture.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::fs::{FileTimes, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::LazyLock;

use certferry::bundle::ManifestFormat;
use certferry::bundle::model::Target;
use certferry::certificate::UnixTime;
use certferry::error::Error;
use certferry::judge::{Judge, Paths};
use certferry::pipeline::second::Second;
use certferry::pipeline::store::Store;
use certferry::pipeline::{Reading, first, open};
use certferry::policy::{InForce, Policy};

/// Some blocks of a megabyte: a line of text makes each record large.
const PEOPLE: usize = 170;
const THREADS: usize = 2;

fn export(path: &Path) {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let ballast = "x".repeat(20_000);
        let person = |n| {
            format!(
                "dn: cn=user{n},dc=example\nobjectClass: person\ncn: user{n}\nmail: user{n}@example.com\n\
                 description: {ballast}\nuserCertificate:: AQID\n\n"
            )
        };
        (0..PEOPLE).map(person).collect()
    });
    std::fs::write(path, TEXT.as_bytes()).unwrap();
}

/// Both passes over the file; `change` is called once: when block `at` of pass 1 or 2 has been read, or between the
/// passes (0). Gives the names that were judged, in order.
fn run(path: &Path, pass: u8, at: usize, change: &dyn Fn(&Path)) -> Result<Vec<String>, Error> {
    run_after(path, pass, at, change, &|_| ())
}

/// The same; `prepare` gets the second pass before it begins.
fn run_after(
    path: &Path,
    pass: u8,
    at: usize,
    change: &dyn Fn(&Path),
    prepare: &dyn Fn(&Second<'_>),
) -> Result<Vec<String>, Error> {
    let calls = Cell::new(0);
    let progress = |current: u8| {
        let calls = &calls;
        move |_: u64| {
            if current == pass {
                calls.set(calls.get() + 1);
                if calls.get() == at {
                    change(path);
                }
            }
        }
    };
    let reading = Reading::default();
    let opened = open::open(&[path])?;
    let counted = first::run(&opened.sources, &reading, THREADS, &progress(1))?;
    if pass == 0 {
        change(path);
    }
    let at = UnixTime(1_780_000_000);
    let judge = Judge {
        at,
        paths: Paths::Unverified,
        thorough: false,
        policy: InForce::new(Policy::default(), at),
        targets: vec![Target::ExchangeOnline],
    };
    let second = Second {
        past: None,
        sources: &opened.sources,
        reading: &reading,
        judge: &judge,
        format: ManifestFormat::Json,
        knowledge: &counted.knowledge,
        sharers: &counted.sharers,
        store: Store::new(&opened.sources, &counted.table, &reading),
        verbose: false,
    };
    prepare(&second);
    let mut names = Vec::new();
    second.run(&counted.bases, counted.records, THREADS, &progress(2), |results| {
        names.extend(results.findings.iter().filter_map(|line| line.address.clone()));
        names.extend(results.recipients.iter().map(|one| format!("{} bytes", one.len())));
        Ok(())
    })?;
    Ok(names)
}

fn cut_off(path: &Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
}

fn cut_off_at_once(path: &Path) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap();
}

fn grow(path: &Path) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"dn: cn=late,dc=example\nobjectClass: person\nmail: late@example.com\n\n").unwrap();
}

/// As many bytes as before, and the time of the last change set back.
fn write_over(path: &Path) {
    let mut file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let before = file.metadata().unwrap().modified().unwrap();
    let mut text = Vec::new();
    file.read_to_end(&mut text).unwrap();
    let changed = String::from_utf8(text).unwrap().replace("mail: user", "mail: USER");
    file.write_all_at(changed.as_bytes(), 0).unwrap();
    file.set_times(FileTimes::new().set_modified(before)).unwrap();
}

#[test]
fn a_file_that_changes_while_it_is_read_ends_the_run_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.ldif");
    export(&path);
    let whole = run(&path, 9, 0, &|_| {}).unwrap();
    assert!(whole.len() >= PEOPLE, "{} results", whole.len());
    for (what, change) in [
        ("cut off", &cut_off as &dyn Fn(&Path)),
        ("emptied", &cut_off_at_once),
        ("grown", &grow),
        ("written over", &write_over),
    ] {
        for (pass, at) in [(1, 1), (1, 3), (0, 0), (2, 1), (2, 3)] {
            export(&path);
            let place = format!("{what} in pass {pass} at {at}");
            match run(&path, pass, at, change) {
                Ok(names) => assert_eq!(names, whole, "{place}"),
                Err(Error::Changed { path, found }) => {
                    assert!(path == "export.ldif" && !found.is_empty(), "{place}: {path}: {found}");
                }
                // A record that is read again and gone.
                Err(Error::Read { path, .. }) => assert_eq!(path, Path::new("export.ldif"), "{place}"),
                Err(other) => panic!("{place}: {other}"),
            }
        }
    }
}

#[test]
fn what_could_not_be_read_again_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.ldif");
    export(&path);
    // As a judge asks for an object that others share something with, which is not there any more.
    let ask = |second: &Second<'_>| {
        assert!(second.store.object(u32::MAX, &second.knowledge.groups).is_none());
    };
    let ended = run_after(&path, 9, 0, &|_| (), &ask);
    assert!(matches!(ended, Err(Error::Spill { .. })), "{ended:?}");
}

#[test]
fn each_change_is_noticed_where_it_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("export.ldif");
    for change in [&cut_off as &dyn Fn(&Path), &cut_off_at_once, &grow, &write_over] {
        export(&path);
        assert!(matches!(run(&path, 0, 0, change), Err(Error::Changed { .. })), "between the passes");
        export(&path);
        assert!(matches!(run(&path, 2, 3, change), Err(Error::Changed { .. })), "within the second pass");
    }
}
