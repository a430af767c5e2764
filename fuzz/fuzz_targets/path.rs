//! Certification paths: any material, any target; see the library for what must hold.
#![no_main]

use certferry::certificate::Certificate;
use certferry_fuzz::{judge, options, parts, role};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let parts = parts(data);
    let Some((first, _)) = parts.first() else { return };
    let of = |wanted: u8| -> Vec<Certificate<'_>> {
        let chosen = parts.iter().filter(|(kind, _)| kind & 7 == wanted);
        chosen.filter_map(|(_, der)| Certificate::parse(der).ok()).collect()
    };
    let crls: Vec<&[u8]> =
        parts.iter().filter(|(kind, _)| kind & 7 == role::CRL).map(|(_, der)| *der).collect();
    let mut targets = of(role::TARGET);
    targets.extend(of(5));
    let (anchors, intermediates, extra) = (of(role::ANCHOR), of(role::INTERMEDIATE), of(role::EXTRA));
    // The pool's own certificates are judged as well: they are the targets of `certferry inspect`.
    targets.extend(anchors.iter().chain(&intermediates).chain(&extra).cloned());
    judge(&anchors, &intermediates, &crls, &targets, &extra, &options(*first));
});
