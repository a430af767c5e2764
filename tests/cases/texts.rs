//! Codes of the readers of exports: a text that must raise each, and the text without the fault. They go
//! through the library's reader, and through the program as files of one folder.

use certferry::export::Reader;
use certferry::ldif::{BlockOptions, Code, Labelled, Options, ReadError, Record, UrlRoot, labelled};

use super::check::readable;
use super::scene::{Entry, Scene, ldif, text};

/// A code, the bad text, the good text.
type Row = (&'static str, &'static [u8], &'static [u8]);

/// A code, the text that raises it, and the nearest one that does not.
pub const TABLE: &[Row] = &[
    ("no-records", b"version: 1\n", b"version: 1\ndn: cn=a\ncn: a\n"),
    ("cr-line-ends", b"dn: cn=a\rcn: a\r", b"dn: cn=a\r\ncn: a\r\n"),
    ("no-final-newline", b"dn: cn=a\ncn: a", b"dn: cn=a\ncn: a\n"),
    ("ctrl-z", b"dn: cn=a\ncn: a\n\x1A", b"dn: cn=a\ncn: a\n"),
    (
        "inner-bom",
        b"dn: cn=a\ncn: a\n\n\xEF\xBB\xBFdn: cn=b\ncn: b\n",
        b"\xEF\xBB\xBFdn: cn=a\ncn: a\n\ndn: cn=b\ncn: b\n",
    ),
    (
        "lone-surrogate",
        b"\xFF\xFEd\0n\0:\0c\0n\0=\0a\0\n\0x\0:\0\x00\xD8\n\0",
        b"\xFF\xFEd\0n\0:\0c\0n\0=\0a\0\n\0x\0:\0\x00\xD7\n\0",
    ),
    (
        "odd-byte",
        b"\xFF\xFEd\0n\0:\0c\0n\0=\0a\0\n\0x\0:\0y\0\n\0z",
        b"\xFF\xFEd\0n\0:\0c\0n\0=\0a\0\n\0x\0:\0y\0\n\0",
    ),
    ("cut-off", b"dn: cn=a\ncn:: eA", b"dn: cn=a\ncn:: eA\nsn: b\n"),
    (
        "search-failed",
        b"dn: cn=a\ncn: a\n\nsearch: 2\nresult: 4 Size limit exceeded\n",
        b"dn: cn=a\ncn: a\n\nsearch: 2\nresult: 0 Success\n",
    ),
    (
        "record-cut-off",
        b"dn: cn=a\r\nchangetype: add\r\ncn: a\r\n",
        b"dn: cn=a\r\nchangetype: add\r\ncn: a\r\n\r\n",
    ),
    (
        "trailer-missing",
        b"# extended LDIF\n\ndn: cn=a\ncn: a\n",
        b"# extended LDIF\n\ndn: cn=a\ncn: a\n\nsearch: 2\nresult: 0 Success\n",
    ),
    ("code-page", b"dn: cn=a\ncn: J\xFCrgen\n", b"dn: cn=a\ncn: J\xC3\xBCrgen\n"),
    ("terminal-output", b"SASL SSF: 256\ndn: cn=a\ncn: a\n", b"# SASL SSF: 256\ndn: cn=a\ncn: a\n"),
    ("csvde-column", b"DN,c n\r\ncn=a,a\r\n", b"DN,c-n\r\ncn=a,a\r\n"),
    ("csvde-header-again", b"DN,cn\r\ncn=a,a\r\nDN,cn\r\ncn=b,b\r\n", b"DN,cn\r\ncn=a,a\r\ncn=b,b\r\n"),
    ("csvde-cells", b"DN,cn\r\ncn=a,a,b\r\n", b"DN,cn\r\ncn=a,\"a,b\"\r\n"),
    ("csvde-hex", b"DN,userCertificate\r\ncn=a,X'0g'\r\n", b"DN,userCertificate\r\ncn=a,X'0a'\r\n"),
    ("count-mismatch", b"dn: cn=a\ncn: a\n\n# numEntries: 2\n", b"dn: cn=a\ncn: a\n\n# numEntries: 1\n"),
    (
        "pages-missing",
        b"dn: cn=a\ncn: a\n\nsearch: 2\nresult: 0 Success\npagedresults: cookie=AA==\n",
        b"dn: cn=a\ncn: a\n\nsearch: 2\nresult: 0 Success\npagedresults: cookie=\n",
    ),
    ("search-reference", b"dn: cn=a\ncn: a\n\n# refldap://x\n\n", b"dn: cn=a\ncn: a\n\n# see ldap://x\n\n"),
    ("range-incomplete", b"dn: cn=a\nm;range=0-0: a\n", b"dn: cn=a\nm;range=0-*: a\n"),
    (
        "inner-version",
        b"dn: cn=a\ncn: a\n\nversion: 1\ndn: cn=b\ncn: b\n",
        b"version: 1\ndn: cn=a\ncn: a\n\ndn: cn=b\ncn: b\n",
    ),
    ("other-version", b"version: 2\n\ndn: cn=a\ncn: a\n", b"version: 1\n\ndn: cn=a\ncn: a\n"),
    ("id-line", b"1\ndn: cn=a\ncn: a\n", b"#1\ndn: cn=a\ncn: a\n"),
    ("missing-blank-line", b"dn: cn=a\ncn: a\ndn: cn=b\ncn: b\n", b"dn: cn=a\ncn: a\n\ndn: cn=b\ncn: b\n"),
    (
        "blank-line-with-spaces",
        b"dn: cn=a\ncn: a\n \t\ndn: cn=b\ncn: b\n",
        b"dn: cn=a\ncn: a\n\ndn: cn=b\ncn: b\n",
    ),
    ("no-dn", b"dn: cn=a\ncn: a\n\nsn: b\n", b"dn: cn=a\ncn: a\nsn: b\n"),
    ("unreadable-dn", b"dn:: *\ncn: a\n", b"dn:: Y249YQ==\ncn: a\n"),
    ("bad-dn", b"dn: this is no dn\ncn: a\n", b"dn: cn=this is one\ncn: a\n"),
    ("no-attributes", b"dn: cn=a\n\ndn: cn=b\ncn: b\n", b"dn: cn=a\ncn: a\n\ndn: cn=b\ncn: b\n"),
    (
        "include-ignored",
        b"include: file:///x\n\ndn: cn=a\ncn: a\n",
        b"#include: file:///x\n\ndn: cn=a\ncn: a\n",
    ),
    (
        "stray-continuation",
        b"dn: cn=a\ncn: a\n\n more\n\ndn: cn=b\ncn: b\n",
        b"dn: cn=a\ncn: a\n more\n\ndn: cn=b\ncn: b\n",
    ),
    ("no-colon", b"dn: cn=a\ncn: a\nmore to come\n", b"dn: cn=a\ncn: a\nmore: to come\n"),
    ("tab-fold", b"dn: cn=a\ncn: a\n\tb\n", b"dn: cn=a\ncn: a\n b\n"),
    ("blank-fold", b"dn: cn=a\ncn: a\n   \nsn: b\n", b"dn: cn=a\ncn: a\n \nsn: b\n"),
    ("lost-fold", b"dn: cn=a\ncn:: eHh4\neHh4\n eA==\n", b"dn: cn=a\ncn:: eHh4\n eHh4\n eA==\n"),
    ("nul-bytes", b"dn: cn=a\ncn: a\0b\n", b"dn: cn=a\ncn: a b\n"),
    ("bare-cr", b"dn: cn=a\ncn: a\rb\n", b"dn: cn=a\ncn: a\r\nsn: b\n"),
    ("stray-separator", b"dn: cn=a\ncn: a\n-\nsn: b\n", b"dn: cn=a\ncn: a\nsn: b\n"),
    ("blank-before-colon", b"dn: cn=a\ncn : a\n", b"dn: cn=a\ncn: a\n"),
    ("odd-name", b"dn: cn=a\n1cn: a\n", b"dn: cn=a\ncn1: a\n"),
    ("bad-name", b"dn: cn=a\nc n: a\ncn: a\n", b"dn: cn=a\nc-n: a\ncn: a\n"),
    ("bad-range", b"dn: cn=a\nm;range=5-2: b\n", b"dn: cn=a\nm;range=0-*: b\n"),
    ("unsafe-start", b"dn: cn=a\ncn: :a\n", b"dn: cn=a\ncn:: OmE=\n"),
    ("bad-text", b"dn: cn=a\ncn: \xFC\n", b"dn: cn=a\ncn: \xC3\xBC\n"),
    ("odd-base64", b"dn: cn=a\ncn:: eA\nsn: b\n", b"dn: cn=a\ncn:: eA==\nsn: b\n"),
    ("bad-base64", b"dn: cn=a\ncn:: e*==\nsn: b\n", b"dn: cn=a\ncn:: eA==\nsn: b\n"),
    ("url-refused", b"dn: cn=a\ncn:< http://x/y\n", b"dn: cn=a\ncn: http://x/y\n"),
    (
        "change-ignored",
        b"dn: cn=b\ncn: b\n\ndn: cn=a\nchangetype: delete\n",
        b"dn: cn=b\ncn: b\n\ndn: cn=a\nchangetype: add\ncn: a\n",
    ),
    (
        "modify-part-ignored",
        b"dn: cn=a\nchangetype: modify\ndelete: cn\ncn: b\n-\n",
        b"dn: cn=a\nchangetype: modify\nadd: cn\ncn: b\n-\n",
    ),
    ("late-changetype", b"dn: cn=a\ncn: a\nchangetype: add\n", b"dn: cn=a\nchangetype: add\ncn: a\n"),
    ("bad-changetype", b"dn: cn=a\nchangetype: nonsense\ncn: a\n", b"dn: cn=a\nchangetype: add\ncn: a\n"),
    (
        "control-ignored",
        b"dn: cn=a\ncontrol: 1.2.3 true\nchangetype: add\ncn: a\n",
        b"dn: cn=a\nchangetype: add\ncn: a\n",
    ),
    (
        "missing-separator",
        b"dn: cn=a\nchangetype: modify\nadd: cn\ncn: b\n",
        b"dn: cn=a\nchangetype: modify\nadd: cn\ncn: b\n-\n",
    ),
    (
        "modify-other-name",
        b"dn: cn=a\nchangetype: modify\nadd: cn\nsn: b\n-\n",
        b"dn: cn=a\nchangetype: modify\nadd: sn\nsn: b\n-\n",
    ),
    (
        "modify-no-operation",
        b"dn: cn=a\nchangetype: modify\ncn: b\n-\n",
        b"dn: cn=a\nchangetype: modify\nadd: cn\ncn: b\n-\n",
    ),
];

/// Codes whose texts are made: too long to be written down, or in need of a folder or a limit.
pub const MADE: &[&str] =
    &["encoding-doubtful", "record-too-large", "size-limit", "too-many-problems", "url-unreadable"];

/// A code page is an option: with it the one text is changed for the worse, and the other one needs it.
#[test]
fn a_code_page_for_text_that_is_utf8() {
    let read = |bytes: &[u8], label: &str| {
        let Some(Labelled::Page(page)) = labelled(label) else { panic!("{label}") };
        let options = Options { code_page: Some(page), ..Options::default() };
        let mut reader = Reader::new(bytes, options).unwrap();
        let (mut record, mut problems) = (Record::new(), Vec::new());
        while reader.next(&mut record, &mut problems).unwrap() {}
        problems.into_iter().filter(|problem| problem.code == Code::EncodingDoubtful).collect::<Vec<_>>()
    };
    for text in ["dn: cn=a\ncn: Jürgen\n", "DN,cn\r\ncn=a,Jürgen\r\n"] {
        let problems = read(text.as_bytes(), "1252");
        assert_eq!(problems.len(), 1);
        readable("encoding-doubtful", &problems[0].message);
        let (bytes, ..) = encoding_rs::WINDOWS_1252.encode(text);
        assert_eq!(read(&bytes, "1252"), []);
    }
}

pub fn made() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let value = |length: usize| format!("dn: cn=a\ncn: {}\n", "a".repeat(length)).into_bytes();
    let records =
        |count: usize| (0..count).map(|n| format!("dn: cn={n}\ncn: a\n\n")).collect::<String>().into();
    let garbage = |lines: usize| format!("dn: cn=a\ncn: a\n{}", "x\n".repeat(lines)).into_bytes();
    let url = |name: &str| format!("dn: cn=a\ncn:< file:{name}\n").into_bytes();
    vec![
        ("record-too-large", value(LIMIT), value(LIMIT / 2)),
        ("size-limit", records(1000), records(999)),
        ("too-many-problems", garbage(2000), garbage(20)),
        ("url-unreadable", url("missing"), url("there")),
    ]
}

