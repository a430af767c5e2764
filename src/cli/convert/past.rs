//! The part of `convert` that looks back: what was asked, who is gone, and how many may lose what they have.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::Run;
use crate::bundle::identity::Identity;
use crate::bundle::model::{Changes, ClearClass, Coverage, Recipient, RecipientKind, Summary, Target};
use crate::bundle::{Entry, Rendered, render};
use crate::certificate::UnixTime;
use crate::certificate::address::Address;
use crate::cli::args::{Clear, Convert};
use crate::cli::term::Term;
use crate::cli::{progress, summary};
use crate::error::Error;
use crate::history::before::{self, Before, Origin};
use crate::history::decide::{List, Share, Standing};
use crate::history::limit::Limit;
use crate::history::{Asked, Past};
use crate::judge::{Counts, Judge, Judged, Paths};
use crate::limits::NAMES_SHOWN;
use crate::pipeline::second::{self, Results};
use crate::rules::{Finding, history as rules};

/// Reads what was asked about the time before.
pub fn read(args: &Convert, judge: &Judge<'_>, threads: usize, term: &Term) -> Result<Option<Past>, Error> {
    let asked = Asked {
        previous: args.previous.clone(),
        published: args.published.clone(),
        clear: args.clear.iter().flat_map(|class| class.classes()).copied().collect(),
        uploads: judge.targets.contains(&Target::ExchangeOnline),
    };
    if asked.previous.is_none() && asked.published.is_none() {
        let idle = |class: &ClearClass| matches!(class, ClearClass::Revoked | ClearClass::Gone);
        if args.clear.iter().any(|class| *class != Clear::All && class.classes().iter().any(idle)) {
            term.say(&format!(
                "{} --clear revoked and --clear gone find nobody without --previous or --published",
                term.yellow("note:")
            ));
        }
        if args.max_removals.is_some() {
            term.say(&format!(
                "{} --max-removals limits nothing without --previous or --published: nobody knows who has a certificate",
                term.yellow("note:")
            ));
        }
    }
    let engine = match &judge.paths {
        Paths::Verified(engine) => Some(&**engine),
        Paths::Unverified | Paths::Missing => None,
    };
    let bar = RefCell::new(None::<(&str, indicatif::ProgressBar)>);
    let read = Past::read(
        &asked,
        &before::Judge { engine, at: judge.at, usage: &judge.rules().usage },
        threads,
        &|what, bytes, done| {
            let mut bar = bar.borrow_mut();
            if bar.as_ref().is_none_or(|(known, _)| *known != what)
                && let Some((_, ended)) = bar.replace((what, progress::bar(term, what, bytes)))
            {
                ended.finish_and_clear();
            }
            if let Some((_, bar)) = &*bar {
                bar.set_position(done);
            }
        },
    );
    if let Some((_, bar)) = bar.into_inner() {
        bar.finish_and_clear();
    }
    read
}

/// What it adds to the bundle's identity.
pub fn identify(past: Option<&Past>, limit: Limit, id: &mut Identity) {
    let Some(past) = past else { return };
    let clear: Vec<&str> = past.decider.clear.iter().map(|class| class.word()).collect();
    id.field("clear", &clear.join(" "));
    id.field("max-removals", &limit.to_string());
    let previous = past.previous.as_ref();
    id.field("previous", previous.map_or("", |bundle| bundle.id.as_str()));
    id.field("previous-manifest", previous.map_or("", |bundle| bundle.manifest_sha256.as_str()));
    id.field("published", past.inventory.as_ref().map_or("", |inventory| inventory.sha256.as_str()));
}

/// What a run knows of the time before.
#[derive(Default)]
pub struct Sums {
    /// Counts.
    pub share: Share,
    /// Names for the closing summary: the first ones, and how many there are.
    pub names: BTreeMap<List, (Vec<String>, u64)>,
    /// Somebody may be missing from what was read.
    pub incomplete: bool,
    /// The same, unless the number of records is known to be right.
    pub doubtful: bool,
}

impl Sums {
    /// Takes what a part of the run found.
    pub fn take(&mut self, results: &Results) {
        let share = &results.share;
        self.share.add(share);
        self.incomplete |= results.incomplete;
        self.doubtful |= results.doubtful;
        for (list, name) in &share.names {
            let (names, count) = self.names.entry(*list).or_default();
            *count += 1;
            if names.len() < NAMES_SHOWN {
                names.push(name.clone());
            }
        }
    }

    /// Fills in what the summary says about the time before.
    pub fn close(&self, past: Option<&Past>, limit: Limit, summary: &mut Summary) {
        let Some(past) = past else { return };
        summary.coverage.lost_since_previous = self.share.lost;
        summary.cleared = self.share.cleared.clone();
        let known = past.previous.is_some() || past.inventory.is_some();
        summary.changes = Some(Changes {
            previous: past.previous.clone(),
            inventory: past.inventory.clone(),
            removals_allowed: known.then(|| limit.allowed(self.share.changes.had)),
            ..self.share.changes.clone()
        });
    }

