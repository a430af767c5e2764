//! Case by case: what the LDIF reader makes of odd input.
//!
//! Each case gives the input, then what is expected, one item a line in input order: a record as
//! `line dn [changetype] name=value|…` (values with bytes that are not printable ASCII as `\xNN`), a problem as
//! `line warning|error code`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "ldif_rules/large.rs"]
mod large;

use certferry::ldif::{
    BlockOptions, DnState, Labelled, Options, Problem, ReadError, Reader, Record, Scratch, UrlRoot, Value,
    Wanted, labelled, reparse,
};

fn show(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|&b| if (0x20..0x7F).contains(&b) { char::from(b).to_string() } else { format!("\\x{b:02x}") })
        .collect()
}

fn show_record(record: &Record) -> String {
    let dn = if record.dn_state() == DnState::Unreadable { "?".to_owned() } else { show(record.dn()) };
    let kind = record.kind().as_str().map(|k| format!(" [{k}]")).unwrap_or_default();
    let attributes: Vec<String> = record
        .attributes()
        .filter_map(|a| match a.value() {
            Value::Bytes(bytes) => Some(format!("{}={}", a.name(), show(bytes))),
            Value::Unreadable(_) => None,
            Value::Skipped => Some(format!("{} skipped", a.name())),
        })
        .collect();
    format!("{} {dn}{kind} {}", record.line(), attributes.join("|"))
}

fn run(input: &[u8], options: &Options, block_size: usize) -> Vec<String> {
    let sizes = BlockOptions { block_size, ..BlockOptions::default() };
    let mut reader = match Reader::with_blocks(input, options.clone(), sizes) {
        Ok(reader) => reader,
        Err(ReadError::NotLdif(other)) => return vec![format!("not LDIF: {}", other.name())],
        Err(ReadError::Io(error)) => panic!("{error}"),
    };
    let (mut record, mut problems) = (Record::new(), Vec::<Problem>::new());
    let mut lines = Vec::new();
    loop {
        let more = reader.next(&mut record, &mut problems).unwrap();
        let mut items: Vec<(u64, bool, String)> = problems
            .drain(..)
            .map(|p| (p.line, true, format!("{} {} {}", p.line, p.severity.as_str(), p.code)))
            .collect();
        if more {
            items.push((record.line(), false, show_record(&record)));
        }
        items.sort_by_key(|(line, problem, _)| (*line, *problem));
        lines.extend(items.into_iter().map(|(_, _, text)| text.trim().to_owned()));
        if !more {
            return lines;
        }
    }
}

#[track_caller]
fn check_with(options: &Options, input: &[u8], expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    for block_size in [1 << 20, 64, 16] {
        assert_eq!(run(input, options, block_size), expected, "blocks of {block_size}: {}", show(input));
    }
}

#[track_caller]
fn check(input: &[u8], expected: &str) {
    check_with(&Options::default(), input, expected);
}

/// A record `cn=a` with the lines given, which start at line 2.
#[track_caller]
fn check_lines(lines: &str, expected: &str) {
    check(format!("dn: cn=a\n{lines}").as_bytes(), expected);
}

