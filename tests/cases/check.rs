//! What holds for every case: the near miss does not raise the code, the other one does, in words that
//! a person can read and with the decision that the rule announces.

use certferry::bundle::model::{Decision, Severity};
use certferry::rules::{self, Rule};
use serde_json::Value;

use super::make::User;
use super::scene::{Entry, Outcome, Scene, text, with_code};

/// A code with a scene that must raise it and a near miss that must not.
pub struct Case {
    pub code: &'static str,
    bad: Scene,
    good: Scene,
    /// The certificates, where each scene is about one that `inspect` can judge by itself.
    certificates: Option<[Vec<u8>; 2]>,
    /// Another code that also withholds the candidate of the first scene, and whose reason is given.
    beside: Option<&'static str>,
    /// A code that withholds in the near miss, which cannot be taken away with the first one.
    still: Option<&'static str>,
}

/// A code and its two scenes.
pub fn case(code: &'static str, bad: Scene, good: Scene) -> Case {
    Case { code, bad, good, certificates: None, beside: None, still: None }
}

/// A code that is about a certificate alone: Kim's, bad and good; both go through `inspect` too.
pub fn certificate(code: &'static str, bad: User, good: User) -> Case {
    ders(code, bad.sign(), good.sign())
}

/// [`certificate`], for one that was signed already.
pub fn ders(code: &'static str, bad: Vec<u8>, good: Vec<u8>) -> Case {
    Case { certificates: Some([bad.clone(), good.clone()]), ..case(code, Scene::kim(bad), Scene::kim(good)) }
}

/// A code about the path of Kim's certificate: the material decides.
pub fn path(code: &'static str, bad: impl Fn(Scene) -> Scene, good: impl Fn(Scene) -> Scene) -> Case {
    let der = User::kim().sign();
    let scene = || Scene::of(&[Entry::kim().cert(&der)]);
    let certificates = Some([der.clone(), der.clone()]);
    Case { certificates, ..case(code, bad(scene()), good(scene())) }
}

impl Case {
    /// Without trust anchors, because the signature of such a certificate cannot be made here.
    pub fn unverified(mut self) -> Self {
        (self.bad, self.good) = (self.bad.unverified(), self.good.unverified());
        self
    }

    pub fn beside(self, code: &'static str) -> Self {
        Self { beside: Some(code), ..self }
    }

    pub fn still(self, code: &'static str) -> Self {
        Self { still: Some(code), ..self }
    }

    /// The scene that raises the code.
    pub fn bad(&self) -> Scene {
        self.bad.clone()
    }

    /// Runs both scenes.
    pub fn check(&self) {
        let rule = rules::find(self.code).unwrap_or_else(|| panic!("{} is no code", self.code));
        self.raises(rule, &self.bad.convert());
        self.misses(&self.good.convert());
        let Some([bad, good]) = &self.certificates else { return };
        let line = self.bad.inspect(bad);
        let found = with_code(&line, self.code);
        assert!(!found.is_empty(), "inspect does not say {}: {line}", self.code);
        found.iter().for_each(|finding| readable(self.code, text(&finding["message"])));
        let refused = rule.decision == Some(Decision::Withhold) || self.beside.is_some();
        assert_eq!(line["verdict"], if refused { "refuse" } else { "accept" }, "{}: {line}", self.code);
        let line = self.good.inspect(good);
        assert!(with_code(&line, self.code).is_empty(), "inspect says {}: {line}", self.code);
        assert!(self.still.is_some() || line["verdict"] == "accept", "{}: {line}", self.code);
    }

    fn raises(&self, rule: &Rule, outcome: &Outcome) {
        consistent(self.code, outcome);
        let lines: Vec<&Value> = outcome.findings.iter().filter(|line| line["code"] == self.code).collect();
        assert!(!lines.is_empty(), "{} was not raised, but {:?}", self.code, outcome.codes());
        for line in &lines {
            println!("{}: {}", self.code, text(&line["message"])); // for `cargo test --test cases -- --nocapture`
            assert_eq!(line["decision"], word(rule.decision), "{}: {line}", self.code);
        }
        let Some(decision) = rule.decision else { return };
        let held: Vec<&Value> = outcome
            .candidates()
            .into_iter()
            .filter(|candidate| !with_code(candidate, self.code).is_empty())
            .collect();
        assert!(!held.is_empty(), "{} stands at no candidate", self.code);
        for candidate in held {
            let reason = text(&candidate["reason"]);
            let cause = self.beside.unwrap_or(self.code);
            if decision == Decision::Withhold || self.beside.is_some() {
                assert_eq!(candidate["decision"], "withhold", "{}: {}", self.code, brief(candidate));
                let messages = with_code(candidate, cause);
                assert!(
                    messages.iter().any(|finding| gives(reason, text(&finding["message"]))),
                    "{cause} is not the reason given: {}",
                    brief(candidate)
                );
            } else {
                assert_eq!(candidate["decision"], "publish", "{}: {}", self.code, brief(candidate));
            }
        }
    }

