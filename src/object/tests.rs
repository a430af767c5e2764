#![allow(clippy::unwrap_used)]

use super::*;
use crate::encoding::{hex, sha256};
use crate::limits::{
    ADDRESS_BYTES, ADDRESSES_HELD, CHUNKS_HELD, OBJECT_BYTES, TEXT_HELD, VALUE_HELD, VALUES_HELD,
};

fn field<'a>(name: &'a str, value: &'a [u8]) -> Field<'a> {
    Field { name: name.as_bytes(), value: Ok(value), line: 1, range: None }
}

#[test]
fn a_guid_reads_the_same_from_bytes_and_text() {
    let raw: [u8; 16] = std::array::from_fn(|n| u8::try_from(n).unwrap());
    let text = guid_text(&raw);
    assert_eq!(text, "03020100-0504-0706-0809-0a0b0c0d0e0f");
    assert_eq!(guid_from(text.as_bytes()), Some(raw));
    assert_eq!(guid_from(format!("{{{}}}", text.to_uppercase()).as_bytes()), Some(raw));
    assert_eq!(guid_from(b"short"), None);
    assert_eq!(guid_from("03020100-0504-0706-0809-0a0b0c0d0e0\u{e9}".as_bytes()), None);
}

#[test]
fn the_primary_address_is_found() {
    let mut object = Object::at(Place::default());
    for (name, value) in [
        ("mail", "Second@Example.com"),
        ("proxyAddresses", "smtp:alias@example.com"),
        ("proxyAddresses", "X500:/o=x"),
        ("proxyAddresses", "SMTP:first@example.com"),
        ("proxyAddresses", "smtp:no address"),
    ] {
        object.take(field(name, value.as_bytes()));
    }
    let addresses = object.addresses();
    assert_eq!(addresses.primary().unwrap().as_str(), "first@example.com");
    assert_eq!(addresses.list.len(), 3);
    assert_eq!(addresses.invalid, ["smtp:no address"]);

    let mut only_alias = Object::at(Place::default());
    only_alias.take(field("proxyAddresses", b"smtp:alias@example.com"));
    assert!(only_alias.addresses().primary().is_none());

    let mut mails = Object::at(Place::default());
    mails.take(field("mail", b"a@example.com"));
    mails.take(field("MAIL", b"b@example.com"));
    assert!(mails.addresses().several_mail);
    assert_eq!(mails.addresses().primary().unwrap().as_str(), "a@example.com");
}

#[test]
fn blanks_around_a_word_do_not_count() {
    let mut object = Object::default();
    object.take(field("isCriticalSystemObject", "True\u{a0}".as_bytes()));
    assert!(object.critical);
    object.take(field("objectClass", b" user\x0b"));
    object.take(field("objectClass", "\u{a0}person".as_bytes()));
    let mut plain = Object::default();
    plain.take(field("objectClass", b"user"));
    plain.take(field("objectClass", b"person"));
    assert_eq!(object.classes, plain.classes);
}

#[test]
fn oids_are_names() {
    let mut object = Object::at(Place::default());
    object.take(field("0.9.2342.19200300.100.1.3", b"kim@example.com"));
    object.take(field("2.5.4.0", b"inetOrgPerson"));
    object.take(field("9.9.9", b"nothing known"));
    assert_eq!(object.mail, ["kim@example.com"]);
    assert!(object.classes.person);
}

#[test]
fn chunks_must_reach_from_zero_to_the_star() {
    let object = |chunks: &[(u64, Option<u64>)]| {
        let mut object = Object::at(Place::default());
        for range in chunks {
            object.take(Field { range: Some(*range), ..field("userCertificate", b"x") });
        }
        object.close();
        object
    };
    assert_eq!(object(&[(0, Some(1)), (2, None)]).incomplete(Attribute::UserCertificate), None);
    assert_eq!(object(&[(2, None), (0, Some(1))]).incomplete(Attribute::UserCertificate), None);
    let first = object(&[(0, Some(1499))]);
    assert!(first.incomplete(Attribute::UserCertificate).unwrap().contains("range=1500-*"));
    assert!(object(&[(1500, None)]).incomplete(Attribute::UserCertificate).unwrap().contains("none from 0"));
    assert!(object(&[(0, Some(9)), (20, None)]).incomplete(Attribute::UserCertificate).is_some());
    let order: Vec<u64> = object(&[(2, None), (0, Some(1))]).values.iter().map(|v| v.chunk).collect();
    assert_eq!(order, [0, 2]);
}

