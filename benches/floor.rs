//! What a run over one export cannot do without, measured on that export: `benches/table` divides by it.
//!
//! `cargo bench --bench floor -- EXPORT.ldif ISSUER.crt` prints one JSON object. Every figure is processor time, the best of
//! interleaved rounds on one thread. The issuer (DER) is the CA that signed most certificates of the export.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "support/floor.rs"]
mod floor;

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::sync::LazyLock;
use std::time::Instant;

use aws_lc_rs::digest::{Context, SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use certferry::certificate::Certificate;
use certferry::certificate::key::KeyKind;
use certferry::ldif::{Options, Reader, Record};
use x509_parser::prelude::{FromDer, X509Certificate};

/// That of the program, so that a parse here costs what it costs there.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROUNDS: usize = 5;
/// Certificates that the figures of one certificate are taken over.
const SAMPLE: usize = 20_000;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [export, issuer] = words.as_slice() else {
        println!("skipped: floor needs an export and its issuer, see benches/README.md");
        return;
    };
    let bytes = std::fs::metadata(export).unwrap().len();
    let issuer = std::fs::read(issuer).unwrap();
    let issuer = Certificate::parse(&issuer).unwrap();
    let key = issuer.key();
    let algorithm: &'static dyn VerificationAlgorithm = match key.kind {
        KeyKind::Rsa { .. } => &RSA_PKCS1_2048_8192_SHA256,
        _ => &ECDSA_P256_SHA256_ASN1,
    };
    let key = ParsedPublicKey::new(algorithm, key.bits).unwrap();
    let sample = certificates(export);
    let parsed: Vec<Certificate<'_>> = sample.iter().map(|der| Certificate::parse(der).unwrap()).collect();
    let signed: Vec<&Certificate<'_>> =
        parsed.iter().filter(|one| key.verify_sig(one.tbs(), one.signature()).is_ok()).collect();
    assert!(!signed.is_empty(), "the issuer signed none of the export's certificates");

    let mut best = [f64::INFINITY; 6];
    for _ in 0..ROUNDS {
        let jobs: [&dyn Fn(); 6] = [
            &|| {
                black_box(floor::Floor::new().file(File::open(export).unwrap()));
            },
            &|| {
                black_box(read(export));
            },
            &|| hash(export),
            &|| signed.iter().for_each(|one| key.verify_sig(one.tbs(), one.signature()).unwrap()),
            &|| sample.iter().for_each(|der| drop(black_box(X509Certificate::from_der(der).unwrap()))),
            &|| {
                sample.iter().for_each(|der| {
                    black_box(digest(&SHA256, der));
                })
            },
        ];
        for (job, best) in jobs.into_iter().zip(&mut best) {
            let started = cpu();
            job();
            *best = best.min(cpu() - started);
        }
    }
    let [floor, reader, sha256, verify, parse, digests] = best;
    let hashed: usize = sample.iter().map(Vec::len).sum();
    println!(
        "{{\"bytes\":{bytes},\"floorReading\":{floor:.6},\"reading\":{reader:.6},\"valueBytes\":{},\"sha256BytesPerSecond\":{:.0},\
         \"valueBytesPerSecond\":{:.0},\"verify\":{:.9},\"parse\":{:.9}}}",
        value_bytes(export),
        bytes as f64 / sha256,
        hashed as f64 / digests,
        verify / signed.len() as f64,
        parse / sample.len() as f64,
    );
}

/// Seconds that this thread has had a processor, which other work on the machine changes least; where the system
/// does not tell, those that went by.
fn cpu() -> f64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| BEGAN.elapsed().as_secs_f64(), |n| n / 1e9)
}

/// The first certificates of the export.
fn certificates(export: &str) -> Vec<Vec<u8>> {
    let mut reader = Reader::new(File::open(export).unwrap(), Options::default()).unwrap();
    let (mut record, mut problems, mut found) = (Record::new(), Vec::new(), Vec::new());
    while found.len() < SAMPLE && reader.next(&mut record, &mut problems).unwrap() {
        for attribute in record.attributes().filter(|one| one.base() == "userCertificate") {
            found.extend(attribute.bytes().filter(|der| Certificate::parse(der).is_ok()).map(<[u8]>::to_vec));
        }
    }
    found
}

/// Reads every record; gives the number of values.
fn read(export: &str) -> usize {
    let mut values = 0;
    each(export, |record| values += record.len());
    values
}

/// Bytes of the values that hold certificates.
fn value_bytes(export: &str) -> usize {
    let mut bytes = 0;
    each(export, |record| {
        let held = record
            .attributes()
            .filter(|one| matches!(one.base(), "userCertificate" | "userSMIMECertificate"));
        bytes += held.filter_map(|one| one.bytes()).map(<[u8]>::len).sum::<usize>();
    });
    bytes
}

fn each(export: &str, mut take: impl FnMut(&Record)) {
    let mut reader = Reader::new(File::open(export).unwrap(), Options::default()).unwrap();
    let (mut record, mut problems) = (Record::new(), Vec::new());
    while reader.next(&mut record, &mut problems).unwrap() {
        take(&record);
    }
}

fn hash(export: &str) {
    let (mut file, mut context) = (File::open(export).unwrap(), Context::new(&SHA256));
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => break,
            count => context.update(&buffer[..count]),
        }
    }
    black_box(context.finish());
}
