//! Properties of the csvde reader: what is written is read back; blocks change nothing; no input panics.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use certferry::csvde::{Reader, Scratch, reparse};
use certferry::ldif::{BlockOptions, Options, Problem, Record};
use proptest::prelude::*;

type Attributes = Vec<(String, Option<Vec<u8>>)>;
type Seen = (u64, u64, u64, Vec<u8>, Attributes, bool);

fn attributes(record: &Record) -> Attributes {
    record.attributes().map(|a| (a.name().to_owned(), a.bytes().map(<[u8]>::to_vec))).collect()
}

fn read(input: &[u8], sizes: BlockOptions) -> Option<(Vec<Seen>, Vec<Problem>)> {
    let mut reader = Reader::with_blocks(input, Options::default(), sizes).ok()?;
    let (mut record, mut problems, mut seen) = (Record::new(), Vec::new(), Vec::new());
    while reader.next(&mut record, &mut problems).unwrap() {
        let place = (record.line(), record.offset(), record.raw_len());
        seen.push((
            place.0,
            place.1,
            place.2,
            record.dn().to_vec(),
            attributes(&record),
            record.is_truncated(),
        ));
        assert!(record.offset() + record.raw_len() <= input.len() as u64, "a row lies inside the input");
    }
    Some((seen, problems))
}

fn blocks_of(block_size: usize) -> BlockOptions {
    BlockOptions { block_size, ..BlockOptions::default() }
}

/// A value: text, or binary.
#[derive(Debug, Clone)]
enum Value {
    Text(String),
    Binary(Vec<u8>),
}

/// The columns that the writer knows; which are binary, it chooses by value.
const COLUMNS: &[&str] =
    &["cn", "mail", "proxyAddresses", "userCertificate", "info", "userCertificate;range=0-1499"];

fn value() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[ -~]{1,30}", "[a-zA-Zäöü김😀;,\\\\\"\r\n]{1,20}"]
        .prop_filter("not what is hexadecimal", |text| !text.starts_with(['X', 'x', ' ', '\u{FEFF}']));
    prop_oneof![text.prop_map(Value::Text), prop::collection::vec(any::<u8>(), 1..80).prop_map(Value::Binary)]
}

/// Rows: for each column its values.
fn rows() -> impl Strategy<Value = Vec<Vec<Vec<Value>>>> {
    let cell = prop::collection::vec(value(), 0..4);
    prop::collection::vec(prop::collection::vec(cell, COLUMNS.len()), 1..8)
}

/// What the writer means a cell's values to be.
fn meant(column: &str, values: &[Value]) -> Vec<Vec<u8>> {
    let binary = column.starts_with("userCertificate");
    let octets = |value: &Value| match value {
        Value::Text(text) => text.clone().into_bytes(),
        Value::Binary(octets) => octets.clone(),
    };
    // An attribute that is binary has only such values.
    values.iter().filter(|value| !binary || matches!(value, Value::Binary(_))).map(octets).collect()
}

fn cell(column: &str, values: &[Value], upper: bool) -> String {
    let binary = column.starts_with("userCertificate");
    let written: Vec<String> = values
        .iter()
        .filter_map(|value| match value {
            Value::Text(_) if binary => None,
            Value::Text(text) => Some(text.replace('\\', "\\\\").replace(';', "\\;")),
            Value::Binary(octets) => {
                let digits: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
                Some(format!("X'{}'", if upper { digits.to_ascii_uppercase() } else { digits }))
            }
        })
        .collect();
    written.join(";")
}

fn quoted(cell: &str, always: bool) -> String {
    if always || cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

fn write(rows: &[Vec<Vec<Value>>], eol: &str, upper: bool, always: bool) -> String {
    let mut text = format!("DN,{}{eol}", COLUMNS.join(","));
    for (number, row) in rows.iter().enumerate() {
        text.push_str(&quoted(&format!("CN=Some \\, Name {number},DC=example,DC=com"), true));
        for (column, values) in COLUMNS.iter().zip(row) {
            text.push(',');
            text.push_str(&quoted(&cell(column, values, upper), always));
        }
        text.push_str(eol);
    }
    text
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
        _ => utf16(text, true),
    }
}

