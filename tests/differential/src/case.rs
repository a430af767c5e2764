//! Chains as a description that can still be changed, and the certificates made of it.

use certferry::certificate::oid;

use crate::pki::{self, Cert, Key, extension, seq, tlv};

/// The instant of judgement: 2026-06-01T00:00:00Z.
pub const AT: i64 = 1_780_272_000;
/// [`AT`] as UTCTime.
pub const AT_UTC: &str = "260601000000Z";

/// A random choice that is the same in every run (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    /// 64 random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// One of several.
    pub fn one_of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// One certificate to be made. Extensions are whole; `None` leaves one out.
#[derive(Clone)]
pub struct Node {
    /// Index of the key in the ring.
    pub key: usize,
    /// The commonName of a CA; the maker of CRLs takes it.
    pub common: String,
    /// DER of the name, [`Node::common`] alone for a CA.
    pub subject: Vec<u8>,
    /// UTCTime.
    pub not_before: String,
    /// UTCTime.
    pub not_after: String,
    /// basicConstraints: contents of the SEQUENCE and whether it is critical.
    pub basic: Option<(Vec<u8>, bool)>,
    /// keyUsage: unused bits and the octet.
    pub key_usage: Option<[u8; 2]>,
    /// extKeyUsage.
    pub purposes: Vec<&'static [u8]>,
    /// subjectAltName's GeneralNames.
    pub names: Vec<Vec<u8>>,
    /// certificatePolicies, contents octets of each.
    pub policies: Vec<Vec<u8>>,
    /// Any other extension.
    pub extensions: Vec<Vec<u8>>,
    /// The certificate's signature is spoiled.
    pub spoiled: bool,
    /// Signed by another key than that of the certificate above.
    pub foreign: bool,
}

/// A CRL of the certificate at the same index to be made.
#[derive(Clone)]
pub struct List {
    /// It is not given.
    pub missing: bool,
    /// UTCTime of nextUpdate.
    pub next: String,
    /// Lists the certificate below.
    pub revokes: bool,
    /// Extensions of that entry.
    pub entry: Vec<Vec<u8>>,
    /// Beside cRLNumber and authorityKeyIdentifier.
    pub extensions: Vec<Vec<u8>>,
    /// Signed by another key.
    pub foreign: bool,
    /// The signature is spoiled.
    pub spoiled: bool,
}

/// A chain, from the anchor down, and the inputs of RFC 5280 section 6.1.1.
#[derive(Clone)]
pub struct Plan {
    /// The anchor first, the target last.
    pub nodes: Vec<Node>,
    /// One for each node but the last.
    pub lists: Vec<List>,
    /// CRLs are demanded; otherwise they are not looked at.
    pub hard: bool,
    /// The constraints in the anchor's certificate count (RFC 5937); without, its name constraints at most.
    pub anchor_counts: bool,
    /// emailProtection is demanded.
    pub purpose: bool,
    /// initial-explicit-policy
    pub explicit: bool,
    /// initial-policy-mapping-inhibit
    pub inhibit_mapping: bool,
    /// initial-any-policy-inhibit
    pub inhibit_any: bool,
    /// user-initial-policy-set; empty means any.
    pub initial_policies: Vec<Vec<u8>>,
    /// The order in the pool is turned, and a CA of the issuer's name with another key is in it.
    pub decoy: bool,
    /// What the target's issuer field says instead of the name of the certificate above.
    pub renamed: Option<Vec<u8>>,
    /// What was twisted, for explanations.
    pub tags: Vec<String>,
}

impl Plan {
    /// What concerns policies, in words, for reports; empty when nothing does.
    #[must_use]
    pub fn policy_inputs(&self) -> String {
        let words = |all: &[Vec<u8>]| -> String {
            let each: Vec<String> = all.iter().map(|id| format!("{}", oid::Oid(id))).collect();
            format!("{{{}}}", each.join(" "))
        };
        if self.tags.iter().all(|tag| tag != "policies") {
            return String::new();
        }
        let below: Vec<String> = self.nodes[1..].iter().map(|n| words(&n.policies)).collect();
        let inputs = [
            (self.explicit, "explicit"),
            (self.inhibit_any, "inhibit-any"),
            (self.inhibit_mapping, "inhibit-map"),
        ];
        let set: Vec<&str> = inputs.iter().filter(|(yes, _)| *yes).map(|(_, name)| *name).collect();
        format!("; initial {} {}; down {}", words(&self.initial_policies), set.join(" "), below.join(" > "))
    }
}

/// A case that can be judged.
pub struct Case {
    /// Its number.
    pub number: usize,
    /// The description it was made of.
    pub plan: Plan,
    /// From the anchor down to the target.
    pub chain: Vec<Vec<u8>>,
    /// Further CA certificates.
    pub others: Vec<Vec<u8>>,
    /// CRLs by index of the certificate below their issuer.
    pub crls: Vec<Option<Vec<u8>>>,
}

