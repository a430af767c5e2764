//! review/report.html: the same from the bundle, harmless, small, and as a person sees it in a real browser.
#![allow(clippy::unwrap_used)]

mod bundle_support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bundle_support::*;
use certferry::bundle::model::*;
use certferry::bundle::report::again;
use certferry::bundle::verify::ProblemKind;

/// What hostile people write into names: markup, ends of attributes, direction marks, and much of it.
const HOSTILE: &[&str] = &[
    "<script>document.title='owned'</script>",
    "\"><img src=https://attacker.example/x.png onerror=alert(1)>",
    "</style></table></html><!-- ",
    "\u{202e}moc.osotnoc@mik\u{202c} \u{2066}x",
    "&lt;b&gt; &#x41; \u{0}\u{8}\u{1b}[31m",
    "A very long name without a single blank to break it at",
];

fn hostile_people() -> Vec<Person> {
    let mut people = people();
    for (person, (at, text)) in people.iter_mut().zip((0..).zip(HOSTILE.iter().cycle())) {
        let text = if at % 6 == 5 { text.replace(' ', "_").repeat(40) } else { (*text).to_owned() };
        person.recipient.identity.display_name = Some(text.clone());
        person.recipient.identity.dn = Some(text.clone());
        for finding in &mut person.recipient.candidates.iter_mut().flat_map(|one| &mut one.findings) {
            finding.severity = Severity::Error;
            finding.message = text.clone().into();
        }
        for candidate in &mut person.recipient.candidates {
            candidate.subject = Some(text.clone());
            candidate.issuer = Some(format!("{text}{}", at % 3));
            candidate.reason = format!("Withheld: {text}.");
        }
        for line in &mut person.findings {
            line.address = Some(text.clone());
            line.severity = Severity::Error;
            line.recipient = if at % 2 == 0 { line.recipient } else { None };
            line.source = Some(Source { input: text.clone(), line: 7 });
            line.message = text.clone().into();
        }
    }
    people
}

fn bundle(people: &[Person]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("bundle");
    write_with(&target, &options(), people, |_| {}).unwrap();
    (folder, target)
}

#[test]
fn the_report_is_the_same_again_and_verify_compares_it() {
    for people in [people(), hostile_people(), Vec::new()] {
        let (_folder, target) = bundle(&people);
        let page = fs::read_to_string(target.join("review/report.html")).unwrap();
        assert_eq!(again::report(&target).unwrap(), page);
        assert_eq!(again::report(&target.join("review")).unwrap(), page);
        assert!(check(&target).is_good(), "{}", check(&target).to_text());

        let forged = page.replacen("can be sent encrypted mail", "can be sent mail", 1);
        assert_ne!(forged, page);
        fs::write(target.join("review/report.html"), forged).unwrap();
        sum_again(&target.join("review"));
        let problems = check(&target).problems;
        let named = |problem: &&certferry::bundle::verify::Problem| {
            problem.kind == ProblemKind::Manifest && problem.file.as_deref() == Some("review/report.html")
        };
        assert_eq!(problems.iter().filter(named).count(), 1, "{problems:?}");
    }
}

#[test]
fn the_command_prints_the_same_bytes_and_refuses_what_is_no_bundle() {
    let (_folder, target) = bundle(&people());
    let run =
        |dir: &Path| Command::new(env!("CARGO_BIN_EXE_certferry")).arg("report").arg(dir).output().unwrap();
    let output = run(&target);
    assert!(output.status.success());
    assert_eq!(output.stdout, fs::read(target.join("review/report.html")).unwrap());
    fs::remove_file(target.join("review/findings.ndjson")).unwrap();
    let output = run(&target);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("findings.ndjson"));
}

#[test]
fn nothing_in_it_runs_or_leads_away() {
    let (_folder, target) = bundle(&hostile_people());
    let page = fs::read_to_string(target.join("review/report.html")).unwrap();
    for word in ["<script", "<img", "<link", "<iframe", "javascript:", "\u{202e}", "\u{1b}", "<!--"] {
        assert!(!page.to_lowercase().contains(word), "{word:?}");
    }
    // Every reference is to a place in the page.
    for attribute in ["href=\"", "src=\"", "url(", "@import"] {
        for (at, _) in page.match_indices(attribute) {
            let rest = &page[at + attribute.len()..];
            assert!(rest.starts_with('#'), "{attribute}{}", &rest[..40]);
        }
    }
    let ids: Vec<&str> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    for link in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert_eq!(ids.iter().filter(|id| **id == link).count(), 1, "#{link}");
    }
}

#[test]
fn ten_thousand_people_take_no_more_room_than_the_lists() {
    let some = hostile_people();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("bundle");
    let mut many = certferry::bundle::Writer::begin(&target, &options(), head()).unwrap();
    for _ in 0..500 {
        append_all(&mut many, &some).unwrap();
    }
    let closing = closing(many.tally());
    many.seal(&closing).unwrap();
    let page = fs::read_to_string(target.join("review/report.html")).unwrap();
    // Every list is full, so the page does not grow any more.
    assert!(page.len() < 5_000_000, "{} bytes", page.len());
    assert!(page.contains("6\u{202f}000 of 10\u{202f}000"), "the number of people");
    assert!(page.contains("Not listed here: "), "lists say what they leave out");
    assert_eq!(again::report(&target).unwrap(), page);
}

