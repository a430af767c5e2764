//! Directory values: what form, what is in it, which certificate is the user's own.
#![no_main]

use certferry::certificate::Certificate;
use certferry::certificate::container::{
    Form, MAX_CERTIFICATES_IN_VALUE, check_signer, classify_value, detect_secret, find_secret_text, open,
    own_certificate, to_der,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = find_secret_text(data);
    let _ = to_der(data);
    let value = classify_value(data);
    if detect_secret(data).is_some() {
        assert!(matches!(value.form, Form::Secret(_)), "what begins like a private key is one");
    }
    let container = open(value);
    assert_eq!(format!("{container:?}"), format!("{:?}", open(classify_value(data))), "the same twice");
    let held = &container.certificates;
    assert!(held.len() <= MAX_CERTIFICATES_IN_VALUE);
    if matches!(container.form, Form::Secret(_)) {
        assert!(held.is_empty(), "nothing is taken out of a private key's value");
    }
    for answer in [false, true] {
        let own = own_certificate(&container, &|_| answer);
        assert!(own.index().is_none_or(|i| i < held.len()));
        assert!(own.signing().is_none_or(|i| i < held.len()));
        let others: Vec<usize> = own.others(&container).collect();
        assert_eq!(
            others.len() + usize::from(own.index().is_some()),
            held.len(),
            "every certificate has a place"
        );
    }
    for one in held.iter().take(8) {
        let Ok(certificate) = Certificate::parse(&one.der) else { continue };
        let _ = (certificate.email_addresses(), certificate.user_principal_names(), certificate.defects());
        let _ = (certificate.subject().to_string(), certificate.serial_hex(), certificate.check_der());
        for signer in container.signers.iter().take(4) {
            let _ = check_signer(signer, container.content.as_deref(), &one.der);
        }
    }
});
