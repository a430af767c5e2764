//! Tables that people write: whose a certificate file is (`--map`), and which address somebody has
//! in the cloud (`--recipient-map`).
//!
//! Both are CSV with a header line. Columns are found by their names, further columns are allowed;
//! the separator may be a comma, a semicolon or a tab, as spreadsheets write them. An entry that
//! nothing matched is told at the end, since it is a typing error as often as not.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::certificate::address::Address;
use crate::error::Error;
use crate::limits::MAP_FILE_BYTES;

/// A table from what the first column names to an address.
#[derive(Debug, Default)]
struct Table {
    entries: HashMap<String, (usize, String)>,
    used: Vec<AtomicBool>,
    texts: Vec<(u64, String)>,
}

impl Table {
    fn get(&self, key: &str) -> Option<&str> {
        let (at, address) = self.entries.get(key)?;
        if let Some(used) = self.used.get(*at) {
            used.store(true, Ordering::Relaxed);
        }
        Some(address)
    }

    fn unused(&self) -> Vec<(u64, String)> {
        self.texts
            .iter()
            .zip(&self.used)
            .filter(|(_, used)| !used.load(Ordering::Relaxed))
            .map(|(text, _)| text.clone())
            .collect()
    }
}

/// Whose certificate files are.
#[derive(Debug, Default)]
pub struct Map(Table);

impl Map {
    /// Reads a file: a column `certificate`, `file`, `path`, `thumbprint`, `sha1` or `sha256`, and a
    /// column `address`, `mail`, `email`, `smtp` or `primarySmtp`.
    ///
    /// # Errors
    /// A usage error with file, line and remedy.
    pub fn read(path: &Path) -> Result<Self, Error> {
        const KEYS: &[&str] =
            &["certificate", "file", "path", "filename", "thumbprint", "sha1", "sha256", "fingerprint"];
        read(path, "--map", KEYS, thumbprint_or_file).map(Self)
    }

    /// The owner's address by thumbprint, else by the file's path as outputs name it.
    #[must_use]
    pub fn owner(&self, file: &str, sha1: &str, sha256: &str) -> Option<&str> {
        // All three are asked, so that an entry that is right is never told to be unused.
        let found = [self.0.get(sha256), self.0.get(sha1), self.0.get(file)];
        found.into_iter().flatten().next()
    }

    /// Lines that matched nothing.
    #[must_use]
    pub fn unused(&self) -> Vec<(u64, String)> {
        self.0.unused()
    }
}

/// Hex digits of a thumbprint without blanks and colons, in lower case; else the text as it is.
fn thumbprint_or_file(text: &str) -> String {
    let packed: String = text.chars().filter(|c| !matches!(c, ':' | ' ' | '\u{200e}')).collect();
    if matches!(packed.len(), 40 | 64) && packed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        packed.to_ascii_lowercase()
    } else {
        text.replace('\\', "/")
    }
}

/// Which address somebody has in the cloud.
#[derive(Debug, Default)]
pub struct RecipientMap(Table);

impl RecipientMap {
    /// Reads a file: a column `source`, `dn`, `objectGUID` or `from`, and a column `address`, `cloud`,
    /// `cloudAddress`, `target` or `to`.
    ///
    /// # Errors
    /// A usage error with file, line and remedy.
    pub fn read(path: &Path) -> Result<Self, Error> {
        const KEYS: &[&str] = &["source", "dn", "objectguid", "guid", "from", "recipient", "sourceaddress"];
        read(path, "--recipient-map", KEYS, source_key).map(Self)
    }

    /// The address in the cloud, by DN, objectGUID (text form) or one of the source addresses.
    #[must_use]
    pub fn lookup<'a>(
        &self,
        dn: Option<&str>,
        guid: Option<&str>,
        addresses: impl Iterator<Item = &'a str>,
    ) -> Option<&str> {
        let mut found = dn.and_then(|dn| self.0.get(&dn.to_ascii_lowercase()));
        found = found.or_else(|| guid.and_then(|guid| self.0.get(guid)));
        for address in addresses {
            let here = self.0.get(address);
            found = found.or(here);
        }
        found
    }

    /// Lines that matched nothing.
    #[must_use]
    pub fn unused(&self) -> Vec<(u64, String)> {
        self.0.unused()
    }
}

fn source_key(text: &str) -> String {
    let plain = text.trim_start_matches('{').trim_end_matches('}');
    if plain.len() == 36 && plain.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return plain.to_ascii_lowercase();
    }
    match Address::parse(text) {
        Ok(address) if !text.contains('=') => address.as_str().to_owned(),
        _ => text.to_ascii_lowercase(),
    }
}

