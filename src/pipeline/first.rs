//! The first pass: count, hash, and take the census.

use super::Reading;
use super::record;
use super::source::{Content, Job, Pass, Pool, Source};
use super::store::{Location, Rows, Table};
use crate::census::keys::{Kind, hash, key};
use crate::census::sorter::{Key, order};
use crate::census::{Census, Knowledge};
use crate::csvde::Headers;
use crate::error::Error;
use crate::export::{Block, Parser, Scratch};
use crate::extract;
use crate::input::whole;
use crate::judge::{Sharer, Sharers};
use crate::ldif::{BlockTally, Record};
use crate::limits::{CERTIFICATE_FILE_BYTES, LARGE_BLOCK};
use crate::object::Object;
use crate::parallel;
use crate::recipient::{self, Reach, Role};

/// What the first pass found out.
pub struct Counted {
    /// What one entry must know of the run.
    pub knowledge: Knowledge,
    /// What large objects have, which would cost much to be read again.
    pub sharers: Sharers,
    /// Where records stand.
    pub table: Table,
    /// Number of the first record of every job, in the order of jobs.
    pub bases: Vec<u32>,
    /// Records of all inputs.
    pub records: u32,
    /// Bytes, hash and records of each source, in order.
    pub sources: Vec<SourceCount>,
    /// Headers of the csvde exports, by source.
    pub headers: Vec<(u32, Headers)>,
    /// Offset of the last record of each export that ends in it, by source.
    pub cut: Vec<(u32, u64)>,
}

/// What was counted of one source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceCount {
    /// Records, or certificates.
    pub records: u64,
    /// SHA-256 of its bytes; `None` when it could not be read.
    pub sha256: Option<[u8; 32]>,
    /// Values of certificate attributes.
    pub values: u64,
    /// Values among them that are private keys in certificate files.
    pub secrets: u64,
}

/// What a worker hands over for one job.
#[derive(Default)]
struct JobCount {
    /// Where records stand, and where the keys of each end.
    records: Vec<(Location, usize)>,
    keys: Vec<Key>,
    /// Of large ones among them, by their place in `records`.
    sharers: Vec<(u32, Sharer)>,
    /// Of an export.
    tally: Option<(u32, BlockTally)>,
    sources: Vec<(u32, SourceCount)>,
}

#[derive(Default)]
struct Worker {
    scratch: Scratch,
    record: Record,
    /// Keys of one record, before they are sorted.
    keys: Vec<Key>,
}

/// Runs the first pass. `progress` is told the bytes handed out so far.
///
/// # Errors
/// When an input or the temporary folder fails.
pub fn run(
    sources: &[Source],
    reading: &Reading,
    threads: usize,
    progress: &dyn Fn(u64),
) -> Result<Counted, Error> {
    let pool = Pool::default();
    let mut pass = Pass::new(sources, &pool, true);
    let mut census = Census::default();
    let mut rows = Rows::new().map_err(Error::spill)?;
    let mut sharers = Sharers::default();
    let mut bases = Vec::new();
    let mut counts = vec![SourceCount::default(); sources.len()];
    // For each source: a search has not ended so far, and where the last record stands.
    let mut open = vec![(false, 0); sources.len()];
    parallel::ordered(
        threads,
        Worker::default,
        || {
            let job = pass.next_job();
            progress(pass.bytes);
            job
        },
        Job::is_large,
        |worker, job| count(worker, job, sources, reading, &pool),
        |mut job: JobCount| {
            bases.push(rows.count());
            if let Some((source, tally)) = &job.tally
                && let Some((open, last)) = open.get_mut(*source as usize)
            {
                *open = tally.search_open(*open);
                *last = job.records.last().map_or(*last, |(location, _)| location.offset);
            }
            for (place, sharer) in job.sharers {
                sharers.put(rows.count().saturating_add(place), sharer);
            }
            let mut begin = 0;
            for (location, end) in job.records {
                let number = rows.push(location).map_err(Error::spill)?;
                let keys = job.keys.get_mut(begin..end).unwrap_or_default();
                census.add(number, keys).map_err(Error::spill)?;
                begin = end;
            }
            for (source, count) in job.sources {
                if let Some(sum) = counts.get_mut(source as usize) {
                    sum.records += count.records;
                    sum.values += count.values;
                    sum.secrets += count.secrets;
                    sum.sha256 = sum.sha256.or(count.sha256);
                }
            }
            Ok(())
        },
    )?;
    let mut headers = Vec::new();
    for (source, turns, found) in pass.learned {
        let known = sources.get(source as usize);
        if let (Some(count), Some(turns)) = (counts.get_mut(source as usize), turns)
            && let Some(known @ Source { path, content: Content::Export(stream), .. }) = known
        {
            let hash = stream.hash(turns);
            // What became shorter is not a medium that fails.
            known.check_unchanged()?;
            let hash = hash.map_err(|source| Error::Read { path: path.clone().into(), source })?;
            // Every block has been worked on.
            let unfinished = || Error::Internal { message: format!("the hash of {path} was not finished") };
            count.sha256 = Some(hash.ok_or_else(unfinished)?);
        }
        headers.push((source, found));
    }
    let knowledge = census.finish().map_err(Error::spill)?;
    // What stands in several records is known when all of them are read.
    let alone =
        |record| knowledge.groups.leader(record) == record && knowledge.groups.later(record).is_empty();
    sharers.retain(alone);
    Ok(Counted {
        knowledge,
        sharers,
        records: rows.count(),
        table: rows.finish().map_err(Error::spill)?,
        bases,
        sources: counts,
        headers,
        cut: open.iter().zip(0..).filter(|((open, _), _)| *open).map(|((_, last), at)| (at, *last)).collect(),
    })
}