#[test]
fn an_unreadable_value_makes_its_attribute_incomplete() {
    let mut object = Object::at(Place::default());
    object.take(field("userCertificate;x", b"not an attribute name without options"));
    object.take(field("2.5.4.36", b"one"));
    object.take(Field { value: Err(("bad", "good")), ..field("USERCERTIFICATE", b"") });
    object.take(field("userSMIMECertificate", b"whole"));
    object.close();
    assert_eq!(object.values.len(), 3);
    assert!(object.incomplete(Attribute::UserCertificate).unwrap().contains("bad"));
    assert_eq!(object.incomplete(Attribute::UserSmimeCertificate), None);
}

#[test]
fn what_is_held_is_bounded_and_the_rest_is_hashed() {
    let mut object = Object::at(Place::default());
    for number in 0..VALUES_HELD as u64 + 3 {
        object.take(Field { line: number + 1, ..field("userCertificate", &number.to_be_bytes()) });
    }
    object.take(field("userPKCS12", b"a store"));
    assert_eq!((object.values.len(), object.count()), (VALUES_HELD, VALUES_HELD as u64 + 4));
    let [certificates, stores] = &object.beyond[..] else { panic!("{:?}", object.beyond) };
    assert_eq!(
        (certificates.count, certificates.secrets, certificates.place.line),
        (3, 0, VALUES_HELD as u64 + 1)
    );
    let hashes: Vec<u8> = (0..3).flat_map(|n| sha256(&(VALUES_HELD as u64 + n).to_be_bytes())).collect();
    assert!(certificates.found().ends_with(&hex(&sha256(&hashes))), "{}", certificates.found());
    assert_eq!((stores.count, stores.secrets), (1, 1));
    object.close();
    assert!(object.incomplete(Attribute::UserCertificate).unwrap().contains("more values"));
    assert_eq!(object.incomplete(Attribute::UserSmimeCertificate), None);
    // United with another record of it, nothing gets lost.
    let mut later = Object::at(Place::default());
    later.take(field("userCertificate", b"one more"));
    object.unite(later);
    assert_eq!((object.values.len(), object.count()), (VALUES_HELD, VALUES_HELD as u64 + 5));
}

