//! The circle with the real upload script: bundle, upload, journal, inventory, next bundle. Without a PowerShell it is
//! skipped.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::program::{code, stderr, stdout};
use super::town::{Bundle, Entry, Mail, Town, base64};

fn pwsh() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/tools/pwsh/pwsh");
    let program = std::env::var_os("CERTFERRY_PWSH").map_or_else(beside, PathBuf::from);
    if program.is_file() {
        return Some(program);
    }
    eprintln!("skipped: no PowerShell at {}; name one with CERTFERRY_PWSH", program.display());
    None
}

#[test]
fn what_the_script_writes_is_what_is_read() {
    let Some(pwsh) = pwsh() else { return };
    let town = Town::new();
    // The script compares with the clock.
    let now = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap().to_string();
    let one = |name: &str, serial| {
        Entry::of(name).cert(&Mail::new(&format!("{name}@example.com"), serial).until("490101000000Z").der())
    };
    let old = Mail::new("old@example.com", 4).until("250101000000Z").der();
    let entries = [one("ann", 1), one("bob", 2), one("cid", 3), Entry::of("old").cert(&old)];
    let at = ["--at", &now];
    let made = town.convert("one", &entries, &[&at[..], &["--clear", "expired"]].concat());
    assert_eq!(code(&made), 0, "{}", stderr(&made));

    let has_inventory =
        String::from_utf8_lossy(certferry::bundle::SCRIPT_BYTES).contains("[string] $Inventory");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/powershell/StandIn.psm1");
    let mut text = format!(
        "Set-StrictMode -Version Latest\n$ErrorActionPreference = 'Stop'\nImport-Module '{}' -Force\n\
         function global:Start-Sleep {{ [CmdletBinding()] param([double] $Seconds = 0, [int] $Milliseconds = 0) }}\n\
         Initialize-StandIn\n\
         Add-StandInRecipient -Address 'ann@example.com'\nAdd-StandInRecipient -Address 'bob@example.com' -UserCertificate '{}'\n\
         Add-StandInRecipient -Address 'old@example.com' -UserCertificate '{}'\n\
         ./one/transfer/{script} -Path ./one/transfer -AllowUnsigned -Journal ./journal.ndjson -Result ./result.csv\n",
        module.display(),
        base64(&entries[1].user[0]),
        base64(&old),
        script = certferry::bundle::SCRIPT,
    );
    if has_inventory {
        text += &format!("./one/transfer/{} -Inventory ./tenant.ndjson\n", certferry::bundle::SCRIPT);
    }
    town.write("run.ps1", text);
    let output = Command::new(&pwsh)
        .args(["-NoProfile", "-File", "run.ps1"])
        .current_dir(town.dir.path())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(town.path("journal.ndjson").is_file(), "{said}");

    let checked =
        town.run(&["verify", "one", "--at", &now, "--journal", "journal.ndjson", "--format", "json"]);
    assert_eq!(code(&checked), 0, "{}", stdout(&checked));
    let report: serde_json::Value = serde_json::from_str(&stdout(&checked)).unwrap();
    let of = |who: &str| {
        let people = report["people"].as_array().unwrap();
        people.iter().find(|one| one["address"] == format!("{who}@example.com")).unwrap().clone()
    };
    for (who, count) in [("ann", 1), ("old", 0)] {
        assert_eq!(of(who)["upload"], "published", "{said}");
        assert_eq!(of(who)["has"][0]["values"].as_array().unwrap().len(), count);
    }
    // A script that writes down every result tells of Bob, who had it already, and of Cid, who is not there.
    let told = of("bob")["upload"] == "published";
    assert_eq!(told, of("cid")["result"] == "not-found", "{report:#}");
    if !has_inventory {
        return;
    }
    assert!(told, "{report:#}");
    let next = [&at[..], &["--previous", "one", "--published", "tenant.ndjson", "--clear", "gone"]].concat();
    let made = town.convert("two", &entries[..1], &next);
    assert_eq!(code(&made), 0, "{}", stderr(&made));
    let two = Bundle::read(&town.path("two"));
    assert_eq!(two.of("ann@example.com")["history"]["change"], "unchanged");
    assert_eq!(two.of("bob@example.com")["history"]["tenant"]["userCertificate"], 1);
    assert_eq!((two.gone().len(), two.changes("removed")), (3, 2));
}
