//! Code pages: their labels, and which one a text that is not UTF-8 may be written in.
//!
//! `ldifde` and `csvde` without `-u` write the machine's ANSI code page, and nothing in the file says which. It is never
//! guessed in silence: text that is not UTF-8 keeps its bytes, and the reader says which of the Windows code pages fit what
//! it saw. A code page fits when everything decodes; it is likely when what comes out looks like names of its languages.

use super::problem::{Code, Problem};
use encoding_rs::Encoding;

/// What a label for the encoding of plain text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labelled {
    /// UTF-8 or UTF-16, which are recognised by themselves.
    Unicode,
    /// A code page that is a superset of ASCII.
    Page(&'static Encoding),
}

/// Reads a label: those of the WHATWG Encoding Standard, and the numbers that Windows uses (`949`, `cp949`).
///
/// `None` for unknown labels and for encodings that are no supersets of ASCII (ISO-2022-JP cannot be cut into lines).
#[must_use]
pub fn labelled(label: &str) -> Option<Labelled> {
    let lower = label.trim().to_ascii_lowercase();
    let digits = ["cp", "windows-", "windows", "ms"].iter().find_map(|prefix| lower.strip_prefix(prefix));
    let windows = match digits.unwrap_or(&lower) {
        "874" => Some("windows-874"),
        "932" => Some("shift_jis"),
        "936" => Some("gbk"),
        "949" => Some("euc-kr"),
        "950" => Some("big5"),
        "1250" => Some("windows-1250"),
        "1251" => Some("windows-1251"),
        "1252" => Some("windows-1252"),
        "1253" => Some("windows-1253"),
        "1254" => Some("windows-1254"),
        "1255" => Some("windows-1255"),
        "1256" => Some("windows-1256"),
        "1257" => Some("windows-1257"),
        "1258" => Some("windows-1258"),
        "65001" => Some("utf-8"),
        "1200" => Some("utf-16le"),
        _ => None,
    };
    let found = Encoding::for_label(windows.unwrap_or(&lower).as_bytes())?;
    if found == encoding_rs::UTF_8 || found == encoding_rs::UTF_16LE || found == encoding_rs::UTF_16BE {
        return Some(Labelled::Unicode);
    }
    found.is_ascii_compatible().then_some(Labelled::Page(found))
}

/// Labels that people mean, for suggestions.
pub const LABELS: &[&str] = &[
    "windows-1252",
    "windows-1250",
    "windows-1251",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
    "windows-874",
    "cp932",
    "cp936",
    "cp949",
    "cp950",
    "shift_jis",
    "euc-jp",
    "euc-kr",
    "gbk",
    "gb18030",
    "big5",
    "iso-8859-1",
    "iso-8859-2",
    "iso-8859-15",
    "koi8-r",
    "koi8-u",
    "ibm866",
    "macintosh",
    "utf-8",
];

/// A code page that Windows uses for a language, how it is written behind `--encoding`, and what looks right in it.
struct Candidate {
    encoding: &'static Encoding,
    label: &'static str,
    language: &'static str,
    odd: fn(&[u8], &str) -> u64,
}

const CANDIDATES: &[Candidate] = &[
    Candidate {
        encoding: encoding_rs::WINDOWS_1252,
        label: "1252",
        language: "Western European",
        odd: latin,
    },
    Candidate { encoding: encoding_rs::EUC_KR, label: "949", language: "Korean", odd: korean },
    Candidate { encoding: encoding_rs::SHIFT_JIS, label: "932", language: "Japanese", odd: japanese },
    Candidate { encoding: encoding_rs::GBK, label: "936", language: "simplified Chinese", odd: simplified },
    Candidate {
        encoding: encoding_rs::BIG5,
        label: "950",
        language: "traditional Chinese",
        odd: traditional,
    },
    Candidate {
        encoding: encoding_rs::WINDOWS_1250,
        label: "1250",
        language: "Central European",
        odd: latin,
    },
    Candidate { encoding: encoding_rs::WINDOWS_1251, label: "1251", language: "Cyrillic", odd: cyrillic },
    Candidate { encoding: encoding_rs::WINDOWS_1253, label: "1253", language: "Greek", odd: greek },
    Candidate { encoding: encoding_rs::WINDOWS_1254, label: "1254", language: "Turkish", odd: turkish },
    Candidate { encoding: encoding_rs::WINDOWS_1255, label: "1255", language: "Hebrew", odd: hebrew },
    Candidate { encoding: encoding_rs::WINDOWS_1256, label: "1256", language: "Arabic", odd: arabic },
    Candidate { encoding: encoding_rs::WINDOWS_874, label: "874", language: "Thai", odd: thai },
];

