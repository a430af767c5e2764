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
    let uploader = if uploads { uploader(transfer) } else { NOTHING_TO_UPLOAD.to_owned() };
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

const NOTHING_TO_UPLOAD: &str = "\
Uploader
--------
No recipient of the tenant is changed with this folder. What is left to do in the tenant is its trust store: see
\"The trust of the sender\" in the tool's README. Compare the bundle id and the 64 digits of SHA256SUMS with the person
who made the bundle, over a second channel, before you use anything in here.
";

/// What the uploader does.
fn uploader(transfer: &Transfer) -> String {
    format!(
        "Uploader, before you upload\n\
         ---------------------------\n\
         1. Compare the bundle id and the 64 digits of SHA256SUMS with the person who made the bundle, over a\n\
         \x20  second channel: telephone, or paper, not the medium that carried this folder.\n\
         \x20  PowerShell:               Get-FileHash -Algorithm SHA256 SHA256SUMS\n\
         \x20  Linux, macOS:             sha256sum SHA256SUMS\n\
         \x20  Capital and small letters make no difference, every digit does.\n\
         2. Where sha256sum is at hand run  sha256sum -c SHA256SUMS  again. The script repeats this check.\n\
         3. Open a session with the role Exchange Recipient Administrator:\n\
         \x20                            Connect-ExchangeOnline\n\
         4. Go to the folder above this one: the script keeps its journal where you stand, never in here.\n\
         \x20  Look first; this changes nothing (-AllowUnsigned, since step 1 took the place of a signature):\n\
         \x20     ./transfer/{SCRIPT} -Path ./transfer -AllowUnsigned{allow} -BundleId {id} -WhatIf\n\
         5. When what it would do is what was agreed, the first three people, then everybody:\n\
         \x20     ./transfer/{SCRIPT} -Path ./transfer -AllowUnsigned{allow} -BundleId {id} -First 3\n\
         \x20     ./transfer/{SCRIPT} -Path ./transfer -AllowUnsigned{allow} -BundleId {id}\n\
         6. Keep the journal: with -Rollback it brings back what was there before.\n\
         \n\
         If a check fails, or the time above has passed, upload nothing: ask for a new bundle.\n\
         Address books of desktop clients may take up to 48 hours to show a change.\n",
        id = transfer.id,
        allow = if transfer.unverified { " -AllowUnverified" } else { "" },
    )
}
