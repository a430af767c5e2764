//! Attacks by names and limits of CAs: what RFC 5280 refuses is refused, what it allows is allowed.
//! Every case says what it is; a failing run names all that are wrong.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "support/attack.rs"]
mod attack;

use attack::pki::{Cert, extension, name, seq, tlv};
use attack::*;
use certferry::certificate::oid;
use certferry::path::Options;

#[test]
fn names_and_subtrees() {
    let mut cases = Cases::default();
    let p = |base: Vec<u8>| constraints(&[base], &[]);
    let x = |base: Vec<u8>| constraints(&[], &[base]);
    let upn = || other(oid::UPN, tlv(0x0c, "u@x.de"));
    let registered = || tlv(0x88, [0x55, 4]);
    let x400 = || tlv(0xa3, tlv(0x30, []));
    let all: Vec<(&str, Vec<u8>, Vec<u8>, Want)> = vec![
        ("host", p(mail("x.de")), mail("a@X.De"), Valid),
        ("host, other", p(mail("x.de")), mail("a@y.de"), Invalid),
        ("host, sub", p(mail("x.de")), mail("a@s.x.de"), Invalid),
        ("domain, sub", p(mail(".x.de")), mail("a@s.x.de"), Valid),
        ("domain, itself", p(mail(".x.de")), mail("a@x.de"), Invalid),
        ("domain, suffix", p(mail(".x.de")), mail("a@evilx.de"), Invalid),
        ("mailbox", p(mail("a@x.de")), mail("a@x.DE"), Valid),
        ("mailbox, case", p(mail("a@x.de")), mail("A@x.de"), Invalid),
        ("two ats", p(mail("x.de")), mail("a@evil.de@x.de"), Refused),
        ("quoted at", p(mail("x.de")), mail("\"a@evil.de\"@x.de"), Valid),
        ("quoted space", p(mail("x.de")), mail("\"a b\"@x.de"), Valid),
        ("no at", p(mail("x.de")), mail("x.de"), Refused),
        ("dot at the end", p(mail("x.de")), mail("a@x.de."), Refused),
        ("nul", p(mail("x.de")), mail("a@evil.de\0@x.de"), Refused),
        ("empty address", x(mail("x.de")), mail(""), Refused),
        ("excluded host", x(mail("x.de")), mail("a@X.DE"), Invalid),
        ("excluded host, other", x(mail("x.de")), mail("a@y.de"), Valid),
        ("excluded mailbox, case", x(mail("a@x.de")), mail("A@x.de"), Invalid),
        ("excluded mailbox, quoted", x(mail("a@x.de")), mail("\"a\"@x.de"), Refused),
        ("excluded mailbox, quoted with escape", x(mail("a@x.de")), mail("\"\\a\"@x.de"), Refused),
        ("excluded mailbox, another quoted", x(mail("a@x.de")), mail("\"b c\"@x.de"), Valid),
        ("excluded domain", x(mail(".x.de")), mail("a@s.t.x.de"), Invalid),
        ("excluded empty", x(mail("")), mail("a@x.de"), Refused),
        ("utf8 permitted", p(mail("xn--mller-kva.de")), smtp_utf8("ä@xn--mller-kva.de"), Valid),
        ("utf8 permitted, u-label", p(mail("xn--mller-kva.de")), smtp_utf8("ä@müller.de"), Valid),
        ("utf8 outside", p(mail("x.de")), smtp_utf8("ä@y.de"), Invalid),
        ("utf8 excluded", x(mail("x.de")), smtp_utf8("ä@X.de"), Invalid),
        ("utf8 excluded domain", x(mail(".xn--mller-kva.de")), smtp_utf8("ä@a.MÜLLER.de"), Invalid),
        ("utf8 excluded with ideographic dot", x(mail("x.de")), smtp_utf8("ä@x\u{3002}de"), Refused),
        ("utf8 no text", x(mail("x.de")), other(oid::SMTP_UTF8_MAILBOX, tlv(2, [1])), Refused),
        ("utf8 in its own form", p(smtp_utf8("ä@x.de")), smtp_utf8("ä@x.de"), Refused),
        ("rfc822 not ascii", p(mail("xn--mller-kva.de")), mail("a@müller.de"), Refused),
        ("dns", p(dns("x.de")), dns("a.X.de"), Valid),
        ("dns suffix", p(dns("x.de")), dns("ax.de"), Invalid),
        ("dns dotted, itself excluded", x(dns(".x.de")), dns("a.x.de"), Invalid),
        ("dns excluded by wildcard", x(dns("a.x.de")), dns("*.x.de"), Invalid),
        ("dns excluded, case", x(dns("X.DE")), dns("a.x.de"), Invalid),
        ("dns excluded, dot at the end", x(dns("x.de")), dns("a.x.de."), Refused),
        ("dns all excluded", x(dns("")), dns("a.de"), Invalid),
        ("dns permitted is a wildcard", p(dns("*.x.de")), dns("a.x.de"), Refused),
        ("dns empty", x(dns("x.de")), dns(""), Refused),
        ("dns of another form", p(dns("x.de")), mail("a@y.de"), Valid),
        ("uri host", p(uri("x.de")), uri("https://u:p@X.de:8080/a?b#c"), Valid),
        ("uri userinfo is no host", p(uri("x.de")), uri("https://x.de@evil.de/"), Invalid),
        ("uri fragment is no host", p(uri("x.de")), uri("https://evil.de#@x.de"), Invalid),
        ("uri query is no host", p(uri("x.de")), uri("https://evil.de?@x.de"), Invalid),
        ("uri backslash", p(uri("x.de")), uri("https://evil.de\\@x.de/"), Refused),
        ("uri excluded backslash", x(uri("evil.de")), uri("https://evil.de\\@x.de/"), Refused),
        ("uri domain", p(uri(".x.de")), uri("ldap://a.x.de"), Valid),
        ("uri domain, itself", p(uri(".x.de")), uri("ldap://x.de"), Invalid),
        ("uri ipv4", x(uri("x.de")), uri("http://192.0.2.1/"), Refused),
        ("uri ipv6", x(uri("x.de")), uri("http://[2001:db8::1]:80/"), Refused),
        ("uri no authority", x(uri("x.de")), uri("urn:a:b"), Refused),
        ("uri empty host", x(uri("x.de")), uri("file:///etc"), Refused),
        ("uri percent", x(uri("x.de")), uri("http://%78.de/"), Refused),
        ("uri unconstrained", x(dns("x.de")), uri("urn:a:b"), Valid),
        ("ip", p(ip(&[10, 0, 0, 0, 255, 0, 0, 0])), ip(&[10, 9, 8, 7]), Valid),
        ("ip outside", p(ip(&[10, 0, 0, 0, 255, 0, 0, 0])), ip(&[11, 9, 8, 7]), Invalid),
        ("ip other family", p(ip(&[10, 0, 0, 0, 255, 0, 0, 0])), ip(&[0; 16]), Invalid),
        ("ip excluded", x(ip(&[10, 1, 0, 0, 255, 255, 0, 0])), ip(&[10, 1, 2, 3]), Invalid),
        ("ip all excluded", x(ip(&[0; 8])), ip(&[10, 1, 2, 3]), Invalid),
        ("ip all v4 excluded, v6", x(ip(&[0; 8])), ip(&[0; 16]), Valid),
        ("ip mask with holes", x(ip(&[10, 1, 0, 0, 255, 0, 255, 0])), ip(&[10, 2, 2, 3]), Refused),
        ("ip of five octets", x(ip(&[10, 1, 0, 0, 255, 255, 0, 0])), ip(&[10, 2, 2, 3, 4]), Refused),
        ("ip subtree of four octets", x(ip(&[10, 1, 0, 0])), ip(&[10, 2, 2, 3]), Refused),
        ("upn constrained", p(upn()), upn(), Refused),
        ("upn excluded", x(upn()), upn(), Refused),
        ("upn beside a constraint on another otherName", x(other(oid::EFS, tlv(5, []))), upn(), Valid),
        ("registeredID", x(registered()), registered(), Refused),
        ("x400", p(x400()), x400(), Refused),
        ("x400 not there", p(x400()), mail("a@x.de"), Valid),
    ];
    for (label, nc, alt, want) in all {
        cases.case(label, want, &below(&[nc], user().with(san(&[alt]))));
    }

    // Excluded wins, several groups intersect, both lists count.
    let both = constraints(&[mail("x.de")], &[mail("a@x.de")]);
    cases.case(
        "excluded wins",
        Invalid,
        &below(std::slice::from_ref(&both), user().with(san(&[mail("a@x.de")]))),
    );
    cases.case("and only there", Valid, &below(&[both], user().with(san(&[mail("b@x.de")]))));
    let second = user().with(san(&[mail("a@x.de"), mail("a@y.de")]));
    cases.case("every name counts", Invalid, &below(&[p(mail("x.de"))], second));
    let union = constraints(&[mail("x.de"), mail("y.de")], &[]);
    cases.case("one of two", Valid, &below(&[union], user().with(san(&[mail("a@y.de")]))));

    // Fields and lists that RFC 5280 does not have.
    let raw = |contents: Vec<u8>| extension(oid::NAME_CONSTRAINTS, true, tlv(0x30, contents));
    let with_mail = || user().with(san(&[mail("a@x.de")]));
    for (label, nc, want) in [
        ("minimum 0", raw(tlv(0xa0, seq(&[mail("x.de"), tlv(0x80, [0])]))), Valid),
        ("minimum 1", raw(tlv(0xa0, seq(&[mail("x.de"), tlv(0x80, [1])]))), Refused),
        ("maximum", raw(tlv(0xa1, seq(&[mail("y.de"), tlv(0x81, [5])]))), Refused),
        ("maximum on another form", raw(tlv(0xa1, seq(&[dns("y.de"), tlv(0x81, [5])]))), Valid),
        ("no subtrees at all", raw(Vec::new()), Refused),
        ("empty permitted", raw(tlv(0xa0, [])), Refused),
        ("empty excluded", raw([tlv(0xa0, tlv(0x30, mail("x.de"))), tlv(0xa1, [])].concat()), Refused),
        (
            "wrong order",
            raw([tlv(0xa1, trees(&[mail("y.de")])), tlv(0xa0, trees(&[mail("x.de")]))].concat()),
            Refused,
        ),
        ("a subtree without base", raw(tlv(0xa0, seq(&[]))), Refused),
        ("unknown form", raw(tlv(0xa0, seq(&[tlv(0x89, [1])]))), Refused),
        (
            "not critical",
            extension(oid::NAME_CONSTRAINTS, false, seq(&[tlv(0xa0, trees(&[mail("y.de")]))])),
            Invalid,
        ),
    ] {
        cases.case(label, want, &below(&[nc], with_mail()));
    }
    let twice = [p(mail("x.de")), p(mail("x.de"))];
    cases.case("nameConstraints twice", Invalid, &below(&twice, with_mail()));
    let two = user().with(san(&[mail("a@x.de")])).with(san(&[mail("a@y.de")]));
    cases.case("subjectAltName twice", Invalid, &below(&[], two));
    let mut many: Vec<Vec<u8>> = (0..2000).map(|n| uri(&format!("urn:{n}"))).collect();
    many.push(dns("a.y.de"));
    let o = below(&[constraints(&[uri("x.de"), dns("x.de")], &[])], user().with(san(&many)));
    cases.case("the last of many", Invalid, &o);
    assert!(o.findings.len() < 100, "{} findings", o.findings.len());
    let ignored = user().with(p(mail("y.de"))).with(san(&[mail("a@x.de")]));
    cases.case("constraints of the target itself", Valid, &below(&[], ignored));
    cases.end();
}

