//! A scene is a run: inputs, trust material and options, put into a folder of its own, converted by the
//! built program, and read back from the bundle.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::make::world;
use super::program;

pub fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// A directory entry as LDIF.
#[derive(Clone)]
pub struct Entry(String);

impl Entry {
    /// A user `CN=Kim` with kim@example.com.
    pub fn kim() -> Self {
        Self::nobody("Kim").line("mail: kim@example.com")
    }

    /// A user `CN=Lee` with lee@example.com.
    pub fn lee() -> Self {
        Self::nobody("Lee").line("mail: lee@example.com")
    }

    /// A user without an address.
    pub fn nobody(name: &str) -> Self {
        Self::of_class(name, "user")
    }

    pub fn of_class(name: &str, class: &str) -> Self {
        Self(format!("dn: CN={name},DC=example,DC=com\nobjectClass: {class}\n"))
    }

    pub fn line(mut self, line: &str) -> Self {
        self.0.push_str(line);
        self.0.push('\n');
        self
    }

    /// A value of userCertificate.
    pub fn cert(self, der: impl AsRef<[u8]>) -> Self {
        self.line(&format!("userCertificate:: {}", base64(der.as_ref())))
    }

    /// A value of userSMIMECertificate.
    pub fn smime(self, value: impl AsRef<[u8]>) -> Self {
        self.line(&format!("userSMIMECertificate:: {}", base64(value.as_ref())))
    }
}

/// Entries of one export.
pub fn ldif(entries: &[Entry]) -> Vec<u8> {
    entries.iter().map(|entry| entry.0.as_str()).collect::<Vec<_>>().join("\n").into_bytes()
}

/// What a run is given. Files below `in/` are the inputs.
#[derive(Clone, Default)]
pub struct Scene {
    files: Vec<(String, Vec<u8>)>,
    links: Vec<(String, String)>,
    arguments: Vec<String>,
    unverified: bool,
    numbered: usize,
    before: Option<Box<Scene>>,
}

impl Scene {
    /// An export of these entries, below the world's root and CA.
    pub fn of(entries: &[Entry]) -> Self {
        Self::bare().file("in/export.ldif", ldif(entries)).anchor(&world().root_der).issuer(&world().ca_der)
    }

    /// Kim with one userCertificate.
    pub fn kim(der: impl AsRef<[u8]>) -> Self {
        Self::of(&[Entry::kim().cert(der)])
    }

    /// A certificate file, without a directory.
    pub fn file_of(name: &str, bytes: Vec<u8>) -> Self {
        Self::bare().file(&format!("in/{name}"), bytes).anchor(&world().root_der).issuer(&world().ca_der)
    }

    /// Nothing.
    pub fn bare() -> Self {
        Self::default()
    }

    pub fn file(mut self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.files.retain(|(known, _)| known != path);
        self.files.push((path.to_owned(), bytes.as_ref().to_vec()));
        self
    }