fn utf16(text: &str, high_first: bool) -> Vec<u8> {
    text.encode_utf16().flat_map(|u| if high_first { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

// Rule 1: bytes, DNs, text.

#[test]
fn plain_records() {
    check(b"dn: cn=a\ncn: a\nsn:b\nx:\n\ndn: cn=b\ncn: b\n", "1 cn=a cn=a|sn=b|x=\n6 cn=b cn=b");
    check(b"version: 1\ndn: cn=a\ncn: a\n", "2 cn=a cn=a");
    check(
        b"version: 1\n\n# c\ndn: cn=a\ncn: a\n\n\n\n# c\n\ndn: cn=b\ncn: b\n\n",
        "4 cn=a cn=a\n11 cn=b cn=b",
    );
}

#[test]
fn dns_are_trimmed_and_checked() {
    check(b"dn:   cn=a  \ncn: a\n", "1 cn=a cn=a");
    check(b"dn: cn=a\\ \ncn: a\n", "1 cn=a\\  cn=a");
    check(b"dn:: IGNuPWEg\ncn: a\n", "1 cn=a cn=a");
    check(b"dn: this is no dn\ncn: a\n", "1 this is no dn cn=a\n1 warning bad-dn");
    check(b"dn:\ncn: a\n", "1  cn=a");
    check(b"DN: cn=a\ncn: a\n", "1 cn=a cn=a");
    check("dn: cn=Zoë\ncn: a\n".as_bytes(), "1 cn=Zo\\xc3\\xab cn=a");
    check(b"dn: cn=Zo\xEB\ncn: a\n", "1 cn=Zo\\xeb cn=a\n1 warning bad-text\n1 warning code-page");
    check(b"dn:: Y249Wm/r\ncn: a\n", "1 cn=Zo\\xeb cn=a\n1 warning bad-text");
}

#[test]
fn a_dn_that_cannot_be_read_names_nobody() {
    check(
        b"dn:: *\ncn: a\n\ndn: cn=b\ncn: b\n",
        "1 ? cn=a\n1 error bad-base64\n1 error unreadable-dn\n4 cn=b cn=b",
    );
    check(b"dn:< file:///x\ncn: a\n", "1 ? cn=a\n1 error url-refused\n1 error unreadable-dn");
}

#[test]
fn folds_are_joined_before_decoding() {
    check(b"dn: cn=a,\n dc=b\nx:: Zo\n 8=\nsn: \xC3\n \xBC\n", "1 cn=a,dc=b x=f\\x8f|sn=\\xc3\\xbc");
    check(b"d\n n: cn=a\ncn: a\n\nd\n n\n :\n : Y249Yg==\ncn: b\n", "1 cn=a cn=a\n5 cn=b cn=b");
}

#[test]
fn text_that_is_not_utf8() {
    check(
        b"dn: cn=a\ncn: \xFC\nunknown: \xFC\nuserCertificate: \xFC\n",
        "1 cn=a cn=\\xfc|unknown=\\xfc|userCertificate=\\xfc\n2 warning bad-text\n2 warning code-page",
    );
    check_lines("cn:: /A==\n", "1 cn=a cn=\\xfc\n2 warning bad-text");
}

// Rule 2: encodings.

#[test]
fn encodings_are_recognised() {
    let text = "dn: cn=Zoë\r\ncn: ü\r\ncn:: eA==\r\n\r\ndn: cn=b\r\ncn: b\r\n";
    let expected = "1 cn=Zo\\xc3\\xab cn=\\xc3\\xbc|cn=x\n5 cn=b cn=b";
    check(text.as_bytes(), expected);
    check(format!("\u{FEFF}{text}").as_bytes(), expected);
    for high_first in [false, true] {
        check(&utf16(text, high_first), expected);
        check(&utf16(&format!("\u{FEFF}{text}"), high_first), expected);
    }
}

#[test]
fn odd_utf16() {
    let mut raw = utf16("dn: cn=a\ncn: a\n", false);
    raw.push(b'x');
    check(&raw, "1 cn=a cn=a\n3 error odd-byte");
    let mut raw = utf16("dn: cn=a\nx: ", false);
    raw.extend_from_slice(&[0x00, 0xD8, 0x0A, 0x00]);
    check(&raw, "1 cn=a x=\\xed\\xa0\\x80\n2 warning lone-surrogate");
}

fn page(label: &str) -> Option<&'static encoding_rs::Encoding> {
    match labelled(label) {
        Some(Labelled::Page(page)) => Some(page),
        _ => None,
    }
}

#[test]
fn code_pages_by_option() {
    let options = Options { code_page: page("windows-1252"), ..Options::default() };
    check_with(
        &options,
        b"dn: cn=Zo\xEB\ncn: \x80\nx: \xFC\ny:: /A==\n",
        "1 cn=Zo\\xc3\\xab cn=\\xe2\\x82\\xac|x=\\xc3\\xbc|y=\\xfc",
    );
    let options = Options { code_page: page("shift_jis"), ..Options::default() };
    check_with(
        &options,
        b"dn: cn=a\ncn: \x83\\\nsn: \xFF\n",
        "1 cn=a cn=\\xe3\\x82\\xbd|sn=\\xff\n3 warning bad-text",
    );
}

#[test]
fn other_kinds_are_named() {
    check(b"DN,cn\r\n\"CN=a\",a\r\n", "not LDIF: a csvde file (comma-separated values with a DN column)");
    check(b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "not LDIF: a PEM file");
    check(b"<html><body>Sign in</body></html>", "not LDIF: HTML");
    check(b"\x1F\x8B\x08\0\0\0\0\0", "not LDIF: gzip (a compressed file)");
}

// Rule 3: line ends.

#[test]
fn line_ends() {
    check(b"dn: cn=a\r\ncn: a\ncn: b\r\n\r\ndn: cn=b\ncn: b\n\n", "1 cn=a cn=a|cn=b\n5 cn=b cn=b");
    check(
        b"dn: cn=a\rcn: a\rcn:: eA\r ==\r\rdn: cn=b\rcn: b\r",
        "1 cn=a cn=a|cn=x\n1 warning cr-line-ends\n6 cn=b cn=b",
    );
    check(
        b"dn: cn=a\ncn: a\rb\nx: \ry\n",
        "1 cn=a cn=a\\x0db|x=\\x0dy\n2 warning bare-cr\n3 warning bare-cr",
    );
    check(
        &utf16("dn: cn=a\rcn: a\r\rdn: cn=b\rcn: b\r", false),
        "1 cn=a cn=a\n1 warning cr-line-ends\n4 cn=b cn=b",
    );
}

// Rule 4: folds.

#[test]
fn folds_in_odd_places() {
    check_lines("userCerti\n ficate;bin\n ary:: eA\n ==\n", "1 cn=a userCertificate;binary=x");
    check_lines("cn:\n : eA==\n", "1 cn=a cn=x");
    check_lines("cn::\n  eA==\n", "1 cn=a cn=x");
    check_lines("cn:: \n eA==\n", "1 cn=a cn=x");
    check_lines("cn\n : a\n", "1 cn=a cn=a");
    check_lines("# a comment\n that: goes on\ncn: a\n", "1 cn=a cn=a");
    check_lines("cn: a\n \n b\n", "1 cn=a cn=ab");
    check_lines("cn: a\n  b\n   c\n", "1 cn=a cn=a b  c");
    check_lines("cn: a\n \nsn: b\n", "1 cn=a cn=a|sn=b");
    check_lines("cn: a\n\tb\nsn:: e\n\tA==\n", "1 cn=a cn=ab|sn=x\n3 warning tab-fold\n5 warning tab-fold");
}

// Rule 5: ldifde and Microsoft's own files.

#[test]
fn values_on_the_next_line_and_lost_spaces() {
    check_lines("cn:: \r\n eHh4\r\n eHh4\r\nsn: b\r\n", "1 cn=a cn=xxxxxx|sn=b");
    check_lines("cn: \r\n abc\r\n", "1 cn=a cn=abc");
    check_lines("cn:: eHh4\neHh4\n eHh4\neA==\nsn: b\n", "1 cn=a cn=xxxxxxxxxx|sn=b\n3 warning lost-fold");
    check_lines("cn:: \neHh4\n", "1 cn=a cn=xxx\n3 warning lost-fold");
    check_lines("cn: eHh4\neHh4\n", "1 cn=a cn=eHh4\n3 error no-colon");
}

// Rule 6: blank lines.

#[test]
fn blank_lines_with_blanks_and_missing_ones() {
    check(
        b"dn: cn=a\ncn: a\n \t\ndn: cn=b\ncn: b\n",
        "1 cn=a cn=a\n3 warning blank-line-with-spaces\n4 cn=b cn=b",
    );
    check(
        b"dn: cn=a\ncn:: eA==\n \n\t\ndn: cn=b\ncn: b\n",
        "1 cn=a cn=x\n3 warning blank-line-with-spaces\n5 cn=b cn=b",
    );
    check(b"dn: cn=a\ncn: a\ndn: cn=b\ncn: b\n", "1 cn=a cn=a\n3 cn=b cn=b\n3 warning missing-blank-line");
    check(
        b"dn: cn=a\ncn: a\n# b\ndn: cn=b\ncn: b\n",
        "1 cn=a cn=a\n4 cn=b cn=b\n4 warning missing-blank-line",
    );
    check(
        b"dn: cn=a\ndn: cn=b\ncn: b\n",
        "1 cn=a \n1 warning no-attributes\n2 cn=b cn=b\n2 warning missing-blank-line",
    );
}

#[test]
fn lines_of_blanks_that_are_continuations() {
    check_lines("cn: a\n   \nsn: b\n", "1 cn=a cn=a  |sn=b\n3 warning blank-fold");
    check_lines("cn: a\n \n", "1 cn=a cn=a");
    check_lines("cn: a\n  \n\n", "1 cn=a cn=a\n3 warning blank-fold");
    check_lines("cn:: eA==\n  \nsn: b\n", "1 cn=a cn=x|sn=b\n2 warning odd-base64\n3 warning blank-fold");
    // Comments, a number and a version line belong to the record behind them.
    for head in ["# b, example", "# b\n folded", "7", "version: 1"] {
        let got = run(format!("dn: cn=a\ncn: a\n  \n{head}\ndn: cn=b\n").as_bytes(), &Options::default(), 16);
        assert!(got.contains(&"1 cn=a cn=a".to_owned()), "{got:?}");
    }
}

// Rule 7: base64.

#[test]
fn odd_base64_is_read_and_bad_base64_is_reported() {
    let then = "\nsn: b\n";
    for value in ["eA", "eA=", "eA====", "e A==", "eA== ", "eB==", "eA= ="] {
        check_lines(&format!("cn:: {value}{then}"), "1 cn=a cn=x|sn=b\n2 warning odd-base64");
    }
    for value in ["e*==", "e-A=", "eA==eA==", "==", "=", "e", "eHh4e", "e===", "eA==\u{e9}"] {
        check_lines(&format!("cn:: {value}{then}"), "1 cn=a sn=b\n2 error bad-base64");
    }
    check_lines("cn::\nsn: b\n", "1 cn=a cn=|sn=b");
    check_lines("cn:: eA==\n eA==\nsn: b\n", "1 cn=a sn=b\n2 error bad-base64");
}

#[test]
fn an_unpadded_value_at_the_end_is_cut_off() {
    check_lines(
        "cn:: eA",
        "1 cn=a cn=x\n2 warning odd-base64\n2 warning cut-off\n2 warning no-final-newline",
    );
    check_lines("cn:: eA\n\n", "1 cn=a cn=x\n2 warning odd-base64\n2 warning cut-off");
    check_lines("cn:: eHh4e", "1 cn=a \n2 error bad-base64\n2 warning no-final-newline");
    check_lines("userCer", "1 cn=a \n1 warning no-attributes\n2 error no-colon\n2 warning no-final-newline");
}

// Rule 8: URLs (the spellings are tested beside the code).

#[test]
fn urls_need_a_folder() {
    check_lines("cn: a\nx:< file:///etc/hostname\n", "1 cn=a cn=a\n3 error url-refused");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("v;1"), [1, 2]).unwrap();
    let root = UrlRoot::new(dir.path()).unwrap().with_prefix("/srv/export");
    let options = Options { url_root: Some(root), ..Options::default() };
    let path = dir.path().canonicalize().unwrap();
    let input = format!(
        "dn: cn=a\nx:< file://{}/v;1\nx:<file:///srv/export/v%3B1\nx:< file://./v;\n 1\nx:< http://h/v;1\nx:< file:///etc/hostname\nx:< file:none\ninclude: file:v\n",
        path.display()
    );
    check_with(
        &options,
        input.as_bytes(),
        "1 cn=a x=\\x01\\x02|x=\\x01\\x02|x=\\x01\\x02|include=file:v
         6 error url-refused
         7 error url-refused
         8 error url-unreadable",
    );
    check(b"include: file:///x\n\ndn: cn=a\ncn: a\n", "1 error include-ignored\n3 cn=a cn=a");
}

// Rule 9: attribute descriptions.

#[test]
fn descriptions() {
    check_lines(
        "CN: a\nuserCERTIFICATE;BINARY:: eA==\ncn;lang-de;x-y: b\nmy_attr: c\n2.5.4.36;binary:: eA==\ncn: a\n",
        "1 cn=a CN=a|userCERTIFICATE;BINARY=x|cn;lang-de;x-y=b|my_attr=c|2.5.4.36;binary=x|cn=a",
    );
    check_lines(
        "cn : a\nsn\t:: eA==\n",
        "1 cn=a cn=a|sn=x\n2 warning blank-before-colon\n3 warning blank-before-colon",
    );
    check_lines("c n: a\n: b\ncn: a\n", "1 cn=a cn=a\n2 error bad-name\n3 error bad-name");
    check_lines("1cn: a\ncn;: b\n", "1 cn=a 1cn=a|cn;=b\n2 warning odd-name\n3 warning odd-name");
    check_lines("cn: :a\nsn: <b\n", "1 cn=a cn=:a|sn=<b\n2 warning unsafe-start\n3 warning unsafe-start");
}

#[test]
fn ranges_are_checked_across_records() {
    let whole = "dn: cn=a\nm;range=0-1: a\nm;range=0-1: b\n\ndn: CN=A\nM;binary;Range=2-*: c\n";
    check(whole.as_bytes(), "1 cn=a m;range=0-1=a|m;range=0-1=b\n5 CN=A M;binary;Range=2-*=c");
    check_lines(
        "m;range=0-1: a\nm;range=0-1: b\n",
        "1 cn=a m;range=0-1=a|m;range=0-1=b\n2 error range-incomplete",
    );
    check_lines("m;range=2-*: a\n", "1 cn=a m;range=2-*=a\n2 error range-incomplete");
    check_lines(
        "m;range=0-0: a\nm;range=2-*: b\n",
        "1 cn=a m;range=0-0=a|m;range=2-*=b\n2 error range-incomplete",
    );
    check_lines(
        "m;range=0-5: a\nm;range=6-*: b\n",
        "1 cn=a m;range=0-5=a|m;range=6-*=b\n2 error range-incomplete",
    );
    check_lines("m;range=1-*: b\nm;range=0-0: a\n", "1 cn=a m;range=1-*=b|m;range=0-0=a");
    check_lines("m;range=5-2: b\n", "1 cn=a m;range=5-2=b\n2 error bad-range");
}

// Rule 10: change records.

#[test]
fn change_records() {
    check(b"dn: cn=a\nchangetype: add\ncn: a\n", "1 cn=a [add] cn=a");
    check(b"dn: cn=a\nChangeType: ADD\ncn: a\n", "1 cn=a [add] cn=a");
    check(b"dn: cn=a\nchangetype:: YWRk\ncn: a\n", "1 cn=a [add] cn=a");
    for kind in ["delete", "modrdn", "moddn"] {
        check(
            format!("dn: cn=a\nchangetype: {kind}\nnewrdn: cn=c\ndeleteoldrdn: 1\n\ndn: cn=b\ncn: b\n")
                .as_bytes(),
            "2 error change-ignored\n6 cn=b cn=b",
        );
    }
    check(b"dn: cn=a\nchangetype: delete\n", "2 error change-ignored");
    check(b"dn: cn=a\nchangetype: nonsense\ncn: a\n", "2 error bad-changetype");
    check(
        b"dn: cn=a\ncontrol: 1.2.3 true\nchangetype: add\ncn: a\n",
        "1 cn=a [add] cn=a\n3 warning control-ignored",
    );
    check(b"dn: cn=a\ncontrol: x\ncn: a\n", "1 cn=a control=x|cn=a");
    check(b"dn: cn=a\ncn: a\nchangetype: add\n", "1 cn=a [add] cn=a\n3 warning late-changetype");
    check(b"dn: cn=a\ncn: a\nchangetype: delete\n", "1 cn=a cn=a\n3 error bad-changetype");
}

#[test]
fn modify() {
    check(
        b"dn: cn=a\nchangetype: modify\nadd: userCertificate\nuserCertificate;binary:: eA==\nuserCertificate:: eQ==\n-\nreplace: mail\nmail: a@b\n-\n",
        "1 cn=a [modify] userCertificate;binary=x|userCertificate=y|mail=a@b",
    );
    check(
        b"dn: cn=a\nchangetype: modify\ndelete: mail\nmail: a@b\n-\nadd: cn\ncn: b\n-\n",
        "1 cn=a [modify] cn=b\n3 error modify-part-ignored",
    );
    check(
        b"dn: cn=a\nchangetype: modify\nreplace: mail\n-\n",
        "1 cn=a [modify] \n4 error modify-part-ignored",
    );
    check(
        b"dn: cn=a\nchangetype: modify\nadd: cn\ncn: b\n",
        "1 cn=a [modify] cn=b\n5 warning missing-separator",
    );
    check(
        b"dn: cn=a\nchangetype: modify\nadd: cn\ncn: b\nadd: sn\nsn: c\n-\n",
        "1 cn=a [modify] cn=b|sn=c\n5 warning missing-separator",
    );
    check(
        b"dn: cn=a\nchangetype: modify\nadd: cn\nsn: b\n-\n",
        "1 cn=a [modify] sn=b\n4 warning modify-other-name",
    );
    check(
        b"dn: cn=a\nchangetype: modify\ncn: b\n-\n",
        "1 cn=a [modify] \n3 error modify-no-operation\n4 warning stray-separator",
    );
    check(b"dn: cn=a\ncn: a\n-\nsn: b\n", "1 cn=a cn=a|sn=b\n3 warning stray-separator");
}

#[test]
fn a_last_record_of_ldifde_without_its_empty_line_is_a_part() {
    let whole = "dn: cn=a\r\nchangetype: add\r\ncn: a\r\n\r\ndn: cn=b\r\nchangetype: add\r\ncn: b\r\n";
    check(format!("{whole}\r\n").as_bytes(), "1 cn=a [add] cn=a\n5 cn=b [add] cn=b");
    check(whole.as_bytes(), "1 cn=a [add] cn=a\n5 cn=b [add] cn=b\n5 error record-cut-off");
    check(
        &whole.as_bytes()[..whole.len() - 4],
        "1 cn=a [add] cn=a\n5 cn=b [add] cn=\n5 error record-cut-off\n7 warning no-final-newline",
    );
    // Other tools write `add` too, with other line ends.
    check(b"dn: cn=a\nchangetype: add\ncn: a\n", "1 cn=a [add] cn=a");
    check(b"dn: cn=a\r\ncn: a\r\n", "1 cn=a cn=a");
}

#[test]
fn terminal_output_between_records_is_skipped() {
    check(
        b"SASL/GSSAPI authentication started\nSASL username: u@X\n# extended LDIF\n\ndn: cn=a\ncn: a\n\nsearch: 2\nresult: 0 Success\n",
        "1 warning terminal-output\n2 warning terminal-output\n5 cn=a cn=a",
    );
    check(
        b"dn: cn=a\ncn: a\n\nldap_search: Referral (10)\n\ndn: cn=b\ncn: b\n",
        "1 cn=a cn=a\n4 warning terminal-output\n6 cn=b cn=b\n4 warning search-reference",
    );
}

// Rule 11: trailers.

#[test]
fn trailers_are_compared() {
    let head = "# extended LDIF\n#\n\ndn: cn=a\ncn: a\n\ndn: cn=b\ncn: b\n\n";
    let records = "4 cn=a cn=a\n7 cn=b cn=b\n";
    let with = |tail: &str, problems: &str| {
        check(format!("{head}{tail}").as_bytes(), &format!("{records}{problems}"))
    };
    with("# search result\nsearch: 2\nresult: 0 Success\n\n# numResponses: 3\n# numEntries: 2\n", "");
    with(
        "search: 2\nresult: 4 Size limit exceeded\n\n# numResponses: 3\n# numEntries: 2\n",
        "11 error search-failed",
    );
    with("search: 2\nresult: 0 Success\n\n# numResponses: 4\n# numEntries: 3\n", "14 error count-mismatch");
    with("search: 2\nresult: 0 Success\n\n# numResponses: 4\n", "13 error count-mismatch");
    with(
        "# search reference\nref: ldap://x\n\nsearch: 2\nresult: 0 Success\n\n# numResponses: 4\n# numEntries: 2\n# numReferences: 1\n",
        "11 warning search-reference",
    );
    with("# returned 2 records\n# 2 entries\n# 0 referrals\n", "");
    with("# returned 3 records\n", "10 error count-mismatch");
    with("# refldap://x\n\n", "1 error trailer-missing\n10 warning search-reference");
    with("", "1 error trailer-missing");
    with("search: 2\nresult: 0 Success\npagedresults: cookie=AA==\n", "12 error pages-missing");
    with("# pagedresults: cookie=\n", "");
    with("search: 2\nresult: 0 Success\ndn: cn=c\ncn: c\n", "12 cn=c cn=c\n12 warning missing-blank-line");
    // Two exports in one file.
    let tail = "search: 2\nresult: 0 Success\n\n# numResponses: 3\n# numEntries: 2\n";
    with(&format!("{tail}\n# extended LDIF\n\ndn: cn=c\ncn: c\n\n# numEntries: 1\n"), "18 cn=c cn=c");
    // One without a trailer, then one with.
    with(
        "# extended LDIF\n\ndn: cn=c\ncn: c\n\nsearch: 2\nresult: 0 Success\n\n# numEntries: 1\n",
        "12 cn=c cn=c",
    );
    check(b"search: 2\nresult: 0 Success\n\n# numResponses: 1\n", "1 warning no-records");
}

#[test]
fn usual_size_limits_deserve_a_warning() {
    for (count, suspicious) in [(999, false), (1000, true), (1500, true), (5000, true), (5001, false)] {
        let mut input: String = (0..count).map(|i| format!("dn: cn={i}\ncn: a\n\n")).collect();
        let warned = |input: &str| {
            run(input.as_bytes(), &Options::default(), 4096).contains(&"1 warning size-limit".to_owned())
        };
        assert_eq!(warned(&input), suspicious, "{count}");
        input.push_str("search: 2\nresult: 0 Success\n");
        assert!(!warned(&input), "{count} confirmed");
    }
}

// Rule 12: notes.

#[test]
fn accepted_with_a_note() {
    check(
        b"dn: cn=a\ncn: a\n\nversion: 1\ndn: cn=b\ncn: b\n",
        "1 cn=a cn=a\n4 warning inner-version\n5 cn=b cn=b",
    );
    check(
        b"dn: cn=a\ncn: a\n\n\xEF\xBB\xBFversion: 1\n\ndn: cn=b\ncn: b\n",
        "1 cn=a cn=a\n4 warning inner-bom\n4 warning inner-version\n6 cn=b cn=b",
    );
    check(
        b"dn: cn=a\ncn: a\n\n\xEF\xBB\xBFdn: cn=b\ncn: b\n",
        "1 cn=a cn=a\n4 cn=b cn=b\n4 warning inner-bom",
    );
    check(b"version: 2\n\ndn: cn=a\ncn: a\n", "1 warning other-version\n3 cn=a cn=a");
    check(b"dn: cn=a\nversion: 3\n", "1 cn=a version=3");
    check(
        b"dn: cn=a\n\ndn: cn=b\nchangetype: add\n\n",
        "1 cn=a \n1 warning no-attributes\n3 cn=b [add] \n3 warning no-attributes",
    );
    check(b"dn: cn=a\ncn: a\0b\n\0\0\n", "1 cn=a cn=a\\x00b\n2 warning nul-bytes\n3 warning nul-bytes");
    check(b"dn: cn=a\ncn: a\n\x1A", "1 cn=a cn=a\n3 warning ctrl-z");
    check(b"dn: cn=a\ncn: a\x1A", "1 cn=a cn=a\n2 warning ctrl-z\n2 warning no-final-newline");
    check(b"dn: cn=a\ncn: a\n\x1A\n", "1 cn=a cn=a\n3 warning ctrl-z");
    check(b"dn: cn=a\ncn: a", "1 cn=a cn=a\n2 warning no-final-newline");
    check(
        b"1\ndn: cn=a\ncn: a\n\n2\ndn: cn=b\ncn: b\n",
        "1 warning id-line\n2 cn=a cn=a\n5 warning id-line\n6 cn=b cn=b",
    );
    check(b"", "1 warning no-records");
    check(b"\n\n", "1 warning no-records");
    check(b"# nothing\n", "1 warning no-records");
}

// Rule 13: errors, and on with the next record.

#[test]
fn what_belongs_nowhere_is_reported() {
    check(b"cn: a\nsn: b\n\ndn: cn=b\ncn: b\n", "1 error no-dn\n4 cn=b cn=b");
    check(b"dn: cn=a\ncn: a\n\ncn: b\nsn: c\n\ndn: cn=c\ncn: c\n", "1 cn=a cn=a\n4 error no-dn\n7 cn=c cn=c");
    check(
        b"dn: cn=a\ncn: a\n\n stray\n more\n\ndn: cn=b\ncn: b\n",
        "1 cn=a cn=a\n4 error stray-continuation\n7 cn=b cn=b",
    );
    check(b"dn: cn=a\ncn: a\ngarbage here\nsn: b\n", "1 cn=a cn=a|sn=b\n3 error no-colon");
    check(b"dn: cn=a\ncn: a\n\ngarbage\n\ndn: cn=b\ncn: b\n", "1 cn=a cn=a\n4 error no-colon\n6 cn=b cn=b");
}

#[test]
fn problems_have_their_places() {
    for (input, format_width) in
        [("dn: cn=ü\ncn: a\nx:: *\n".as_bytes().to_vec(), 1), (utf16("dn: cn=ü\ncn: a\nx:: *\n", false), 2)]
    {
        let mut reader = Reader::new(&input[..], Options::default()).unwrap();
        let (mut record, mut problems) = (Record::new(), Vec::new());
        assert!(reader.next(&mut record, &mut problems).unwrap());
        let problem = &problems[0];
        let offset = if format_width == 1 { 16 } else { 30 };
        assert_eq!(
            (problem.line, problem.offset, problem.attribute.as_deref(), problem.dn.as_deref()),
            (3, offset, Some("x"), Some("cn=ü"))
        );
        assert_eq!(record.raw_len(), input.len() as u64);
    }
}

// Rule 14: cost.

#[test]
fn only_wanted_values_are_decoded() {
    let options = Options { wanted: Wanted::Only(vec!["usercertificate".into()]), ..Options::default() };
    check_with(
        &options,
        b"dn: cn=a\ncn:: *\n2.5.4.36:: eA==\nx:< file:///y\n",
        "1 cn=a cn skipped|2.5.4.36=x|x skipped",
    );
}

#[test]
fn records_can_be_read_again() {
    let text = "dn: cn=a\ncn: ü\n\n# c\ndn: cn=b\nx:: *\ncn:: eA\n ==\n\ndn: cn=c\ncn: c";
    for input in [text.as_bytes().to_vec(), utf16(text, true)] {
        let mut reader = Reader::new(&input[..], Options::default()).unwrap();
        let format = reader.format();
        let (mut record, mut problems, mut again, mut scratch) =
            (Record::new(), Vec::new(), Record::new(), Scratch::new());
        let mut records = 0;
        while reader.next(&mut record, &mut problems).unwrap() {
            let from = record.offset() as usize;
            let raw = &input[from..from + record.raw_len() as usize];
            let mut found = Vec::new();
            assert!(reparse(
                raw,
                format,
                record.offset(),
                record.line(),
                &Options::default(),
                &mut scratch,
                &mut again,
                &mut found
            ));
            assert_eq!(
                (show_record(&again), again.offset(), again.raw_len()),
                (show_record(&record), record.offset(), record.raw_len())
            );
            assert_eq!(found.len(), usize::from(records == 1));
            records += 1;
        }
        assert_eq!(records, 3);
    }
}

#[test]
fn a_cr_file_with_a_stray_lf_is_read_line_by_line() {
    for end in ["\r\n", "\n"] {
        let input = format!("dn: cn=a\rcn: x\r\rdn: cn=b\rcn: y{end}");
        check(input.as_bytes(), "1 cn=a cn=x\n1 warning cr-line-ends\n4 cn=b cn=y");
    }
}

#[test]
fn a_crlf_file_cut_between_cr_and_lf() {
    check(b"dn: cn=a\r\nmail: x\r", "1 cn=a mail=x\n2 warning no-final-newline");
    check(
        b"dn: cn=a\r\ncn:: eA\r",
        "1 cn=a cn=x\n2 warning odd-base64\n2 warning cut-off\n2 warning no-final-newline",
    );
}

#[test]
fn what_stands_right_before_the_next_dn_is_of_that_record() {
    check(
        b"dn: cn=a\ncn: x\nversion: 1\ndn: cn=b\ncn: y\n",
        "1 cn=a cn=x\n3 warning inner-version\n4 cn=b cn=y\n4 warning missing-blank-line",
    );
    check_lines("version: 1\ncn: x\n", "1 cn=a version=1|cn=x");
    check(
        b"dn: cn=a\ncn:: eHh4\n1234\ndn: cn=b\ncn: y\n",
        "1 cn=a cn=xxx\n3 warning id-line\n4 cn=b cn=y\n4 warning missing-blank-line",
    );
}

#[test]
fn a_trailer_is_seen_without_its_blank_line() {
    check_lines("cn: x\nsearch: 2\nresult: 4 Size limit exceeded\n", "1 cn=a cn=x\n4 error search-failed");
    check_lines("search: 2\nresult: 4 x\ncn: x\n", "1 cn=a search=2|result=4 x|cn=x");
    // A line of blanks before a record is a blank line here too.
    check_lines(
        "cn: x\nsearch: 2\nresult: 4 x\n \ndn: cn=b\ncn: y\n",
        "1 cn=a cn=x\n5 warning blank-line-with-spaces\n6 cn=b cn=y\n4 error search-failed",
    );
    // 0x1A is skipped, and what is left of its line is a blank line.
    for behind in ["\x1A\n", "\x1A\n\n", "\x1A\x1A \n"] {
        let lines = format!("cn: x\nsearch: 2\nresult: 4 x\n{behind}");
        let records: Vec<String> = run(format!("dn: cn=a\n{lines}").as_bytes(), &Options::default(), 1 << 20);
        assert!(records.contains(&"1 cn=a cn=x".to_owned()), "{behind:?}: {records:?}");
        assert!(records.contains(&"4 error search-failed".to_owned()), "{behind:?}: {records:?}");
    }
    check_lines("search: 2\nresult: 4 x\n\x1Acn: x\n", "1 cn=a search=2|result=4 x|cn=x\n4 warning ctrl-z");
}

#[test]
fn a_record_read_again_ends_where_it_ended() {
    // What follows a trailer tells that it is one. Behind the first of two there is no such thing; it belongs to the
    // record, and must also do so when the record is all there is.
    let input = b"dn: cn=a\ncn: x\nsearch: 2\nresult: 4 x\nsearch: 3\nresult: 4 x\n";
    let mut reader = Reader::new(&input[..], Options::default()).unwrap();
    let (mut record, mut again, mut problems) = (Record::new(), Record::new(), Vec::new());
    assert!(reader.next(&mut record, &mut problems).unwrap());
    let raw = &input[..record.raw_len() as usize];
    assert!(raw.ends_with(b"search: 2\nresult: 4 x\n"));
    let (options, format) = (Options::default(), reader.format());
    assert!(reparse(raw, format, 0, 1, &options, &mut Scratch::new(), &mut again, &mut problems));
    assert!(again.attributes().eq(record.attributes()));
}

#[test]
fn line_ends_that_change_within_a_value_are_no_part_of_it() {
    // A CRLF where the lines before end with LF: as many bytes, one character of the value less.
    check_lines("cn:: QUFB\n QUFB\n QUF\r\n BQg==\n", "1 cn=a cn=AAAAAAAAAB");
    check_lines("cn:: QUFB\r\n QUFB\r\n QUFBQ\n g==\r\n", "1 cn=a cn=AAAAAAAAAB");
}

#[test]
fn a_modify_without_values_is_noted_once() {
    check_lines("changetype: modify\n", "1 cn=a [modify]\n1 warning no-attributes");
    check_lines("changetype: modify\nadd: cn\n-\n", "1 cn=a [modify]\n1 warning no-attributes");
    check_lines("changetype: modify\ndelete: cn\n-\n", "1 cn=a [modify]\n3 error modify-part-ignored");
    check_lines("changetype: modify\nreplace: cn\n-\n", "1 cn=a [modify]\n4 error modify-part-ignored");
}

#[test]
fn marks_and_blanks_before_the_first_record() {
    check(b"\xEF\xBB\xBF\xEF\xBB\xBFdn: cn=a\ncn: x\n", "1 cn=a cn=x\n1 warning inner-bom");
    check(b"version : 1\ndn: cn=a\ncn: x\n", "1 warning blank-before-colon\n2 cn=a cn=x");
}
