//! The tenant: mailboxes, and uploads as the script makes them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::directory::{Directory, Random, at};
use crate::town::{Held, base64, inventory};

/// What becomes of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Applied,
    /// The server refuses some recipients.
    Partly,
    Dropped,
    Late,
}

impl Fate {
    pub fn draw(random: &mut Random) -> Self {
        match random.below(10) {
            0..6 => Self::Applied,
            6..8 => Self::Partly,
            8 => Self::Dropped,
            _ => Self::Late,
        }
    }
}

/// A mailbox. Values are numbers of certificates.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    pub address: String,
    pub aliases: Vec<String>,
    pub sets: [BTreeSet<usize>; 2],
}

/// Mailboxes by the person they were made for.
#[derive(Default)]
pub struct Tenant {
    pub boxes: BTreeMap<u8, Mailbox>,
    /// Values by their base64.
    known: BTreeMap<String, usize>,
}

impl Tenant {
    /// Names follow the directory; whoever left keeps the mailbox for a while.
    pub fn follow(&mut self, directory: &Directory, random: &mut Random) {
        for (number, sheet) in directory.sheets.iter().enumerate() {
            self.known.entry(base64(&sheet.der)).or_insert(number);
        }
        for person in directory.people.iter().filter(|person| person.present) {
            let mailbox = self.boxes.entry(person.id).or_default();
            mailbox.address.clone_from(&person.address);
            mailbox.aliases.clone_from(&person.aliases);
        }
        let used = |address: &str| directory.owner(address).is_some();
        self.boxes.retain(|id, mailbox| {
            directory.is_present(*id) || !(used(&mailbox.address) || random.below(10) == 0)
        });
        for mailbox in self.boxes.values_mut() {
            // Nobody keeps an alias that is somebody's.
            let own = mailbox.address.clone();
            mailbox.aliases.retain(|alias| directory.owner(alias).is_none_or(|owner| owner.address == own));
        }
    }

    /// Everybody who holds something, and what.
    pub fn held(&self) -> Vec<&Mailbox> {
        self.boxes.values().filter(|mailbox| mailbox.sets.iter().any(|set| !set.is_empty())).collect()
    }

    pub fn inventory(&self, directory: &Directory, month: u32) -> String {
        let values = |set: &BTreeSet<usize>| -> Vec<&[u8]> {
            set.iter().map(|number| directory.sheets[*number].der.as_slice()).collect()
        };
        let held: Vec<(&Mailbox, [Vec<&[u8]>; 2])> =
            self.held().into_iter().map(|mailbox| (mailbox, mailbox.sets.each_ref().map(values))).collect();
        let lines: Vec<Held<'_>> = held
            .iter()
            .map(|(mailbox, [user, smime])| (mailbox.address.as_str(), &user[..], &smime[..]))
            .collect();
        inventory(&at(month), &lines)
    }

    /// Applies payload lines as the script does: the recipient who bears the address, whole sets, `[]` empties.
    pub fn upload(&mut self, payload: &[Value], random: &mut Random, fate: Fate) {
        for line in payload {
            if fate == Fate::Dropped || fate == Fate::Partly && random.below(3) == 0 {
                continue;
            }
            let address = line["address"].as_str().unwrap().to_lowercase();
            let bears =
                |mailbox: &&mut Mailbox| mailbox.address == address || mailbox.aliases.contains(&address);
            let Some(mailbox) = self.boxes.values_mut().find(bears) else { continue };
            for (set, name) in mailbox.sets.iter_mut().zip(["userCertificate", "userSMIMECertificate"]) {
                if let Some(values) = line.get(name) {
                    let values = values.as_array().unwrap().iter();
                    *set = values.map(|value| self.known[value.as_str().unwrap()]).collect();
                }
            }
        }
    }

    /// Whatever happened: nobody has a certificate of somebody else, and it is one that was once good for them.
    pub fn check(&self, directory: &Directory, place: &str) {
        for (id, mailbox) in &self.boxes {
            for number in mailbox.sets.iter().flatten() {
                let owner = directory.sheets[*number].owner;
                assert!(owner == *id, "{place}: {} holds a certificate of person {owner}", mailbox.address);
            }
        }
    }
}