    fn misses(&self, outcome: &Outcome) {
        consistent(self.code, outcome);
        assert!(!outcome.codes().contains(&self.code), "the near miss raises {}", self.code);
        let candidates = outcome.candidates();
        for candidate in &candidates {
            assert!(with_code(candidate, self.code).is_empty(), "{}", brief(candidate));
        }
        match self.still {
            Some("") => {}
            Some(still) => assert!(outcome.codes().contains(&still), "{:?}", outcome.codes()),
            None => {
                assert!(!candidates.is_empty(), "{}: nothing in the near miss is judged", self.code);
                for candidate in candidates {
                    assert_eq!(
                        candidate["decision"],
                        "publish",
                        "{}: near miss {}",
                        self.code,
                        brief(candidate)
                    );
                }
            }
        }
    }
}

/// A candidate in a failed assertion.
fn brief(candidate: &Value) -> String {
    let findings = candidate["findings"].as_array().unwrap().iter();
    let findings: Vec<String> =
        findings.map(|f| format!("  {}: {}", text(&f["code"]), text(&f["message"]))).collect();
    format!("{}\n{}", text(&candidate["reason"]), findings.join("\n"))
}

/// Whether a reason is the found half of this message, perhaps with what the change of the directory does.
fn gives(reason: &str, message: &str) -> bool {
    let found = message.split("; required: ").next().unwrap_or_default();
    let deleted = "; the change of the directory deletes it.";
    reason == format!("Withheld: {found}.") || reason == format!("Withheld: {found}{deleted}")
}

fn word(decision: Option<Decision>) -> Value {
    serde_json::to_value(decision).unwrap()
}

/// Whatever the run was about: findings can be read, fit their rules, and decide what is decided.
fn consistent(code: &str, outcome: &Outcome) {
    assert_eq!(outcome.verified, 0, "{code}: verify does not call the bundle good");
    for line in &outcome.findings {
        let rule = rules::find(text(&line["code"])).unwrap_or_else(|| panic!("{line}"));
        readable(rule.code, text(&line["found"]));
        readable(rule.code, text(&line["message"]));
        // What a reader of exports says holds all three in one sentence; what is no fault requires nothing.
        let says_all = rules::input::export_rules().contains(rule) || line["severity"] == "info";
        if !says_all || line["required"] != "" {
            readable(rule.code, text(&line["required"]));
        }
        let severity: Severity = serde_json::from_value(line["severity"].clone()).unwrap();
        assert!(severity <= rule.severity, "{line} is louder than its rule");
    }
    for candidate in outcome.candidates() {
        let reason = text(&candidate["reason"]);
        readable(code, reason.trim_end_matches('.'));
        let withholding = |finding: &&Value| {
            rules::find(text(&finding["code"])).and_then(|rule| rule.decision) == Some(Decision::Withhold)
        };
        let all = candidate["findings"].as_array().unwrap();
        let causes: Vec<&Value> = all.iter().filter(withholding).collect();
        match text(&candidate["decision"]) {
            "publish" => {
                assert!(reason.starts_with("Published"), "{}", brief(candidate));
                assert!(causes.is_empty(), "published in spite of {causes:?}");
            }
            "withhold" if causes.is_empty() => {
                assert!(
                    outcome.codes().contains(&"no-trust-anchors") || code.starts_with("crl"),
                    "{candidate}"
                );
            }
            _ => {
                let named = causes.iter().any(|finding| gives(reason, text(&finding["message"])));
                assert!(named, "the reason names no cause: {}", brief(candidate));
            }
        }
    }
    let summary = &outcome.manifest["summary"];
    let count = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!(count("values"), count("candidates") + count("unreadable") + count("ignored"), "{summary}");
    assert_eq!(count("candidates"), count("published") + count("withheld"), "{summary}");
}

/// A clause for people: words, no full stop of its own, nothing that a program would print for itself.
#[track_caller]
pub fn readable(code: &str, clause: &str) {
    assert!(clause.trim() == clause && clause.len() > 2, "{code}: {clause:?} says nothing");
    assert!(!clause.ends_with(['.', ';', ':', ',']), "{code}: {clause:?} is no clause");
    for noise in ["{}", "{:", "{0", "Some(", "None", "Ok(", "Err(", "  ", "; ;", ", ,", "()", "; required: ;"]
    {
        assert!(!clause.contains(noise), "{code}: {noise:?} in {clause:?}");
    }
}
