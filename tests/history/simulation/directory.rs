//! The directory as it changes from month to month: people, and their certificates.

use certferry::history::diff::model::Cause;

use crate::town::{Entry, Mail};

/// Numbers that follow from a seed (xorshift64*).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.below(from.len())])
    }
}

/// The instant of a month's run: its 15th. Certificates begin and end on the 1st.
pub fn at(month: u32) -> String {
    format!("{}-{:02}-15T00:00:00Z", 2026 + month / 12, month % 12 + 1)
}

fn first_of(month: u32) -> String {
    format!("{:02}{:02}01000000Z", 26 + month / 12, month % 12 + 1)
}

/// A certificate.
pub struct Sheet {
    pub der: Vec<u8>,
    pub owner: u8,
    address: String,
    pub until: u32,
    pub encrypts: bool,
    other: bool,
    serial: u64,
    pub revoked: bool,
}

#[derive(Clone)]
pub struct Person {
    pub id: u8,
    pub address: String,
    pub aliases: Vec<String>,
    pub present: bool,
    pub dn: String,
    /// Numbers of certificates in both attributes.
    pub sets: [Vec<usize>; 2],
}

pub struct Directory {
    pub people: Vec<Person>,
    pub sheets: Vec<Sheet>,
    pub with_guid: bool,
    names: u32,
}

impl Directory {
    pub fn new(random: &mut Random, with_guid: bool) -> Self {
        let mut directory = Self { people: Vec::new(), sheets: Vec::new(), with_guid, names: 0 };
        for _ in 0..16 {
            directory.join(random, 0);
        }
        directory
    }

    /// Who bears an address now.
    pub fn owner(&self, address: &str) -> Option<&Person> {
        let present = || self.people.iter().filter(|person| person.present);
        present()
            .find(|person| person.address == address)
            .or_else(|| present().find(|person| person.aliases.iter().any(|alias| alias == address)))
    }

    pub fn is_present(&self, id: u8) -> bool {
        self.people.iter().any(|person| person.present && person.id == id)
    }

    pub fn revoked(&self) -> Vec<u64> {
        self.sheets.iter().filter(|sheet| sheet.revoked && !sheet.other).map(|sheet| sheet.serial).collect()
    }

    pub fn entries(&self) -> Vec<Entry> {
        let present = self.people.iter().filter(|person| person.present);
        present
            .map(|person| {
                let ders =
                    |set: &[usize]| set.iter().map(|number| self.sheets[*number].der.clone()).collect();
                Entry {
                    dn: person.dn.clone(),
                    guid: self.with_guid.then_some(person.id),
                    class: "user",
                    address: Some(person.address.clone()),
                    aliases: person.aliases.clone(),
                    user: ders(&person.sets[0]),
                    smime: ders(&person.sets[1]),
                    lines: Vec::new(),
                }
            })
            .collect()
    }

    fn fresh_name(&mut self) -> String {
        self.names += 1;
        format!("n{}", self.names)
    }

    fn join(&mut self, random: &mut Random, month: u32) {
        let name = self.fresh_name();
        let mut address = format!("{name}@example.com");
        // A new colleague with the address of one who left.
        let left: Vec<usize> = (0..self.people.len())
            .filter(|at| !self.people[*at].present && self.owner(&self.people[*at].address).is_none())
            .collect();
        if random.chance(15)
            && let Some(at) = random.pick(&left)
        {
            address.clone_from(&self.people[at].address);
        }
        let id = u8::try_from(self.people.len()).unwrap() + 1;
        self.people.push(Person {
            id,
            address,
            aliases: Vec::new(),
            present: true,
            dn: format!("CN={name},DC=example,DC=com"),
            sets: Default::default(),
        });
        if random.chance(80) {
            self.issue(random, self.people.len() - 1, month);
        }
    }

