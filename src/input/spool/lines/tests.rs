#![allow(clippy::unwrap_used)]

use super::*;
use crate::certificate::container::slices::tests::{USER, certificate, nest, tlv};
use crate::certificate::container::{Form, WITHHELD_PREFIX, classify_value};
use crate::ldif::detect::encoding;
use base64::engine::general_purpose::STANDARD;

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
    let mut filter = Lines::new(Vec::new(), encoding(input).0);
    for part in input.chunks(block) {
        filter.write_all(part).unwrap();
    }
    filter.finish().unwrap()
}

fn key() -> Vec<u8> {
    let rsa = nest(0x30, &[tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]), tlv(5, &[])]);
    nest(0x30, &[tlv(2, &[0]), rsa, tlv(4, &[0x5a; 300])])
}

/// An attribute line folded as ldifde does, with these line ends.
fn folded(name: &str, value: &[u8], end: &str, fold: &str) -> String {
    let encoded = STANDARD.encode(value);
    let lines: Vec<&str> = encoded.as_bytes().chunks(60).map(|c| std::str::from_utf8(c).unwrap()).collect();
    format!("{name}:: {end}{fold}{}{end}", lines.join(&format!("{end}{fold}")))
}

fn value_of(text: &[u8], name: &str) -> Vec<u8> {
    let mut unfolded = String::from_utf8(text.to_vec()).unwrap().replace("\r\n", "\n").replace('\r', "\n");
    unfolded = unfolded.replace("\n ", "").replace("\n\t", "");
    let line = unfolded.lines().find(|l| l.starts_with(name)).unwrap().to_owned();
    STANDARD.decode(line.rsplit(": ").next().unwrap().trim()).unwrap()
}

#[test]
fn what_holds_no_key_is_untouched() {
    for end in ["\n", "\r\n", "\r"] {
        let text = format!(
            "version: 1{end}dn: cn=a{end}{}description: my PRIVATE KEY{end}mail: a@b.c{end}{end}dn:: Y249Yg=={end}",
            folded("userCertificate;binary", &certificate(USER), end, " ")
        );
        assert_eq!(run(text.as_bytes()), (text.clone().into_bytes(), 0));
    }
}

#[test]
fn keys_in_values_become_markers() {
    for end in ["\n", "\r\n", "\r"] {
        for fold in [" ", "\t"] {
            let text = format!(
                "dn: cn=a{end}{}{}mail: a@b.c{end}",
                folded("userCertificate", &key(), end, fold),
                folded("userPKCS12;binary", b"some store of whatever kind", end, fold)
            );
            let (out, withheld) = run(text.as_bytes());
            assert_eq!(withheld, 2);
            let value = value_of(&out, "userCertificate");
            assert_eq!(classify_value(&value).form, Form::Secret(Secret::Pkcs8));
            assert!(value.starts_with(WITHHELD_PREFIX) && value[20..].iter().all(|b| *b == 0));
            assert_eq!(classify_value(&value_of(&out, "userPKCS12")).form, Form::Secret(Secret::Pkcs12));
            assert!(out.ends_with(format!("{end}mail: a@b.c{end}").as_bytes()));
        }
    }
}

#[test]
fn leniency_of_readers_is_no_way_past() {
    // Lost fold spaces, folds in the name and between the colons, a comment, an OID, one colon.
    let encoded = STANDARD.encode(key());
    let (a, b) = encoded.split_at(80);
    let cases = [
        format!("userCertificate:: {a}\n{b}\n"),
        format!("# userPKCS12:: {a}\n {b}\n"),
        format!("userPK\n CS12:\n : {a}\n {b}\n"),
        format!("2.16.840.1.113730.3.1.216:: {encoded}\n"),
        format!("USERpkcs12 :: {a} \n  {b}"),
        format!("jpegPhoto:: {encoded}"),
        format!("userCertificate: {encoded}\n"),
        format!("userPKCS12: {encoded}\n"),
        format!("x:: {}\n", STANDARD.encode([certificate(USER), key()].concat())),
    ];
    for text in cases {
        let (out, withheld) = run(text.as_bytes());
        let out = String::from_utf8(out).unwrap();
        assert_eq!(withheld, 1, "{text}");
        let secret = &encoded[100..140];
        assert!(!out.contains(secret) && !out.contains("WlpaWlpa"), "{out}");
        assert_eq!(out.lines().count(), text.lines().count());
    }
}

