//! Properties of the LDIF reader: what is written is read back; blocks change nothing; no input panics.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use base64::Engine as _;
use certferry::ldif::write::{self, Modify, Part};
use certferry::ldif::{BlockOptions, Options, Problem, ReadError, Reader, Record, Scratch, detect, reparse};
use proptest::prelude::*;

type Attributes = Vec<(String, Option<Vec<u8>>, u64)>;
type Seen = (u64, u64, u64, Vec<u8>, Attributes);

fn read(input: &[u8], sizes: BlockOptions) -> Option<(Vec<Seen>, Vec<Problem>)> {
    let mut reader = match Reader::with_blocks(input, Options::default(), sizes) {
        Ok(reader) => reader,
        Err(ReadError::NotLdif(_)) => return None,
        Err(error) => panic!("{error}"),
    };
    let (mut record, mut problems, mut seen) = (Record::new(), Vec::new(), Vec::new());
    while reader.next(&mut record, &mut problems).unwrap() {
        let attributes = record
            .attributes()
            .map(|a| (a.name().to_owned(), a.bytes().map(<[u8]>::to_vec), a.line()))
            .collect();
        seen.push((record.line(), record.offset(), record.raw_len(), record.dn().to_vec(), attributes));
    }
    Some((seen, problems))
}

fn blocks_of(block_size: usize) -> BlockOptions {
    BlockOptions { block_size, ..BlockOptions::default() }
}