    /// A symbolic link at `path` to `target`.
    pub fn link(mut self, path: &str, target: &str) -> Self {
        self.links.push((path.to_owned(), target.to_owned()));
        self
    }

    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|word| (*word).to_owned()));
        self
    }

    /// A further trust anchor.
    pub fn anchor(mut self, der: &[u8]) -> Self {
        let path = format!("trust/{}.der", self.next());
        self.file(&path, der)
    }

    /// A further intermediate.
    pub fn issuer(mut self, der: &[u8]) -> Self {
        let path = format!("issuers/{}.der", self.next());
        self.file(&path, der)
    }

    /// Another certificate of the CA in place of the world's.
    pub fn below(self, ca: &[u8]) -> Self {
        self.below_nothing().issuer(ca)
    }

    /// No intermediates.
    pub fn below_nothing(mut self) -> Self {
        self.files.retain(|(path, _)| !path.starts_with("issuers/"));
        self
    }

    /// Another root in place of the world's.
    pub fn under(mut self, root: &[u8]) -> Self {
        self.files.retain(|(path, _)| !path.starts_with("trust/"));
        self.anchor(root)
    }

    pub fn crl(mut self, der: &[u8]) -> Self {
        let path = format!("crls/{}.crl", self.next());
        self.file(&path, der)
    }

    /// With a policy; what was there before stays in front.
    pub fn policy(mut self, text: &str) -> Self {
        let before = self.files.iter().find(|(path, _)| path == "policy.toml");
        let mut whole = before.map(|(_, bytes)| bytes.clone()).unwrap_or_default();
        whole.extend(text.as_bytes());
        whole.push(b'\n');
        if !self.has("policy.toml") {
            self = self.args(&["--policy", "policy.toml"]);
        }
        self.file("policy.toml", whole)
    }

    /// Without trust anchors; the other rules decide.
    pub fn unverified(mut self) -> Self {
        self.files.retain(|(path, _)| path.starts_with("in/") || path == "policy.toml");
        self.unverified = true;
        self
    }

    /// After a bundle that was made of another scene.
    pub fn after(mut self, before: Scene) -> Self {
        self.before = Some(Box::new(before));
        self
    }

    /// A number that no file has yet.
    fn next(&mut self) -> usize {
        self.numbered += 1;
        self.numbered
    }

    fn has(&self, folder: &str) -> bool {
        self.files.iter().any(|(path, _)| path.starts_with(folder))
    }

    fn prepare(&self, folder: &Path) -> Vec<String> {
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        for (path, target) in &self.links {
            std::os::unix::fs::symlink(target, folder.join(path)).unwrap();
        }
        let mut options = vec!["--at".to_owned(), program::AT.to_owned()];
        for (below, option) in [("trust", "--trust"), ("issuers", "--intermediate"), ("crls", "--crl")] {
            if self.has(&format!("{below}/")) {
                options.extend([option.to_owned(), below.to_owned()]);
            }
        }
        options
    }

    /// `certferry convert`, which must write a bundle.
    pub fn convert(&self) -> Outcome {
        match self.try_convert() {
            Ok(outcome) => outcome,
            Err((code, told)) => panic!("exit code {code} of {:?}\n{told}", self.arguments),
        }
    }

    /// `certferry convert`; exit code and messages where there is no bundle.
    pub fn try_convert(&self) -> Result<Outcome, (i32, String)> {
        let folder = tempfile::tempdir().unwrap();
        let (code, told) = self.convert_in(folder.path());
        if code != 0 && code != 1 {
            return Err((code, told));
        }
        let bundle = folder.path().join("bundle");
        let read = |side: &str| {
            let file = bundle.join(format!("review/active-directory/{side}-0001.ldif"));
            std::fs::read_to_string(file).unwrap_or_default()
        };
        Ok(Outcome {
            change: read("change"),
            inverse: read("inverse"),
            verified: program::code(&program::certferry([
                "verify",
                bundle.to_str().unwrap(),
                "--at",
                program::AT,
            ])),
            findings: program::lines(&bundle.join("review/findings.ndjson")),
            manifest: program::manifest(&bundle),
            code,
            told,
        })
    }

    /// Makes `bundle` in a folder, after the bundle before it in `before`; exit code and messages.
    fn convert_in(&self, folder: &Path) -> (i32, String) {
        let mut arguments = vec!["convert".to_owned(), "in".to_owned()];
        arguments.extend(self.prepare(folder));
        if let Some(before) = &self.before {
            std::fs::create_dir(folder.join("before")).unwrap();
            let (code, told) = before.convert_in(&folder.join("before"));
            assert!(code == 0 || code == 1, "exit code {code} of the bundle before\n{told}");
            arguments.extend(["--previous".to_owned(), "before/bundle".to_owned()]);
        }
        if self.unverified {
            arguments.push("--unverified".to_owned());
        }
        arguments.extend(self.arguments.iter().cloned());
        arguments.extend(["-o".to_owned(), "bundle".to_owned()]);
        let (code, _, told) = run(folder, &arguments);
        (code, told)
    }

    /// `certferry inspect --format ndjson` on one certificate with the same trust material.
    pub fn inspect(&self, der: &[u8]) -> Value {
        self.inspect_with(der, &[])
    }

    /// [`Scene::inspect`] with some options more.
    pub fn inspect_with(&self, der: &[u8], more: &[&str]) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments = ["inspect", "kim.cer", "--format", "ndjson"].map(str::to_owned).to_vec();
        arguments.extend(self.prepare(folder.path()));
        if self.has("policy.toml") {
            arguments.extend(["--policy", "policy.toml"].map(str::to_owned));
        }
        arguments.extend(more.iter().map(|word| (*word).to_owned()));
        std::fs::write(folder.path().join("kim.cer"), der).unwrap();
        let (code, lines, told) = run(folder.path(), &arguments);
        assert!(code == 0 || code == 1, "exit code {code} of {arguments:?}\n{told}");
        serde_json::from_str(lines.lines().next().unwrap_or_default()).unwrap()
    }
}

fn run(folder: &Path, arguments: &[String]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_certferry"))
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    (program::code(&output), program::stdout(&output), program::stderr(&output))
}

/// What a run wrote.
pub struct Outcome {
    /// findings.ndjson
    pub findings: Vec<Value>,
    /// manifest.json
    pub manifest: Value,
    /// Exit code.
    pub code: i32,
    /// What was said.
    pub told: String,
    /// The first file that changes the directory, and its inverse; empty where there is none.
    pub change: String,
    pub inverse: String,
    /// How `certferry verify` ended.
    pub verified: i32,
}

impl Outcome {
    /// All candidates of all recipients.
    pub fn candidates(&self) -> Vec<&Value> {
        let recipients = self.manifest["recipients"].as_array().unwrap();
        recipients.iter().flat_map(|recipient| recipient["candidates"].as_array().unwrap()).collect()
    }

    /// Codes of findings.ndjson.
    pub fn codes(&self) -> Vec<&str> {
        self.findings.iter().map(|finding| text(&finding["code"])).collect()
    }
}

/// The findings of a candidate or an inspected certificate with a code.
pub fn with_code<'v>(holder: &'v Value, code: &str) -> Vec<&'v Value> {
    holder["findings"].as_array().unwrap().iter().filter(|finding| finding["code"] == code).collect()
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
