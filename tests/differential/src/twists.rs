//! What can be done to a plain chain. A twist leaves a tag that says what and where (`leaf`, `ca` or
//! `anchor`), which explanations refer to.

use certferry::certificate::oid;

use crate::case::{AT_UTC, Dice, Node, Plan};
use crate::pki::{self, extension, seq, tlv};

/// Three policies of the tests of NIST (2.16.840.1.101.3.2.1.48.1 to 3), the last also as an unknown extension.
pub const EXAMPLE: [&[u8]; 3] = [
    &[0x60, 0x86, 0x48, 1, 0x65, 3, 2, 1, 0x30, 1],
    &[0x60, 0x86, 0x48, 1, 0x65, 3, 2, 1, 0x30, 2],
    &[0x60, 0x86, 0x48, 1, 0x65, 3, 2, 1, 0x30, 3],
];

type Twist = fn(&mut Plan, &mut Dice);

/// All of them, with how often each is taken relative to the others.
const TWISTS: &[(usize, Twist)] = &[
    (3, validity),
    (3, path_length),
    (2, basic_constraints),
    (2, key_usage),
    (3, purposes),
    (9, name_constraints),
    (7, policies),
    (2, unknown_extension),
    (3, signature),
    (2, self_issued),
    (8, revocation),
    (1, decoy),
    (1, name_chaining),
];

/// A chain by random choice.
#[must_use]
pub fn random(dice: &mut Dice) -> Plan {
    let mut plan = crate::case::plain(dice.below(4));
    if dice.once_in(3) {
        plan.hard = true;
        plan.tags.push("hard".into());
    }
    plan.anchor_counts = dice.once_in(2);
    plan.tags.push(if plan.anchor_counts { "anchor-counts" } else { "anchor-plain" }.into());
    let total: usize = TWISTS.iter().map(|(weight, _)| weight).sum();
    for _ in 0..[0, 1, 1, 1, 1, 2, 2, 3][dice.below(8)] {
        let mut left = dice.below(total);
        for (weight, twist) in TWISTS {
            if left < *weight {
                twist(&mut plan, dice);
                break;
            }
            left -= weight;
        }
    }
    // RFC 5937 is not asked for where certferry is known to do less than certval: README.md, "Open".
    if plan.tags.iter().any(|tag| tag == "usage-no-cert-sign:anchor" || tag == "unknown-critical:anchor") {
        plan.anchor_counts = false;
        plan.tags.retain(|tag| tag != "anchor-counts" && tag != "anchor-plain");
        plan.tags.push("anchor-plain".into());
    }
    plan
}

impl Plan {
    /// Where a node stands.
    fn place(&self, i: usize) -> &'static str {
        match i {
            0 => "anchor",
            i if i + 1 == self.nodes.len() => "leaf",
            _ => "ca",
        }
    }

    fn tag(&mut self, what: &str, i: usize) {
        let place = self.place(i);
        self.tags.push(format!("{what}:{place}"));
    }

    fn any(&self, dice: &mut Dice) -> usize {
        dice.below(self.nodes.len())
    }

    fn ca(&self, dice: &mut Dice) -> usize {
        dice.below(self.nodes.len() - 1)
    }

    fn leaf(&mut self) -> &mut Node {
        self.nodes.last_mut().expect("a plan has an anchor and a target")
    }
}

fn validity(plan: &mut Plan, dice: &mut Dice) {
    let i = plan.any(dice);
    let (tag, before, after) = match dice.below(5) {
        0 => ("begins-now", AT_UTC, "400101000000Z"),
        1 => ("ends-now", "200101000000Z", AT_UTC),
        2 => ("not-yet-valid", "270101000000Z", "400101000000Z"),
        _ => ("expired", "200101000000Z", "260531235959Z"),
    };
    plan.tag(tag, i);
    plan.nodes[i].not_before = before.into();
    plan.nodes[i].not_after = after.into();
}

fn path_length(plan: &mut Plan, dice: &mut Dice) {
    let i = plan.ca(dice);
    let n = dice.below(3) as u8;
    plan.tag("path-length", i);
    plan.nodes[i].basic = Some((vec![1, 1, 0xff, 2, 1, n], true));
}

fn basic_constraints(plan: &mut Plan, dice: &mut Dice) {
    let i = plan.any(dice);
    let (tag, basic) = match dice.below(4) {
        0 => ("basic-absent", None),
        1 => ("basic-not-ca", Some((vec![], true))),
        2 => ("basic-not-critical", Some((vec![1, 1, 0xff], false))),
        _ => ("basic-ca", Some((vec![1, 1, 0xff], true))),
    };
    plan.tag(tag, i);
    plan.nodes[i].basic = basic;
}

fn key_usage(plan: &mut Plan, dice: &mut Dice) {
    let i = plan.ca(dice);
    let (tag, usage) = match dice.below(3) {
        0 => ("usage-absent", None),
        1 => ("usage-no-cert-sign", Some([1, 2])),
        _ => ("usage-no-crl-sign", Some([2, 4])),
    };
    plan.tag(tag, i);
    plan.nodes[i].key_usage = usage;
}

