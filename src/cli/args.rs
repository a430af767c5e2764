//! The command line as typed.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::bundle::model::ClearClass;
use crate::path;
use crate::policy;

/// Carries users' S/MIME certificates out of a directory export, across an air gap, into Exchange
/// Online.
#[derive(Debug, Parser)]
#[command(name = "certferry", version, about, max_term_width = 110, disable_help_subcommand = true, after_help = TOP_EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Options of every verb.
    #[command(flatten)]
    pub general: General,
}

const TOP_EXAMPLES: &str = "\
Examples:
  certferry convert export.ldf --trust root.pem --intermediate issuing.pem --crl issuing.crl -o bundle
  certferry inspect partner.p7b --trust partner-root.pem
  certferry verify bundle
  certferry explain no-email-match

Exit codes: 0 done · 1 done, but a person must look · 2 wrong use · 3 no usable input ·
4 output could not be written · 5 verify: not good · 6 more people would lose their certificate than
--max-removals allows · 70 internal error.
Data goes to stdout, messages to stderr.
No verb ever uses a network.";

/// Options of every verb.
#[derive(Args, Debug, Clone)]
pub struct General {
    /// Say nothing but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Also print every warning and error finding as it is found.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Colour on the terminal; auto heeds NO_COLOR.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Progress on stderr; auto shows it on a terminal only.
    #[arg(long, global = true, value_enum, default_value_t = Progress::Auto, value_name = "WHEN")]
    pub progress: Progress,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// When to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// On a terminal.
    Auto,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Turn exports and certificate files into one new bundle folder.
    Convert(Box<Convert>),
    /// Judge certificates and print the result; writes no bundle.
    Inspect(Inspect),
    /// Tell whether a bundle, or one half of it, is whole, unchanged and current.
    Verify(Verify),
    /// Tell what changed between two bundles: people, certificates, decisions and why.
    Diff(Diff),
    /// Print report.html of a bundle, the same bytes as in its review/ folder.
    Report(Report),
    /// Say what a finding means, why it matters, and how to mend it.
    Explain(Explain),
    /// Print generated files: completions, manual pages, schemas, the default policy, the upload script.
    Generate(Generate),
}

/// Options that judge.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Judging")]
pub struct Judging {
    /// Trust anchors: a certificate file or a folder of them. Every certificate under it is trusted.
    #[arg(long, value_name = "PATH")]
    pub trust: Vec<PathBuf>,
    /// Certificates of issuing authorities, to build paths with; they are not trusted by themselves.
    #[arg(long, value_name = "PATH")]
    pub intermediate: Vec<PathBuf>,
    /// Certificate revocation lists: a file or a folder.
    #[arg(long, value_name = "PATH")]
    pub crl: Vec<PathBuf>,
    /// The instant certificates are judged at, such as 2026-06-01T00:00:00Z [default: now].
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
    /// A policy file; `certferry generate policy` prints the default with all keys explained. An option
    /// here goes before the file, the file before the default.
    #[arg(long, value_name = "FILE.toml")]
    pub policy: Option<PathBuf>,
    /// What to do without a usable CRL: off ignores CRLs, soft warns, hard withholds [default: soft, or
    /// what the policy says].
    #[arg(long, value_enum, value_name = "MODE")]
    pub revocation: Option<Revocation>,
}

/// How inputs are read.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Inputs")]
pub struct Reading {
    /// Code page of text in exports that are not Unicode, such as 1252, 949 or shift_jis (ldifde and csvde without -u).
    #[arg(long, value_name = "LABEL")]
    pub encoding: Option<String>,
}

/// How much revocation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Revocation {
    /// CRLs are not used.
    Off,
    /// A missing CRL is a warning.
    Soft,
    /// A missing CRL withholds.
    Hard,
}

impl Revocation {
    /// The same as a policy says it.
    #[must_use]
    pub fn in_policy(self) -> path::Revocation {
        match self {
            Self::Off => path::Revocation::Off,
            Self::Soft => path::Revocation::Soft,
            Self::Hard => path::Revocation::Hard,
        }
    }
}