fn read(path: &Path, option: &str, keys: &[&str], key: fn(&str) -> String) -> Result<Table, Error> {
    const ADDRESSES: &[&str] = &[
        "address",
        "mail",
        "email",
        "e-mail",
        "smtp",
        "primarysmtp",
        "primarysmtpaddress",
        "emailaddress",
        "cloud",
        "cloudaddress",
        "target",
        "to",
    ];
    let wrong =
        |message: String, hint: &str| Error::usage(format!("{option} {}: {message}", path.display()), hint);
    let bytes = crate::pipeline::source::read_file(path, MAP_FILE_BYTES)
        .map_err(|error| wrong(error.to_string(), "name a CSV file that can be read"))?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(wrong("it is UTF-16 text".into(), "save it as CSV UTF-8"));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if std::str::from_utf8(text).is_err() {
        return Err(wrong("it is not UTF-8 text".into(), "save it as CSV UTF-8"));
    }
    let head = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let count = |separator: u8| head.iter().filter(|byte| **byte == separator).count();
    let separator = [b';', b'\t'].into_iter().find(|other| count(*other) > count(b',')).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).trim(csv::Trim::All).from_reader(text);
    let columns = reader.headers().map_err(|error| wrong(error.to_string(), "make it a CSV file"))?.clone();
    let find = |names: &[&str]| {
        let normal = |name: &str| name.to_ascii_lowercase().replace(['_', ' '], "");
        columns.iter().position(|column| names.contains(&normal(column).as_str()))
    };
    let (Some(from), Some(to)) = (find(keys), find(ADDRESSES)) else {
        return Err(wrong(
            format!("its first line names the columns {:?}", columns.iter().collect::<Vec<_>>()),
            &format!(
                "the first line must name a column {} and a column address",
                keys.first().copied().unwrap_or("source")
            ),
        ));
    };
    let mut table = Table::default();
    let (mut line, mut counted) = (1u64, 0);
    for row in reader.records() {
        let row = row.map_err(|error| {
            wrong(error.to_string(), "mend the line; a text with a separator in it needs quotes")
        })?;
        // csv counts a CRLF's LF to the next record, so lines are counted here.
        let start = row.position().map_or(0, |position| usize::try_from(position.byte()).unwrap_or(0));
        let start = start
            + text.get(start..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_whitespace()).count());
        line +=
            text.get(counted..start).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count() as u64;
        counted = start;
        let (source, address) = (row.get(from).unwrap_or_default(), row.get(to).unwrap_or_default());
        if source.is_empty() && address.is_empty() {
            continue;
        }
        if let Err(error) = Address::parse(address) {
            return Err(wrong(
                format!("line {line}: {address:?}: {error}"),
                "write an address of the form local@domain there",
            ));
        }
        let key = key(source);
        match table.entries.get(&key) {
            Some((_, known)) if !known.eq_ignore_ascii_case(address) => {
                return Err(wrong(
                    format!("line {line}: {source:?} stands there for the second time, with another address"),
                    "keep one of the lines",
                ));
            }
            Some(_) => continue,
            None => {}
        }
        table.entries.insert(key, (table.texts.len(), address.to_owned()));
        table.texts.push((line, source.to_owned()));
        table.used.push(AtomicBool::new(false));
    }
    Ok(table)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    #[test]
    fn thumbprints_and_files_find_their_owner() {
        let sha1 = "25:5E:F0:DA:A4:2E:A0:4B:8C:E0:74:5E:D4:17:7F:F9:3D:3B:44:21";
        let text = format!(
            "\u{feff}Certificate;Dept;E-Mail\r\n{sha1};x;kim@x.example\r\na\\b.cer;y;lee@x.example\r\nz.cer;;z@x.example\r\n"
        );
        let map = Map::read(file(&text).path()).unwrap();
        let plain = sha1.replace(':', "").to_lowercase();
        assert_eq!(map.owner("any", &plain, "none"), Some("kim@x.example"));
        assert_eq!(map.owner("a/b.cer", "", ""), Some("lee@x.example"));
        assert_eq!(map.owner("c.cer", "", ""), None);
        assert_eq!(map.unused(), [(4, "z.cer".to_owned())]);
    }

    #[test]
    fn people_are_found_by_dn_guid_or_address() {
        let text = "source,address\n\"CN=A, OU=b\",a@cloud.example\n{F3625784-B35C-4423-AC65-C8FA631450E7},b@cloud.example\nC@inner.example,c@cloud.example\n";
        let map = RecipientMap::read(file(text).path()).unwrap();
        assert_eq!(map.lookup(Some("cn=a, ou=B"), None, [].into_iter()), Some("a@cloud.example"));
        let guid = "f3625784-b35c-4423-ac65-c8fa631450e7";
        assert_eq!(map.lookup(None, Some(guid), [].into_iter()), Some("b@cloud.example"));
        assert_eq!(map.lookup(None, None, ["c@inner.example"].into_iter()), Some("c@cloud.example"));
        assert!(map.unused().is_empty());
    }

    #[test]
    fn mistakes_name_line_and_remedy() {
        let error = |text: &str| Map::read(file(text).path()).unwrap_err();
        assert!(error("a,b\n1,2\n").to_string().contains("columns"));
        let wrong = error("file,address\nx.cer,nobody\n");
        assert!(wrong.to_string().contains("line 2") && wrong.exit_code() == 2);
        assert!(error("file,address\nx,a@b.c\nx,d@b.c\n").to_string().contains("second time"));
    }
}