#[test]
fn subjects() {
    let mut cases = Cases::default();
    let (o, cn, ou, e) = (oid::ORGANIZATION, oid::COMMON_NAME, oid::ORGANIZATIONAL_UNIT, oid::EMAIL_ADDRESS);
    let base = |kind: u8, text: &[u8]| dir(seq(&[rdn(&[(o, kind, text)])]));
    let p = |base: Vec<u8>| constraints(&[base], &[]);
    let x = |base: Vec<u8>| constraints(&[], &[base]);
    let of = |rdns: &[Vec<u8>]| Cert { subject: seq(rdns), ..user() };
    let org = |kind: u8, text: &[u8]| of(&[rdn(&[(o, kind, text)]), rdn(&[(cn, 0x0c, b"u")])]);
    let japan = "日本".as_bytes();
    let all: Vec<(&str, Vec<u8>, Cert, Want)> = vec![
        ("string types", p(base(0x13, b"Acme")), org(0x0c, b" ACME "), Valid),
        ("bmp", p(base(0x1e, b"\0A\0c")), org(0x0c, b"ac"), Valid),
        ("excluded, string types", x(base(0x13, b"Acme")), org(0x1e, b"\0a\0C\0m\0E"), Invalid),
        ("excluded, inner space", x(base(0x13, b"Ac me")), org(0x0c, b"ac   me"), Invalid),
        ("excluded, other", x(base(0x13, b"Acme")), org(0x0c, b"Acme2"), Valid),
        (
            "multi-valued is another",
            p(base(0x0c, b"a")),
            of(&[rdn(&[(o, 0x0c, b"a"), (ou, 0x0c, b"b")])]),
            Invalid,
        ),
        (
            "multi-valued in another order",
            x(dir(seq(&[rdn(&[(o, 0x0c, b"a"), (ou, 0x0c, b"b")])]))),
            of(&[rdn(&[(ou, 0x0c, b"B"), (o, 0x0c, b"A")]), rdn(&[(cn, 0x0c, b"u")])]),
            Invalid,
        ),
        ("all permitted", p(dir(seq(&[]))), org(0x0c, b"a"), Valid),
        ("all excluded", x(dir(seq(&[]))), org(0x0c, b"a"), Invalid),
        (
            "longer base",
            p(dir(seq(&[rdn(&[(o, 0x0c, b"a")]), rdn(&[(cn, 0x0c, b"u")]), rdn(&[(cn, 0x0c, b"v")])]))),
            org(0x0c, b"a"),
            Invalid,
        ),
        (
            "empty subject",
            p(base(0x0c, b"a")),
            Cert { subject: seq(&[]), ..user() }.with(extension(
                oid::SUBJECT_ALT_NAME,
                true,
                seq(&[mail("a@x.de")]),
            )),
            Valid,
        ),
        (
            "directoryName in the SAN",
            p(base(0x0c, b"a")),
            org(0x0c, b"a").with(san(&[dir(name("z"))])),
            Invalid,
        ),
        (
            "empty directoryName in the SAN",
            p(base(0x0c, b"a")),
            org(0x0c, b"a").with(san(&[dir(seq(&[]))])),
            Invalid,
        ),
        (
            "excluded, decomposed letter",
            x(base(0x0c, "é".as_bytes())),
            org(0x0c, "e\u{301}".as_bytes()),
            Refused,
        ),
        ("excluded, zero width", x(base(0x0c, b"Acme")), org(0x0c, "Ac\u{200b}me".as_bytes()), Refused),
        (
            "excluded, letters that are certainly others",
            x(base(0x0c, b"Acme")),
            of(&[rdn(&[(o, 0x0c, b"Other")]), rdn(&[(cn, 0x0c, japan)])]),
            Valid,
        ),
        (
            "excluded, shorter than the base",
            x(dir(seq(&[rdn(&[(o, 0x0c, b"a")]), rdn(&[(ou, 0x0c, b"b")])]))),
            of(&[rdn(&[(cn, 0x0c, japan)])]),
            Valid,
        ),
        ("emailAddress", p(mail("x.de")), of(&[rdn(&[(e, 0x16, b"a@y.de")])]), Invalid),
        ("emailAddress within", p(mail("x.de")), of(&[rdn(&[(e, 0x16, b"a@x.de")])]), Valid),
        ("emailAddress as utf8", x(mail("y.de")), of(&[rdn(&[(e, 0x0c, b"a@Y.de")])]), Invalid),
        ("emailAddress as bmp", x(mail("y.de")), of(&[rdn(&[(e, 0x1e, b"\0a\0@\0y\0.\0d\0e")])]), Invalid),
        (
            "emailAddress in a multi-valued name",
            x(mail("y.de")),
            of(&[rdn(&[(cn, 0x0c, b"u"), (e, 0x16, b"a@y.de")])]),
            Invalid,
        ),
        (
            "second emailAddress",
            p(mail("x.de")),
            of(&[rdn(&[(e, 0x16, b"a@x.de")]), rdn(&[(e, 0x16, b"a@y.de")])]),
            Invalid,
        ),
        (
            "emailAddress beside a SAN",
            p(mail("x.de")),
            of(&[rdn(&[(e, 0x16, b"a@y.de")])]).with(san(&[mail("a@x.de")])),
            Invalid,
        ),
        ("emailAddress as octets", p(mail("x.de")), of(&[rdn(&[(e, 0x04, b"a@y.de")])]), Refused),
        ("emailAddress as broken utf8", x(mail("y.de")), of(&[rdn(&[(e, 0x0c, b"a\xff@y.de")])]), Refused),
        ("emailAddress as half a bmp", x(mail("y.de")), of(&[rdn(&[(e, 0x1e, b"\0a\0")])]), Refused),
        (
            "emailAddress unreadable and unconstrained",
            x(dns("y.de")),
            of(&[rdn(&[(e, 0x04, b"a@y.de")])]),
            Valid,
        ),
        ("commonName is no address", p(mail("x.de")), of(&[rdn(&[(cn, 0x0c, b"a@y.de")])]), Valid),
    ];
    for (label, nc, user, want) in all {
        cases.case(label, want, &below(&[nc], user));
    }
    cases.end();
}

