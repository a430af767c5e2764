//! The final set of a recipient, against the base64 of the values that are published.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../tests/support/pki.rs"]
mod pki;
#[path = "support/sample.rs"]
mod sample;

use std::hint::black_box;

use certferry::bundle::model::{Attribute, RecipientKind, Target};
use certferry::certificate::UnixTime;
use certferry::encoding::{base64, sha256};
use certferry::policy::Policy;
use certferry::rules::usage::Abilities;
use certferry::select::{Choice, Goal, select};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

fn selection(criterion: &mut Criterion) {
    let sample = sample::Sample::new(500, false);
    let hashes: Vec<[u8; 32]> = sample.certificates.iter().map(|der| sha256(der)).collect();
    let choice = |attribute, bytes, value_sha256, not_after| Choice {
        attribute,
        bytes,
        abilities: Abilities { encrypt: true, sign: true },
        not_after,
        value_sha256,
        path_allows: true,
        ..Choice::default()
    };
    let people = || -> Vec<Vec<Choice<'_>>> {
        let values = sample.certificates.iter().zip(&sample.containers).zip(&hashes);
        values
            .map(|((certificate, container), hash)| {
                vec![
                    choice(Attribute::UserCertificate, certificate, *hash, 1),
                    choice(Attribute::UserCertificate, certificate, *hash, 2),
                    choice(Attribute::UserSmimeCertificate, container, *hash, 2),
                ]
            })
            .collect()
    };
    let policy = Policy::default();
    let mut group = criterion.benchmark_group("selection");
    group.throughput(Throughput::Elements(sample.certificates.len() as u64));
    group.bench_function("floor", |bencher| {
        bencher.iter(|| {
            for (certificate, container) in sample.certificates.iter().zip(&sample.containers) {
                black_box((base64(certificate), base64(certificate), base64(container)));
            }
        });
    });
    group.bench_function("select", |bencher| {
        bencher.iter_batched(
            people,
            |mut people| {
                let goal = Goal {
                    address: Some("kim@example.com"),
                    kind: RecipientKind::Mailbox,
                    targets: &[Target::ExchangeOnline],
                    room: [usize::MAX; 2],
                    policy: &policy,
                    at: UnixTime(0),
                };
                for choices in &mut people {
                    let selection = select(choices, &goal);
                    let line = selection.payload.as_ref().unwrap();
                    let values = [&line.user_certificate, &line.user_smime_certificate];
                    // All that the floor encodes.
                    assert_eq!(values.map(|values| values.as_ref().map_or(0, Vec::len)), [2, 1]);
                    black_box(selection);
                }
                people
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, selection);
criterion_main!(benches);