/// `certferry convert`.
#[derive(Args, Debug)]
#[command(after_help = CONVERT_EXAMPLES)]
pub struct Convert {
    /// Exports (LDIF, csvde), certificate files (PEM, DER, P7B, SST), folders of them, or - for an export on standard
    /// input; also packed with gzip.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// The bundle folder to make. It must not exist, and appears whole or not at all.
    #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
    pub out: Option<PathBuf>,
    /// Replace an existing bundle as a whole, or leave it as it was.
    #[arg(long)]
    pub force: bool,
    /// Which manifests to write (manifest.json always is).
    #[arg(long, value_enum, default_value_t = Manifest::Both, value_name = "FORM")]
    pub manifest: Manifest,
    /// How inputs are read.
    #[command(flatten)]
    pub reading: Reading,
    /// Options that judge.
    #[command(flatten)]
    pub judging: Judging,
    /// Publish without verified paths when there is no --trust; every output then says UNVERIFIED.
    #[arg(long, help_heading = "Judging", conflicts_with = "trust")]
    pub unverified: bool,
    /// A certificate store (SST), such as the one that the tenant has now: its certificates go into
    /// trust.sst beside those that this run needs.
    #[arg(long, value_name = "OLD.sst", help_heading = "Judging")]
    pub keep_trust: Option<PathBuf>,
    /// Check every signature, also of what is withheld anyway.
    #[arg(long, help_heading = "Judging")]
    pub thorough: bool,
    /// CSV: certificate file or SHA-1/SHA-256 thumbprint, and the owner's primary address.
    #[arg(long, value_name = "FILE.csv", help_heading = "Recipients")]
    pub map: Option<PathBuf>,
    /// CSV: DN, objectGUID or source address, and the address in the cloud.
    #[arg(long, value_name = "FILE.csv", help_heading = "Recipients")]
    pub recipient_map: Option<PathBuf>,
    /// Also leave out what Entra Connect would skip.
    #[arg(long, value_enum, value_name = "RULES", help_heading = "Recipients")]
    pub source_rules: Option<SourceRules>,
    /// Number of records the inputs must hold, or one input as INPUT=N (repeatable).
    #[arg(long, value_name = "[INPUT=]N", help_heading = "Recipients")]
    pub expect_records: Vec<String>,
    /// The only folder that `attr:< file:` values may be read from.
    #[arg(long, value_name = "DIR", help_heading = "Recipients")]
    pub url_root: Option<PathBuf>,
    /// The bundle before this one (its review/ half is enough): tells what changes, counts on in the series.
    #[arg(long, value_name = "DIR", help_heading = "What changes")]
    pub previous: Option<PathBuf>,
    /// What the tenant holds now: the file that the upload script wrote with -Inventory.
    #[arg(long, value_name = "FILE", help_heading = "What changes")]
    pub published: Option<PathBuf>,
    /// Empty attributes in which nothing can be published (repeatable): revoked and gone need --previous or
    /// --published.
    #[arg(long, value_enum, value_name = "CLASS", help_heading = "What changes")]
    pub clear: Vec<Clear>,
    /// How many people may lose their last certificate to encrypt to, or which share of those who have one
    /// [default: what the policy says, 5 %, at least 10]. Above it nothing is written (exit code 6).
    #[arg(long, value_name = "N|P%", help_heading = "What changes")]
    pub max_removals: Option<policy::MaxRemovals>,
    /// Where the result is applied (repeatable): exchange-online makes the payload that is uploaded,
    /// active-directory a change of the directory itself, for people whom Entra Connect synchronises.
    #[arg(long, value_enum, value_name = "TARGET", default_value = "exchange-online")]
    pub target: Vec<Target>,
    /// Recipients in one payload file, objects in one change file.
    #[arg(long, value_name = "N", default_value_t = crate::bundle::DEFAULT_BATCH)]
    pub batch: NonZeroU64,
    /// Threads [default: one for each core]. The output does not depend on it.
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// When to end with exit code 1 because of findings [default: never, or what the policy says].
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub fail_on: Option<FailOn>,
    /// Do everything but write the bundle.
    #[arg(long)]
    pub dry_run: bool,
}