const LIMIT: usize = 1 << 16;

/// Codes that the reader reports about a text, with their messages.
fn problems(input: &[u8]) -> Vec<(Code, String)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("there"), b"a").unwrap();
    let options = Options { url_root: Some(UrlRoot::new(folder.path()).unwrap()), ..Options::default() };
    let sizes = BlockOptions { record_limit: LIMIT, ..BlockOptions::default() };
    let mut reader = Reader::with_blocks(input, options, sizes).unwrap();
    let (mut record, mut problems) = (Record::new(), Vec::new());
    while reader.next(&mut record, &mut problems).unwrap() {}
    problems.into_iter().map(|problem| (problem.code, problem.message)).collect()
}

#[test]
fn every_text_has_its_code() {
    let written = TABLE.iter().map(|(code, bad, good)| (*code, bad.to_vec(), good.to_vec()));
    let mut seen: Vec<&str> = MADE.to_vec();
    for (code, bad, good) in written.chain(made()) {
        let found = problems(&bad);
        let raised: Vec<&(Code, String)> = found.iter().filter(|(c, _)| c.as_str() == code).collect();
        assert!(!raised.is_empty(), "{code} was not raised, but {found:?}");
        raised.iter().for_each(|(_, message)| readable(code, message));
        let found = problems(&good);
        assert!(found.iter().all(|(c, _)| c.as_str() != code), "{code}: near miss {found:?}");
        seen.push(code);
    }
    seen.extend(["not-ldif", "encoding-doubtful"]);
    for code in Code::ALL {
        assert!(seen.contains(&code.as_str()), "{code} has no text");
    }
}

