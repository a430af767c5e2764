//! Wine's crypt32 as a reader of certificate stores. The program that asks it is compiled when the test runs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Lists the SHA-1 of every certificate of a store.
const LIST: &str = r#"
#include <windows.h>
#include <wincrypt.h>
#include <stdio.h>

int wmain(int argc, wchar_t **argv)
{
    HCERTSTORE store = CertOpenStore(CERT_STORE_PROV_FILENAME_W, 0, 0, CERT_STORE_READONLY_FLAG, argv[1]);
    PCCERT_CONTEXT certificate = NULL;
    if (!store) return 1;
    while ((certificate = CertEnumCertificatesInStore(store, certificate))) {
        BYTE hash[20];
        DWORD size = sizeof hash, i;
        if (!CertGetCertificateContextProperty(certificate, CERT_SHA1_HASH_PROP_ID, hash, &size)) return 2;
        for (i = 0; i < size; i++) printf("%02x", hash[i]);
        printf("\n");
    }
    printf("end\n");
    return 0;
}
"#;

/// A compiled program and a Wine to run it.
pub struct Wine {
    folder: tempfile::TempDir,
    wine: PathBuf,
}

impl Wine {
    /// `None`, and a word on stderr, where there is no Wine or no compiler for Windows.
    pub fn new() -> Option<Self> {
        // Debian's wine64 has no command in the path.
        let usual = ["/usr/lib/wine/wine64", "/usr/bin/wine64", "/usr/bin/wine"].map(PathBuf::from);
        let Some(wine) = usual.into_iter().find(|path| path.is_file()) else {
            eprintln!("skipped: there is no Wine (apt-get install wine64), so crypt32 was not asked");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("list.c"), LIST).unwrap();
        let compiled = Command::new("x86_64-w64-mingw32-gcc")
            .args(["-municode", "-O1", "-Wall", "-Werror", "list.c", "-o", "list.exe", "-lcrypt32"])
            .current_dir(folder.path())
            .output();
        match compiled {
            Ok(output) if output.status.success() => Some(Self { folder, wine }),
            Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => {
                eprintln!(
                    "skipped: x86_64-w64-mingw32-gcc cannot be run ({error}; apt-get install gcc-mingw-w64-x86-64-win32), so crypt32 was not asked"
                );
                None
            }
        }
    }

    /// SHA-1 of each certificate that crypt32 finds in a store, in its order.
    pub fn certificates(&self, store: &Path) -> Vec<String> {
        let output = self.run(store);
        let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(lines.pop().as_deref(), Some("end"), "{:?}: {text}\n{told}", output.status);
        lines
    }

    fn run(&self, store: &Path) -> Output {
        Command::new(&self.wine)
            .arg(self.folder.path().join("list.exe"))
            // Z: is the root of the file system.
            .arg(format!("Z:{}", store.display()))
            .env("WINEPREFIX", self.folder.path().join("prefix"))
            .env("WINEDEBUG", "-all")
            // Neither a desktop nor .NET nor a browser: nothing is asked and nothing downloaded.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=d;winemenubuilder.exe=d")
            .env_remove("DISPLAY")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        // Wine's server outlives its programs and writes into the prefix.
        let server = self.wine.with_file_name("wineserver");
        let prefix = self.folder.path().join("prefix");
        let _ = Command::new(server).args(["-k", "-w"]).env("WINEPREFIX", prefix).output();
    }
}
