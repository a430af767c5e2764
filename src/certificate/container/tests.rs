//! Whole values, built in code: what is held, whose it is, what is odd.
#![allow(clippy::unwrap_used)]

use super::slices::tests::{Spec, USER, certificate, name, nest, tlv};
use super::*;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const PREFERENCE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 0x10, 2, 0x0b];
const MICROSOFT: &[u8] = &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x10, 4];

fn issuer_and_serial(issuer: &str, serial: u8) -> Vec<Vec<u8>> {
    vec![name(issuer), tlv(2, &[serial])]
}

/// A SignerInfo by this serial, with a preference attribute (OID, value).
fn signer(serial: u8, preference: Option<(&[u8], Vec<u8>)>) -> Vec<u8> {
    let digest = nest(0x30, &[tlv(6, &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1])]);
    let rsa = nest(0x30, &[tlv(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]), tlv(5, &[])]);
    let mut parts = vec![tlv(2, &[1]), nest(0x30, &issuer_and_serial("CA", serial)), digest];
    if let Some((oid, value)) = preference {
        parts.push(tlv(0xa0, &nest(0x30, &[tlv(6, oid), tlv(0x31, &value)])));
    }
    parts.extend([rsa, tlv(4, &[0; 64])]);
    nest(0x30, &parts)
}

fn signed_data(certificates: &[Vec<u8>], signers: &[Vec<u8>]) -> Vec<u8> {
    nest(
        0x30,
        &[
            tlv(2, &[1]),
            tlv(0x31, &[]),
            nest(0x30, &[tlv(6, DATA)]),
            nest(0xa0, certificates),
            nest(0x31, signers),
        ],
    )
}

fn content_info(data: Vec<u8>) -> Vec<u8> {
    nest(0x30, &[tlv(6, SIGNED_DATA), tlv(0xa0, &data)])
}

fn signing() -> Vec<u8> {
    certificate(Spec { serial: 2, key_usage: Some(0x80), ..USER })
}

fn ca() -> Vec<u8> {
    certificate(Spec { serial: 9, subject: "CA", ca: true, key_usage: Some(0x06), ..USER })
}

fn own(value: &[u8], bears: impl Fn(&[u8]) -> bool) -> (Option<usize>, String) {
    let container = open(classify_value(value));
    match own_certificate(&container, &bears) {
        Own::Found { index, reason, .. } => (Some(index), reason.to_string()),
        Own::None { why, .. } => (None, why.to_string()),
    }
}

#[test]
fn both_signed_data_forms_hold_slices_of_the_value() {
    let certificates = [certificate(USER), ca()];
    let naked = signed_data(&certificates, &[]);
    for (value, form) in [
        (content_info(naked.clone()), Form::ContentInfo),
        (naked, Form::SignedData),
        (ca(), Form::Certificate),
    ] {
        let classified = classify_value(&value);
        assert_eq!(classified.form, form);
        let container = open(classified);
        for held in &container.certificates {
            assert_eq!(value.get(held.at..held.at + held.der.len()), Some(&held.der[..]), "offset and bytes");
            assert!(matches!(held.der, std::borrow::Cow::Borrowed(_)));
        }
        assert!(container.notes.is_empty(), "{:?}", container.notes);
    }
}

#[test]
fn preferences_come_first_in_every_spelling() {
    let held = [signing(), certificate(USER), ca()];
    let reference = issuer_and_serial("CA", 1);
    let ski = tlv(4, &[1; 20]);
    let cases: [(&[u8], Vec<u8>); 7] = [
        (MICROSOFT, nest(0x30, &reference)),
        (PREFERENCE, nest(0xa0, &reference)),
        (PREFERENCE, tlv(0xa0, &nest(0x30, &reference))),
        (PREFERENCE, tlv(0xa1, &ski)),
        (PREFERENCE, tlv(0xa1, &nest(0x30, std::slice::from_ref(&ski)))),
        (PREFERENCE, tlv(0x82, &[1; 20])),
        (PREFERENCE, tlv(0xa2, &ski)),
    ];
    for (number, case) in cases.into_iter().enumerate() {
        let value = content_info(signed_data(&held, &[signer(2, Some(case))]));
        let container = open(classify_value(&value));
        let found = own_certificate(&container, &|_| false);
        let expected = Own::Found {
            index: 1,
            reason: OwnReason::Preference,
            signing: Some(0),
            preference_missing: false,
        };
        assert_eq!(found, expected, "case {number}");
        assert_eq!(found.others(&container).collect::<Vec<_>>(), [0, 2]);
    }
}

#[test]
fn without_a_preference_signer_then_only_one_then_address() {
    let user = certificate(USER);
    let other = certificate(Spec { serial: 3, subject: "other", ..USER });
    let by_user = content_info(signed_data(&[ca(), user.clone(), other.clone()], &[signer(1, None)]));
    assert_eq!(own(&by_user, |_| false).0, Some(1), "the signer can encrypt");
    let by_signing = content_info(signed_data(&[signing(), user.clone(), ca()], &[signer(2, None)]));
    assert_eq!(
        own(&by_signing, |der| der == user).0,
        Some(1),
        "the signer cannot encrypt; the address decides"
    );
    assert_eq!(own(&by_signing, |_| false), (None, NoOwn::NoneFits(2).to_string()));
    let degenerate = content_info(signed_data(&[ca(), user.clone()], &[]));
    assert_eq!(own(&degenerate, |_| false), (Some(1), OwnReason::OnlyEndEntity.to_string()));
    let two = content_info(signed_data(&[user, other], &[]));
    assert_eq!(own(&two, |_| true), (None, NoOwn::Ambiguous(2).to_string()));
    assert_eq!(own(&content_info(signed_data(&[ca()], &[])), |_| true).1, NoOwn::OnlyCa.to_string());
    assert_eq!(
        own(&content_info(signed_data(&[], &[signer(1, None)])), |_| true).1,
        NoOwn::Empty.to_string()
    );
    assert_eq!(own(&ca(), |_| false), (Some(0), OwnReason::Bare.to_string()), "rules judge a bare CA");
}