fn count(worker: &mut Worker, job: Job, sources: &[Source], reading: &Reading, pool: &Pool) -> JobCount {
    let mut counted = JobCount::default();
    let giant = job.is_giant();
    match job {
        Job::Export { source, block, hash } => {
            let mut work = || counted.block(worker, &block, source, reading);
            match (hash, sources.get(source as usize).map(|known| &known.content)) {
                (Some(hash), Some(Content::Export(stream))) => stream.hashed(*hash, block.bytes(), work),
                _ => work(),
            }
            pool.give(block);
            if giant {
                *worker = Worker::default();
            }
        }
        Job::Files { sources: files } => {
            for index in files {
                let mut sum = SourceCount::default();
                if let Some(source) = sources.get(index as usize)
                    && let Content::Certificates(path) = &source.content
                    && let Ok(whole) = whole::read(path, CERTIFICATE_FILE_BYTES)
                {
                    sum.sha256 = Some(whole.sha256);
                    let read = record::from_file(&whole.bytes, &source.path, index, reading.map.as_ref());
                    sum.records = read.certificates;
                    for (object, number) in read.people.iter().zip(0..) {
                        sum.values += object.count();
                        let location = Location {
                            source: index,
                            offset: number,
                            line: number + 1,
                            ..Location::default()
                        };
                        counted.add(location, object, reading, &mut worker.keys);
                    }
                    sum.secrets = read.secrets;
                    sum.values += read.ignored + read.unreadable.len() as u64;
                }
                counted.sources.push((index, sum));
            }
        }
    }
    counted
}

impl JobCount {
    /// Adds the records of a block.
    fn block(&mut self, worker: &mut Worker, block: &Block, source: u32, reading: &Reading) {
        let mut sum = SourceCount::default();
        let mut problems = Vec::new();
        let mut parser = Parser::new(block, &reading.ldif, &mut worker.scratch);
        while parser.next(&mut worker.record, &mut problems) {
            // The second pass reports them, in their place.
            problems.clear();
            let object = record::from_export(&worker.record, source);
            let location = Location {
                source,
                offset: worker.record.offset(),
                // A record is never larger than the reader's limit.
                length: u32::try_from(worker.record.raw_len()).unwrap_or(u32::MAX),
                line: worker.record.line(),
                cut_off: worker.record.is_truncated(),
                above_limit: worker.record.is_above_limit(),
            };
            sum.records += 1;
            sum.values += object.count();
            if worker.record.raw_len() > LARGE_BLOCK as u64 {
                let reach = Reach::of(&object, reading.recipient_map.as_ref());
                // A block has far fewer records.
                let place = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
                self.sharers.push((place, Sharer::of(&object, &reach)));
            }
            self.add(location, &object, reading, &mut worker.keys);
        }
        self.sources.push((source, sum));
        self.tally = Some((source, parser.into_tally()));
    }

    /// Adds a record with the keys that it contributes.
    fn add(&mut self, location: Location, object: &Object, reading: &Reading, keys: &mut Vec<Key>) {
        keys_of(object, reading, keys);
        keys.sort_unstable_by_key(order);
        keys.dedup();
        self.keys.append(keys);
        self.records.push((location, self.keys.len()));
    }
}

/// The keys that a record contributes, in no order.
fn keys_of(object: &Object, reading: &Reading, keys: &mut Vec<Key>) {
    let file = object.dn.is_none() && object.owner.is_some();
    let guid = object.guid.as_ref().map(|guid| hash(guid));
    if let Some(guid) = guid {
        keys.push(key(Kind::Guid, guid, file, None));
    }
    if let Some(dn) = &object.dn {
        keys.push(key(Kind::Dn, hash(dn.to_ascii_lowercase().as_bytes()), file, guid));
    }
    let reach = Reach::of(object, reading.recipient_map.as_ref());
    let address = |kind: Kind, text: &str| key(kind, hash(text.as_bytes()), file, None);
    let any = |kind: Kind, text: &str| key(kind, hash(text.as_bytes()), file, guid);
    if !matches!(recipient::role(object, reading.source_rules), Role::Recipient(..)) {
        keys.extend(reach.all().map(|other| any(Kind::Bystander, other.as_str())));
        return;
    }
    keys.extend(reach.source.primary().map(|primary| address(Kind::Primary, primary.as_str())));
    keys.extend(reach.target().map(|target| address(Kind::Target, target.as_str())));
    keys.extend(reach.all().map(|own| any(Kind::Address, own.as_str())));
    for (public_key, certificate) in extract::identities(object) {
        keys.push(key(Kind::PublicKey, public_key, file, None));
        keys.push(key(Kind::Certificate, certificate, file, None));
    }
}