/// How many code pages are tried.
const COUNT: usize = CANDIDATES.len();

/// What was seen of texts that are not ASCII. Memory does not grow with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    /// Texts that are not UTF-8, and where the first one stands (line, offset).
    foreign: u64,
    first: (u64, u64),
    /// Their bytes above ASCII.
    bytes: u64,
    /// For each candidate: texts that it cannot decode, and characters that look wrong in it.
    failed: [u64; COUNT],
    odd: [u64; COUNT],
    /// Texts above ASCII that are UTF-8.
    unicode: u64,
    /// The code page by which they were decoded.
    page: Option<&'static Encoding>,
}

impl Texts {
    /// Takes a text that is not ASCII, from before it is decoded by a code page, and where it stands (line, offset).
    pub(crate) fn add(&mut self, text: &[u8], page: Option<&'static Encoding>, place: (u64, u64)) {
        self.page = page;
        if std::str::from_utf8(text).is_ok() {
            self.unicode += 1;
            return;
        }
        if self.foreign == 0 {
            self.first = place;
        }
        self.foreign += 1;
        self.bytes += text.iter().filter(|b| **b >= 0x80).count() as u64;
        for ((candidate, failed), odd) in CANDIDATES.iter().zip(&mut self.failed).zip(&mut self.odd) {
            if *failed > 0 {
                continue;
            }
            match candidate.encoding.decode_without_bom_handling_and_without_replacement(text) {
                Some(decoded) => *odd += (candidate.odd)(text, &decoded),
                None => *failed += 1,
            }
        }
    }

    /// Adds what was seen behind it.
    pub(crate) fn merge(&mut self, later: &Self) {
        if self.foreign == 0 {
            self.first = later.first;
        }
        self.foreign += later.foreign;
        self.bytes += later.bytes;
        self.unicode += later.unicode;
        self.page = self.page.or(later.page);
        for (mine, theirs) in [(&mut self.failed, &later.failed), (&mut self.odd, &later.odd)] {
            mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
        }
    }

    /// What there is to say about all of them.
    pub(crate) fn finish(&self) -> Option<Problem> {
        let (line, offset) = self.first;
        match self.page {
            None if self.foreign > 0 => {
                let fits = match self.likely() {
                    Some(pages) => format!("what fits them, the likeliest first: {pages}"),
                    None => "no usual code page fits all of them".to_owned(),
                };
                let message = format!(
                    "{} texts are not UTF-8, the first one here: they were probably written in the code page of a Windows machine; {fits}; export again as Unicode (ldifde -u, csvde -u), or name the code page with --encoding",
                    self.foreign
                );
                Some(Problem::new(Code::CodePage, line, offset, message))
            }
            Some(page) if self.foreign == 0 && self.unicode > 0 => {
                let message = format!(
                    "all {} texts that are not ASCII are UTF-8, and --encoding {} has turned them into something else; convert again without it",
                    self.unicode,
                    page.name()
                );
                Some(Problem::new(Code::EncodingDoubtful, 1, 0, message))
            }
            _ => None,
        }
    }