#[test]
fn a_preference_for_a_certificate_that_is_not_there_is_told() {
    let elsewhere = nest(0x30, &issuer_and_serial("CA", 0x55));
    let value = content_info(signed_data(&[certificate(USER)], &[signer(1, Some((MICROSOFT, elsewhere)))]));
    let found = own_certificate(&open(classify_value(&value)), &|_| false);
    assert!(
        matches!(found, Own::Found { reason: OwnReason::Signer, preference_missing: true, .. }),
        "{found:?}"
    );
}

#[test]
fn what_is_odd_is_noted_and_loses_nothing() {
    let user = certificate(USER);
    let junk = nest(0x30, &[tlv(2, b"not a certificate")]);
    let attribute = tlv(0xa2, &nest(0x30, &[tlv(2, &[1])]));
    let mut value =
        content_info(signed_data(&[junk, user.clone(), attribute, user.clone(), ca()], &[tlv(0x30, &[2])]));
    value.extend([0, 0]);
    let container = open(classify_value(&value));
    assert_eq!(container.certificates.len(), 3);
    let has = |f: &dyn Fn(&Note) -> bool| container.notes.iter().any(f);
    assert!(has(&|n| matches!(n, Note::TrailingBytes { count: 2, .. })));
    assert!(has(&|n| matches!(n, Note::OtherChoice { tag: 0xa2, .. })));
    assert!(has(&|n| matches!(n, Note::Duplicate { of: 1, .. })));
    assert!(has(&|n| matches!(n, Note::Broken { part: "a SignerInfo", .. })));
    assert!(container.is_damaged());
    assert_eq!(own_certificate(&container, &|_| false).index(), Some(1));
}

/// The element with indefinite length.
fn indefinite(tag: u8, contents: &[u8]) -> Vec<u8> {
    [&[tag, 0x80][..], contents, &[0, 0]].concat()
}

#[test]
fn ber_around_and_inside_certificates() {
    let user = certificate(USER);
    let inner = crate::certificate::tlv::first(&user).unwrap().contents;
    let ber_user = indefinite(0x30, inner);
    let data = [tlv(2, &[1]), tlv(0x31, &[]), nest(0x30, &[tlv(6, DATA)])].concat();
    let data = [data, indefinite(0xa0, &[ca(), ber_user].concat()), tlv(0x31, &[])].concat();
    let value = indefinite(0x30, &[tlv(6, SIGNED_DATA), indefinite(0xa0, &indefinite(0x30, &data))].concat());
    let container = open(classify_value(&value));
    assert!(matches!(container.notes[..], [Note::Ber, Note::Normalised { .. }]), "{:?}", container.notes);
    assert_eq!(&container.certificates[1].der[..], &user[..], "re-encoded as DER");
    assert!(matches!(container.certificates[0].der, std::borrow::Cow::Borrowed(_)), "DER is left alone");
    assert_eq!(own_certificate(&container, &|_| false).index(), Some(1));
}

#[test]
fn the_number_of_certificates_is_bounded() {
    let many = vec![certificate(USER); 20];
    let value = content_info(signed_data(&many, &[]));
    let container = open_with_limit(classify_value(&value), 7);
    assert!(container.notes.iter().any(|n| matches!(n, Note::TooManyCertificates { limit: 7, .. })));
    assert_eq!(container.certificates.len(), 1, "all alike");
    assert_eq!(open(classify_value(&value)).notes.len(), 19);
}

#[test]
fn pem_values_are_decoded_and_told() {
    use base64::Engine as _;
    let user = certificate(USER);
    let text = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        base64::engine::general_purpose::STANDARD.encode(&user)
    );
    let container = open(classify_value(text.as_bytes()));
    assert_eq!((container.form, &container.certificates[0].der[..]), (Form::Pem, &user[..]));
    assert_eq!(container.notes, [Note::Text { what: "PEM" }]);
}

proptest::proptest! {
    #[test]
    fn any_bytes_end_without_panic(bytes: Vec<u8>) {
        drop(open(classify_value(&bytes)));
        drop(crate::input::files::open_certificate_file(&bytes));
        let _ = (to_der(&bytes), slices::slice(&bytes), find_secret_text(&bytes));
    }

    #[test]
    fn a_damaged_value_ends_without_panic(changes in proptest::collection::vec((0usize..4000, 0u8..=255), 1..12)) {
        let reference = nest(0xa0, &issuer_and_serial("CA", 1));
        let mut value = content_info(signed_data(
            &[certificate(USER), signing(), ca()],
            &[signer(2, Some((PREFERENCE, reference)))],
        ));
        let length = value.len();
        for (at, byte) in changes {
            value[at % length] = byte;
        }
        let container = open(classify_value(&value));
        let own = own_certificate(&container, &|_| true);
        if let (Some(index), Some(signer)) = (own.signing(), container.signers.first()) {
            let _ = check_signer(signer, container.content.as_deref(), &container.certificates[index].der);
        }
    }
}
