//! certferry carries users' S/MIME certificates out of a directory export, across an air gap, into
//! Exchange Online.
//!
//! The program is one sentence: **read → extract → judge → select → bundle**. Data flows one way;
//! files, clock and terminal are touched at the rim ([`cli`], [`pipeline`]). The README says how it is
//! used; this page says where things are.
//!
//! | step | module | what |
//! |---|---|---|
//! | | [`cli`] | the command line: one verb a file, terminal, exit codes |
//! | | [`pipeline`] | the two passes of `convert`, and the threads that they use ([`parallel`]) |
//! | read | [`ldif`] | LDIF as it occurs: streaming, bytes first, usable by itself |
//! | read | [`csvde`], [`export`] | csvde exports, as the same records; one door to both kinds |
//! | read | [`input`] | what a file is and holds; folders; standard input; the maps that people write |
//! | extract | [`object`], [`recipient`] | directory objects, and who is a recipient |
//! | extract | [`certificate`], [`extract`] | the parsed-once view of a certificate; containers; the user's own one |
//! | | [`census`] | what one entry must know of the whole run, sorted on disk |
//! | judge | [`rules`] | permanent codes with citation, decision, severity and explanation |
//! | judge | [`policy`] | what an organisation decides: as a file, as a value, and in force |
//! | judge | [`path`] | certification paths by RFC 5280, usable by itself |
//! | judge | [`judge`] | from values to candidates with findings and verdicts |
//! | select | [`select`] | the final complete set of each recipient |
//! | | [`history`] | the bundle before and what the tenant holds: what is cleared, lost, or changed between two bundles |
//! | select | [`trust`] | the trust store: authorities of what is published, and what is kept |
//! | | [`directory`] | what is deleted from and added to an object of the directory itself |
//! | bundle | [`bundle`] | the two halves, written and verified as streams |
//! | | [`limits`], [`error`], [`encoding`] | caps with their sources; errors that end a run; hex and digests |
//!
//! Two kinds of failure are never mixed. A *finding* is data about the input: it has a code, a place,
//! what was found and what was required, and the batch goes on. An [`error::Error`] ends the run, has
//! a hint, and maps to an exit code.
//!
//! Nothing that reaches an output comes from a clock, a host name, an absolute path, the number of
//! threads or the order of a hash map: the same inputs, options and instant give the same bytes.

pub mod bundle;
pub mod census;
pub mod certificate;
pub mod cli;
pub mod csvde;
pub mod directory;
pub mod encoding;
pub mod error;
pub mod export;
pub mod extract;
pub mod history;
pub mod input;
pub mod judge;
pub mod ldif;
pub mod limits;
pub mod object;
pub mod parallel;
pub mod path;
pub mod pipeline;
pub mod policy;
pub mod recipient;
pub mod rules;
pub mod select;
mod temporary;
pub mod trust;