const CONVERT_EXAMPLES: &str = "\
Examples:
  The usual run, with a CA hierarchy and its CRLs, judged now:
    certferry convert users.ldf --trust root.pem --intermediate cas/ --crl crls/ -o bundle-2026-06
  Partners' certificates from a folder, owners named in a table:
    certferry convert partners/ --map owners.csv --trust partner-roots/ -o partners
  Synchronised people: the directory itself is cleaned and completed, nothing is uploaded:
    certferry convert users.ldf new-cards/ --target active-directory --trust root.pem -o change-2026-06
  From a pipe, and packed:
    ldapsearch ... | certferry convert - --trust root.pem -o bundle
    certferry convert ulm.ldf.gz suwon.csv --encoding 949 --trust root.pem -o bundle
  The next month: what changed, and take away what is revoked or belongs to people who left:
    certferry convert users.ldf --trust root.pem --crl crls/ -o bundle-2026-07 \\
      --previous bundle-2026-06 --published tenant.ndjson --clear revoked --clear gone
  Look first, write nothing:
    certferry convert users.ldf --trust root.pem --dry-run

Afterwards: read review/, run `certferry verify DIR`, and carry transfer/ to the upload step.";

/// Where the result is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// A payload for the upload script.
    ExchangeOnline,
    /// LDIF that changes the directory, and its inverse, in review/active-directory.
    ActiveDirectory,
}

/// What may be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Clear {
    /// Attributes of which the tenant holds a value that is revoked.
    Revoked,
    /// Attributes in which every value has expired.
    Expired,
    /// Stale userSMIMECertificate values in front of a userCertificate that is published.
    Shadowing,
    /// Attributes of recipients who stand in no input any more.
    Gone,
    /// All of these.
    All,
}

impl Clear {
    /// The classes that it names.
    #[must_use]
    pub fn classes(self) -> &'static [ClearClass] {
        match self {
            Self::Revoked => &[ClearClass::Revoked],
            Self::Expired => &[ClearClass::Expired],
            Self::Shadowing => &[ClearClass::Shadowing],
            Self::Gone => &[ClearClass::Gone],
            Self::All => &ClearClass::ALL,
        }
    }
}

/// Which manifests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Manifest {
    /// manifest.json.
    Json,
    /// manifest.csv (and manifest.json, which verify reads).
    Csv,
    /// Both.
    Both,
}

/// Rules about who is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SourceRules {
    /// Entra Connect's default rules.
    EntraConnect,
}

/// When findings make the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Never.
    Never,
    /// At a warning or an error.
    Warning,
    /// At an error.
    Error,
    /// When somebody cannot be written to.
    Uncovered,
}

impl FailOn {
    /// The same as a policy says it.
    #[must_use]
    pub fn in_policy(self) -> policy::FailOn {
        match self {
            Self::Never => policy::FailOn::Never,
            Self::Warning => policy::FailOn::Warning,
            Self::Error => policy::FailOn::Error,
            Self::Uncovered => policy::FailOn::Uncovered,
        }
    }
}

/// `certferry inspect`.
#[derive(Args, Debug)]
#[command(after_help = INSPECT_EXAMPLES)]
pub struct Inspect {
    /// Certificate files (PEM, DER, P7B, SST), exports (LDIF, csvde), folders of them, or - for an export on standard
    /// input; also packed with gzip.
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORM")]
    pub format: Format,
    /// How inputs are read.
    #[command(flatten)]
    pub reading: Reading,
    /// Options that judge.
    #[command(flatten)]
    pub judging: Judging,
    /// The certificate must bear this address.
    #[arg(long, value_name = "ADDRESS", help_heading = "Judging")]
    pub email: Option<String>,
    /// smime: all rules for mail; rfc5280: path processing alone decides.
    #[arg(long, value_enum, default_value_t = Profile::Smime, value_name = "NAME", help_heading = "Path processing")]
    pub profile: Profile,
    /// A policy of the user-initial-policy-set, dotted (repeatable) [default: any policy].
    #[arg(long, value_name = "OID", help_heading = "Path processing")]
    pub initial_policy: Vec<String>,
    /// The path must be valid for a policy of the initial set (initial-explicit-policy).
    #[arg(long, help_heading = "Path processing")]
    pub require_explicit_policy: bool,
    /// Policies must not be mapped (initial-policy-mapping-inhibit).
    #[arg(long, help_heading = "Path processing")]
    pub inhibit_policy_mapping: bool,
    /// anyPolicy matches nothing (initial-any-policy-inhibit).
    #[arg(long, help_heading = "Path processing")]
    pub inhibit_any_policy: bool,
    /// Purpose that every certificate below the anchor must allow, dotted [default: emailProtection with
    /// smime, or what the policy says; none with rfc5280].
    #[arg(long, value_name = "OID", help_heading = "Path processing")]
    pub require_eku: Option<String>,
    /// Intermediates that a path may have; self-issued ones are not counted.
    #[arg(long, value_name = "N", help_heading = "Path processing")]
    pub max_depth: Option<usize>,
}

