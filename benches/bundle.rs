//! A recipient into the files of a bundle, against writing and hashing as many bytes.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/bundle_support/mod.rs"]
mod bundle_support;

use std::hint::black_box;
use std::io::Write;

use aws_lc_rs::digest::{Context, SHA256};
use bundle_support::{head, options, people};
use certferry::bundle::model::Target;
use certferry::bundle::{Entry, ManifestFormat, Rendered, Writer, render};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Times that the company of twenty is written: 24 MB, so that folders and fixed files do not count.
const TIMES: usize = 500;

/// Bytes that are hashed and written at a time, in large pieces, as cheap as it gets.
const GATHERED: usize = 256 << 10;

fn bundle(criterion: &mut Criterion) {
    let people = people();
    let rendered: Vec<Rendered> = people
        .iter()
        .map(|person| {
            let mut rendered = Rendered::default();
            let entry = Entry {
                recipient: &person.recipient,
                targets: &[Target::ExchangeOnline],
                payload: person.payload.as_ref(),
                change: None,
                findings: &person.findings,
            };
            render(&entry, ManifestFormat::Both, &mut rendered).unwrap();
            rendered
        })
        .collect();
    let bytes: usize = rendered.iter().map(Rendered::len).sum();
    let temp = tempfile::tempdir().unwrap();
    let mut group = criterion.benchmark_group("bundle");
    group.sample_size(20);
    group.throughput(Throughput::Bytes((bytes * TIMES) as u64));
    let plain = vec![b'x'; bytes / people.len()];
    group.bench_function("floor", |bencher| {
        bencher.iter(|| {
            let mut file = tempfile::tempfile().unwrap();
            let mut context = Context::new(&SHA256);
            let mut buffer = Vec::new();
            for _ in 0..people.len() * TIMES {
                buffer.extend_from_slice(&plain);
                if buffer.len() >= GATHERED {
                    context.update(&buffer);
                    file.write_all(&buffer).unwrap();
                    buffer.clear();
                }
            }
            black_box(context.finish());
        });
    });
    group.bench_function("append", |bencher| {
        bencher.iter(|| {
            // Dropped unsealed: nothing is left, and no disk is waited for.
            let options =
                certferry::bundle::StageOptions { batch: certferry::bundle::DEFAULT_BATCH, ..options() };
            let mut writer = Writer::begin(&temp.path().join("bundle"), &options, head()).unwrap();
            for _ in 0..TIMES {
                for one in &rendered {
                    writer.append(one).unwrap();
                }
            }
        });
    });
    group.bench_function("render", |bencher| {
        let mut rendered = Rendered::default();
        bencher.iter(|| {
            for _ in 0..TIMES {
                for person in &people {
                    let entry = Entry {
                        recipient: &person.recipient,
                        targets: &[Target::ExchangeOnline],
                        payload: person.payload.as_ref(),
                        change: None,
                        findings: &person.findings,
                    };
                    render(&entry, ManifestFormat::Both, &mut rendered).unwrap();
                }
            }
        });
    });
    group.finish();
}

criterion_group!(benches, bundle);
criterion_main!(benches);
