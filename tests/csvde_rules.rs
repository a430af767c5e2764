//! What the csvde reader makes of tables as they occur, text by text.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use certferry::csvde::{ReadError, Reader};
use certferry::ldif::{BlockOptions, Labelled, Options, Record, Value, Wanted, labelled};

/// Every row as `line dn name=value|…`, and behind it what was said up to it, as `line severity code`.
fn said(options: &Options, input: &[u8], sizes: BlockOptions) -> Vec<String> {
    let mut reader = match Reader::with_blocks(input, options.clone(), sizes) {
        Ok(reader) => reader,
        Err(ReadError::NotCsvde(what)) => return vec![format!("not csvde: {what}")],
        Err(error) => panic!("{error}"),
    };
    let (mut record, mut problems, mut out) = (Record::new(), Vec::new(), Vec::new());
    loop {
        let more = reader.next(&mut record, &mut problems).unwrap();
        if more {
            let values: Vec<String> = record
                .attributes()
                .map(|attribute| match attribute.value() {
                    Value::Bytes(bytes) => format!("{}={}", attribute.name(), bytes.escape_ascii()),
                    Value::Unreadable(code) => format!("{}!{code}", attribute.name()),
                    Value::Skipped => format!("{}?", attribute.name()),
                })
                .collect();
            let cut = if record.is_truncated() { " [cut]" } else { "" };
            let dn = String::from_utf8_lossy(record.dn());
            out.push(format!("{} {dn}{cut} {}", record.line(), values.join("|")));
        }
        for problem in problems.drain(..) {
            assert!(!problem.message.is_empty() && problem.severity == problem.code.severity());
            out.push(format!("{} {} {}", problem.line, problem.severity.as_str(), problem.code));
        }
        if !more {
            return out;
        }
    }
}

#[track_caller]
fn check_with(options: &Options, input: &[u8], expected: &str) {
    for block_size in [1 << 20, 2, 7, 30] {
        let sizes = BlockOptions { block_size, ..BlockOptions::default() };
        let found = said(options, input, sizes);
        assert_eq!(
            found,
            expected.lines().collect::<Vec<_>>(),
            "blocks of {block_size}: {}",
            input.escape_ascii()
        );
    }
}

#[track_caller]
fn check(input: impl AsRef<[u8]>, expected: &str) {
    check_with(&Options::default(), input.as_ref(), expected);
}

#[test]
fn a_row_is_a_record() {
    check(
        "DN,objectClass,mail,objectGUID\r\n\"CN=a,DC=b\",user,a@b.c,X'0001020304050607080910111213141f'\r\n",
        "2 CN=a,DC=b objectClass=user|mail=a@b.c|objectGUID=\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\t\\x10\\x11\\x12\\x13\\x14\\x1f",
    );
    // Other line ends, empty lines, rows of separators alone, as spreadsheets leave them.
    check("\"dn\",\"cn\"\nCN=a,a\n\n,\nCN=b,b\n", "2 CN=a cn=a\n5 CN=b cn=b");
    check("DN,cn\rCN=a,a\rCN=b,b\r", "2 CN=a cn=a\n3 CN=b cn=b");
    check("DN,cn\r\nCN=a,\"x\r\ny\"\r\nCN=b,b\r\n", "2 CN=a cn=x\\r\\ny\n4 CN=b cn=b");
    check("DN\r\nCN=a\r\n", "2 CN=a ");
    check("DN,cn\r\n", "1 warning no-records");
}

#[test]
fn what_is_no_csvde_is_named() {
    check("dn: cn=a\n", "not csvde: LDIF");
    check(
        "DN;cn\n",
        "not csvde: a table with a DN column that a spreadsheet has saved (its columns are not separated by commas, and long cells may be cut): export it again with csvde",
    );
    check("", "not csvde: empty");
}