/// The browser, or `None` after saying why there is none.
fn chromium() -> Option<&'static str> {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").stdout(Stdio::null()).status().is_ok());
    if found.is_none() {
        eprintln!("skipped: there is no Chromium to open the report in");
    }
    found
}

/// Runs the browser on a page without a window. It may read files beside the page, so that a test page can look
/// into the report; it has no network to speak of.
fn browse(browser: &str, folder: &Path, arguments: &[&str], page: &Path) -> String {
    let profile = folder.join("profile");
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--allow-file-access-from-files",
        ])
        .arg("--virtual-time-budget=10000")
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(arguments)
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A page around the report that says what the report is like at a width, as text.
const PROBE: &str = r##"<!doctype html><meta charset="utf-8"><body><script>
function look(width) {
  return new Promise(done => {
    const frame = document.createElement("iframe");
    frame.style.cssText = "border:0;height:800px;width:" + width + "px";
    frame.src = "report.html";
    frame.onload = () => {
      const page = frame.contentDocument, view = frame.contentWindow;
      const over = [...page.body.querySelectorAll("*")]
        .filter(e => !e.closest(".wide") && !e.closest("svg") && e.getBoundingClientRect().right > width + 0.5)
        .map(e => e.tagName + "." + e.className).slice(0, 5);
      done({
        width, scroll: page.documentElement.scrollWidth, over,
        scripts: page.scripts.length, requests: view.performance.getEntriesByType("resource").map(e => e.name),
        title: page.title, headings: [...page.querySelectorAll("h1,h2")].map(e => e.textContent),
        tables: [...page.querySelectorAll("table")].every(t => t.querySelector("th[scope]")),
        pictures: [...page.querySelectorAll("svg")].every(s => s.getAttribute("role") === "img" && s.getAttribute("aria-label")),
        small: [...page.querySelectorAll("p,li,td,th")].filter(e => parseFloat(view.getComputedStyle(e).fontSize) < 11).length,
      });
    };
    document.body.append(frame);
  });
}
(async () => {
  const seen = [await look(360), await look(1440)];
  document.body.innerHTML = "<pre id=out></pre>";
  document.getElementById("out").textContent = "BEGIN" + JSON.stringify(seen) + "END";
})();
</script>"##;

#[test]
fn a_real_browser_shows_it_whole_and_asks_for_nothing() {
    let Some(browser) = chromium() else { return };
    let (folder, target) = bundle(&hostile_people());
    let place = folder.path().join("page");
    fs::create_dir(&place).unwrap();
    fs::copy(target.join("review/report.html"), place.join("report.html")).unwrap();
    fs::write(place.join("probe.html"), PROBE).unwrap();

    let dom = browse(browser, folder.path(), &["--dump-dom"], &place.join("probe.html"));
    let json = dom
        .split("BEGIN")
        .nth(1)
        .and_then(|rest| rest.split("END").next())
        .unwrap_or_else(|| panic!("{dom}"));
    let json = json.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let seen: serde_json::Value = serde_json::from_str(&json).unwrap();
    for at in seen.as_array().unwrap() {
        let width = at["width"].as_u64().unwrap();
        assert!(at["scroll"].as_u64().unwrap() <= width, "wider than {width}: {at}");
        assert_eq!(at["over"].as_array().unwrap().len(), 0, "sticks out at {width}: {}", at["over"]);
        assert_eq!(at["scripts"], 0);
        assert_eq!(at["requests"].as_array().unwrap().len(), 0, "{}", at["requests"]);
        assert!(at["title"].as_str().unwrap().starts_with("S/MIME certificates, review report"));
        assert!(at["tables"] == true && at["pictures"] == true && at["small"] == 0, "{at}");
        let headings: Vec<&str> =
            at["headings"].as_array().unwrap().iter().map(|h| h.as_str().unwrap()).collect();
        for wanted in ["Who can be written to", "What was found, by code", "Sign-off"] {
            assert!(headings.contains(&wanted), "{headings:?}");
        }
    }

    let pdf = place.join("report.pdf");
    let print = format!("--print-to-pdf={}", pdf.display());
    browse(browser, folder.path(), &["--no-pdf-header-footer", &print], &place.join("report.html"));
    let Ok(text) = Command::new("pdftotext").arg("-layout").arg(&pdf).arg("-").output() else {
        eprintln!("skipped in part: there is no pdftotext to read the print with");
        return;
    };
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    for wanted in ["12 of 20", "Sign-off", "Reviewed by", &sha256(b"the bundle"), "sha256sum -c SHA256SUMS"] {
        assert!(text.contains(wanted), "{wanted} is not on paper");
    }
}

#[test]
fn it_is_valid_html() {
    let (folder, target) = bundle(&hostile_people());
    let page = target.join("review/report.html");
    let Ok(output) =
        Command::new("tidy").args(["-q", "-e", "--drop-empty-elements", "no"]).arg(&page).output()
    else {
        eprintln!("skipped: there is no tidy to check the HTML with");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    drop(folder);
}