/// Pieces that the reader treats in ways of their own.
const PIECES: &[&str] = &[
    "\n",
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    " \n",
    "\t \n",
    "dn: cn=a",
    "dn: cn=b\ncn: b\n\n",
    "DN:: Y249YQ==",
    "d\n n: cn=x",
    "dn : cn=y",
    "dn",
    "cn: a",
    "cn:: eA==",
    "cn:: eA",
    "cn:",
    ":",
    "cn:< file:///x",
    "eHh4eHh4",
    "\n eHh4",
    "\n eHh4eHh4\n eHh4eHh4\n eHh4eHh4\n e",
    "# c",
    "#",
    "\n# c\n d\n",
    "version: 1",
    "1",
    "42\n",
    "-",
    "changetype: modify\n",
    "changetype: delete\n",
    "changetype: add\n",
    "add: cn\n",
    "delete: cn\n",
    "replace: cn\n",
    "search: 2\n",
    "result: 0 Success\n",
    "result: 4\n",
    "ref: ldap://x\n",
    "# numEntries: 2\n",
    "# numResponses: 3\n",
    "# extended LDIF\n",
    "pagedresults: cookie=\n",
    "include: file:x\n",
    "\u{1A}",
    "\u{FEFF}",
    "\0",
    "ü",
    "😀",
    "m;range=0-1: a\n",
    "m;range=1-*: a\n",
    "x y z",
    "\n\ndn: cn=q\n",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

fn encoded(text: &str, encoding: u8) -> Vec<u8> {
    let utf16 = |text: &str, high_first: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|u| if high_first { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
    };
    match encoding {
        0 => text.as_bytes().to_vec(),
        1 => format!("\u{FEFF}{text}").into_bytes(),
        2 => utf16(&format!("\u{FEFF}{text}"), false),
        3 => utf16(&format!("\u{FEFF}{text}"), true),
        4 => utf16(text, false),
        _ => text.replace("\r\n", "\n").replace('\n', "\r").into_bytes(),
    }
}

/// A value and how it is to be written.
#[derive(Debug, Clone)]
struct Written {
    name: String,
    value: Vec<u8>,
    fold: usize,
    base64: bool,
}

fn written() -> impl Strategy<Value = Written> {
    (
        "[a-zA-Z][a-zA-Z0-9-]{0,12}(;binary|;lang-de)?",
        prop::collection::vec(any::<u8>(), 0..200),
        1..90_usize,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_filter_map("names that mean something", |(name, mut value, fold, base64, ascii)| {
            if ascii {
                value.iter_mut().for_each(|b| *b = 0x21 + *b % 0x5E);
            }
            let special = ["dn", "changetype", "control", "include", "version"];
            (!special.iter().any(|s| name.eq_ignore_ascii_case(s))).then_some(Written {
                name,
                value,
                fold,
                base64,
            })
        })
}

fn write(records: &[Vec<Written>], eol: &str, first_line_empty: bool) -> String {
    let mut text = String::new();
    let mut line = |content: &str, fold: usize| {
        let (mut rest, mut lead) = (content, "");
        while rest.len() > fold {
            let (head, tail) = rest.split_at(fold);
            text.push_str(&format!("{lead}{head}{eol}"));
            (rest, lead) = (tail, " ");
        }
        text.push_str(&format!("{lead}{rest}{eol}"));
    };
    for (i, record) in records.iter().enumerate() {
        line(&format!("dn: cn=Some Name {i},dc=example,dc=com"), 78);
        for Written { name, value, fold, base64 } in record {
            let safe = value.iter().all(u8::is_ascii_graphic) && !matches!(value.first(), Some(b':' | b'<'));
            if *base64 || !safe {
                let value = base64::engine::general_purpose::STANDARD.encode(value);
                if first_line_empty {
                    // As ldifde does.
                    line(&format!("{name}:: "), 1000);
                    if !value.is_empty() {
                        line(&format!(" {value}"), 1000);
                    }
                } else {
                    line(&format!("{name}:: {value}"), *fold);
                }
            } else {
                line(&format!("{name}: {}", String::from_utf8_lossy(value)), *fold);
            }
        }
        line("", 78);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(
        records in prop::collection::vec(prop::collection::vec(written(), 1..6), 1..6),
        crlf in any::<bool>(), first_line_empty in any::<bool>(), encoding in 0..6_u8, block_size in 16..5000_usize,
    ) {
        let text = write(&records, if crlf { "\r\n" } else { "\n" }, first_line_empty);
        let (seen, problems) = read(&encoded(&text, encoding), blocks_of(block_size)).unwrap();
        let values: Vec<Vec<(String, Vec<u8>)>> =
            seen.into_iter().map(|r| r.4.into_iter().map(|(name, value, _)| (name, value.unwrap())).collect()).collect();
        let expected: Vec<Vec<(String, Vec<u8>)>> =
            records.iter().map(|r| r.iter().map(|w| (w.name.clone(), w.value.clone())).collect()).collect();
        prop_assert_eq!(values, expected);
        // Random bytes in text attributes, the CRs of encoding 5, and an empty value whose only blank was folded.
        let others: Vec<_> = problems.iter().filter(|p| !matches!(p.code.as_str(), "bad-text" | "cr-line-ends" | "blank-fold")).collect();
        prop_assert!(others.is_empty(), "{:?}", others);
    }

    #[test]
    fn what_the_writer_writes_is_read_back(
        names in prop::collection::vec(".{0,60}", 1..5), values in prop::collection::vec(written(), 1..5), block_size in 16..5000_usize,
    ) {
        let mut out = Vec::new();
        let mut expected = Vec::new();
        for (n, name) in names.iter().enumerate() {
            // The reader drops blanks around a name, so there are none.
            let dn = format!("cn={name},dc=example");
            write::comment(&mut out, name);
            if n % 2 == 0 {
                write::attribute(&mut out, "dn", dn.as_bytes());
                values.iter().for_each(|w| write::attribute(&mut out, &w.name, &w.value));
                out.push(b'\n');
            } else {
                let mut change = Modify::begin(&mut out, &dn);
                values.iter().for_each(|w| change.part(Part::Add, &w.name, [w.value.as_slice()]));
                change.end();
            }
            expected.push((dn.into_bytes(), values.iter().map(|w| (w.name.clone(), w.value.clone())).collect::<Vec<_>>()));
        }
        prop_assert!(out.is_ascii());
        prop_assert!(out.split(|byte| *byte == b'\n').all(|line| line.len() <= write::WIDTH));
        let (seen, problems) = read(&out, blocks_of(block_size)).unwrap();
        let seen: Vec<_> = seen.into_iter().map(|r| (r.3, r.4.into_iter().map(|(name, value, _)| (name, value.unwrap())).collect())).collect();
        prop_assert_eq!(seen, expected);
        // What the text means is the reader's business: bytes that are no text, names that are no DN.
        let others: Vec<_> = problems.iter().filter(|p| !matches!(p.code.as_str(), "bad-text" | "bad-dn" | "nul-bytes")).collect();
        prop_assert!(others.is_empty(), "{:?}", others);
    }

    #[test]
    fn block_sizes_change_nothing(text in text(), head in any::<bool>(), encoding in 0..6_u8, sizes in prop::collection::vec(2..600_usize, 3)) {
        let text = if head { format!("dn: cn=first\n{text}") } else { text };
        let input = encoded(&text, encoding);
        let whole = read(&input, BlockOptions::default());
        for block_size in sizes.into_iter().chain([64]) {
            prop_assert_eq!(&read(&input, blocks_of(block_size)), &whole, "blocks of {}", block_size);
        }
    }

    #[test]
    fn block_sizes_change_nothing_above_the_record_limit(text in text(), encoding in 0..5_u8, sizes in prop::collection::vec(2..64_usize, 3)) {
        let input = encoded(&format!("dn: cn=first\n{text}"), encoding);
        let limited = |block_size| read(&input, BlockOptions { block_size, record_limit: 64 }).map(|(seen, _)| seen);
        let whole = limited(64);
        for block_size in sizes {
            prop_assert_eq!(&limited(block_size), &whole, "blocks of {}", block_size);
        }
    }

    #[test]
    fn records_are_the_same_when_read_again(text in text(), encoding in 0..6_u8) {
        let input = encoded(&format!("dn: cn=first\ncn: x\n{text}"), encoding);
        let Ok(mut reader) = Reader::new(&input[..], Options::default()) else { return Ok(()) };
        let format = reader.format();
        let (mut record, mut again, mut scratch, mut problems) = (Record::new(), Record::new(), Scratch::new(), Vec::new());
        while reader.next(&mut record, &mut problems).unwrap() {
            let from = record.offset() as usize;
            let raw = &input[from..from + record.raw_len() as usize];
            prop_assert!(reparse(raw, format, record.offset(), record.line(), &Options::default(), &mut scratch, &mut again, &mut problems));
            prop_assert_eq!(again.dn(), record.dn());
            prop_assert_eq!(again.raw_len(), record.raw_len());
            prop_assert!(again.attributes().eq(record.attributes()));
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), head in prop::sample::select(vec![&b""[..], b"dn: cn=a\n", b"\xFF\xFEd\0n\0:\0", b"version: 1\n"]), block_size in 2..3000_usize) {
        let input = [head, &bytes].concat();
        let _ = detect(&input);
        let _ = read(&input, blocks_of(block_size));
        let _ = read(&input, BlockOptions { block_size, record_limit: 64 });
    }

    #[test]
    fn a_file_cut_anywhere_loses_only_its_end(
        records in prop::collection::vec(prop::collection::vec(written(), 1..4), 2..5), cut in any::<prop::sample::Index>(),
    ) {
        let text = write(&records, "\n", false);
        let at = cut.index(text.len());
        let Some((seen, _)) = read(&text.as_bytes()[..at], blocks_of(100)) else { return Ok(()) };
        let (all, _) = read(text.as_bytes(), blocks_of(100)).unwrap();
        let whole = seen.len().saturating_sub(1);
        prop_assert_eq!(&seen[..whole], &all[..whole]);
    }
}
