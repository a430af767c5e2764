//! HANDOVER.txt: what this is and what to do next, for the person who carries it and the one who uploads it.
//!
//! Plain ASCII, and no word about any person: the carrier may read it.

use super::SCRIPT;
use super::model::{Target, Transfer};

/// Its name in transfer/.
pub const HANDOVER: &str = "HANDOVER.txt";

/// The text for a bundle. It says nothing that transfer.json does not, so that `verify` knows its bytes.
#[must_use]
pub fn text(transfer: &Transfer) -> String {
    let Transfer { tool, id, valid_until, counts, .. } = transfer;
    let title = "S/MIME certificates for Exchange Online: the half of the bundle that crosses";
    let warning = if transfer.unverified {
        "\nUNVERIFIED: no certification path was checked when this bundle was made. Whoever could write to the\n\
         directory could plant a certificate. Do not upload it unless the person who signed the review said so.\n"
    } else {
        ""
    };
    let fresh =
        transfer.revocation_fresh_until.as_deref().unwrap_or("not known (no revocation list was relied on)");
    let series = match (transfer.sequence, transfer.previous.as_deref()) {
        (Some(sequence), Some(previous)) => format!("Number in the series  {sequence}, after {previous}\n"),
        (Some(sequence), None) => format!("Number in the series  {sequence}\n"),
        (None, Some(previous)) => format!("Bundle before it      {previous}\n"),
        (None, None) => String::new(),
    };
    let uploads = transfer.targets.contains(&Target::ExchangeOnline);
    let elsewhere = match (uploads, transfer.targets.contains(&Target::ActiveDirectory)) {
        (true, false) => "",
        (true, true) => {
            "\nPeople whom Entra Connect synchronises are changed in the directory inside. The script names them as\n\
             synchronised and leaves them alone.\n"
        }
        (false, _) => {
            "\nNO RECIPIENT IS UPLOADED: the payload is empty on purpose. The directory inside is changed instead, and\n\
             Entra Connect carries the result up.\n"
        }
    };
    let uploader = uploader(transfer, uploads);
    let store = match counts.trust_certificates {
        0 => "none: there is no trust.sst in this folder".to_owned(),
        1 => "trust.sst, 1 authority's certificate".to_owned(),
        all => format!("trust.sst, {all} authorities' certificates"),
    };
    format!(
        "{title}\n{underline}\n{warning}\n\
         Bundle id             {id}\n\
         Made by               {name} {version}\n\
         Upload before         {valid_until}\n\
         Revocation fresh to   {fresh}\n\
         {series}\
         Recipients            {recipients}\n\
         Certificate values    {certificates} in userCertificate, {smime} in userSMIMECertificate\n\
         Payload files         {files}\n\
         Trust store           {store}\n\
         {elsewhere}\
         \n\
         The files hold mail addresses and public certificates. No private key, no password.\n\
         \n\
         Carrier, before you leave\n\
         -------------------------\n\
         1. Take this folder as a whole: every file, nothing besides.\n\
         2. In this folder run        sha256sum -c SHA256SUMS\n\
         \x20  Every line must end with OK.\n\
         3. Run                       sha256sum SHA256SUMS\n\
         \x20  and write down the 64 digits, together with the bundle id above. The person who made the bundle\n\
         \x20  has the same digits from the tool's closing summary.\n\
         \n\
         {uploader}",
        underline = "=".repeat(title.len()),
        name = tool.name,
        version = tool.version,
        recipients = counts.recipients,
        certificates = counts.user_certificate,
        smime = counts.user_smime_certificate,
        files = counts.files,
    )
}

/// What the uploader does.
fn uploader(transfer: &Transfer, uploads: bool) -> String {
    let command = format!(
        "./transfer/{SCRIPT} -Path ./transfer -AllowUnsigned{} -BundleId {}",
        if transfer.unverified { " -AllowUnverified" } else { "" },
        transfer.id
    );
    let trust = if transfer.counts.trust_certificates == 0 {
        "5. There is no trust.sst, because the bundle has no authority's certificate for it (the review says\n\
         \x20  why). Leave the tenant's trust store as it is.\n"
            .to_owned()
    } else {
        format!(
            "5. The trust store{}. Outlook on the web trusts a certificate only when its root and every\n\
             \x20  issuer between are in the tenant's store, and trust.sst replaces that store as a whole. This needs\n\
             \x20  the role Exchange Administrator. Look, then do it; what it would add, keep and drop is listed:\n\
             \x20     {command} -PublishTrustStore -WhatIf\n\
             \x20     {command} -PublishTrustStore\n",
            if uploads { " comes first" } else { " is what is left to do" }
        )
    };
    let (look, people) = if uploads {
        (
            format!("\x20  Look first; this changes nothing:\n\x20     {command} -WhatIf\n"),
            format!(
                "6. When what it would do is what was agreed, the first three people, then everybody:\n\
                 \x20     {command} -First 3\n\
                 \x20     {command}\n\
                 7. Keep the journal: with -Rollback it brings back what was there before.\n"
            ),
        )
    } else {
        (
            String::new(),
            "6. No recipient of the tenant is changed with this folder: nothing else is to be done.\n"
                .to_owned(),
        )
    };
    format!(
        "Signer, before the carrier takes the folder (recommended)\n\
         ---------------------------------------------------------\n\
         Sign both lists with your organisation's own key (RSA or ECDSA), in the bundle's folder. -binary matters.\n\
         \x20     for half in transfer review; do\n\
         \x20       openssl cms -sign -binary -md sha256 -signer signer.pem -inkey signer.key \\\n\
         \x20         -in $half/SHA256SUMS -outform DER -out $half/SHA256SUMS.p7s\n\
         \x20     done\n\
         Smart card or HSM, in place of -inkey signer.key:\n\
         \x20     -engine pkcs11 -keyform engine -inkey 'pkcs11:token=NAME;object=NAME;type=private'\n\
         Windows PowerShell and a certificate store: the tool's README, \"Signing\".\n\
         Tell the uploader the thumbprint by telephone or paper, never on the medium:\n\
         \x20     openssl x509 -in signer.pem -noout -fingerprint -sha256\n\
         \n\
         Uploader, before you upload\n\
         ---------------------------\n\
         1. Compare the bundle id and the 64 digits of SHA256SUMS with the person who made the bundle, over a\n\
         \x20  second channel: telephone, or paper, not the medium that carried this folder.\n\
         \x20  PowerShell:               Get-FileHash -Algorithm SHA256 SHA256SUMS\n\
         \x20  Linux, macOS:             sha256sum SHA256SUMS\n\
         \x20  Capital and small letters make no difference, every digit does.\n\
         \x20  Where the lists are signed, give the script the signer's thumbprint that you were told:\n\
         \x20  -Signer THUMBPRINT in place of -AllowUnsigned in every command below.\n\
         2. Where sha256sum is at hand run  sha256sum -c SHA256SUMS  again. The script repeats this check.\n\
         3. Open a session with the role Exchange Recipient Administrator:\n\
         \x20                            Connect-ExchangeOnline\n\
         4. Go to the folder above this one: the script keeps its journal where you stand, never in here.\n\
         {look}\
         {trust}\
         {people}\
         \n\
         If a check fails, or the time above has passed, upload nothing: ask for a new bundle.\n\
         Address books of desktop clients may take up to 48 hours to show a change.\n"
    )
}