fn purposes(plan: &mut Plan, dice: &mut Dice) {
    let i = plan.any(dice);
    let (tag, purposes) = match dice.below(5) {
        0 => ("purpose-any", vec![oid::ANY_EXTENDED_KEY_USAGE]),
        1 => ("purpose-absent", vec![]),
        2 => ("purpose-mail", vec![oid::CLIENT_AUTH, oid::EMAIL_PROTECTION]),
        _ => ("purpose-other", vec![oid::CLIENT_AUTH]),
    };
    plan.tag(tag, i);
    plan.nodes[i].purposes = purposes;
    if !dice.once_in(4) {
        plan.purpose = true;
        plan.tags.push("purpose-wanted".into());
    }
}

fn organization(unit: &str, common: Option<&str>) -> Vec<u8> {
    let rdn = |id: &[u8], text: &str| tlv(0x31, seq(&[tlv(6, id), tlv(0x0c, text)]));
    let mut all = vec![rdn(oid::ORGANIZATION, "Example"), rdn(oid::ORGANIZATIONAL_UNIT, unit)];
    all.extend(common.map(|c| rdn(oid::COMMON_NAME, c)));
    seq(&all)
}

fn name_constraints(plan: &mut Plan, dice: &mut Dice) {
    let i = plan.ca(dice);
    let (form, base) = match dice.below(5) {
        0 | 1 => {
            let base = [
                "mail.example.com",
                ".example.com",
                "example.com",
                "ada@mail.example.com",
                "MAIL.example.COM",
            ];
            ("mail", tlv(0x81, dice.one_of(&base)))
        }
        2 => ("dns", tlv(0x82, dice.one_of(&["example.com", "host.example.com", "example.org"]))),
        3 => ("uri", tlv(0x86, dice.one_of(&["host.example.com", ".example.com", "example.org"]))),
        _ => ("dir", tlv(0xa4, organization(dice.one_of(&["Staff", "STAFF", "Guests"]), None))),
    };
    let excluded = dice.once_in(2);
    let leaf = plan.leaf();
    match form {
        "mail" if dice.once_in(3) => {
            // The older place of addresses, RFC 5280 section 4.2.1.10, when there is no subjectAltName.
            let address = tlv(0x31, seq(&[tlv(6, oid::EMAIL_ADDRESS), tlv(0x16, "ada@mail.example.com")]));
            leaf.subject = seq(&[address]);
            if dice.once_in(2) {
                leaf.names.clear();
            }
            plan.tags.push("mail-in-subject".into());
        }
        "mail" => {
            let addresses =
                ["ada@mail.example.com", "ada@example.com", "Ada@mail.example.com", "ada@example.net"];
            leaf.names = vec![tlv(0x81, dice.one_of(&addresses))];
        }
        "dns" => leaf.names.push(tlv(0x82, dice.one_of(&["host.example.com", "example.org", "EXAMPLE.com"]))),
        "uri" => leaf.names.push(tlv(
            0x86,
            dice.one_of(&["https://host.example.com/a", "https://example.org:8080", "urn:a:b"]),
        )),
        _ => leaf.subject = organization("Staff", Some("Ada")),
    }
    let constraint = tlv(6, oid::NAME_CONSTRAINTS);
    if plan.nodes[i].extensions.iter().any(|e| e.windows(constraint.len()).any(|w| w == constraint)) {
        plan.tag("names-twice", i);
    }
    let subtrees = tlv(if excluded { 0xa1 } else { 0xa0 }, seq(&[base]));
    let tag = format!("names-{form}-{}", if excluded { "excluded" } else { "permitted" });
    plan.tag(&tag, i);
    plan.nodes[i].extensions.push(extension(oid::NAME_CONSTRAINTS, true, tlv(0x30, subtrees)));
}

