//! The time before: the bundle before this one, what the tenant holds now, and what changes.
//!
//! `convert --previous --published --clear` joins the people of before with the objects of the run ([`ledger`]) and
//! decides for each what is cleared, what stays and what is lost ([`decide`]). Both sources are read once, as
//! streams, and what is needed of a person lies on disk until their turn comes, so that a million people take no
//! more memory than a hundred. [`diff`] compares two bundles by the same means.
//!
//! | module | what |
//! |---|---|
//! | [`predecessor`] | an older bundle, believed only when it is unchanged |
//! | [`inventory`] | what the tenant holds, as the upload script wrote it |
//! | [`before`] | one person of the time before, and what was held |
//! | [`ledger`] | all of them on disk, joined with the run |
//! | [`decide`] | the definitions: cleared, removal, lost, gone, still published |
//! | [`diff`] | what changed between two bundles, and why |
//! | [`limit`] | how many may lose their last certificate |
//! | [`shelf`] | items in a temporary file, by number |

pub mod before;
pub mod decide;
pub mod diff;
pub mod inventory;
pub mod ledger;
pub mod limit;
pub mod predecessor;
pub mod shelf;
mod tell;

use std::collections::BTreeSet;
use std::path::PathBuf;

use before::{Before, Judge};
use decide::Decider;
use ledger::{Joined, Ledger, Matches, People, address_key};
use predecessor::Predecessor;

use crate::bundle::model::ClearClass;
use crate::bundle::model::history::{Inventory, PreviousBundle};
use crate::census::Knowledge;
use crate::certificate::UnixTime;
use crate::error::Error;
use crate::limits::RECORDS_PER_OBJECT;
use crate::object::{Object, guid_text};
use crate::recipient::Reach;
use crate::rules::{Finding, history as rules};

/// What was asked about the time before.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The bundle before.
    pub previous: Option<PathBuf>,
    /// What the tenant holds now.
    pub published: Option<PathBuf>,
    /// Classes that may be cleared.
    pub clear: BTreeSet<ClearClass>,
    /// Whether a payload is made, or the directory alone is changed.
    pub uploads: bool,
}

/// Everything that is known of the time before.
pub struct Past {
    /// What is decided by.
    pub decider: Decider,
    /// The bundle before.
    pub previous: Option<PreviousBundle>,
    /// The inventory.
    pub inventory: Option<Inventory>,
    /// Warnings about the two.
    pub findings: Vec<Finding>,
    people: People,
    previous_entries: u32,
    joined: Option<Joined>,
}