/// What decides about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Profile {
    /// All rules for mail certificates.
    Smime,
    /// RFC 5280 section 6 alone.
    Rfc5280,
}

const INSPECT_EXAMPLES: &str = "\
Examples:
  certferry inspect kim.cer
  certferry inspect partner.p7b --trust partner-root.pem --email kim@partner.example
  certferry inspect certificates/ --format ndjson
  certferry inspect target.pem --profile rfc5280 --trust root.pem --intermediate cas/ --crl crls/ --revocation hard

Without --trust nothing claims a valid path: the other rules decide, and the path says notChecked.
Exit code 1 when a certificate is not accepted or a file could not be read.";

/// Form of inspect's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Ndjson,
}

/// `certferry verify`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  certferry verify bundle
  certferry verify bundle/transfer --format json
  certferry verify bundle-2026-06 --previous bundle-2026-05
  certferry verify bundle --journal smime-journal-0123456789ab.ndjson

DIR may be the whole bundle or either half. The hash lists travel with the files, so they show
damage and mistakes; against deliberate change compare the bundle id and the hash of
transfer/SHA256SUMS with those that came by a second channel.")]
pub struct Verify {
    /// A bundle folder, or its review/ or transfer/ half.
    pub dir: PathBuf,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = VerifyFormat::Text, value_name = "FORM")]
    pub format: VerifyFormat,
    /// The instant at which the bundle must still be current [default: now].
    #[arg(long, value_name = "RFC3339")]
    pub at: Option<String>,
    /// Each half must be signed by the key of this certificate (a PEM or DER file).
    #[arg(long, value_name = "CERT", conflicts_with = "signer_trust")]
    pub signer: Option<PathBuf>,
    /// Each half must be signed by somebody with a valid path to an anchor under this file or folder.
    #[arg(long, value_name = "PATH")]
    pub signer_trust: Vec<PathBuf>,
    /// The bundle before this one, or a half of it: is this one superseded?
    #[arg(long, value_name = "DIR")]
    pub previous: Option<PathBuf>,
    /// The upload's journal: what became of each person, and what they have now.
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
}

/// Form of verify's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VerifyFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}

/// `certferry diff`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  certferry diff bundle-2026-05 bundle-2026-06
  certferry diff bundle-2026-05/review bundle-2026-06/review --format csv > changes.csv

The review halves are enough. Everything that changed is printed, also when that is long.
Exit code 0 whether or not something changed; 5 when a bundle was changed after it was made.")]
pub struct Diff {
    /// The older bundle, or its review/ half.
    pub old: PathBuf,
    /// The newer bundle, or its review/ half.
    pub new: PathBuf,
    /// Form of the output.
    #[arg(long, value_enum, default_value_t = DiffFormat::Text, value_name = "FORM")]
    pub format: DiffFormat,
}

/// Form of diff's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DiffFormat {
    /// For people: totals first, then names.
    Text,
    /// One JSON object, each recipient on a line.
    Json,
    /// A table, one row a difference.
    Csv,
}

/// `certferry report`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  certferry report bundle > report.html

The folder is not touched.")]
pub struct Report {
    /// A bundle folder, or its review/ half.
    pub dir: PathBuf,
}

/// `certferry explain`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  certferry explain                 list all codes
  certferry explain expired
  certferry explain --all | less")]
pub struct Explain {
    /// A finding's code.
    #[arg(conflicts_with = "all")]
    pub code: Option<String>,
    /// Explain every code.
    #[arg(long)]
    pub all: bool,
}

/// `certferry generate`.
#[derive(Args, Debug)]
pub struct Generate {
    /// What to print.
    #[command(subcommand)]
    pub what: Generated,
}

/// What can be generated.
#[derive(Debug, Subcommand)]
pub enum Generated {
    /// Shell completions on stdout.
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Manual pages, one a verb, into a folder.
    Man {
        /// An existing folder.
        dir: PathBuf,
    },
    /// The default policy with a comment on every line on stdout.
    Policy,
    /// The JSON Schema of an output, or of a policy file, on stdout.
    Schema {
        /// Which: manifest, payload, finding, policy, transfer, verify, diff.
        name: String,
    },
    /// The upload script as every bundle of this release holds it.
    Script,
}
