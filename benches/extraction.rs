//! From an attribute's value to the user's own certificate, against one SHA-256 of the value, which every value needs.
#![allow(missing_docs, clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../tests/support/pki.rs"]
mod pki;
#[path = "support/sample.rs"]
mod sample;

use std::hint::black_box;

use certferry::bundle::model::Attribute;
use certferry::encoding::sha256;
use certferry::extract::{Opened, open};
use certferry::object::{Content, Place, Value};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn extraction(criterion: &mut Criterion) {
    let sample = sample::Sample::new(500, false);
    for (form, attribute, values) in [
        ("certificate", Attribute::UserCertificate, &sample.certificates),
        ("container", Attribute::UserSmimeCertificate, &sample.containers),
    ] {
        let values: Vec<Value> = values
            .iter()
            .map(|bytes| Value {
                attribute,
                content: Content::Bytes(bytes.clone()),
                place: Place::default(),
                chunk: 0,
                from_file: false,
            })
            .collect();
        let mut group = criterion.benchmark_group(format!("extraction of a {form}"));
        group.throughput(Throughput::Elements(values.len() as u64));
        group.bench_function("floor", |bencher| {
            bencher.iter(|| {
                for value in &values {
                    if let Content::Bytes(bytes) = &value.content {
                        black_box(sha256(bytes));
                    }
                }
            });
        });
        group.bench_function("open", |bencher| {
            bencher.iter(|| {
                for value in &values {
                    let opened = open(value, &|_| false);
                    assert!(matches!(opened, Opened::Readable { own: Some(_), .. }));
                    black_box(opened);
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, extraction);
criterion_main!(benches);