/// A plain chain with this many intermediates that everybody accepts.
#[must_use]
pub fn plain(intermediates: usize) -> Plan {
    let ca = |i: usize| Node {
        key: i,
        common: format!("CA {i}"),
        subject: pki::name(&format!("CA {i}")),
        not_before: "200101000000Z".into(),
        not_after: "400101000000Z".into(),
        basic: Some((vec![1, 1, 0xff], true)),
        key_usage: Some([1, 6]),
        purposes: Vec::new(),
        names: Vec::new(),
        policies: Vec::new(),
        extensions: Vec::new(),
        spoiled: false,
        foreign: false,
    };
    let mut nodes: Vec<Node> = (0..=intermediates).map(ca).collect();
    nodes.push(Node {
        subject: pki::name("Ada"),
        basic: None,
        key_usage: Some([5, 0xa0]),
        purposes: vec![oid::EMAIL_PROTECTION],
        names: vec![tlv(0x81, "ada@mail.example.com")],
        ..ca(intermediates + 1)
    });
    let list = List {
        missing: false,
        next: "300101000000Z".into(),
        revokes: false,
        entry: Vec::new(),
        extensions: Vec::new(),
        foreign: false,
        spoiled: false,
    };
    Plan {
        lists: vec![list; nodes.len() - 1],
        nodes,
        hard: false,
        anchor_counts: false,
        purpose: false,
        explicit: false,
        inhibit_mapping: false,
        inhibit_any: false,
        initial_policies: Vec::new(),
        decoy: false,
        renamed: None,
        tags: Vec::new(),
    }
}

/// Spoils the last octet of a signature, which is the last octet of the DER.
fn spoil(mut der: Vec<u8>, yes: bool) -> Vec<u8> {
    if let (true, Some(last)) = (yes, der.last_mut()) {
        *last ^= 1;
    }
    der
}

fn serial(depth: usize) -> u64 {
    100 + depth as u64
}

/// Makes certificates and CRLs with the keys of a ring (the last one is the stranger's, the one before it the decoy's).
#[must_use]
pub fn make(number: usize, plan: Plan, ring: &[Key]) -> Case {
    let stranger = &ring[ring.len() - 1];
    let mut chain = Vec::new();
    for (i, node) in plan.nodes.iter().enumerate() {
        let above = &plan.nodes[i.saturating_sub(1)];
        let key = &ring[node.key];
        let issuer = if node.foreign { stranger } else { &ring[above.key] };
        let mut cert = Cert::new("", "", serial(i)).ids(key, &ring[above.key]);
        cert.subject = node.subject.clone();
        let last = i + 1 == plan.nodes.len();
        cert.issuer = plan.renamed.as_ref().filter(|_| last).unwrap_or(&above.subject).clone();
        cert.not_before = node.not_before.clone();
        cert.not_after = node.not_after.clone();
        if let Some((contents, critical)) = &node.basic {
            cert = cert.with(extension(oid::BASIC_CONSTRAINTS, *critical, tlv(0x30, contents)));
        }
        if let Some([unused, bits]) = node.key_usage {
            cert = cert.with(extension(oid::KEY_USAGE, true, [3, 2, unused, bits]));
        }
        if !node.purposes.is_empty() {
            let all: Vec<Vec<u8>> = node.purposes.iter().map(|p| tlv(6, p)).collect();
            cert = cert.with(extension(oid::EXT_KEY_USAGE, false, seq(&all)));
        }
        if !node.names.is_empty() {
            cert = cert.with(extension(oid::SUBJECT_ALT_NAME, false, seq(&node.names)));
        }
        if !node.policies.is_empty() {
            let all: Vec<Vec<u8>> = node.policies.iter().map(|p| seq(&[tlv(6, p)])).collect();
            cert = cert.with(extension(oid::CERTIFICATE_POLICIES, false, seq(&all)));
        }
        cert.extensions.extend(node.extensions.iter().cloned());
        chain.push(spoil(cert.sign(key, issuer), node.spoiled));
    }
    let others = if plan.decoy && plan.nodes.len() > 2 {
        let last = &plan.nodes[plan.nodes.len() - 2];
        let other = &ring[ring.len() - 2];
        let mut decoy = Cert::new("", "", 99).ca(None).ids(other, &ring[plan.nodes[0].key]);
        decoy.subject = last.subject.clone();
        decoy.issuer = plan.nodes[0].subject.clone();
        vec![decoy.sign(other, &ring[plan.nodes[0].key])]
    } else {
        Vec::new()
    };
    let crls = if plan.hard { crls(&plan, ring) } else { vec![None; plan.lists.len()] };
    Case { number, plan, chain, others, crls }
}

fn crls(plan: &Plan, ring: &[Key]) -> Vec<Option<Vec<u8>>> {
    let stranger = &ring[ring.len() - 1];
    let lists = plan.lists.iter().enumerate();
    lists
        .map(|(i, list)| {
            if list.missing {
                return None;
            }
            let key = &ring[plan.nodes[i].key];
            let date = tlv(0x17, "250101000000Z");
            let other = seq(&[tlv(2, [9]), date.clone()]);
            let mut entries = vec![other];
            if list.revokes {
                let more = if list.entry.is_empty() { Vec::new() } else { seq(&list.entry) };
                entries.push(seq(&[tlv(2, Cert::new("", "", serial(i + 1)).serial), date, more]));
            }
            let number = extension(oid::CRL_NUMBER, false, [2, 1, 1]);
            let by = extension(oid::AUTHORITY_KEY_IDENTIFIER, false, seq(&[tlv(0x80, key.id())]));
            let extensions = [vec![number, by], list.extensions.clone()].concat();
            let signer = if list.foreign { stranger } else { key };
            Some(spoil(
                pki::crl_of(&plan.nodes[i].common, signer, &entries, &list.next, &extensions),
                list.spoiled,
            ))
        })
        .collect()
}
