//! A bundle whose history was edited, by somebody who also corrected every hash, does not agree with itself.

use std::fs;
use std::path::Path;

use certferry::encoding::{hex, sha256};

use super::program::{AT, code, stdout, tree};
use super::town::{Entry, Mail, Town, inventory};

fn sum_again(half: &Path) {
    let files = tree(half).into_iter().filter(|(name, _)| name != "SHA256SUMS");
    let lines: Vec<String> =
        files.map(|(name, bytes)| format!("{}  {name}\n", hex(&sha256(&bytes)))).collect();
    fs::write(half.join("SHA256SUMS"), lines.concat()).unwrap();
}

#[test]
fn what_the_history_says_is_held_against_the_rest() {
    let town = Town::new();
    let mail = |name: &str, serial| Mail::new(&format!("{name}@example.com"), serial);
    let one = |name: &str, serial| Entry::of(name).cert(&mail(name, serial).der());
    town.made("one", 0, &[one("ann", 1), one("bob", 2), one("cid", 3)], &[]);
    town.revoke(&[2]);
    let held = mail("cid", 9).der();
    town.write("tenant.ndjson", inventory("2026-06-02T00:00:00Z", &[("cid@example.com", &[], &[&held])]));
    let now = [Entry::of("bob"), one("cid", 3)];
    let clear =
        ["--previous", "one", "--published", "tenant.ndjson", "--clear", "revoked", "--clear", "gone"];
    let two = town.made("two", 0, &now, &clear);
    assert_eq!((two.cleared("revoked"), two.cleared("gone"), two.changes("removed")), (1, 1, 2));

    let edits: &[(&str, &str, &str, &str)] = &[
        (
            "review/manifest.json",
            "\"class\":\"revoked\"",
            "\"class\":\"expired\"",
            "cleared as revoked, counted were 0",
        ),
        ("review/manifest.json", "\"class\":\"gone\"", "\"class\":\"revoked\"", "which does not fit"),
        (
            "review/manifest.json",
            "\"cleared\":[{\"attribute\":\"userCertificate\",\"class\":\"revoked\"}]",
            "\"cleared\":[]",
            "clears userCertificate of recipient 1, and the manifest does not say so",
        ),
        (
            "transfer/payload/0001.ndjson",
            "\"userCertificate\":[]",
            "\"userSMIMECertificate\":[]",
            "does not clear userCertificate of recipient 1, as the manifest says",
        ),
        ("review/manifest.json", "\"removed\":2", "\"removed\":1", "changes.removed is 1, counted were 2"),
        ("review/manifest.json", "\"had\":3", "\"had\":2", "changes.had is 2, counted were 3"),
        (
            "review/manifest.json",
            "\"removalsAllowed\":10",
            "\"removalsAllowed\":1",
            "2 removals, and 1 were allowed",
        ),
        (
            "review/manifest.json",
            "\"change\":\"removed\"",
            "\"change\":\"kept\"",
            "changes.kept is 0, counted were 1",
        ),
        (
            "review/manifest.json",
            "\"lostSincePrevious\":2",
            "\"lostSincePrevious\":0",
            "0 lostSincePrevious, counted were 2",
        ),
        (
            "review/manifest.json",
            "\"gone\":1,\"goneBefore\"",
            "\"gone\":0,\"goneBefore\"",
            "changes.gone is 0",
        ),
        ("review/manifest.json", "\"sequence\":1", "\"sequence\":7", "the sequence is 7, it should be 1"),
        (
            "review/manifest.json",
            "\"source\":null",
            "\"source\":{\"input\":\"x\",\"line\":1}",
            "changes.gone is 1, counted were 0",
        ),
        (
            "review/manifest.json",
            "\"revoked\":false",
            "\"revoked\":true",
            "changes.revokedStillPublished is 0",
        ),
    ];
    for (file, from, to, words) in edits {
        let copy = town.path("copy");
        let _ = fs::remove_dir_all(&copy);
        for (name, bytes) in tree(&town.path("two")) {
            let path = copy.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let text = fs::read_to_string(copy.join(file)).unwrap();
        assert!(text.contains(from), "{file} lacks {from}");
        fs::write(copy.join(file), text.replacen(from, to, 1)).unwrap();
        let manifest = hex(&sha256(&fs::read(copy.join("review/manifest.json")).unwrap()));
        let was = hex(&sha256(&fs::read(town.path("two/review/manifest.json")).unwrap()));
        let transfer = fs::read_to_string(copy.join("transfer/transfer.json")).unwrap();
        fs::write(copy.join("transfer/transfer.json"), transfer.replace(&was, &manifest)).unwrap();
        sum_again(&copy.join("review"));
        sum_again(&copy.join("transfer"));
        let output = town.run(&["verify", "copy", "--at", AT]);
        assert_eq!(code(&output), 5, "{from} -> {to}: {}", stdout(&output));
        assert!(stdout(&output).contains(words), "{words:?} is not in {}", stdout(&output));
    }
}
