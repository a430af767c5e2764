//! A real domain controller: Samba's, started by the program that `CERTFERRY_SAMBA` names (or the one beside the
//! project) with `start FOLDER` and `stop FOLDER`, on 127.0.0.1:389.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The server while it runs; there can be one at a time.
pub struct Server {
    script: PathBuf,
    folder: tempfile::TempDir,
    // Dropped last: the next one may start.
    _lock: File,
}

pub const BASE: &str = "DC=example,DC=test";
const BIND: &[&str] =
    &["-x", "-H", "ldap://127.0.0.1", "-D", "Administrator@example.test", "-w", "Passw0rd.1"];

fn skipped(why: &str) -> Option<Server> {
    eprintln!("skipped: {why}");
    None
}

impl Server {
    /// Starts one, or says why there is none.
    pub fn start() -> Option<Self> {
        let script = std::env::var_os("CERTFERRY_SAMBA").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/tools/samba_ad"),
            PathBuf::from,
        );
        if !script.is_file() {
            return skipped(&format!(
                "no domain controller at {}; name one with CERTFERRY_SAMBA",
                script.display()
            ));
        }
        let installed = |program: &str| {
            let paths = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&paths)
                .chain([PathBuf::from("/usr/sbin")])
                .any(|at| at.join(program).is_file())
        };
        for program in ["samba", "samba-tool", "ldapadd", "ldapmodify", "ldapsearch"] {
            if !installed(program) {
                return skipped(&format!("the program {program} is not installed"));
            }
        }
        // One after the other, whatever runs on this machine: there is one port.
        let lock = File::create(std::env::temp_dir().join("certferry-port-389.lock")).unwrap();
        lock.lock().unwrap();
        if let Err(error) = TcpListener::bind("127.0.0.1:389") {
            return skipped(&format!("port 389 cannot be used (is this root, is it free?): {error}"));
        }
        // The server syncs every change to the disk; in memory it is forty times as fast.
        let memory = Path::new("/dev/shm");
        let folder = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap();
        let server = Self { script, folder, _lock: lock };
        let output = server.run("start");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(server)
    }

    fn run(&self, verb: &str) -> Output {
        let mut command = Command::new("bash");
        command.arg(&self.script).arg(verb).arg(self.folder.path()).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Runs one of OpenLDAP's tools with this on its standard input: exit code and what it said.
    fn tool(&self, program: &str, arguments: &[&str], input: &[u8]) -> (i32, String, String) {
        let mut child = Command::new(program)
            .args(BIND)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    }

    /// Adds entries.
    pub fn add(&self, ldif: &str) {
        let (code, _, told) = self.tool("ldapadd", &[], ldif.as_bytes());
        assert_eq!(code, 0, "{told}");
    }

    /// Imports changes as `ldapmodify` does, stopping at the first that fails or (`-c`) going on: the exit code, and how
    /// many failed.
    pub fn modify(&self, ldif: &str, go_on: bool) -> (i32, usize) {
        let (code, _, told) = self.tool("ldapmodify", if go_on { &["-c"] } else { &[] }, ldif.as_bytes());
        (code, told.lines().filter(|line| line.starts_with("ldap_modify:")).count())
    }

    /// The people below a folder, with the attributes that the README asks for.
    pub fn export(&self, below: &str) -> String {
        let attributes = "objectClass objectGUID cn sAMAccountName mail proxyAddresses userCertificate userSMIMECertificate";
        let mut arguments = vec!["-E", "pr=500/noprompt", "-b", below, "(objectCategory=person)"];
        arguments.extend(attributes.split(' '));
        let (code, text, told) = self.tool("ldapsearch", &arguments, b"");
        assert_eq!(code, 0, "{told}");
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(self.folder.path().join("samba.pid")).unwrap_or_default();
        self.run("stop");
        // The port is free when the process is gone.
        let gone = || !Path::new("/proc").join(pid.trim()).is_dir();
        for _ in 0..100 {
            if pid.is_empty() || gone() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}
