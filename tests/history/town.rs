//! A small town for tests of what changes over time: a PKI, a directory as LDIF, an inventory, and runs of the program.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::pki::{Cert, Key, crl, extension, seq, tlv};
use super::program;

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Root → CA and a second CA; one key serves everybody: whose a certificate is stands in its address.
pub struct World {
    pub root: Key,
    pub ca: Key,
    pub other: Key,
    user: Key,
    pub root_der: Vec<u8>,
    pub ca_der: Vec<u8>,
    pub other_der: Vec<u8>,
}

pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let (root, ca, other) = (Key::p256(), Key::p256(), Key::p256());
        World {
            root_der: Cert::new("Root", "Root", 1).ca(None).ids(&root, &root).sign(&root, &root),
            ca_der: Cert::new("CA", "Root", 2).ca(None).ids(&ca, &root).sign(&ca, &root),
            other_der: Cert::new("Other CA", "Root", 3).ca(None).ids(&other, &root).sign(&other, &root),
            root,
            ca,
            other,
            user: Key::p256(),
        }
    })
}

/// A mail certificate in the making.
#[derive(Clone)]
pub struct Mail {
    pub address: String,
    pub serial: u64,
    /// UTCTime.
    pub from: String,
    pub until: String,
    pub encrypts: bool,
    pub by_other: bool,
}

impl Mail {
    pub fn new(address: &str, serial: u64) -> Self {
        Self {
            address: address.into(),
            serial,
            from: "240601000000Z".into(),
            until: "270601000000Z".into(),
            encrypts: true,
            by_other: false,
        }
    }

    pub fn until(mut self, until: &str) -> Self {
        self.until = until.into();
        self
    }

    pub fn signing(mut self) -> Self {
        self.encrypts = false;
        self
    }

    pub fn by_other(mut self) -> Self {
        self.by_other = true;
        self
    }

    pub fn der(&self) -> Vec<u8> {
        use certferry::certificate::oid;
        let w = world();
        let (name, key) = if self.by_other { ("Other CA", &w.other) } else { ("CA", &w.ca) };
        let mut cert = Cert::new(&self.address, name, self.serial);
        cert.not_before.clone_from(&self.from);
        cert.not_after.clone_from(&self.until);
        // digitalSignature, with or without keyAgreement.
        let usage: &[u8] = if self.encrypts { &[3, 2, 3, 0x88] } else { &[3, 2, 7, 0x80] };
        cert.with(extension(oid::KEY_USAGE, true, usage))
            .with(extension(oid::EXT_KEY_USAGE, false, seq(&[tlv(6, oid::EMAIL_PROTECTION)])))
            .with(extension(oid::SUBJECT_ALT_NAME, false, seq(&[tlv(0x81, &self.address)])))
            .ids(&w.user, key)
            .sign(&w.user, key)
    }
}

/// An entry of the directory.
#[derive(Clone, Default)]
pub struct Entry {
    pub dn: String,
    pub guid: Option<u8>,
    pub class: &'static str,
    pub address: Option<String>,
    pub aliases: Vec<String>,
    pub user: Vec<Vec<u8>>,
    pub smime: Vec<Vec<u8>>,
    pub lines: Vec<String>,
}

impl Entry {
    /// `kim` with kim@example.com.
    pub fn of(name: &str) -> Self {
        Self {
            dn: format!("CN={name},DC=example,DC=com"),
            class: "user",
            address: Some(format!("{name}@example.com")),
            ..Self::default()
        }
    }

    pub fn guid(mut self, number: u8) -> Self {
        self.guid = Some(number);
        self
    }

    pub fn at(mut self, address: &str) -> Self {
        self.address = Some(address.into());
        self
    }

    pub fn alias(mut self, address: &str) -> Self {
        self.aliases.push(address.into());
        self
    }

    pub fn cert(mut self, der: &[u8]) -> Self {
        self.user.push(der.to_vec());
        self
    }

    pub fn smime(mut self, der: &[u8]) -> Self {
        self.smime.push(der.to_vec());
        self
    }

    pub fn line(mut self, line: &str) -> Self {
        self.lines.push(line.into());
        self
    }

    pub fn ldif(&self) -> String {
        let mut text = format!("dn: {}\nobjectClass: {}\n", self.dn, self.class);
        if let Some(guid) = self.guid {
            text += &format!("objectGUID:: {}\n", base64(&[guid; 16]));
        }
        if let Some(address) = &self.address {
            text += &format!("mail: {address}\nproxyAddresses: SMTP:{address}\n");
        }
        for alias in &self.aliases {
            text += &format!("proxyAddresses: smtp:{alias}\n");
        }
        for der in &self.user {
            text += &format!("userCertificate:: {}\n", base64(der));
        }
        for der in &self.smime {
            text += &format!("userSMIMECertificate:: {}\n", base64(der));
        }
        for line in &self.lines {
            text += line;
            text.push('\n');
        }
        text
    }
}

/// A line of an inventory: address and values of both attributes.
pub type Held<'a> = (&'a str, &'a [&'a [u8]], &'a [&'a [u8]]);