#[test]
fn values_are_taken_apart() {
    check(
        "DN,proxyAddresses\r\nCN=a,SMTP:a@b.c;X400:c=us\\;a= \\;p=x\\\\y\\;;smtp:d@b.c\r\n",
        "2 CN=a proxyAddresses=SMTP:a@b.c|proxyAddresses=X400:c=us;a= ;p=x\\\\y;|proxyAddresses=smtp:d@b.c",
    );
    check(
        "DN,userCertificate,userSMIMECertificate\r\nCN=a,X'00FF';x'01',\"00ff;'02'\"\r\n",
        "2 CN=a userCertificate=\\x00\\xff|userCertificate=\\x01|userSMIMECertificate=\\x00\\xff|userSMIMECertificate=\\x02",
    );
    // Text that csvde could not write comes as hexadecimal too; what only looks like it is text.
    check("DN,cn,sn\r\nCN=a,X'4dc3bc',X'4g'\r\n", "2 CN=a cn=M\\xc3\\xbc|sn=X\\'4g\\'");
    // A GUID in the form of other tools.
    check(
        "DN,objectGUID\r\nCN=a,03020100-0504-0706-0809-0a0b0c0d0e0f\r\n",
        "2 CN=a objectGUID=03020100-0504-0706-0809-0a0b0c0d0e0f",
    );
}

#[test]
fn dns_are_as_they_stand_unless_they_are_none() {
    check("DN,cn\r\n\"CN=Lee\\, Kim,DC=b\",x\r\n", "2 CN=Lee\\, Kim,DC=b cn=x");
    check("DN,cn\r\n\"CN=Lee\\\\, Kim,DC=b\",x\r\n", "2 CN=Lee\\, Kim,DC=b cn=x");
    check("DN,cn\r\n\"X'434e3dc3bc'\",x\r\n", "2 CN=ü cn=x");
    check("DN,cn\r\nnobody,x\r\n", "2 nobody cn=x\n2 warning bad-dn");
    check("DN,cn\r\n,x\r\n", "2  cn=x\n2 error unreadable-dn");
}

#[test]
fn rows_that_do_not_fit_their_header() {
    check("DN,cn,sn\r\nCN=a,x,y,z\r\nCN=b,b,b\r\n", "2 CN=a [cut] \n2 error csvde-cells\n3 CN=b cn=b|sn=b");
    check("DN,cn,sn\r\nCN=a,x\r\nCN=b,b,b\r\n", "2 CN=a [cut] cn=x\n2 error csvde-cells\n3 CN=b cn=b|sn=b");
    check("DN,cn,sn\r\nCN=a,x,y", "2 CN=a [cut] cn=x|sn=y\n2 error record-cut-off");
    check("DN,cn,sn\r\nCN=a,\"x,y\r\n", "2 CN=a [cut] cn=x,y\\r\\n\n2 error record-cut-off");
    check("DN,c n,,sn\r\nCN=a,x,y,z\r\n", "2 CN=a sn=z\n1 error csvde-column\n2 error csvde-column");
    check(
        "DN,userCertificate\r\nCN=a,X'0g';X'01'\r\n",
        "2 CN=a userCertificate!csvde-hex|userCertificate=\\x01\n2 error csvde-hex",
    );
}

#[test]
fn files_behind_each_other_have_headers_of_their_own() {
    let one = "DN,cn,mail\r\nCN=a,a,a@b.c\r\n";
    check(
        format!("{one}{one}"),
        "2 CN=a cn=a|mail=a@b.c\n4 CN=a cn=a|mail=a@b.c\n3 warning csvde-header-again",
    );
    let other = "\u{FEFF}\"DN\",\"mail\",\"cn\"\r\nCN=b,b@b.c,b\r\n";
    check(
        format!("{one}{other}"),
        "2 CN=a cn=a|mail=a@b.c\n4 CN=b mail=b@b.c|cn=b\n3 warning csvde-header-again",
    );
    check(
        format!("{one}\u{1A}\r\n{one}\u{1A}"),
        "2 CN=a cn=a|mail=a@b.c\n5 CN=a cn=a|mail=a@b.c\n4 warning csvde-header-again\n6 warning ctrl-z",
    );
}

