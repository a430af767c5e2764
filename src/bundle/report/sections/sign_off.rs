//! What is signed, how it is checked without this program, and where to sign.

use maud::{Markup, html};

use crate::bundle::report::page::Page;

/// The sign-off page.
pub fn section(page: &Page<'_>) -> Markup {
    let bundle = &page.frame.bundle;
    html! {
        p { "I have reviewed the bundle with this id, judged as of " (page.frame.evaluated_at) ":" }
        p.hash { strong { (bundle.id) } }
        table {
            caption { "SHA-256 of the files that this report was made from" }
            tbody {
                @for (name, hash) in page.hashes {
                    tr { th scope="row" { (name) } td.hash { (hash) } }
                }
            }
        }
        p { "To check both halves without certferry, in the bundle's folder:" }
        pre {
            "(cd review && sha256sum -c SHA256SUMS)\n"
            "(cd transfer && sha256sum -c SHA256SUMS)\n"
            "sha256sum transfer/SHA256SUMS\n"
        }
        p {
            "Every line of the first two must end with OK. The last one prints the hash that carrier and uploader compare "
            "over a second channel; write it here:"
        }
        div.line {}
        p { "Where the lists were signed (SHA256SUMS.p7s beside them), this says whether the signature is good and whose it must be:" }
        pre {
            "openssl cms -verify -binary -inform DER -in transfer/SHA256SUMS.p7s \\\n"
            "    -content transfer/SHA256SUMS -CAfile organisation-root.pem -purpose any -out /dev/null\n"
            "openssl cms -cmsout -print -inform DER -in transfer/SHA256SUMS.p7s | grep -A3 'd.issuerAndSerialNumber'\n"
        }
        p { "With certferry: " code { "certferry verify BUNDLE --signer signer.pem" } ", which also checks that the halves belong together." }
        p { "Decisions taken, and exceptions that I accept:" }
        div.line {}
        div.line {}
        table {
            caption { "Signatures" }
            thead { tr { th scope="col" { "Role" } th scope="col" { "Name" } th scope="col" { "Date" } th scope="col" { "Signature" } } }
            tbody {
                @for role in ["Reviewed by", "Released by", "Carried by", "Uploaded by"] {
                    tr { th scope="row" { (role) } td { "\u{a0}" } td { "\u{a0}" } td { "\u{a0}" } }
                }
            }
        }
    }
}
