//! Codes about the time before: the bundle before, the inventory, and what is cleared.

use super::check::{Case, case};
use super::make::{Cert, User, ca_crl, crl, world};
use super::scene::{Entry, Scene};

/// An inventory of this time in which Kim and Lee have nothing.
fn taken(time: &str) -> String {
    format!(
        "{{\"schema\":\"certferry-inventory-1\",\"time\":\"{time}\"}}\n{{\"end\":true,\"recipients\":0}}\n"
    )
}

pub fn history() -> Vec<Case> {
    let w = world();
    let (kim, lee) = (User::kim().sign(), User::lee().sign());
    let both = || Scene::of(&[Entry::kim().cert(&kim), Entry::lee().cert(&lee)]);
    let now = |kim: Entry| Scene::of(&[kim, Entry::lee().cert(&lee)]).after(both());
    let lee_alone = || Scene::of(&[Entry::lee().cert(&lee)]).after(both());
    let signing = User::kim().number(7).usage(&[3, 2, 7, 0x80]).sign();
    let renewed = User::kim().number(7).sign();
    let other_ca =
        Cert::new("Other CA", "Root", 9).ca(None).ids(&w.stranger, &w.root).sign(&w.stranger, &w.root);
    let by_other = User::kim()
        .number(7)
        .but(|user| user.issuer = super::make::name("Other CA"))
        .ext(certferry::certificate::oid::AUTHORITY_KEY_IDENTIFIER, false, {
            super::make::seq(&[super::make::tlv(0x80, w.stranger.id())])
        })
        .sign_by(&w.stranger);
    let listed = |serial: u16| {
        let root = crl("Root", &w.root, &[], "270101000000Z", &[]);
        now(Entry::kim()).crl(&ca_crl(&[serial], "270101000000Z")).crl(&root)
    };
    let inventory = |time: &str| {
        both().file("tenant.ndjson", taken(time)).args(&["--published", "tenant.ndjson"]).after(both())
    };
    vec![
        case("encryption-removed", now(Entry::kim().cert(&signing)), now(Entry::kim().cert(&renewed))),
        case("lost-since-previous", now(Entry::kim()), now(Entry::kim().cert(&kim))),
        case(
            "issuer-replaced",
            now(Entry::kim().cert(&by_other)).issuer(&other_ca),
            now(Entry::kim().cert(&by_other).cert(&kim)).issuer(&other_ca),
        ),
        case("recipient-gone", lee_alone(), now(Entry::nobody("Kim"))),
        case(
            "gone-not-cleared",
            lee_alone().args(&["--clear", "gone", "--expect-records", "2"]),
            lee_alone().args(&["--clear", "gone", "--expect-records", "1"]),
        ),
        case(
            "attribute-cleared",
            lee_alone().args(&["--clear", "gone"]),
            lee_alone().args(&["--clear", "expired"]),
        ),
        case("revoked-still-published", listed(1), listed(3)),
        case("previous-out-of-order", inventory("2026-05-31T23:59:59Z"), inventory(super::program::AT)),
    ]
}