#[test]
fn chunks_of_a_range_are_checked() {
    check(
        "DN,userCertificate;range=0-1,userCertificate;range=2-*\r\nCN=a,X'00';X'01',X'02'\r\nCN=b,X'00';X'01',\r\n",
        "2 CN=a userCertificate;range=0-1=\\x00|userCertificate;range=0-1=\\x01|userCertificate;range=2-*=\\x02\n\
         3 CN=b userCertificate;range=0-1=\\x00|userCertificate;range=0-1=\\x01\n3 error range-incomplete",
    );
}

#[test]
fn code_pages_with_bytes_that_look_like_escapes() {
    let page = |label| match labelled(label) {
        Some(Labelled::Page(page)) => Options { code_page: Some(page), ..Options::default() },
        other => panic!("{other:?}"),
    };
    // In code page 932 the second byte of some characters is that of a backslash.
    let (text, ..) = encoding_rs::SHIFT_JIS.encode("DN,cn,sn\r\n\"CN=ソ,DC=b\",表;能,\"貼\\\\\"\r\n");
    assert!(text.windows(2).any(|pair| pair == b"\x83\\"));
    check_with(
        &page("932"),
        &text,
        "2 CN=ソ,DC=b cn=\\xe8\\xa1\\xa8|cn=\\xe8\\x83\\xbd|sn=\\xe8\\xb2\\xbc\\\\",
    );
    check(b"DN,cn\r\nCN=a,M\xFCller\r\n", "2 CN=a cn=M\\xfcller\n2 warning bad-text\n2 warning code-page");
    check_with(&page("1252"), b"DN,cn\r\nCN=a,M\xFCller\r\n", "2 CN=a cn=M\\xc3\\xbcller");
    // Hexadecimal is UTF-8, whatever the code page.
    check_with(&page("1252"), b"DN,cn\r\nCN=a,X'4dc3bc'\r\n", "2 CN=a cn=M\\xc3\\xbc");
}

#[test]
fn what_is_not_wanted_is_not_decoded() {
    let options = Options { wanted: Wanted::Only(vec!["userCertificate".into()]), ..Options::default() };
    check_with(
        &options,
        b"DN,cn,userPKCS12,2.5.4.36\r\nCN=a,\xFF,X'zz',X'00'\r\n",
        "2 CN=a cn?|userPKCS12?|2.5.4.36=\\x00",
    );
}

/// A row above the limit is a part, and the value in which the limit lies is known by its hash.
#[test]
fn a_row_above_the_limit_is_hashed() {
    let value: Vec<u8> = (0..5000u32).map(|n| (n % 251) as u8).collect();
    let digits = certferry::encoding::hex(&value);
    let text = format!("DN,cn,userCertificate\r\nCN=a,x,X'00';X'{digits}';X'01'\r\nCN=b,b,\r\n");
    for block_size in [1 << 20, 64] {
        let sizes = BlockOptions { block_size, record_limit: 1000 };
        let mut reader = Reader::with_blocks(text.as_bytes(), Options::default(), sizes).unwrap();
        let (mut record, mut problems) = (Record::new(), Vec::new());
        assert!(reader.next(&mut record, &mut problems).unwrap());
        let large = record.large().unwrap();
        assert_eq!((large.bytes, large.sha256), (5000, certferry::encoding::sha256(&value)));
        assert!(record.is_truncated() && record.len() == 3);
        let hash = certferry::encoding::hex(&large.sha256);
        assert!(problems[0].message.contains(&hash), "{}", problems[0].message);
        assert!(reader.next(&mut record, &mut problems).unwrap());
        assert_eq!((record.dn(), record.line(), record.is_truncated()), (&b"CN=b"[..], 3, false));
    }
}