/// An inventory as the upload script writes it.
pub fn inventory(time: &str, held: &[Held<'_>]) -> String {
    let list = |values: &[&[u8]]| {
        let values: Vec<String> = values.iter().map(|value| format!("\"{}\"", base64(value))).collect();
        format!("[{}]", values.join(","))
    };
    let mut text = format!("{{\"schema\":\"certferry-inventory-1\",\"time\":\"{time}\"}}\n");
    for (address, user, smime) in held {
        text += &format!(
            "{{\"address\":\"{address}\",\"kind\":\"mailbox\",\"synchronised\":false,\"userCertificate\":{},\"userSMIMECertificate\":{}}}\n",
            list(user),
            list(smime)
        );
    }
    text + &format!("{{\"end\":true,\"recipients\":{}}}\n", held.len())
}

/// A folder in which bundles are made.
pub struct Town {
    pub dir: tempfile::TempDir,
}

impl Town {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let w = world();
        for (name, der) in [("trust", &w.root_der), ("cas", &w.ca_der)] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
            std::fs::write(dir.path().join(name).join("1.der"), der).unwrap();
        }
        std::fs::write(dir.path().join("cas/2.der"), &w.other_der).unwrap();
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), bytes).unwrap();
        self
    }

    /// Lists these serial numbers of the first CA as revoked, in every later run that gives `--crl crls`.
    pub fn revoke(&self, serials: &[u64]) -> &Self {
        let w = world();
        let serials: Vec<Vec<u8>> = serials.iter().map(|serial| Cert::new("", "", *serial).serial).collect();
        let folder = self.path("crls");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("ca.crl"), crl("CA", &w.ca, &serials, "400101000000Z", &[])).unwrap();
        std::fs::write(folder.join("other.crl"), crl("Other CA", &w.other, &[], "400101000000Z", &[]))
            .unwrap();
        std::fs::write(folder.join("root.crl"), crl("Root", &w.root, &[], "400101000000Z", &[])).unwrap();
        self
    }

    /// Runs the program in the folder.
    pub fn run(&self, arguments: &[&str]) -> Output {
        std::process::Command::new(env!("CARGO_BIN_EXE_certferry"))
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap()
    }

    /// Converts entries into the bundle `out`.
    pub fn convert(&self, out: &str, entries: &[Entry], more: &[&str]) -> Output {
        let text: Vec<String> = entries.iter().map(Entry::ldif).collect();
        self.write(&format!("{out}.ldif"), text.join("\n"));
        let input = format!("{out}.ldif");
        let mut arguments = vec!["convert", &input, "--trust", "trust", "--intermediate", "cas", "-o", out];
        if self.path("crls").is_dir() {
            arguments.extend(["--crl", "crls"]);
        }
        if !more.contains(&"--at") {
            arguments.extend(["--at", program::AT]);
        }
        arguments.extend(more);
        self.run(&arguments)
    }

    /// [`Town::convert`], which must end with this exit code, and the manifest.
    #[track_caller]
    pub fn made(&self, out: &str, code: i32, entries: &[Entry], more: &[&str]) -> Bundle {
        let output = self.convert(out, entries, more);
        assert_eq!(program::code(&output), code, "{}", program::stderr(&output));
        assert_eq!(program::stdout(&output), "");
        let at = more.iter().position(|word| *word == "--at").and_then(|at| more.get(at + 1));
        let checked = self.run(&["verify", out, "--at", at.unwrap_or(&program::AT)]);
        assert_eq!(program::code(&checked), 0, "{}", program::stdout(&checked));
        Bundle::read(&self.path(out))
    }
}

/// A bundle, read back.
pub struct Bundle {
    pub manifest: Value,
    pub payload: Vec<Value>,
    pub findings: Vec<Value>,
}

impl Bundle {
    pub fn read(dir: &Path) -> Self {
        let mut payload = Vec::new();
        for number in 1.. {
            let path = dir.join(
                certferry::bundle::writer::payload_name(number).replace("payload/", "transfer/payload/"),
            );
            if !path.is_file() {
                break;
            }
            payload.extend(program::lines(&path));
        }
        Self {
            manifest: program::manifest(dir),
            payload,
            findings: program::lines(&dir.join("review/findings.ndjson")),
        }
    }

    pub fn summary(&self) -> &Value {
        &self.manifest["summary"]
    }

    pub fn changes(&self, name: &str) -> u64 {
        self.summary()["changes"][name].as_u64().unwrap()
    }

    pub fn cleared(&self, class: &str) -> u64 {
        self.summary()["cleared"][class].as_u64().unwrap()
    }

    pub fn lost(&self) -> u64 {
        self.summary()["coverage"]["lostSincePrevious"].as_u64().unwrap()
    }

    /// The entry with an address.
    #[track_caller]
    pub fn of(&self, address: &str) -> &Value {
        let recipients = self.manifest["recipients"].as_array().unwrap();
        recipients
            .iter()
            .find(|one| one["identity"]["primarySmtp"] == address)
            .unwrap_or_else(|| panic!("no {address}"))
    }

    /// The payload line for an address.
    pub fn line(&self, address: &str) -> Option<&Value> {
        self.payload.iter().find(|line| line["address"] == address)
    }

    /// Addresses of those who stand in no input, in order.
    pub fn gone(&self) -> Vec<&str> {
        let recipients = self.manifest["recipients"].as_array().unwrap();
        let gone = recipients.iter().filter(|one| one["source"].is_null());
        gone.map(|one| one["identity"]["primarySmtp"].as_str().unwrap_or_default()).collect()
    }

    /// Codes of the findings about an address.
    pub fn codes(&self, address: &str) -> Vec<&str> {
        let mut codes: Vec<&str> = self
            .findings
            .iter()
            .filter(|line| line["address"] == address)
            .map(|line| line["code"].as_str().unwrap())
            .collect();
        codes.sort_unstable();
        codes
    }
}
