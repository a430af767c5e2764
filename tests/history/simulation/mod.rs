//! Ten towns over two years: every month people join, leave, marry, get certificates, lose and renew them; a bundle
//! is made, and its upload succeeds, fails for some, is dropped, or comes late. An independent model says what each
//! bundle must hold, and what the tenant has in the end.

mod directory;
mod model;
mod tenant;

use certferry::bundle::SCRIPT_BYTES;
use certferry::bundle::verify::{self, Relation, series};
use certferry::history::diff::compare;
use directory::{Directory, Random, at};
use model::{Asked, Expected, Past};
use tenant::{Fate, Tenant};

use super::program;
use super::town::{Bundle, Town};

const MONTHS: u32 = 24;

fn history(seed: u64) {
    let mut random = Random::new(seed);
    let with_guid = !seed.is_multiple_of(3);
    let town = Town::new();
    let mut directory = Directory::new(&mut random, with_guid);
    let mut tenant = Tenant::default();
    let mut past: Option<Past> = None;
    let mut late: Vec<serde_json::Value> = Vec::new();
    let (mut removals, mut gone, mut cleared) = (0, 0, 0);
    for month in 0..MONTHS {
        if month > 0 {
            directory.live(&mut random, month);
        }
        tenant.follow(&directory, &mut random);
        town.revoke(&directory.revoked());
        let asked = Asked::draw(&mut random, month);
        let place = format!("seed {seed}, month {month}, {asked:?}");
        if asked.inventory {
            town.write("tenant.ndjson", tenant.inventory(&directory, month));
        }
        let expected = Expected::of(&directory, month, past.as_ref(), &tenant, &asked);

        let name = format!("m{month}");
        let before = format!("m{}", month.wrapping_sub(1));
        let instant = at(month);
        let mut options = vec!["--at", &instant];
        if month > 0 {
            options.extend(["--previous", &before]);
        }
        if asked.inventory {
            options.extend(["--published", "tenant.ndjson"]);
        }
        for class in &asked.clear {
            options.extend(["--clear", class]);
        }
        let entries = directory.entries();
        if expected.removed > 0 && month % 3 == 0 {
            let limit = (expected.removed - 1).to_string();
            let refused =
                town.convert(&name, &entries, &[&options[..], &["--max-removals", &limit]].concat());
            assert_eq!(program::code(&refused), 6, "{place}: {}", program::stderr(&refused));
        }
        let limit = expected.removed.to_string();
        let output = town.convert(&name, &entries, &[&options[..], &["--max-removals", &limit]].concat());
        let exit = i32::from(expected.revoked_still_published > 0);
        assert_eq!(program::code(&output), exit, "{place}: {}", program::stderr(&output));
        let bundle = Bundle::read(&town.path(&name));
        expected.check(&bundle, &directory, &place);

        let options = verify::Options { at: instant.parse().unwrap(), script: SCRIPT_BYTES, signer: None };
        let mut report = verify::verify(&town.path(&name), &options).unwrap();
        if month > 0 {
            series::compare(&town.path(&before), &mut report);
            assert_eq!(report.series.as_ref().unwrap().relation, Relation::Predecessor, "{place}");
            let mut changes = Vec::new();
            let (_, totals) = compare(&town.path(&before), &town.path(&name), |change| {
                changes.push(change.clone());
                Ok(())
            })
            .unwrap();
            model::check_diff(past.as_ref().unwrap(), &expected, &totals, &changes, &place);
        }
        assert!(report.is_good(), "{place}: {}", report.to_text());

        // A late upload arrives when the next bundle has been made already.
        tenant.upload(&late, &mut random, Fate::Applied);
        late.clear();
        match Fate::draw(&mut random) {
            Fate::Late => late.clone_from(&bundle.payload),
            fate => tenant.upload(&bundle.payload, &mut random, fate),
        }
        if late.is_empty() {
            tenant.check(&directory, &place);
        }
        removals += expected.removed;
        gone += expected.gone.len();
        cleared += expected.cleared.values().sum::<u64>();
        past = Some(expected.into_past());
        if month > 0 {
            std::fs::remove_dir_all(town.path(&before)).unwrap();
        }
    }
    assert!(
        removals > 0 && gone > 0 && cleared > 0,
        "seed {seed} is a dull history: {removals} {gone} {cleared}"
    );
}

macro_rules! histories {
    ($($name:ident $seed:literal)*) => { $(#[test] fn $name() { history($seed); })* };
}

histories! {
    history_1 1
    history_2 2
    history_3 3
    history_4 4
    history_5 5
    history_6 6
    history_7 7
    history_8 8
    history_9 9
    history_10 10
}