/// Pieces that the reader treats in ways of their own.
const PIECES: &[&str] = &[
    "\n",
    "\r\n",
    "\r",
    ",",
    ",",
    "\"",
    "\"\"",
    "\"CN=a,DC=b\"",
    "CN=x",
    ";",
    "\\",
    "\\;",
    "X'00ff'",
    "X'0'",
    "X'",
    "00FF",
    "DN,cn,mail\r\n",
    "\"dn\",userCertificate\n",
    "DN",
    "\u{FEFF}",
    "\u{1A}",
    "\0",
    "ü",
    "😀",
    "a b",
    " ",
    "\t",
    "\n\n",
    "CN=r,a,b\n",
    "CN=r,\"a\nb\",c\r\n",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(
        rows in rows(), eol in prop::sample::select(vec!["\r\n", "\n", "\r"]), upper in any::<bool>(),
        always in any::<bool>(), encoding in 0..6_u8, block_size in 16..3000_usize,
    ) {
        let text = write(&rows, eol, upper, always);
        let (seen, problems) = read(&encoded(&text, encoding), blocks_of(block_size)).unwrap();
        prop_assert_eq!(seen.len(), rows.len());
        for ((row, seen), number) in rows.iter().zip(&seen).zip(0..) {
            let dn = format!("CN=Some \\, Name {number},DC=example,DC=com");
            prop_assert_eq!(&seen.3, dn.as_bytes());
            for (column, values) in COLUMNS.iter().zip(row) {
                let found: Vec<Vec<u8>> =
                    seen.4.iter().filter(|(name, _)| name == column).map(|(_, value)| value.clone().unwrap()).collect();
                prop_assert_eq!(found, meant(column, values), "{}", column);
            }
        }
        let others: Vec<_> = problems.iter().filter(|p| p.code.as_str() != "range-incomplete").collect();
        prop_assert!(others.is_empty(), "{:?}", others);
    }

    #[test]
    fn block_sizes_change_nothing(text in text(), encoding in 0..6_u8, sizes in prop::collection::vec(2..600_usize, 3)) {
        let input = encoded(&format!("DN,cn,userCertificate\n{text}"), encoding);
        let whole = read(&input, BlockOptions::default()).unwrap();
        for block_size in sizes.into_iter().chain([2, 64]) {
            prop_assert_eq!(&read(&input, blocks_of(block_size)).unwrap(), &whole, "blocks of {}", block_size);
        }
    }

    #[test]
    fn block_sizes_change_nothing_above_the_row_limit(text in text(), encoding in 0..6_u8, sizes in prop::collection::vec(2..64_usize, 3)) {
        let input = encoded(&format!("DN,cn,userCertificate\n{text}"), encoding);
        let limited = |block_size| read(&input, BlockOptions { block_size, record_limit: 64 }).unwrap();
        let whole = limited(64);
        for block_size in sizes {
            prop_assert_eq!(&limited(block_size), &whole, "blocks of {}", block_size);
        }
    }

    #[test]
    fn rows_are_the_same_when_read_again(text in text(), encoding in 0..6_u8, record_limit in 64..400_usize) {
        let input = encoded(&format!("DN,cn,userCertificate\nCN=first,x,\n{text}"), encoding);
        // Most rows are below the limit, some above.
        let sizes = BlockOptions { record_limit, ..BlockOptions::default() };
        let mut reader = Reader::with_blocks(&input[..], Options::default(), sizes).unwrap();
        let (mut record, mut problems, mut places) = (Record::new(), Vec::new(), Vec::new());
        while reader.next(&mut record, &mut problems).unwrap() {
            let place = (record.offset(), record.line(), record.is_above_limit());
            places.push((place, record.raw_len(), record.dn().to_vec(), attributes(&record)));
        }
        let (format, headers) = reader.into_parts();
        let (mut again, mut scratch) = (Record::new(), Scratch::default());
        for (place, length, dn, values) in places {
            let offset = place.0;
            let raw = &input[offset as usize..(offset + length) as usize];
            let header = headers.at(offset).unwrap();
            prop_assert!(reparse(raw.to_vec(), format, header, place, &Options::default(), &mut scratch, &mut again, &mut problems));
            prop_assert_eq!(((again.offset(), again.line(), again.is_above_limit()), again.raw_len()), (place, length));
            prop_assert_eq!((again.dn(), attributes(&again)), (dn.as_slice(), values));
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000), head in prop::sample::select(vec![&b"DN,cn\n"[..], b"DN,userCertificate,\"x", b"\xFF\xFED\0N\0,\0"]), block_size in 2..3000_usize) {
        let input = [head, &bytes].concat();
        let _ = read(&input, blocks_of(block_size));
        let _ = read(&input, BlockOptions { block_size, record_limit: 64 });
    }

    #[test]
    fn a_file_cut_anywhere_says_so(rows in rows(), cut in any::<prop::sample::Index>()) {
        let text = write(&rows, "\r\n", false, false);
        let header = text.find('\n').unwrap() + 1;
        let mut at = header + cut.index(text.len() - header);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let (seen, problems) = read(&text.as_bytes()[..at], blocks_of(100)).unwrap();
        let (all, _) = read(text.as_bytes(), blocks_of(100)).unwrap();
        let whole = seen.iter().take_while(|row| !row.5).count();
        for (seen, all) in seen.iter().zip(&all).take(whole) {
            prop_assert_eq!((seen.1, &seen.3, &seen.4), (all.1, &all.3, &all.4));
        }
        // Between two rows nothing shows that it was cut.
        let between = text[..at].ends_with(['\n', '\r']) && seen.len() == whole;
        let said = problems.iter().any(|p| p.code.as_str() == "record-cut-off");
        prop_assert!(said != between, "cut at {}: {:?}", at, problems);
        prop_assert!(seen.len() - whole <= 1);
    }
}

/// An unfinished row that is just as long as the limit ends where the input ends, however it was read.
#[test]
fn a_row_that_ends_with_the_input_at_the_limit() {
    for (end, code) in
        [("\"CN=a", "record-cut-off"), ("CN=a", "record-cut-off"), ("\"CN=ab", "record-too-large")]
    {
        let row = format!("{end}{}", "x".repeat(64 - end.len() + usize::from(end.ends_with('b'))));
        let input = format!("DN,cn\n{row}").into_bytes();
        for block_size in 2..=64 {
            let (seen, problems) = read(&input, BlockOptions { block_size, record_limit: 64 }).unwrap();
            let codes: Vec<_> = problems.iter().map(|p| p.code.as_str()).filter(|c| *c != "bad-dn").collect();
            assert_eq!((seen.len(), codes), (1, vec![code]), "{end} in blocks of {block_size}");
        }
    }
}