#[test]
fn constraints_along_the_path() {
    let mut cases = Cases::default();
    let p = |base: Vec<u8>| constraints(&[base], &[]);
    let o = options;
    cases.case("of the anchor", Invalid, &deep(anchor().with(p(mail("y.de"))), ca(), sub(), leaf(), o()));
    let smime = Options { required_eku: None, ..Options::smime(o().at) };
    cases.case(
        "of the anchor, smime",
        Invalid,
        &deep(anchor().with(p(mail("y.de"))), ca(), sub(), leaf(), smime),
    );
    cases.case(
        "two groups intersect",
        Invalid,
        &deep(anchor(), ca().with(p(mail("y.de"))), sub().with(p(mail("x.de"))), leaf(), o()),
    );
    cases.case(
        "lower may not widen",
        Invalid,
        &deep(anchor(), ca().with(p(mail("y.de"))), sub().with(p(mail("x.de"))), leaf(), o()),
    );
    let none = constraints(&[], &[dir(seq(&[]))]);
    cases.case(
        "an intermediate's name",
        Invalid,
        &deep(anchor(), ca().with(none.clone()), sub(), leaf(), o()),
    );
    // Self-issued CAs are not checked, the last certificate is.
    let again = || Cert::new("CA", "CA", 4).ca(None);
    let last = |common: &str| Cert::new(common, "CA", 5);
    let dir_x = || p(dir(name("User")));
    cases.case(
        "self-issued in between",
        Valid,
        &deep(anchor(), ca().with(dir_x()), again(), last("User"), o()),
    );
    cases.case(
        "self-issued at the end",
        Invalid,
        &deep(anchor(), ca().with(dir_x()), again(), last("CA"), o()),
    );
    cases.case(
        "below a self-issued",
        Invalid,
        &deep(anchor(), ca().with(dir_x()), again(), last("Other"), o()),
    );
    cases.case("by a self-issued", Invalid, &deep(anchor(), ca(), again().with(dir_x()), last("Other"), o()));
    let broken = extension(oid::NAME_CONSTRAINTS, true, [0x30, 1]);
    cases.case(
        "broken constraints of the anchor",
        Refused,
        &deep(anchor().with(broken), ca(), sub(), leaf(), o()),
    );

    // Basic constraints and key usage.
    let len = |c: Cert, n: u8| Cert { extensions: c.ca(Some(n)).extensions, ..ca() };
    let bare = |subject: &str, issuer: &str| Cert::new(subject, issuer, 2);
    cases.case(
        "pathLen 0 and a CA",
        Invalid,
        &deep(anchor(), len(bare("CA", "Root"), 0), sub(), leaf(), o()),
    );
    cases.case("pathLen 1 and a CA", Valid, &deep(anchor(), len(bare("CA", "Root"), 1), sub(), leaf(), o()));
    cases.case(
        "pathLen 0 and a self-issued CA",
        Valid,
        &deep(anchor(), len(bare("CA", "Root"), 0), again(), last("User"), o()),
    );
    let wide = Cert { extensions: bare("", "").ca(Some(9)).extensions, ..again() };
    let pl0 = || len(bare("CA", "Root"), 0);
    cases.case("a self-issued CA cannot widen", Valid, &deep(anchor(), pl0(), wide, last("User"), o()));
    let bc = |value: &[u8]| bare("Sub", "CA").with(extension(oid::BASIC_CONSTRAINTS, true, value));
    cases.case("no basicConstraints", Invalid, &deep(anchor(), ca(), bare("Sub", "CA"), leaf(), o()));
    cases.case("cA false", Invalid, &deep(anchor(), ca(), bc(&[0x30, 3, 1, 1, 0]), leaf(), o()));
    cases.case("no keyUsage", Valid, &deep(anchor(), ca(), bc(&[0x30, 3, 1, 1, 0xff]), leaf(), o()));
    cases.case("cA as 01", Refused, &deep(anchor(), ca(), bc(&[0x30, 3, 1, 1, 1]), leaf(), o()));
    cases.case(
        "cA of two octets",
        Refused,
        &deep(anchor(), ca(), bc(&[0x30, 4, 1, 2, 0xff, 0xff]), leaf(), o()),
    );
    cases.case(
        "negative pathLen",
        Refused,
        &deep(anchor(), ca(), bc(&[0x30, 6, 1, 1, 0xff, 2, 1, 0x80]), leaf(), o()),
    );
    cases.case(
        "long pathLen",
        Refused,
        &deep(anchor(), ca(), bc(&[0x30, 7, 1, 1, 0xff, 2, 2, 0, 1]), leaf(), o()),
    );
    let usage = |bits: &[u8]| bc(&[0x30, 3, 1, 1, 0xff]).with(extension(oid::KEY_USAGE, false, bits));
    cases.case("keyUsage cRLSign alone", Invalid, &deep(anchor(), ca(), usage(&[3, 2, 1, 2]), leaf(), o()));
    cases.case("keyUsage empty", Invalid, &deep(anchor(), ca(), usage(&[3, 1, 0]), leaf(), o()));
    cases.case("keyUsage broken", Refused, &deep(anchor(), ca(), usage(&[3, 0]), leaf(), o()));

    // Depth and purposes.
    let depth = |n| Options { max_depth: Some(n), ..o() };
    cases.case("two intermediates of 1", Invalid, &deep(anchor(), ca(), sub(), leaf(), depth(1)));
    cases.case("two intermediates of 2", Valid, &deep(anchor(), ca(), sub(), leaf(), depth(2)));
    cases.case("self-issued are not counted", Valid, &deep(anchor(), ca(), again(), last("User"), depth(1)));
    let eku = |id: &[u8]| extension(oid::EXT_KEY_USAGE, false, seq(&[tlv(6, id)]));
    let want = || Options { required_eku: Some(oid::EMAIL_PROTECTION.to_vec()), ..o() };
    cases.case("no purposes", Valid, &deep(anchor(), ca(), sub(), leaf(), want()));
    cases.case(
        "another purpose above",
        Invalid,
        &deep(anchor(), ca().with(eku(oid::SERVER_AUTH)), sub(), leaf(), want()),
    );
    cases.case(
        "any purpose above",
        Valid,
        &deep(anchor(), ca().with(eku(oid::ANY_EXTENDED_KEY_USAGE)), sub(), leaf(), want()),
    );
    cases.case(
        "another purpose of the anchor",
        Valid,
        &deep(anchor().with(eku(oid::SERVER_AUTH)), ca(), sub(), leaf(), want()),
    );
    cases.case(
        "empty purposes",
        Refused,
        &deep(anchor(), ca(), sub(), leaf().with(extension(oid::EXT_KEY_USAGE, false, seq(&[]))), o()),
    );
    cases.case(
        "unknown critical above",
        Invalid,
        &deep(anchor(), ca().with(extension(&[0x55, 0x1d, 99], true, [5, 0])), sub(), leaf(), o()),
    );
    cases.case(
        "unknown critical of the anchor",
        Valid,
        &deep(anchor().with(extension(&[0x55, 0x1d, 99], true, [5, 0])), ca(), sub(), leaf(), o()),
    );
    cases.end();
}