fn policies(plan: &mut Plan, dice: &mut Dice) {
    if plan.tags.iter().any(|tag| tag == "policies") {
        return;
    }
    plan.tags.push("policies".into());
    let sets: [&[&[u8]]; 5] =
        [&[EXAMPLE[0]], &[EXAMPLE[0], EXAMPLE[1]], &[oid::ANY_POLICY], &[EXAMPLE[2]], &[]];
    let set = |dice: &mut Dice, common: bool| -> Vec<Vec<u8>> {
        let i = if common && !dice.once_in(3) { 0 } else { dice.below(sets.len()) };
        sets[i].iter().map(|id| id.to_vec()).collect()
    };
    for i in 1..plan.nodes.len() {
        plan.nodes[i].policies = set(dice, true);
    }
    plan.explicit = !dice.once_in(3);
    plan.inhibit_any = dice.once_in(4);
    plan.inhibit_mapping = dice.once_in(5);
    if dice.once_in(2) {
        plan.initial_policies = set(dice, true);
        plan.initial_policies.retain(|id| id != oid::ANY_POLICY);
    }
    if plan.nodes.len() < 3 {
        return;
    }
    let i = 1 + dice.below(plan.nodes.len() - 2);
    match dice.below(4) {
        0 => {
            plan.tag("policy-required", i);
            let n = dice.below(2) as u8;
            plan.nodes[i].extensions.push(extension(oid::POLICY_CONSTRAINTS, true, seq(&[vec![0x80, 1, n]])));
        }
        1 => {
            plan.tag("any-policy-inhibited", i);
            plan.nodes[i].extensions.push(extension(
                oid::INHIBIT_ANY_POLICY,
                true,
                [2, 1, dice.below(2) as u8],
            ));
        }
        2 => {
            plan.tag("policy-mapping", i);
            let pair = seq(&[tlv(6, EXAMPLE[0]), tlv(6, EXAMPLE[dice.below(3)])]);
            plan.nodes[i].extensions.push(extension(oid::POLICY_MAPPINGS, true, seq(&[pair])));
        }
        _ => {}
    }
}

fn unknown_extension(plan: &mut Plan, dice: &mut Dice) {
    let i = plan.any(dice);
    let critical = !dice.once_in(3);
    plan.tag(if critical { "unknown-critical" } else { "unknown" }, i);
    plan.nodes[i].extensions.push(extension(EXAMPLE[2], critical, [5, 0]));
}

fn signature(plan: &mut Plan, dice: &mut Dice) {
    let i = 1 + dice.below(plan.nodes.len() - 1);
    if dice.once_in(2) {
        plan.tag("signature-spoiled", i);
        plan.nodes[i].spoiled = true;
    } else {
        plan.tag("signature-foreign", i);
        plan.nodes[i].foreign = true;
    }
}

/// Puts a certificate of the same CA for another key behind one CA.
fn self_issued(plan: &mut Plan, dice: &mut Dice) {
    if plan.nodes.len() > 5 {
        return;
    }
    let i = plan.ca(dice);
    let key = plan.nodes.iter().map(|n| n.key).max().unwrap_or(0) + 1;
    let new = Node { key, extensions: Vec::new(), ..plan.nodes[i].clone() };
    plan.nodes.insert(i + 1, new);
    let list = plan.lists[i].clone();
    plan.lists.insert(i + 1, list);
    plan.tag("self-issued", i + 1);
}

fn revocation(plan: &mut Plan, dice: &mut Dice) {
    if !plan.hard {
        plan.hard = true;
        plan.tags.push("hard".into());
    }
    let i = plan.ca(dice);
    let below = i + 1;
    let point = |contents: &[u8]| extension(oid::ISSUING_DISTRIBUTION_POINT, true, tlv(0x30, contents));
    let (tag, list) = (dice.below(14), &mut plan.lists[i]);
    let tag = match tag {
        0..=2 => {
            list.revokes = true;
            "crl-revokes"
        }
        3 => {
            list.revokes = true;
            list.entry = vec![extension(oid::REASON_CODE, false, [0x0a, 1, [1, 4, 6][dice.below(3)]])];
            "crl-revokes-reason"
        }
        4 => {
            list.revokes = true;
            list.entry = vec![extension(EXAMPLE[2], true, [5, 0])];
            "crl-entry-critical"
        }
        5 => {
            list.missing = true;
            "crl-missing"
        }
        6 => {
            list.next = "260501000000Z".into();
            "crl-stale"
        }
        7 => {
            list.next = "260501000000Z".into();
            list.revokes = true;
            "crl-stale-revokes"
        }
        8 => {
            list.foreign = true;
            "crl-foreign"
        }
        9 => {
            list.spoiled = true;
            "crl-spoiled"
        }
        10 => {
            list.extensions.push(extension(EXAMPLE[2], true, [5, 0]));
            "crl-critical"
        }
        11 => {
            list.extensions.push(point(&[0x81, 1, 0xff]));
            "crl-only-user"
        }
        12 => {
            list.extensions.push(point(&[0x82, 1, 0xff]));
            "crl-only-ca"
        }
        _ => {
            list.extensions.push(point(&[0x83, 2, 6, 0x40]));
            "crl-some-reasons"
        }
    };
    plan.tag(tag, below);
}

fn decoy(plan: &mut Plan, _: &mut Dice) {
    plan.decoy = true;
    plan.tags.push("decoy".into());
}

/// An intermediate calls itself otherwise than the certificate below says.
fn name_chaining(plan: &mut Plan, dice: &mut Dice) {
    let last = plan.nodes.len() - 2;
    if last == 0 {
        return;
    }
    // Names are compared without regard to case (RFC 5280 section 7.1), so only one of these differs.
    let chains = dice.once_in(2);
    plan.tag(if chains { "issuer-case" } else { "issuer-other" }, last + 1);
    let common = if chains { format!("ca {last}") } else { "Another CA".to_owned() };
    plan.renamed = Some(pki::name(&common));
}
