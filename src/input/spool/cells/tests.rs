#![allow(clippy::unwrap_used)]

use super::*;
use crate::certificate::container::slices::tests::{USER, certificate, nest, tlv};
use crate::certificate::container::{Form, WITHHELD_PREFIX, classify_value};
use crate::csvde::Reader;
use crate::ldif::detect::encoding;
use crate::ldif::{Options, Record};

/// Runs the filter over the input in blocks of every size, which must not matter.
fn run(input: &[u8]) -> (Vec<u8>, u64) {
    let whole = once(input, input.len().max(1));
    for block in [1, 2, 3, 7, 64] {
        assert_eq!(once(input, block), whole, "blocks of {block}");
    }
    assert_eq!(whole.0.len(), input.len());
    whole
}

fn once(input: &[u8], block: usize) -> (Vec<u8>, u64) {
    let mut filter = Cells::new(Vec::new(), encoding(input).0);
    for part in input.chunks(block) {
        filter.write_all(part).unwrap();
    }
    filter.finish().unwrap()
}

fn key() -> Vec<u8> {
    let rsa = nest(0x30, &[tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]), tlv(5, &[])]);
    nest(0x30, &[tlv(2, &[0]), rsa, tlv(4, &[0x5a; 300])])
}

/// Values of an attribute in the first row, as the reader finds them.
fn values(text: &[u8], name: &str) -> Vec<Vec<u8>> {
    let mut reader = Reader::new(text, Options::default()).unwrap();
    let (mut record, mut problems) = (Record::new(), Vec::new());
    assert!(reader.next(&mut record, &mut problems).unwrap());
    assert!(problems.is_empty(), "{problems:?}");
    record.attributes().filter(|a| a.is(name)).map(|a| a.bytes().unwrap().to_vec()).collect()
}