/// Input that is no LDIF is refused as a whole; there is no record to report a problem at.
#[test]
fn not_ldif_ends_the_reading() {
    let read = |bytes: &[u8]| Reader::new(bytes, Options::default()).map(drop);
    match read(b"<html><body>Sign in</body></html>") {
        Err(ReadError::NotLdif(what)) => readable("not-ldif", what.name()),
        other => panic!("{other:?}"),
    }
    assert!(read(b"dn: cn=a\ncn: a\n").is_ok());
}

/// The same through the program: each text is a file of one folder, and its findings name the file.
#[test]
fn every_text_through_the_program() {
    let kim = super::make::User::kim().sign();
    let scene = |which: fn(&Row) -> &'static [u8]| {
        let start = Scene::file_of("0-kim.ldif", ldif(&[Entry::kim().cert(&kim)]));
        TABLE.iter().fold(start, |scene, row| scene.file(&format!("in/{}.ldif", row.0), which(row)))
    };
    let told = |outcome: &super::scene::Outcome, code: &str| {
        let file = format!("{code}.ldif");
        let lines = outcome.findings.iter().filter(|line| line["code"] == code);
        lines.filter(|line| text(&line["source"]["input"]) == file).cloned().collect::<Vec<_>>()
    };
    let (bad, good) = (scene(|row| row.1).convert(), scene(|row| row.2).convert());
    for (code, ..) in TABLE {
        let lines = told(&bad, code);
        let rule = certferry::rules::find(code).unwrap();
        assert!(!lines.is_empty(), "the program does not say {code}");
        for line in lines {
            println!("{code}: {}", text(&line["message"]));
            readable(code, text(&line["message"]));
            assert_eq!(line["severity"], serde_json::to_value(rule.severity).unwrap(), "{line}");
        }
        assert_eq!(told(&good, code), Vec::<serde_json::Value>::new());
    }
}
