//! What is large: what it costs, and what is cut.

use super::*;

#[test]
fn large_things_cost_what_their_bytes_cost() {
    let started = std::time::Instant::now();
    let name = "a".repeat(1 << 20);
    let value = "b".repeat(1 << 20);
    let folds = "x\n ".repeat(50_000);
    let tabs = "x\n\t".repeat(50_000);
    let blanks = " \n".repeat(50_000);
    let colons = ":".repeat(1 << 20);
    let input = format!(
        "dn: cn=a\n{name}: a\n\ndn: cn=b\ncn: {value}\n{folds}: a\nsn: {folds}\nsn: {tabs}\ncn: a\n{blanks}cn: b\ncn:{colons}\n\ndn: cn={value}\ncn: a\n"
    );
    let lines = run(input.as_bytes(), &Options::default(), 1 << 16);
    assert!(lines.iter().any(|l| l.starts_with(&format!("1 cn=a {name}=a"))));
    let garbage = "x\n".repeat(3 << 20);
    let lines = run(
        format!("dn: cn=a\n{garbage}\ndn: cn={value}\n{garbage}").as_bytes(),
        &Options::default(),
        1 << 16,
    );
    assert!(
        lines.contains(&"1002 error too-many-problems".to_owned())
            || lines.iter().any(|l| l.contains("too-many-problems"))
    );
    assert!(lines.len() < 3000, "{}", lines.len());
    // Generous: it takes about a second without optimisation. A quadratic reader takes hours.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

#[test]
fn a_record_above_the_limit_is_cut_and_the_next_is_read() {
    let big = "A".repeat(1000);
    for (eol, wide) in [("\n", false), ("\r\n", false), ("\r", false), ("\n", true)] {
        let text = format!(
            "dn: cn=a{eol}cn: a{eol}{eol}dn: cn=b{eol}sn: b{eol}cn:: {big}{eol} {big}{eol}x: y{eol}{eol}dn: cn=c{eol}cn: c{eol}"
        );
        let input = if wide { utf16(&text, false) } else { text.into_bytes() };
        for block_size in [64, 200, 512] {
            let sizes = BlockOptions { block_size, record_limit: 512 };
            let mut reader = Reader::with_blocks(&input[..], Options::default(), sizes).unwrap();
            let (mut record, mut problems) = (Record::new(), Vec::new());
            let mut seen = Vec::new();
            while reader.next(&mut record, &mut problems).unwrap() {
                seen.push((record.line(), show(record.dn()), record.is_truncated(), record.len()));
            }
            let expected = [
                (1, "cn=a".to_owned(), false, 1),
                (4, "cn=b".into(), true, 2),
                (10, "cn=c".into(), false, 1),
            ];
            assert_eq!(seen, expected, "{eol:?} {block_size}");
            let codes: Vec<&str> =
                problems.iter().map(|p| p.code.as_str()).filter(|c| *c != "cr-line-ends").collect();
            assert_eq!(codes, ["record-too-large"], "{eol:?} {block_size}");
        }
    }
}

#[test]
fn a_record_of_countless_values_is_cut() {
    let input = format!("dn: cn=a\n{}\ndn: cn=b\ncn: b\n", "a:\n".repeat(200_001));
    let mut reader = Reader::new(input.as_bytes(), Options::default()).unwrap();
    let (mut record, mut problems) = (Record::new(), Vec::new());
    assert!(reader.next(&mut record, &mut problems).unwrap());
    assert_eq!((record.len(), record.is_truncated()), (200_000, true));
    assert_eq!(
        problems.iter().map(|p| (p.line, p.code.as_str())).collect::<Vec<_>>(),
        [(200_002, "record-too-large")]
    );
    assert!(reader.next(&mut record, &mut problems).unwrap() && !record.is_truncated());
}

// What callers rely on.