#[test]
fn utf16_is_filtered_in_both_orders() {
    let text = format!("dn: cn=\u{e4}\r\n{}mail: a\r\n", folded("userPKCS12", &key(), "\r\n", " "));
    for (mark, big) in [(true, false), (false, false), (true, true), (false, true)] {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        let bytes: Vec<u8> =
            units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect();
        let (out, withheld) = run(&bytes);
        assert_eq!(withheld, 1);
        let units: Vec<u16> = out
            .chunks(2)
            .map(|c| if big { u16::from_be_bytes([c[0], c[1]]) } else { u16::from_le_bytes([c[0], c[1]]) })
            .collect();
        let back = String::from_utf16(&units).unwrap();
        assert!(
            back.contains("cn=\u{e4}\r\n") && back.ends_with("mail: a\r\n") && !back.contains("WlpaWlpa")
        );
    }
}

#[test]
fn pem_blocks_are_blanked() {
    let text = "dn: cn=a\ndescription: -----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nc2VjcmV0\n\
        c2VjcmV0\n-----END RSA PRIVATE KEY-----\nmail: a@b.c\n\ndn: cn=b\nnote: -----BEGIN PRIVATE KEY-----\n\
        c2VjcmV0\nmail: c@d.e\n";
    let (out, withheld) = run(text.as_bytes());
    let out = String::from_utf8(out).unwrap();
    assert_eq!(withheld, 2);
    assert!(!out.contains("c2VjcmV0") && out.contains("\nmail: a@b.c\n\ndn: cn=b\n"), "{out}");
    assert!(out.ends_with("\nmail: c@d.e\n"), "an attribute ends a block that has no end: {out}");
    let pem = [&certificate(USER)[..], b"\n-----BEGIN PRIVATE KEY-----\nc2VjcmV0"].concat();
    let (out, withheld) = run(format!("info:: {}\n", STANDARD.encode(&pem)).as_bytes());
    assert_eq!((withheld, classify_value(&value_of(&out, "info")).form), (1, Form::Secret(Secret::Pem)));
}

#[test]
fn lines_above_the_limit_stay_flat_and_closed() {
    let long =
        nest(0x30, &[tlv(2, &[3]), nest(0x30, &[tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1])])]);
    let mut store = [&[0x30, 0x83, 0x30, 0, 0][..], &long[2..]].concat();
    store.resize(3_000_000, 0x5a);
    let text = format!("dn: cn=a\nuserCertificate:: {}\nmail: a@b.c\n", STANDARD.encode(&store));
    let (out, withheld) = once(text.as_bytes(), 65_536);
    assert_eq!((withheld, out.len()), (1, text.len()));
    assert!(out.ends_with(b"\nmail: a@b.c\n") && memmem::find(&out, b"WlpaWlpa").is_none());
    for shift in 0..3 {
        let mut value = vec![b'x'; 2_000_000 + shift];
        value.extend_from_slice(b"-----BEGIN RSA PRIVATE KEY-----\n");
        value.resize(4_000_000, 0x5a);
        let text = format!("dn: cn=a\ninfo:: {}\nmail: a@b.c\n", STANDARD.encode(&value));
        let (out, withheld) = once(text.as_bytes(), 65_536);
        let leaked = memmem::find(&out, b"WlpaWlpa").map(|_| 1).unwrap_or(0);
        assert_eq!((withheld, leaked, out.len()), (1, 0, text.len()), "shift {shift}");
        assert!(out.ends_with(b"\nmail: a@b.c\n"));
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_keep_their_length_and_line_ends(bytes: Vec<u8>, block in 1usize..40) {
        let (out, _) = once(&bytes, block);
        proptest::prop_assert_eq!(out.len(), bytes.len());
        let ends = |b: &[u8]| b.iter().filter(|b| **b == b'\n').count();
        if encoding(&bytes).0 == Encoding::Utf8 {
            proptest::prop_assert_eq!(ends(&out), ends(&bytes));
        }
    }
}
