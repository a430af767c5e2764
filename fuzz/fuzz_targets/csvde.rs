//! csvde: the rows and problems of an input do not depend on where it was cut into blocks, every row reads
//! the same from its own bytes, and the filter for copies moves nothing.
#![no_main]

use std::io::Write as _;

use certferry::csvde::{Reader, Scratch, reparse};
use certferry::input::spool::Cells;
use certferry::ldif::{BlockOptions, Options, Record};
use libfuzzer_sys::fuzz_target;

fn words(record: &Record) -> String {
    let attributes: Vec<String> = record.attributes().map(|a| format!("{a:?}")).collect();
    let place = (record.line(), record.offset(), record.raw_len(), record.is_truncated());
    format!("{place:?} {:?} {:?} {attributes:?}", record.dn(), record.dn_state())
}

/// Everything that a reader gave out, in words.
fn read(data: &[u8], block_size: usize) -> Option<(Vec<String>, Vec<String>)> {
    let sizes = BlockOptions { block_size, ..BlockOptions::default() };
    let mut reader = Reader::with_blocks(data, Options::default(), sizes).ok()?;
    let (mut record, mut problems, mut rows, mut places) =
        (Record::new(), Vec::new(), Vec::new(), Vec::new());
    while reader.next(&mut record, &mut problems).expect("a slice can be read to its end") {
        let end = record.offset().checked_add(record.raw_len());
        assert!(end.is_some_and(|end| end <= data.len() as u64), "a row lies inside the input");
        rows.push(words(&record));
        let place = (record.offset(), record.line(), record.is_above_limit());
        places.push((place, record.raw_len()));
    }
    let (format, headers) = reader.into_parts();
    let (mut scratch, mut unsaid) = (Scratch::default(), Vec::new());
    for ((place, length), row) in places.into_iter().zip(&rows) {
        let raw = &data[place.0 as usize..(place.0 + length) as usize];
        // An input without a header is none that is recognised; of its rows nothing but a DN is taken.
        let Some(header) = headers.at(place.0) else { continue };
        let options = Options::default();
        assert!(reparse(
            raw.to_vec(),
            format,
            header,
            place,
            &options,
            &mut scratch,
            &mut record,
            &mut unsaid
        ));
        assert_eq!(&words(&record), row, "read again");
    }
    Some((rows, problems.iter().map(|p| format!("{p:?}")).collect()))
}

fuzz_target!(|data: &[u8]| {
    let whole = read(data, 1 << 20);
    // The first octet behind the header chooses the small size, so the cuts fall everywhere.
    let small = 1 + usize::from(data.get(8).copied().unwrap_or(0)) % 97;
    for size in [small, 64, 1024] {
        assert_eq!(read(data, size), whole, "blocks of {size} bytes");
    }
    let mut filter = Cells::new(Vec::new(), certferry::ldif::Encoding::Utf8);
    for part in data.chunks(small) {
        filter.write_all(part).expect("a vector takes everything");
    }
    let (kept, _) = filter.finish().expect("a vector takes everything");
    assert_eq!(kept.len(), data.len());
    let separators = |bytes: &[u8]| bytes.iter().filter(|b| matches!(b, b'\n' | b'"')).count();
    assert_eq!(separators(&kept), separators(data));
});
