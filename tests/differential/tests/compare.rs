//! certferry against certval and `openssl verify` over chains by a seeded random choice.

use std::collections::BTreeMap;

use certferry_differential::case::{Dice, make};
use certferry_differential::judges::{Answer, certferry, certval, has_openssl, openssl};
use certferry_differential::pki::Key;
use certferry_differential::{explained, twists};

const SEED: u64 = 0x5280;
const CASES: usize = 1500;

#[test]
fn every_difference_is_explained_and_nothing_is_accepted_alone() {
    let cases = std::env::var("CERTFERRY_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(CASES);
    let ring: Vec<Key> = (0..12).map(|_| Key::p256()).collect();
    let explanations = explained::read(include_str!("../explained.txt"));
    let mut applied = vec![0_usize; explanations.len()];
    let folder = tempfile::tempdir().unwrap();
    let with_openssl = has_openssl();
    if !with_openssl {
        eprintln!("skipped: the comparison with openssl, there is no such program");
    }
    let mut dice = Dice(SEED);
    let mut failures = Vec::new();
    let mut figures: BTreeMap<String, usize> = BTreeMap::new();
    for number in 0..cases {
        let case = make(number, twists::random(&mut dice), &ring);
        let tags = &case.plan.tags;
        let ours = certferry(&case);
        let mut theirs: Vec<(&str, Answer)> = vec![("certval", certval(&case))];
        if with_openssl {
            theirs.push(("openssl", openssl(&case, folder.path()).unwrap()));
        }
        *figures
            .entry(format!("certferry {}", if ours.valid { "valid" } else { "not valid" }))
            .or_default() += 1;
        if with_openssl && ours.valid && theirs.iter().all(|(_, a)| !a.valid) {
            failures
                .push(format!("{number} FALSE ACCEPT {tags:?} {}: {theirs:?}", case.plan.policy_inputs()));
        }
        for (judge, answer) in &theirs {
            if answer.valid == ours.valid {
                *figures.entry(format!("{judge} agrees")).or_default() += 1;
                continue;
            }
            *figures.entry(format!("{judge} differs")).or_default() += 1;
            let words = if ours.valid { &answer.words } else { &ours.words };
            let mut known = false;
            for (explanation, count) in explanations.iter().zip(&mut applied) {
                if explanation.fits(judge, ours.valid, tags, words) {
                    *count += 1;
                    known = true;
                    break;
                }
            }
            if !known {
                let way = if ours.valid { "stricter" } else { "laxer" };
                failures.push(format!(
                    "{number} {judge} {way} {tags:?} ({} certificates{}): certferry {:?}, {judge} {:?}",
                    case.chain.len(),
                    case.plan.policy_inputs(),
                    ours.words,
                    answer.words
                ));
            }
        }
    }
    for (explanation, count) in explanations.iter().zip(&applied) {
        eprintln!("explained.txt:{}: {count} times", explanation.line);
        if *count == 0 && (with_openssl || explanation.judge != "openssl") {
            failures.push(format!("explained.txt:{}: applies to no case", explanation.line));
        }
    }
    eprintln!("{cases} cases: {figures:?}");
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn a_plain_chain_is_good_for_everybody() {
    let ring: Vec<Key> = (0..12).map(|_| Key::p256()).collect();
    let folder = tempfile::tempdir().unwrap();
    for depth in 0..4 {
        for hard in [false, true] {
            let mut plan = certferry_differential::case::plain(depth);
            plan.hard = hard;
            let case = make(0, plan, &ring);
            assert!(certferry(&case).valid, "{:?}", certferry(&case));
            assert!(certval(&case).valid, "{:?}", certval(&case));
            if has_openssl() {
                let answer = openssl(&case, folder.path()).unwrap();
                assert!(answer.valid, "{answer:?}");
            }
        }
    }
}