    /// The code pages that fit, likeliest first, as a clause; `None` when none does.
    fn likely(&self) -> Option<String> {
        let mut fitting: Vec<(u64, &Candidate)> = CANDIDATES
            .iter()
            .zip(self.failed.iter().zip(&self.odd))
            // One wrong character in four is no language.
            .filter(|(_, (failed, odd))| **failed == 0 && **odd * 4 <= self.bytes)
            .map(|(candidate, (_, odd))| (*odd, candidate))
            .collect();
        fitting.sort_by_key(|(odd, _)| *odd); // stable: the order of the list decides between equals
        fitting.truncate(3);
        let names: Vec<String> =
            fitting.iter().map(|(_, page)| format!("{} ({})", page.label, page.language)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// Counts characters that look wrong: those above ASCII that are not of the script, joints between its letters and those
/// of ASCII where a script does not mix with them, capitals behind small letters, and words that begin with a small one.
fn wrong(text: &str, of_script: fn(char) -> bool, mixes: bool) -> u64 {
    let mut odd = 0;
    let mut before = ' ';
    for c in text.chars() {
        if !c.is_ascii() && !of_script(c) {
            odd += 1;
        } else if before.is_alphabetic() && c.is_alphabetic() {
            let joint = before.is_ascii() != c.is_ascii();
            let capital = before.is_lowercase() && c.is_uppercase() && !(before.is_ascii() && c.is_ascii());
            // Letters above ASCII rarely stand side by side in a language that mixes them with ASCII.
            odd += u64::from(capital || if mixes { !before.is_ascii() && !c.is_ascii() } else { joint });
        } else if !c.is_ascii() && c.is_lowercase() {
            odd += 1;
        }
        before = c;
    }
    odd
}

fn latin(_: &[u8], text: &str) -> u64 {
    // Vowels and consonants of European names. Icelandic, Turkish and Vietnamese ones are rarer than what other code
    // pages have in their places.
    wrong(
        text,
        |c| c.is_alphabetic() && !matches!(c, 'ª' | 'º' | 'µ' | 'ƒ' | 'Þ' | 'þ' | 'Ð' | 'ð' | 'ÿ'),
        true,
    )
}

fn turkish(_: &[u8], text: &str) -> u64 {
    let letters = |c| {
        matches!(c, 'ç' | 'Ç' | 'ğ' | 'Ğ' | 'ı' | 'İ' | 'ö' | 'Ö' | 'ş' | 'Ş' | 'ü' | 'Ü' | 'â' | 'î' | 'û')
    };
    wrong(text, letters, true)
}

fn cyrillic(_: &[u8], text: &str) -> u64 {
    wrong(text, |c| ('\u{400}'..='\u{45F}').contains(&c) || matches!(c, 'Ґ' | 'ґ' | '№'), false)
}

fn greek(_: &[u8], text: &str) -> u64 {
    wrong(text, |c| ('\u{386}'..='\u{3CE}').contains(&c), false)
}

fn hebrew(_: &[u8], text: &str) -> u64 {
    wrong(text, |c| ('\u{5D0}'..='\u{5EA}').contains(&c) || matches!(c, '״' | '׳'), false)
}

fn arabic(_: &[u8], text: &str) -> u64 {
    wrong(text, |c| ('\u{621}'..='\u{6D2}').contains(&c), false)
}

fn thai(_: &[u8], text: &str) -> u64 {
    wrong(text, |c| ('\u{E01}'..='\u{E5B}').contains(&c), false)
}

/// Two-byte characters whose first byte is rare, and all that are no letters of the script.
fn wide(bytes: &[u8], text: &str, common: fn(u8) -> bool, of_script: fn(char) -> bool) -> u64 {
    let mut odd = wrong(text, of_script, false);
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        // Half-width katakana are single bytes; they count as not of the script.
        if *byte < 0x80 {
            at += 1;
        } else {
            odd += u64::from(!common(*byte));
            at += 2;
        }
    }
    odd
}

fn is_han(c: char) -> bool {
    ('\u{4E00}'..='\u{9FFF}').contains(&c)
}

fn korean(bytes: &[u8], text: &str) -> u64 {
    // KS X 1001: Hangul from B0 to C8. Before that are the rare syllables that only the code page has.
    wide(bytes, text, |b| (0xB0..=0xC8).contains(&b), |c| ('\u{AC00}'..='\u{D7A3}').contains(&c))
}

fn japanese(bytes: &[u8], text: &str) -> u64 {
    // JIS X 0208: kana and the first level of kanji.
    let kana = |c| ('\u{3041}'..='\u{30FE}').contains(&c) || matches!(c, '々' | '　') || is_han(c);
    wide(bytes, text, |b| (0x81..=0x98).contains(&b), kana)
}

fn simplified(bytes: &[u8], text: &str) -> u64 {
    // GB 2312: the first level of hanzi. Every Korean syllable is one of them, so Korean stands before it in the list.
    wide(bytes, text, |b| (0xB0..=0xD7).contains(&b), is_han)
}

fn traditional(bytes: &[u8], text: &str) -> u64 {
    // Big5: the first level of hanzi.
    wide(bytes, text, |b| (0xA4..=0xC6).contains(&b), is_han)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_windows_and_of_the_web() {
        let page = |label| match labelled(label) {
            Some(Labelled::Page(encoding)) => encoding.name(),
            other => panic!("{label}: {other:?}"),
        };
        for label in ["949", "cp949", "CP949", "windows-949", "ms949", "euc-kr", " ks_c_5601-1987 "] {
            assert_eq!(page(label), "EUC-KR", "{label}");
        }
        for label in ["1252", "cp1252", "windows-1252", "latin1", "ISO-8859-1"] {
            assert_eq!(page(label), "windows-1252", "{label}");
        }
        for label in ["932", "cp932", "Shift_JIS", "sjis"] {
            assert_eq!(page(label), "Shift_JIS", "{label}");
        }
        assert_eq!((page("936"), page("950"), page("874")), ("GBK", "Big5", "windows-874"));
        for label in ["utf-8", "UTF8", "utf-16", "utf-16le", "65001"] {
            assert_eq!(labelled(label), Some(Labelled::Unicode), "{label}");
        }
        for label in ["", "1253x", "klingon", "iso-2022-jp", "replacement"] {
            assert_eq!(labelled(label), None, "{label}");
        }
        for label in LABELS {
            assert!(labelled(label).is_some(), "{label}");
        }
    }

    fn likely(encoding: &'static Encoding, texts: &[&str]) -> String {
        let mut seen = Texts::default();
        for text in texts {
            let (bytes, _, lost) = encoding.encode(text);
            assert!(!lost, "{text}");
            if !bytes.is_ascii() {
                seen.add(&bytes, None, (1, 0));
            }
        }
        seen.likely().unwrap_or_default()
    }

    #[test]
    fn names_of_a_language_suggest_its_code_page() {
        let cases: &[(&'static Encoding, &str, &[&str])] = &[
            (
                encoding_rs::WINDOWS_1252,
                "1252 ",
                &["Jürgen Müller", "Thomas Schäfer", "Walter Groß", "Inês Castro", "François Lefèvre"],
            ),
            (encoding_rs::WINDOWS_1252, "1252 ", &["CN=Müller\\, Jörg,OU=Köln"]),
            (
                encoding_rs::EUC_KR,
                "949 ",
                &["김민준", "박서연", "이지훈", "CN=최유나,OU=Staff,OU=Suwon", "임도윤 (영업)"],
            ),
            (encoding_rs::SHIFT_JIS, "932 ", &["田中 太郎", "鈴木 さくら", "ヤマダ ハナコ", "佐藤 健"]),
            (encoding_rs::GBK, "936 ", &["王伟", "李娜", "张强", "刘洋", "陈静", "赵敏"]),
            (encoding_rs::BIG5, "950 ", &["陳志明", "林淑芬", "黃俊傑", "張雅婷"]),
            (
                encoding_rs::WINDOWS_1250,
                "1250 ",
                &["Łukasz Wójcik", "Jiří Novák", "Małgorzata Żak", "Ondřej Dvořák", "Željko Šarić"],
            ),
            (encoding_rs::WINDOWS_1251, "1251 ", &["Иван Петров", "Ольга Смирнова", "Сергей Кузнецов"]),
            (encoding_rs::WINDOWS_1253, "1253 ", &["Γιώργος Παπαδόπουλος", "Μαρία Νικολάου"]),
            (encoding_rs::WINDOWS_1254, "1254 ", &["Ayşe Yılmaz", "Mehmet Öztürk", "Çağrı Şahin"]),
            (encoding_rs::WINDOWS_1255, "1255 ", &["יעל כהן", "דוד לוי"]),
            (encoding_rs::WINDOWS_1256, "1256 ", &["ليلى حداد", "محمد علي"]),
            (encoding_rs::WINDOWS_874, "874 ", &["สมชาย ใจดี", "สุดา แก้วมณี"]),
        ];
        for (encoding, expected, texts) in cases {
            let said = likely(encoding, texts);
            // Turkish letters stand where those of Central Europe do.
            let found =
                if *expected == "1254 " { said.contains(expected) } else { said.starts_with(expected) };
            assert!(found, "{texts:?}: {said}");
        }
    }

    #[test]
    fn what_fits_nothing_suggests_nothing() {
        let mut seen = Texts::default();
        seen.add(&[0x81, 0xFF, 0x80, 0x9D, 0xDB, 0xFC], None, (3, 40));
        assert_eq!(seen.likely(), None);
        let problem = seen.finish().unwrap();
        assert_eq!((problem.code, problem.line, problem.offset), (Code::CodePage, 3, 40));
    }

    #[test]
    fn parts_add_up() {
        let texts: Vec<Vec<u8>> = ["Müller", "Groß", "ä"]
            .iter()
            .map(|t| encoding_rs::WINDOWS_1252.encode(t).0.into_owned())
            .collect();
        let mut whole = Texts::default();
        texts.iter().zip(1..).for_each(|(text, line)| whole.add(text, None, (line, line * 10)));
        let mut parts = Texts::default();
        for (text, line) in texts.iter().zip(1..) {
            let mut part = Texts::default();
            part.add(text, None, (line, line * 10));
            parts.merge(&part);
        }
        assert_eq!(parts.finish(), whole.finish());
    }

    #[test]
    fn a_code_page_for_what_is_utf8_is_doubted() {
        let page = Some(encoding_rs::WINDOWS_1252);
        let mut seen = Texts::default();
        seen.add("ü".as_bytes(), page, (2, 10));
        assert_eq!(seen.finish().map(|problem| problem.code), Some(Code::EncodingDoubtful));
        seen.add(b"\xFC", page, (3, 20));
        assert_eq!(seen.finish(), None);
        let mut plain = Texts::default();
        plain.add("ü".as_bytes(), None, (2, 10));
        assert_eq!(plain.finish(), None);
    }
}
