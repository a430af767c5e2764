//! The LDIF reader against what no reader can do without: memchr, unfolding, SIMD base64.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/floor.rs"]
mod floor;
#[allow(dead_code)]
#[path = "../tests/support/pki.rs"]
mod pki;
#[path = "support/sample.rs"]
mod sample;

use std::hint::black_box;

use certferry::ldif::{Options, Reader, Record};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn reader(criterion: &mut Criterion) {
    let text = sample::Sample::new(4_000, false).ldif();
    let mut group = criterion.benchmark_group("reader");
    group.throughput(Throughput::Bytes(text.len() as u64));
    let mut floor = floor::Floor::new();
    group.bench_function("floor", |bencher| bencher.iter(|| black_box(floor.text(&text))));
    let (mut record, mut problems) = (Record::new(), Vec::new());
    group.bench_function("records", |bencher| {
        bencher.iter(|| {
            let mut reader = Reader::new(text.as_slice(), Options::default()).unwrap();
            while reader.next(&mut record, &mut problems).unwrap() {
                black_box(record.len());
            }
        });
    });
    assert!(problems.is_empty(), "{problems:?}");
    group.finish();
}

criterion_group!(benches, reader);
criterion_main!(benches);
