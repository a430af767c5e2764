//! LDIF: the records and problems of an input do not depend on where it was cut into blocks.
#![no_main]

use certferry::ldif::{BlockOptions, Detected, Options, Reader, Record, detect};
use libfuzzer_sys::fuzz_target;

/// Everything that a reader gave out, in words.
fn read(data: &[u8], block_size: usize) -> Option<(Vec<String>, Vec<String>)> {
    let sizes = BlockOptions { block_size, ..BlockOptions::default() };
    let mut reader = Reader::with_blocks(data, Options::default(), sizes).ok()?;
    let (mut record, mut problems, mut records) = (Record::new(), Vec::new(), Vec::new());
    while reader.next(&mut record, &mut problems).expect("a slice can be read to its end") {
        let attributes: Vec<String> = record.attributes().map(|a| format!("{a:?}")).collect();
        let place = (record.line(), record.offset(), record.raw_len(), record.is_truncated());
        records.push(format!(
            "{place:?} {:?} {:?} {:?} {attributes:?}",
            record.dn(),
            record.dn_state(),
            record.kind()
        ));
        assert_eq!(record.len(), attributes.len());
        let end = record.offset().checked_add(record.raw_len());
        assert!(end.is_some_and(|end| end <= data.len() as u64), "a record lies inside the input");
    }
    assert_eq!(reader.records(), records.len() as u64);
    Some((records, problems.iter().map(|p| format!("{p:?}")).collect()))
}

fuzz_target!(|data: &[u8]| {
    let detected = detect(&data[..data.len().min(certferry::ldif::limits::DETECT)]);
    let whole = read(data, 1 << 20);
    // The first octet of the input chooses the small size, so the cuts fall everywhere.
    let small = 1 + usize::from(data.first().copied().unwrap_or(0)) % 97;
    for size in [small, 64, 1024] {
        assert_eq!(read(data, size), whole, "blocks of {size} bytes");
    }
    if matches!(detected, Detected::Ldif(_)) {
        assert!(whole.is_some(), "what is LDIF can be read");
    }
});