    /// Stops a run that would take away too much.
    ///
    /// # Errors
    /// [`Error::Limit`], with the number that would let it through.
    pub fn check(&self, limit: Limit, term: &Term) -> Result<(), Error> {
        let changes = &self.share.changes;
        let allowed = limit.allowed(changes.had);
        if changes.removed <= allowed {
            return Ok(());
        }
        term.say(&term.bold("These people would have no certificate to encrypt to any more:"));
        summary::names(self.names.get(&List::Removed), "", term);
        Err(Error::Limit {
            message: format!(
                "{} of {} people who have a certificate to encrypt to would have none; the limit is {allowed} (--max-removals {limit})",
                changes.removed, changes.had
            ),
            hint: format!(
                "check that the export is complete and that --trust, --crl and --clear are what they were; if it is meant, run again with --max-removals {}",
                changes.removed
            ),
        })
    }
}

impl Run<'_> {
    /// Warnings about the bundle before and the inventory.
    pub fn looking_back(&mut self) -> Result<(), Error> {
        for finding in self.past.map_or(&[][..], |past| &past.findings) {
            self.finding(finding, None)?;
        }
        Ok(())
    }

    /// Everybody who stands in no input, as entries after all others.
    pub fn gone(&mut self) -> Result<(), Error> {
        let Some(past) = self.past else { return Ok(()) };
        let complete = !self.back.incomplete;
        let policy = self.policy;
        let mut kept = 0u64;
        let targets = super::targets(self.args);
        past.for_gone(|before, contested| {
            // An address that this program cannot read may stand in the inputs all the same.
            let plain = before.first().and_then(|one| one.address.as_deref());
            let plain = plain.is_some_and(|text| Address::parse(text).is_ok());
            let mut judged = entry_of(&before);
            let clearable = complete && plain && !contested;
            let share =
                past.decider.decide(policy, &mut judged, &before, Standing::Gone { clearable, contested });
            kept += u64::from(!complete && !judged.recipient.history.iter().all(|h| h.remaining.is_empty()));
            let mut results = Results::default();
            results.take_judged(&judged, self.term.verbose);
            results.share = share;
            let mut rendered = Rendered::default();
            let entry = Entry {
                targets: &targets,
                recipient: &judged.recipient,
                payload: judged.payload.as_ref(),
                change: None,
                findings: &judged.findings,
            };
            render(&entry, super::format(self.args.manifest), &mut rendered)
                .map_err(|error| second::output(&error))?;
            results.recipients.push(rendered);
            self.take(&mut results)
        })?;
        if kept > 0 && past.decider.clear.contains(&ClearClass::Gone) {
            let finding = Finding::new(
                &rules::GONE_NOT_CLEARED,
                format!(
                    "the inputs were not read whole or may be cut off, so none of {kept} people who seem to be gone was cleared"
                ),
                "inputs of which every record and every file can be read, or the number of their records (--expect-records) where they only seem to be cut off",
            );
            self.finding(&finding, None)?;
            self.must_look = true;
        }
        Ok(())
    }

    /// Whether a revoked certificate stays in the tenant.
    pub fn revoked_stays(&self) -> bool {
        self.codes.keys().any(|(code, _)| *code == rules::REVOKED_STILL_PUBLISHED.code)
    }
}

/// The manifest entry of somebody who stands in no input.
fn entry_of(before: &[Before]) -> Judged {
    let first = before.first();
    // The tenant knows best what kind its recipient is.
    let tenant = before.iter().find(|one| matches!(one.origin, Origin::Inventory { .. }));
    let (kind, why) = match (tenant, first) {
        (Some(tenant), _) => (tenant.kind, "what the tenant says"),
        (None, Some(first)) => (first.kind, "as in the bundle before"),
        (None, None) => (RecipientKind::Mailbox, "assumed"),
    };
    let mut counts = Counts::default();
    counts.coverage[2] = 1;
    Judged {
        recipient: Recipient {
            number: 0,
            identity: first.map(|one| one.identity.clone()).unwrap_or_default(),
            kind,
            kind_reason: why.into(),
            coverage: Coverage::None,
            source: None,
            candidates: Vec::new(),
            findings: Vec::new(),
            history: None,
            payload: None,
            change: None,
        },
        payload: None,
        change: None,
        findings: Vec::new(),
        counts,
        internal_crl: Vec::new(),
        unreadable_in: Vec::new(),
        revocation_fresh_until: None::<UnixTime>,
        incomplete: Vec::new(),
        doubtful: false,
        links: Default::default(),
    }
}
