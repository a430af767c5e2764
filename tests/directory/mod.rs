//! LDIF of changes and of directories, read by a few lines that share nothing with the product.
#![allow(dead_code, clippy::unwrap_used, clippy::panic)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// Values, each with its attribute.
pub type Values = Vec<(String, Vec<u8>)>;

/// What a record changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub dn: String,
    pub delete: Values,
    pub add: Values,
}

impl Change {
    /// What undoes it.
    pub fn reversed(&self) -> Self {
        Self { dn: self.dn.clone(), delete: self.add.clone(), add: self.delete.clone() }
    }
}

/// Lines with their folds joined, in groups that blank lines part; comments are left out.
fn blocks(text: &str) -> Vec<Values> {
    let unfolded = text.replace("\n ", "");
    let mut blocks = vec![Vec::new()];
    for line in unfolded.lines().filter(|line| !line.starts_with('#')) {
        if line.is_empty() {
            blocks.push(Vec::new());
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = match value.strip_prefix(": ") {
            Some(base64) => STANDARD.decode(base64).unwrap(),
            None => value.strip_prefix(' ').unwrap_or(value).as_bytes().to_vec(),
        };
        blocks.last_mut().unwrap().push((name.to_owned(), value));
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// The records of a file that changes the directory.
pub fn changes(text: &str) -> Vec<Change> {
    let read = |block: Values| {
        let mut lines = block.into_iter();
        let (name, dn) = lines.next().unwrap();
        assert_eq!(name, "dn");
        assert_eq!(lines.next(), Some(("changetype".to_owned(), b"modify".to_vec())));
        let mut change = Change { dn: String::from_utf8(dn).unwrap(), ..Change::default() };
        while let Some((word, attribute)) = lines.next() {
            let attribute = String::from_utf8(attribute).unwrap();
            let values: Values = lines.by_ref().take_while(|(name, _)| name != "-").collect();
            assert!(!values.is_empty() && values.iter().all(|(name, _)| *name == attribute));
            match word.as_str() {
                "delete" => change.delete.extend(values),
                "add" => change.add.extend(values),
                other => panic!("{other}: is neither delete: nor add:"),
            }
        }
        change
    };
    blocks(text).into_iter().map(read).collect()
}

/// Every value of every entry of an export, as a multiset, by DN.
pub type Directory = BTreeMap<String, Values>;

/// An export as a directory.
pub fn directory(text: &str) -> Directory {
    let mut all = Directory::new();
    for mut block in blocks(text) {
        let (name, dn) = block.remove(0);
        if name == "dn" {
            block.sort();
            all.insert(String::from_utf8(dn).unwrap(), block);
        }
    }
    all
}