    fn issue(&mut self, random: &mut Random, at: usize, month: u32) {
        let (id, address) = (self.people[at].id, self.people[at].address.clone());
        let serial = 1000 + self.sheets.len() as u64;
        let until = month + 2 + random.below(12) as u32;
        let (encrypts, other) = (random.chance(85), random.chance(12));
        let mut mail = Mail::new(&address, serial);
        (mail.from, mail.until) = (first_of(month), first_of(until));
        (mail.encrypts, mail.by_other) = (encrypts, other);
        let sheet =
            Sheet { der: mail.der(), owner: id, address, until, encrypts, other, serial, revoked: false };
        let attribute = usize::from(random.chance(20));
        let set = &mut self.people[at].sets[attribute];
        if random.chance(30) {
            set.clear();
        }
        set.push(self.sheets.len());
        self.sheets.push(sheet);
    }

    /// A month passes.
    pub fn live(&mut self, random: &mut Random, month: u32) {
        let present = |directory: &Self| -> Vec<usize> {
            (0..directory.people.len()).filter(|at| directory.people[*at].present).collect()
        };
        if random.chance(50) {
            self.join(random, month);
        }
        let here = present(self);
        if here.len() > 8
            && random.chance(45)
            && let Some(at) = random.pick(&here)
        {
            self.people[at].present = false;
            // The deputy gets the mail of the one who left.
            let address = self.people[at].address.clone();
            let deputies: Vec<usize> = here.iter().copied().filter(|other| *other != at).collect();
            if random.chance(25)
                && let Some(deputy) = random.pick(&deputies)
            {
                self.people[deputy].aliases.push(address);
            }
        }
        if random.chance(8) {
            let away: Vec<usize> = (0..self.people.len())
                .filter(|at| !self.people[*at].present && self.owner(&self.people[*at].address).is_none())
                .collect();
            if let Some(at) = random.pick(&away) {
                self.people[at].present = true;
                let taken: Vec<String> = self.people[at]
                    .aliases
                    .iter()
                    .filter(|alias| self.owner(alias).is_some_and(|o| o.id != self.people[at].id))
                    .cloned()
                    .collect();
                self.people[at].aliases.retain(|alias| !taken.contains(alias));
            }
        }
        if random.chance(25)
            && let Some(at) = random.pick(&present(self))
        {
            let name = self.fresh_name();
            let old = std::mem::replace(&mut self.people[at].address, format!("{name}@example.com"));
            if random.chance(60) {
                self.people[at].aliases.push(old);
            }
            if random.chance(50) {
                self.people[at].dn = format!("CN={name},DC=example,DC=com");
            }
        }
        for _ in 0..random.below(4) {
            if let Some(at) = random.pick(&present(self)) {
                self.issue(random, at, month);
            }
        }
        let alive: Vec<usize> = (0..self.sheets.len())
            .filter(|n| !self.sheets[*n].revoked && !self.sheets[*n].other && self.sheets[*n].until > month)
            .collect();
        if random.chance(40)
            && let Some(number) = random.pick(&alive)
        {
            self.sheets[number].revoked = true;
            if random.chance(50) {
                self.delete(|n| n == number);
            }
        }
        if random.chance(25)
            && let Some(at) = random.pick(&present(self))
        {
            let expired: Vec<usize> =
                (0..self.sheets.len()).filter(|n| self.sheets[*n].until <= month).collect();
            for set in &mut self.people[at].sets {
                set.retain(|number| !expired.contains(number));
            }
        }
    }

    fn delete(&mut self, which: impl Fn(usize) -> bool) {
        for set in self.people.iter_mut().flat_map(|person| &mut person.sets) {
            set.retain(|number| !which(*number));
        }
    }

    /// Why a certificate of the directory is withheld from a person; `None`: it is published.
    pub fn withheld(&self, number: usize, person: &Person, month: u32) -> Option<Cause> {
        let sheet = &self.sheets[number];
        if sheet.address != person.address && !person.aliases.contains(&sheet.address) {
            Some(Cause::Input)
        } else if sheet.until <= month {
            Some(Cause::Time)
        } else if sheet.revoked {
            Some(Cause::TrustMaterial)
        } else {
            None
        }
    }
}