#[test]
fn large_values_are_hashed() {
    let mut object = Object::at(Place::default());
    let large = vec![7; VALUE_HELD + 1];
    object.take(field("userCertificate", &large));
    object.take(field("userCertificate", &large[1..]));
    for _ in 0..OBJECT_BYTES / VALUE_HELD {
        object.take(field("userSMIMECertificate", &large[1..]));
    }
    let unreadable: Vec<&str> = object
        .values
        .iter()
        .filter_map(|value| match &value.content {
            Content::Unreadable(found, _) => Some(found.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(unreadable.len(), 2);
    assert!(unreadable[0].contains(&hex(&sha256(&large))) && unreadable[0].contains("of one value"));
    assert!(unreadable[1].contains(&hex(&sha256(&large[1..]))) && unreadable[1].contains("of one object"));
    object.close();
    assert!(object.incomplete(Attribute::UserCertificate).is_some());
    assert!(object.incomplete(Attribute::UserSmimeCertificate).is_some());
}

#[test]
fn a_dn_is_taken_as_it_is() {
    for dn in ["CN=Kim,O=Acme\u{a0}", "CN=Kim,O=Acme\\ ", "\u{3000}CN=Kim"] {
        let mut object = Object::default();
        object.take_dn(dn);
        assert_eq!(object.dn.as_deref(), Some(dn));
    }
    let mut object = Object::default();
    object.take_dn(&"MHcCAQEE".repeat(8));
    assert!(object.dn.unwrap().starts_with("(64 letters of base64, SHA-256 "));
}

#[test]
fn private_keys_in_texts_are_named_and_not_held() {
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", "A".repeat(64));
    let inside = format!("Kim\r userPKCS12;binary:: {}", "A".repeat(64));
    let withheld = [&Secret::Pkcs8.marker()[..], &[0; 100]].concat();
    for (text, named) in
        [(pem.as_bytes(), Secret::Pem), (inside.as_bytes(), Secret::Pkcs12), (&withheld, Secret::Pkcs8)]
    {
        let mut object = Object::default();
        object.take(field("displayName", text));
        assert_eq!(object.secrets, [("displayName".to_owned(), named)]);
        let held = object.display_name.unwrap();
        assert!(
            held.starts_with('(') && !held.contains("AAAA") && held.contains(&hex(&sha256(text))),
            "{held}"
        );
    }
    let mut object = Object::default();
    for harmless in
        ["about the PRIVATE KEY of somebody, which is elsewhere, as everybody knows", &"a\r\n".repeat(50)]
    {
        object.take(field("displayName", harmless.as_bytes()));
    }
    assert_eq!(object.secrets, []);
    // Many records with many of them are one object in the end.
    for _ in 0..100 {
        let mut later = Object::default();
        later.take(field("displayName", pem.as_bytes()));
        object.unite(later);
    }
    assert_eq!(object.secrets.len(), 16);
}

#[test]
fn long_texts_are_hashed() {
    let long = "d".repeat(TEXT_HELD + 1);
    let mut object = Object::at(Place::default());
    let dn = format!("CN={}", &long[4..]);
    object.take_dn(&dn);
    object.take(field("displayName", &long.as_bytes()[1..]));
    assert_eq!(object.dn, Some(dn));
    assert_eq!(object.incomplete(Attribute::UserCertificate), None);
    for name in ["DN", "cn", "proxyAddresses"] {
        let mut object = Object::at(Place::default());
        if name == "DN" {
            object.take_dn(&format!("CN={long}"));
        } else {
            object.take(field(name, long.as_bytes()));
        }
        let held = [object.dn.clone(), object.common_name.clone(), object.proxies.first().cloned()];
        let held = held.into_iter().flatten().next().unwrap();
        assert!(held.len() < 256 && held.contains("SHA-256"), "{held}");
        assert!(!crate::ldif::dn::is_valid(held.as_bytes()) && object.addresses().list.is_empty());
        for attribute in [Attribute::UserCertificate, Attribute::UserSmimeCertificate] {
            let why = object.incomplete(attribute).unwrap();
            assert!(why.contains(name) && why.contains("SHA-256"), "{why}");
        }
    }
}

#[test]
fn addresses_are_held_up_to_a_number_and_the_primary_one_always() {
    let with = |count: usize| {
        let mut object = Object::at(Place::default());
        (0..count)
            .for_each(|n| object.take(field("proxyAddresses", format!("smtp:{n}@x.example").as_bytes())));
        object
    };
    assert_eq!(with(ADDRESSES_HELD).incomplete(Attribute::UserCertificate), None);
    let mut object = with(ADDRESSES_HELD + 2);
    object.take(field("mail", b"mail@x.example"));
    object.take(field("proxyAddresses", b"SMTP:kim@x.example"));
    object.take(field("proxyAddresses", b"SMTP:lee@x.example"));
    assert_eq!((object.proxies.len(), object.mail.len()), (ADDRESSES_HELD + 1, 0));
    assert_eq!(object.addresses().primary().unwrap().as_str(), "kim@x.example");
    assert!(object.incomplete(Attribute::UserSmimeCertificate).unwrap().contains("more addresses"));
    // Two records that are each small enough.
    let mut object = with(ADDRESSES_HELD);
    object.unite(with(ADDRESSES_HELD));
    assert_eq!(object.incomplete(Attribute::UserCertificate), None);
    let mut later = Object::at(Place::default());
    later.take(field("mail", b"mail@x.example"));
    object.unite(later);
    assert!(object.incomplete(Attribute::UserCertificate).unwrap().contains("more addresses"));
    // Few and long.
    let mut object = Object::at(Place::default());
    for n in 0..=ADDRESS_BYTES / (TEXT_HELD - 100) {
        object.take(field("mail", format!("{n}{}", "m".repeat(TEXT_HELD - 100)).as_bytes()));
    }
    assert!(object.incomplete(Attribute::UserCertificate).unwrap().contains("more addresses"));
}

#[test]
fn chunks_are_held_up_to_a_number() {
    let with = |numbers: &mut dyn Iterator<Item = u64>| {
        let mut object = Object::at(Place::default());
        for n in numbers {
            let range = Some((n, Some(n)));
            object.take(Field { range, ..field("userCertificate", &n.to_be_bytes()) });
        }
        object.take(Field { range: Some((CHUNKS_HELD as u64, None)), ..field("userCertificate", b"last") });
        object
    };
    let all = 0..CHUNKS_HELD as u64;
    // Each of them three times, which is no more of them.
    let mut object = with(&mut all.clone().chain(all.clone()).chain(all));
    object.close();
    assert!(object.chunks.len() == CHUNKS_HELD + 1 && object.gap(Attribute::UserCertificate).is_none());
    let object = with(&mut (0..3 * CHUNKS_HELD as u64));
    assert!(object.chunks.len() <= 2 * CHUNKS_HELD);
    // That the values are too many is noted for one attribute, that the chunks are for both.
    assert!(object.incomplete(Attribute::UserSmimeCertificate).unwrap().contains("chunks"));
}
