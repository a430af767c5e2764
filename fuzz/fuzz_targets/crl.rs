//! CRLs: the reader with everything that it gives out, then an engine that was given the CRL.
//!
//! The certificates are those of the input's own parts. A CRL without parts around it is read alone.
#![no_main]

use certferry::certificate::Certificate;
use certferry::path::Revocation;
use certferry::path::crl::Crl;
use certferry_fuzz::{judge, options, parts, role};
use libfuzzer_sys::fuzz_target;

fn read(der: &[u8]) {
    if let Ok(crl) = Crl::parse(der) {
        assert!(der.starts_with(crl.der()), "a CRL is a slice of what it was read from");
        let _ =
            (crl.sha256(), crl.issuer().to_string(), crl.this_update(), crl.next_update(), crl.is_delta());
    }
}

fuzz_target!(|data: &[u8]| {
    read(data);
    let parts = parts(data);
    let Some((first, _)) = parts.first() else { return };
    let crls: Vec<&[u8]> =
        parts.iter().filter(|(kind, _)| kind & 7 == role::CRL).map(|(_, der)| *der).collect();
    crls.iter().for_each(|der| read(der));
    // Every certificate is an anchor and a target's issuer at once, so that short inputs reach look-ups.
    let of = |anchor: bool| -> Vec<Certificate<'_>> {
        let chosen =
            parts.iter().filter(|(kind, _)| (kind & 7 == role::ANCHOR) == anchor && kind & 7 != role::CRL);
        chosen.filter_map(|(_, der)| Certificate::parse(der).ok()).collect()
    };
    let (anchors, others) = (of(true), of(false));
    for revocation in [Revocation::Soft, Revocation::Hard] {
        let options = certferry::path::Options { revocation, ..options(*first) };
        judge(&anchors, &others, &crls, &others, &[], &options);
    }
});
