//! From an attribute's value to the user's own certificate and the hashes of both, against these hashes alone: each
//! stands in the manifest, and a certificate that is the whole value has but one.
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
        // What is hashed: the value, and the certificate in it where that is another one.
        let hashed: Vec<&[u8]> = match attribute {
            Attribute::UserCertificate => sample.certificates.iter().map(Vec::as_slice).collect(),
            _ => sample.containers.iter().chain(&sample.certificates).map(Vec::as_slice).collect(),
        };
        let mut group = criterion.benchmark_group(format!("extraction of a {form}"));
        group.throughput(Throughput::Elements(values.len() as u64));
        group.bench_function("floor", |bencher| {
            bencher.iter(|| {
                for bytes in &hashed {
                    black_box(sha256(bytes));
                }
            });
        });
        group.bench_function("open and hash", |bencher| {
            bencher.iter(|| {
                for value in &values {
                    let opened = open(value, &|_| false);
                    let Opened::Readable { bytes, own: Some(own), .. } = &opened else {
                        panic!("a value that was made readable")
                    };
                    black_box(sha256(own));
                    if own.len() < bytes.len() {
                        black_box(sha256(bytes));
                    }
                    black_box(opened);
                }
            });
        });
        group.finish();
    }
}

criterion_group!(benches, extraction);
criterion_main!(benches);
