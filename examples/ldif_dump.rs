//! Prints an LDIF file as one JSON object a line, in input order: a record, or a problem.
//!
//! `cargo run --release --example ldif_dump -- [--url-root DIR] FILE`
//!
//! A record is `{"line":1,"dn":"…","changetype":null,"attributes":[["cn","eA=="],…]}`: values are base64, names are as
//! written. Values that could not be read are left out; each has a problem. `dn` is `null` when it could not be read.
//! A problem is `{"line":7,"problem":"bad-base64","severity":"error","message":"…"}`.
//! A summary by kind goes to stderr. Exit code 0; 1 when a problem is an error, 2 for wrong usage.

use base64::Engine as _;
use certferry::ldif::{
    BlockOptions, Code, DnState, Labelled, Options, Problem, ReadError, Reader, Record, Severity, UrlRoot,
    labelled,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::process::ExitCode;

const USAGE: &str = "usage: ldif_dump [--url-root DIR] [--url-prefix PREFIX] [--encoding LABEL] [--block-size N] [--quiet] FILE
  FILE         LDIF file, - for stdin
  --url-root   the only folder that attr:< file: URLs may read
  --url-prefix a path prefix in URLs that stands for that folder (the file was written on another machine)
  --encoding   code page of plain text, such as windows-1252
  --block-size bytes that are read at a time
  --quiet      read everything, print only the summary";

struct Arguments {
    options: Options,
    sizes: BlockOptions,
    quiet: bool,
    file: String,
}

fn arguments() -> Result<Arguments, String> {
    let mut options = Options::default();
    let mut sizes = BlockOptions::default();
    let (mut quiet, mut file, mut root, mut prefixes) = (false, None, None, Vec::new());
    let mut words = std::env::args_os().skip(1);
    while let Some(word) = words.next() {
        let word = word.into_string().map_err(|w| format!("not UTF-8: {}", w.display()))?;
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (word, None),
        };
        let mut value = || {
            inline.clone().map(Ok).unwrap_or_else(|| {
                let word = words.next().ok_or(format!("{name} needs a value"))?;
                word.into_string().map_err(|w| format!("not UTF-8: {}", w.display()))
            })
        };
        match name.as_str() {
            "--url-root" => root = Some(value()?),
            "--url-prefix" => prefixes.push(value()?),
            "--encoding" => {
                let label = value()?;
                options.code_page = match labelled(&label).ok_or(format!("unknown encoding {label}"))? {
                    Labelled::Page(page) => Some(page),
                    Labelled::Unicode => None,
                };
            }
            "--block-size" => {
                sizes.block_size = value()?.parse().map_err(|e| format!("--block-size: {e}"))?
            }
            "--quiet" => quiet = true,
            "--help" => return Err(String::new()),
            _ if name.starts_with("--") => return Err(format!("unknown option {name}")),
            _ if file.is_some() => return Err("more than one FILE".into()),
            _ => file = Some(name),
        }
    }
    if let Some(folder) = root {
        let mut root = UrlRoot::new(folder.as_ref()).map_err(|e| format!("--url-root {folder}: {e}"))?;
        for prefix in &prefixes {
            root = root.with_prefix(prefix);
        }
        options.url_root = Some(root);
    }
    Ok(Arguments { options, sizes, quiet, file: file.ok_or("no FILE")? })
}

/// Counts problems by kind.
#[derive(Default)]
struct Summary {
    kinds: BTreeMap<(Severity, Code), u64>,
    records: u64,
    values: u64,
    bytes: u64,
}

fn print_problem(
    out: &mut impl Write,
    problem: &Problem,
    summary: &mut Summary,
    quiet: bool,
    file: &str,
) -> io::Result<()> {
    *summary.kinds.entry((problem.severity, problem.code)).or_default() += 1;
    if quiet {
        return Ok(());
    }
    // The object has four members; the other parts of the place are told in the message.
    let mut message = format!("{file}, byte {}", problem.offset);
    if let Some(attribute) = &problem.attribute {
        message.push_str(&format!(", attribute {attribute}"));
    }
    if let Some(dn) = &problem.dn {
        message.push_str(&format!(", dn {dn}"));
    }
    message.push_str(&format!(": {}", problem.message));
    // Written by hand only to keep the members in order, here and below.
    writeln!(
        out,
        "{{\"line\":{},\"problem\":\"{}\",\"severity\":\"{}\",\"message\":{}}}",
        problem.line,
        problem.code,
        problem.severity.as_str(),
        json!(message)
    )
}

fn print_record(out: &mut impl Write, record: &Record) -> io::Result<()> {
    let dn = if record.dn_state() == DnState::Unreadable {
        "null".to_owned()
    } else {
        json!(record.dn_text()).to_string()
    };
    write!(
        out,
        "{{\"line\":{},\"dn\":{dn},\"changetype\":{},\"attributes\":[",
        record.line(),
        json!(record.kind().as_str())
    )?;
    let mut separator = "";
    for attribute in record.attributes() {
        if let Some(bytes) = attribute.bytes() {
            let value = base64::engine::general_purpose::STANDARD.encode(bytes);
            write!(out, "{separator}[{},\"{value}\"]", json!(attribute.name()))?;
            separator = ",";
        }
    }
    writeln!(out, "]}}")
}

fn dump(arguments: &Arguments, out: &mut impl Write, summary: &mut Summary) -> Result<(), ReadError> {
    let input: Box<dyn Read> = if arguments.file == "-" {
        Box::new(io::stdin())
    } else {
        Box::new(std::fs::File::open(&arguments.file)?)
    };
    let mut reader = Reader::with_blocks(input, arguments.options.clone(), arguments.sizes)?;
    let (mut record, mut problems) = (Record::new(), Vec::new());
    let (quiet, file) = (arguments.quiet, arguments.file.as_str());
    loop {
        let found = reader.next(&mut record, &mut problems)?;
        // What stands before the record comes before it.
        let mut printed = !found || quiet;
        for problem in problems.drain(..) {
            if !printed && problem.line >= record.line() {
                print_record(out, &record)?;
                printed = true;
            }
            print_problem(out, &problem, summary, quiet, file)?;
        }
        if !printed {
            print_record(out, &record)?;
        }
        if !found {
            return Ok(());
        }
        summary.records += 1;
        if quiet {
            summary.values += record.len() as u64;
            summary.bytes +=
                record.attributes().filter_map(|a| a.bytes()).map(|b| b.len() as u64).sum::<u64>();
        }
    }
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut summary = Summary::default();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let result = dump(&arguments, &mut out, &mut summary);
    let written = match &result {
        Ok(()) => Ok(()),
        Err(error @ ReadError::NotLdif(_)) => {
            let problem = Problem::new(
                Code::NotLdif,
                1,
                0,
                format!("{error} (expected lines such as dn: cn=Ada,dc=example)"),
            );
            print_problem(&mut out, &problem, &mut summary, false, &arguments.file)
        }
        Err(ReadError::Io(error)) => {
            eprintln!("{}: {error}", arguments.file);
            Ok(())
        }
    };
    if let Err(error) = written.and_then(|()| out.flush()) {
        eprintln!("cannot write: {error}");
        return ExitCode::from(1);
    }
    eprintln!("{}: {} records", arguments.file, summary.records);
    if arguments.quiet {
        eprintln!("  {} values, {} bytes", summary.values, summary.bytes);
    }
    for ((severity, code), count) in &summary.kinds {
        eprintln!("  {count} x {} {code}", severity.as_str());
    }
    let errors = summary.kinds.keys().any(|(severity, _)| *severity == Severity::Error);
    if errors || result.is_err() { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