impl Past {
    /// Reads both sources; `None` when nothing was asked. `progress` is told what is read, its size and the bytes
    /// read so far.
    ///
    /// # Errors
    /// A usage error for a bundle that was changed or that this release cannot read, and for an inventory that is
    /// damaged; [`Error::Spill`] when the temporary folder fails.
    pub fn read(
        asked: &Asked,
        judge: &Judge<'_, '_>,
        threads: usize,
        progress: &dyn Fn(&'static str, u64, u64),
    ) -> Result<Option<Self>, Error> {
        let decider = Decider {
            previous: asked.previous.is_some(),
            inventory: asked.published.is_some(),
            clear: asked.clear.clone(),
            uploads: asked.uploads,
        };
        if !decider.is_asked() {
            return Ok(None);
        }
        let mut ledger = Ledger::new().map_err(Error::spill)?;
        let (mut previous, mut previous_entries) = (None, 0);
        if let Some(dir) = &asked.previous {
            let unusable = |error: predecessor::Unusable| {
                Error::usage(format!("--previous {}: the bundle {error}", dir.display()), error.hint())
            };
            let bundle = Predecessor::open(dir).map_err(unusable)?;
            let mut spilled = None;
            let bytes = bundle.bytes();
            let frame = bundle.read(&|done| progress("before", bytes, done), |recipient| {
                previous_entries += 1;
                ledger.push(&Before::of_previous(recipient, judge)).map_err(|error| {
                    spilled = Some(error);
                    "stopped".to_owned()
                })
            });
            if let Some(error) = spilled {
                return Err(Error::spill(error));
            }
            let frame = frame.map_err(unusable)?;
            previous = Some(PreviousBundle {
                id: frame.bundle.id,
                sequence: frame.bundle.sequence,
                evaluated_at: frame.evaluated_at,
                manifest_sha256: bundle.manifest_sha256,
                recipients: u64::from(previous_entries),
            });
        }
        let mut inventory = None;
        if let Some(path) = &asked.published {
            let bytes = path.metadata().map_or(0, |metadata| metadata.len());
            let progress = |done| progress("inventory", bytes, done);
            inventory = Some(inventory::read(path, judge, threads, &progress, &mut ledger)?);
        }
        let people = ledger.finish().map_err(Error::spill)?;
        if let Some(path) = &asked.published
            && let Some((first, second)) = people.first_twins(previous_entries).map_err(Error::spill)?
        {
            let get = |number| people.get(number).map_err(Error::spill);
            let (first, second) = (get(first)?, get(second)?);
            let lines = (ledger::line_of(&first), ledger::line_of(&second));
            return Err(inventory::twice(path, lines, second.address.as_deref().unwrap_or_default()));
        }
        let findings = out_of_order(previous.as_ref(), inventory.as_ref(), judge.at);
        Ok(Some(Self { decider, previous, inventory, findings, people, previous_entries, joined: None }))
    }

    /// Finds out who is who in this run.
    ///
    /// # Errors
    /// When the temporary folder fails.
    pub fn meet(&mut self, knowledge: &Knowledge) -> Result<(), Error> {
        let joined = self.people.join(knowledge, self.previous_entries).map_err(Error::spill)?;
        self.joined = Some(joined);
        Ok(())
    }

    /// Who of before is which object, in the order of objects.
    #[must_use]
    pub fn matches(&self) -> Option<Matches> {
        self.joined.as_ref().map(Joined::matches)
    }

    /// What is known of one object's past, by the numbers of the entries.
    ///
    /// # Errors
    /// When the temporary file cannot be read.
    pub fn of_object(
        &self,
        entries: &[(u32, u32)],
        object: &Object,
        reach: &Reach,
    ) -> Result<Vec<Before>, Error> {
        let mut found = Vec::new();
        // More than a handful are a conflict, which was withheld then and is reported now.
        for (_, entry) in entries.iter().take(RECORDS_PER_OBJECT) {
            let before = self.people.get(*entry).map_err(Error::spill)?;
            // Equal in 128 bits is not equal: what was joined is compared.
            if is_same(&before, object, reach) {
                found.push(before);
            }
        }
        Ok(found)
    }

    /// Calls `each` with everybody who stands in no input: their entries, and whether their address is contested.
    ///
    /// # Errors
    /// When the temporary file cannot be read, and what `each` returns.
    pub fn for_gone(
        &self,
        mut each: impl FnMut(Vec<Before>, bool) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(joined) = &self.joined else { return Ok(()) };
        joined
            .for_gone(|gone| {
                let entries = gone.entries.iter().map(|number| self.people.get(*number));
                each(entries.collect::<Result<_, _>>()?, gone.contested).map_err(Failed::Run)
            })
            .map_err(|failed| match failed {
                Failed::Spill(error) => Error::spill(error),
                Failed::Run(error) => error,
            })
    }
}

enum Failed {
    Spill(std::io::Error),
    Run(Error),
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Spill(error)
    }
}

/// Whether an entry of before is an object of the run.
fn is_same(before: &Before, object: &Object, reach: &Reach) -> bool {
    let identity = &before.identity;
    let addresses = [before.address.as_deref(), identity.primary_smtp.as_deref()];
    let has = |text: &str| {
        let key = address_key(text);
        reach.all().any(|own| own.as_str() == key)
    };
    addresses.into_iter().flatten().any(has)
        || identity.object_guid.is_some() && identity.object_guid == object.guid.as_ref().map(guid_text)
        || matches!((&identity.dn, &object.dn), (Some(then), Some(now)) if then.eq_ignore_ascii_case(now))
}

/// Whether the two sources and this run stand in their order in time.
fn out_of_order(
    previous: Option<&PreviousBundle>,
    inventory: Option<&Inventory>,
    at: UnixTime,
) -> Vec<Finding> {
    let instant = |text: &str| UnixTime::from_rfc3339(text).ok();
    let made = previous.and_then(|bundle| instant(&bundle.evaluated_at));
    let taken = inventory.and_then(|inventory| instant(&inventory.time));
    let mut found = Vec::new();
    if let Some(made) = made.filter(|made| *made > at) {
        found.push(Finding::new(
            &rules::PREVIOUS_OUT_OF_ORDER,
            format!("the bundle given as the one before was judged at {made}, this run judges at {at}"),
            "a bundle that was made before this one",
        ));
    }
    if let (Some(made), Some(taken)) = (made, taken)
        && taken < made
    {
        found.push(Finding::new(
            &rules::PREVIOUS_OUT_OF_ORDER,
            format!("the inventory was taken at {taken}, the bundle before was judged at {made}"),
            "an inventory that was taken after the upload of the bundle before",
        ));
    }
    found
}