fn wide(text: &str, mark: bool, big: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

#[test]
fn what_holds_no_key_is_untouched() {
    for end in ["\n", "\r\n", "\r"] {
        let text = format!(
            "DN,userCertificate,proxyAddresses,info{end}\"cn=a,dc=b\",X'{}';X'{}',X400:c=us\\;a= \\;;smtp:a@b.c,\"my PRIVATE KEY, \"\"{end}x\"{end}",
            hex(&certificate(USER)),
            hex(b"rubbish")
        );
        assert_eq!(run(text.as_bytes()), (text.clone().into_bytes(), 0));
    }
}

#[test]
fn keys_become_markers() {
    let text = |store: &str, certificates: &str| {
        format!("DN,userPKCS12,userCertificate,mail\r\n\"cn=a,dc=b\",{store},{certificates},a@b.c\r\n")
    };
    let (pair, one) = (format!("X'{}';X'{}'", hex(b"some store"), hex(&[1; 40])), hex(&key()));
    for certificates in [
        format!("X'{}';X'{one}'", hex(&certificate(USER))),
        format!("\"X'{}';x'{}'\"", hex(&certificate(USER)), one.to_ascii_uppercase()),
        format!("{};{one}", hex(&certificate(USER))),
    ] {
        let input = text(&pair, &certificates);
        for bytes in [
            input.clone().into_bytes(),
            wide(&input, true, false),
            wide(&input, false, false),
            wide(&input, true, true),
        ] {
            let (out, withheld) = run(&bytes);
            assert_eq!(withheld, 3, "{input}");
            let found = values(&out, "userCertificate");
            assert_eq!(found[0], certificate(USER));
            assert!(found[1].starts_with(WITHHELD_PREFIX) && found[1][20..].iter().all(|b| *b == 0));
            assert_eq!(classify_value(&found[1]).form, Form::Secret(Secret::Pkcs8));
            let stores = values(&out, "userPKCS12");
            // The first one is shorter than the marker.
            assert_eq!(stores[0], [0; 10]);
            assert_eq!(classify_value(&stores[1]).form, Form::Secret(Secret::Pkcs12));
            assert_eq!(values(&out, "mail"), [b"a@b.c"]);
        }
    }
}

#[test]
fn leniency_of_readers_is_no_way_past() {
    use base64::Engine as _;
    let base64 = base64::engine::general_purpose::STANDARD.encode(key());
    let digits = hex(&key());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----");
    let cases = [
        // A key in another column, in text, with a stray character, without its end.
        format!("DN,info\ncn=a,X'{digits}'\n"),
        format!("DN,info\ncn=a,{digits}\n"),
        format!("DN,info\ncn=a,{base64}\n"),
        format!("DN,info\ncn=a,\"{pem}\"\n"),
        format!("DN,info\ncn=a,\"x;{pem}\"\n"),
        format!("DN,userCertificate\ncn=a,X'{digits}"),
        format!("DN,userCertificate\ncn=a,X'{digits}g'\n"),
        format!("DN,2.16.840.1.113730.3.1.216\ncn=a,{}\n", "secret".repeat(30)),
        "\u{feff}\"DN\",\"userPKCS12;binary\"\r\ncn=a,\"secretsecret\nsecret\"\r\n".to_owned(),
        // Behind a second header the columns are others.
        format!("DN,cn\ncn=a,a\nDN,userPKCS12\ncn=b,{}\n", "secret".repeat(30)),
    ];
    for text in cases {
        let (out, withheld) = run(text.as_bytes());
        let out = String::from_utf8(out).unwrap();
        assert_eq!(withheld, 1, "{text}");
        let leak =
            ["5a5a5a5a5a", "5A5A5A5A5A", "WlpaWlpa", "secretsecret"].iter().find(|s| out.contains(**s));
        assert_eq!(leak, None, "{out}");
        assert_eq!(out.lines().count(), text.lines().count());
    }
}

#[test]
fn lines_of_a_key_that_stand_in_no_cell() {
    let text = "DN,info\ncn=a,-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES,00\n\nc2VjcmV0\nc2VjcmV0\n\
        -----END RSA PRIVATE KEY-----\ncn=b,-----BEGIN PRIVATE KEY-----\nc2VjcmV0\ncn=c,x\n";
    let (out, withheld) = run(text.as_bytes());
    let out = String::from_utf8(out).unwrap();
    assert_eq!(withheld, 2);
    assert!(!out.contains("c2VjcmV0") && out.ends_with("\ncn=c,x\n"), "{out}");
}

#[test]
fn values_above_the_limit_stay_flat_and_closed() {
    let mut store =
        vec![0x30, 0x83, 0x30, 0, 0, 2, 1, 3, 0x30, 0x0b, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    store.resize(1_500_000, 0x5a);
    let text = format!("DN,userCertificate,mail\ncn=a,X'{}',a@b.c\n", hex(&store));
    let (out, withheld) = once(text.as_bytes(), 65_536);
    assert_eq!((withheld, out.len()), (1, text.len()));
    assert!(out.ends_with(b"',a@b.c\n") && memmem::find(&out, b"5a5a5a5a").is_none());
    let mut value = vec![b'x'; 700_000];
    value.extend_from_slice(b"-----BEGIN RSA PRIVATE KEY-----\n");
    value.resize(1_500_000, 0x5a);
    for upper in [false, true] {
        let digits = if upper { hex(&value).to_ascii_uppercase() } else { hex(&value) };
        let text = format!("DN,info,mail\ncn=a,X'{digits}',a@b.c\n");
        let (out, withheld) = once(text.as_bytes(), 65_536);
        assert_eq!((withheld, out.len()), (1, text.len()));
        let leaked = memmem::find(&out.to_ascii_lowercase(), &b"5a".repeat(70_000));
        assert_eq!(leaked, None, "more than one window is left");
        assert!(out.ends_with(b"',a@b.c\n"));
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_keep_their_length_and_line_ends(bytes: Vec<u8>, head in 0..3usize, block in 1usize..40) {
        let head = [&b""[..], b"DN,userPKCS12,cn\n", b"DN,userCertificate,\"x"][head];
        let input = [head, &bytes].concat();
        let (out, _) = once(&input, block);
        proptest::prop_assert_eq!(out.len(), input.len());
        if encoding(&input).0 == Encoding::Utf8 {
            let separators = |b: &[u8]| b.iter().filter(|b| matches!(b, b'\n' | b'"')).count();
            proptest::prop_assert_eq!(separators(&out), separators(&input));
        }
    }
}
