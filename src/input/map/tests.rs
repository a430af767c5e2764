#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn a_table_as_german_excel_writes_it() {
    let text = "\u{feff}Datei;File;Primary SMTP;Note\r\nx;\"sub\\a;b.cer\";Kim@Example.org;\"two\r\nlines\"\r\n\
        x;c.cer;SMTP:lee@example.org\r\n;;;\r\n";
    let map = CertificateMap::parse(text.as_bytes()).unwrap();
    assert_eq!(map.len(), 2);
    let hit = map.find("sub/a;b.cer", [0; 20], [0; 32]);
    assert_eq!(hit, Lookup::One(Hit { address: "Kim@Example.org", line: 2 }));
    assert_eq!(map.unmatched(), [(CertificateKey::File("c.cer".into()), 4)]);
    let wide: Vec<u8> =
        "\u{feff}file\taddress\r\na.cer\tä@b.c\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let map = CertificateMap::parse(&wide).unwrap();
    assert_eq!(map.find("a.cer", [0; 20], [0; 32]), Lookup::One(Hit { address: "ä@b.c", line: 2 }));
    let declared = CertificateMap::parse(b"sep=;\r\nfile;mail\r\na;b@c\r\n").unwrap();
    assert_eq!(declared.unmatched()[0].1, 3);
}

#[test]
fn thumbprints_in_any_spelling() {
    let one = "\u{200e}AA bb ".to_owned() + &"0 1 ".repeat(18);
    let two = "AA:".repeat(31) + "aa";
    let text = format!("thumbprint,mail\n{one},a@b.c\n{two},d@e.f\n");
    let map = CertificateMap::parse(text.as_bytes()).unwrap();
    let mut sha1 = [1u8; 20];
    sha1[..2].copy_from_slice(&[0xaa, 0xbb]);
    assert!(matches!(map.find("", sha1, [0; 32]), Lookup::One(h) if h.address == "a@b.c"));
    assert!(matches!(map.find("", sha1, [0xaa; 32]), Lookup::Conflict(a, b) if (a.line, b.line) == (2, 3)));
}

#[test]
fn errors_name_line_and_remedy() {
    let error = |text: &str| CertificateMap::parse(text.as_bytes()).unwrap_err().to_string();
    assert!(error("").contains("header"));
    assert_eq!(
        error("a,b\n"),
        "the header has no column address (or mail, email, primarySmtp); it has: a, b"
    );
    assert!(error("file,mail,email\n").contains("two columns"));
    assert_eq!(error("file,mail\nx,nobody\n"), "line 2: `nobody` is not an e-mail address");
    assert!(error("file,mail\n,a@b.c\n").starts_with("line 2 has an address"));
    assert!(error("sha1,mail\naa:bb,a@b.c\n").contains("has 4 digits"));
    assert_eq!(
        error("file,mail\nx,a@b.c\nx,A@B.C\nx,d@b.c\n"),
        "line 4 says that `x` is d@b.c, line 2 says a@b.c; remove one"
    );
    let ansi = CertificateMap::parse(b"file,mail\nM\xfcller.cer,a@b.c\n").unwrap_err();
    assert_eq!(ansi, MapError::NotUtf8 { line: 2 });
}

#[test]
fn recipients_by_dn_guid_and_address() {
    let text = "source,cloud\n\"CN=Kim,DC=a\",kim@cloud\n{03020100-0504-0706-0809-0a0b0c0d0e0f},lee@cloud\n\
        smtp:Old@inner.example,new@cloud\n";
    let map = RecipientMap::parse(text.as_bytes()).unwrap();
    let guid = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    let address = |lookup: Lookup<'_>| match lookup {
        Lookup::One(hit) => hit.address.to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(address(map.find(Some("cn=KIM,dc=A"), None, [])), "kim@cloud");
    assert_eq!(address(map.find(None, Some(guid), [])), "lee@cloud");
    assert_eq!(address(map.find(None, None, ["OLD@inner.example"])), "new@cloud");
    assert_eq!(map.find(Some("cn=x"), None, ["a@b"]), Lookup::None);
    assert!(map.unmatched().is_empty());
    assert!(
        RecipientMap::parse(b"dn,cloud\nnonsense,a@b.c\n").unwrap_err().to_string().contains("neither a DN")
    );
}
