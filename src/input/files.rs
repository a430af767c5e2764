//! From a file's bytes to certificates in order, whatever the form.
//!
//! Used wherever certificates are named on the command line: folders to convert, `inspect`,
//! `--trust`, `--intermediate`, `--crl`. Nothing is dropped in silence: what is not a certificate is a
//! CRL, a private key (named, its bytes left alone), a problem or a note.

use std::borrow::Cow;

use super::pem::{self, Content, Label, PemProblem};
use super::recognise::{Kind, recognise};
use crate::certificate::container::{
    Form, Found, MAX_CERTIFICATES_IN_FILE, Note, Secret, Unknown, classify_value, detect_secret,
    find_secret_text, open_with_limit,
};
use crate::certificate::sst::{self, Damage, Element};
use crate::certificate::tlv::first;

/// Largest certificate file that is read whole. Microsoft's complete root list has about 1 MB; CRLs of
/// large CAs reach tens of MB.
pub const MAX_FILE: u64 = 256 * 1024 * 1024;

/// Where in a file something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// A line of text, from 1.
    Line(u64),
    /// A byte offset, from 0.
    Byte(usize),
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Byte(byte) => write!(f, "byte {byte}"),
        }
    }
}

/// One certificate of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// One whole SEQUENCE; whether it is a readable certificate is for the parser to say.
    pub der: Cow<'a, [u8]>,
    /// Its number in the file, from 1: the N of `file#N`.
    pub number: usize,
    /// Where it stands: the line of its block, or its byte.
    pub at: At,
}

/// One CRL of a file, in DER or BER as it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlEntry<'a> {
    /// The CertificateList.
    pub der: Cow<'a, [u8]>,
    /// Where it stands.
    pub at: At,
}

/// Something in a file that could not be read, with its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// The file is of a kind that holds no certificates.
    #[error("this is {found}; expected LDIF, PEM, DER or P7B")]
    Kind {
        /// What it is.
        found: Kind,
    },
    /// A PEM block cannot be decoded.
    #[error("the block `{label}` cannot be read: {problem}")]
    Pem {
        /// The block's label.
        label: String,
        /// What is wrong.
        problem: PemProblem,
    },
    /// A block's label announces something that is neither certificate, CMS nor CRL.
    #[error("a PEM block `{label}` holds no certificate; it was left out")]
    Label {
        /// The label.
        label: String,
    },
    /// A structure is not what it should be.
    #[error("{0}")]
    Unknown(Unknown),
    /// A certificate store could not be read to its end; what stands before was read.
    #[error("{0}")]
    Sst(Damage),
    /// An element of a certificate store that should be a certificate is none.
    #[error("an element of the certificate store should be a certificate and is none")]
    SstElement,
    /// Something damaged inside a CMS object.
    #[error("{0}")]
    Container(Note),
}

/// A file's contents.
#[derive(Clone, Debug)]
pub struct CertificateFile<'a> {
    /// What the file was recognised as.
    pub kind: Kind,
    /// The certificates in order. A certificate that occurs twice in the file is listed twice.
    pub entries: Vec<Entry<'a>>,
    /// The CRLs in order.
    pub crls: Vec<CrlEntry<'a>>,
    /// Private keys and stores of them: where, and what kind.
    pub secrets: Vec<(At, Secret)>,
    /// What could not be read.
    pub problems: Vec<(At, FileProblem)>,
    /// What was odd and read nevertheless.
    pub notes: Vec<(At, Note)>,
}

/// Turns a file's bytes into certificates. Never fails: a file without any gives a problem that says
/// what it is instead.
#[must_use]
pub fn open_certificate_file(bytes: &[u8]) -> CertificateFile<'_> {
    let kind = recognise(bytes, true);
    let mut file = CertificateFile {
        kind,
        entries: Vec::new(),
        crls: Vec::new(),
        secrets: Vec::new(),
        problems: Vec::new(),
        notes: Vec::new(),
    };
    match kind {
        Kind::Certificate | Kind::Cms | Kind::Crl => file.take_der(Cow::Borrowed(bytes), At::Byte(0)),
        Kind::Pem | Kind::Base64 => match utf16_to_utf8(bytes) {
            Some(text) => file.take_text(&text),
            None => file.take_text(bytes),
        },
        Kind::Sst => file.take_sst(bytes),
        Kind::Secret(secret) => match utf16_to_utf8(bytes) {
            // A text of keys has one entry a key, with its line.
            Some(text) if secret == Secret::Pem => file.take_text(&text),
            None if secret == Secret::Pem => file.take_text(bytes),
            _ => file.take_der(Cow::Borrowed(bytes), At::Byte(0)),
        },
        found => file.problems.push((At::Byte(0), FileProblem::Kind { found })),
    }
    if let (Kind::Secret(secret), true) = (kind, file.secrets.is_empty()) {
        file.secrets.push((At::Byte(0), secret));
    }
    file
}

impl<'a> CertificateFile<'a> {
    fn push(&mut self, der: Cow<'a, [u8]>, at: At) {
        let number = self.entries.len() + 1;
        self.entries.push(Entry { der, number, at });
    }

    /// A binary structure: the file itself or a decoded block.
    fn take_der(&mut self, bytes: Cow<'a, [u8]>, at: At) {
        match bytes {
            Cow::Borrowed(bytes) => self.take_slice(bytes, at, Cow::Borrowed),
            Cow::Owned(bytes) => self.take_slice(&bytes, at, |slice| Cow::Owned(slice.to_vec())),
        }
    }

    fn take_slice<'b>(&mut self, bytes: &'b [u8], at: At, keep: impl Fn(&'b [u8]) -> Cow<'a, [u8]>) {
        let value = classify_value(bytes);
        let place = |offset: usize| match at {
            At::Byte(base) => At::Byte(base + offset),
            line @ At::Line(_) => line,
        };
        match value.form {
            Form::Certificate | Form::ContentInfo | Form::SignedData | Form::TagList => {
                let opened = open_with_limit(value, MAX_CERTIFICATES_IN_FILE);
                for held in opened.certificates {
                    let der = match held.der {
                        Cow::Borrowed(slice) => keep(slice),
                        Cow::Owned(der) => Cow::Owned(der),
                    };
                    self.push(der, place(held.at));
                }
                for crl in opened.crls {
                    self.crls.push(CrlEntry { der: keep(crl), at });
                }
                for note in opened.notes {
                    if note.is_damage() {
                        self.problems.push((at, FileProblem::Container(note)));
                    } else {
                        self.notes.push((at, note));
                    }
                }
            }
            // A key behind a certificate: the certificate may be judged, the key is named.
            Form::Secret(secret) => {
                self.secrets.push((at, secret));
                if detect_secret(bytes).is_none() {
                    let front = first(bytes).map(|e| e.raw).unwrap_or_default();
                    if front.len() < bytes.len() {
                        self.take_slice(front, at, keep);
                    }
                }
            }
            Form::Unknown(Unknown { found: Found::Crl, .. }) => {
                let der = first(bytes).map(|e| e.raw).unwrap_or(bytes);
                self.crls.push(CrlEntry { der: keep(der), at });
                let count = bytes.len() - der.len();
                if count > 0 {
                    self.notes.push((at, Note::TrailingBytes { at: der.len(), count }));
                }
            }
            Form::Unknown(unknown) => self.problems.push((at, FileProblem::Unknown(unknown))),
            Form::Pem => self.problems.push((at, FileProblem::Kind { found: Kind::Pem })),
        }
    }

    fn take_text(&mut self, text: &[u8]) {
        let blocks = pem::blocks(text);
        let any = !blocks.is_empty();
        for block in blocks {
            let at = At::Line(block.line);
            match block.content {
                Content::Secret => self.secrets.push((at, Secret::Pem)),
                Content::Bad { line, problem } => {
                    self.problems.push((At::Line(line), FileProblem::Pem { label: block.label, problem }));
                }
                // Under CERTIFICATE some tools write a whole CMS object, and OpenSSL's trusted form has
                // trust settings behind the certificate: what a block holds, its bytes say.
                Content::Der(der) => match pem::label(&block.label) {
                    Label::Certificate | Label::Cms | Label::Crl => self.take_der(Cow::Owned(der), at),
                    Label::PrivateKey => self.secrets.push((at, Secret::Pem)),
                    Label::Other => match detect_secret(&der) {
                        Some(secret) => self.secrets.push((at, secret)),
                        None => self.problems.push((at, FileProblem::Label { label: block.label })),
                    },
                },
            }
        }
        if !any {
            for (line, decoded) in base64_runs(text) {
                self.take_der(Cow::Owned(decoded), At::Line(line));
            }
            if let Some(offset) = find_secret_text(text) {
                let line = 1 + text.iter().take(offset).filter(|b| **b == b'\n').count() as u64;
                self.secrets.push((At::Line(line), Secret::Pem));
            }
        }
        self.notes.sort_by_key(|(at, _)| *at);
    }

    /// A serialised store: its certificates and CRLs. Properties are nothing that is needed, but a key
    /// among them is named.
    fn take_sst(&mut self, bytes: &'a [u8]) {
        for element in sst::elements(bytes).into_iter().flatten() {
            match element {
                Ok((at, Element::Certificate(data))) => match classify_value(data).form {
                    Form::Certificate | Form::Secret(_) => {
                        self.take_slice(data, At::Byte(at), Cow::Borrowed);
                    }
                    _ => self.problems.push((At::Byte(at), FileProblem::SstElement)),
                },
                Ok((at, Element::Crl(data))) => self.take_slice(data, At::Byte(at), Cow::Borrowed),
                Ok((at, Element::TrustList(_))) => {
                    let what = "a certificate trust list";
                    self.notes.push((At::Byte(at), Note::OtherChoice { at, tag: 0x22, what }));
                }
                Ok((at, Element::Property(_, data))) => {
                    if let Some(secret) = detect_secret(data) {
                        self.secrets.push((At::Byte(at), secret));
                    }
                }
                Err((at, damage)) => self.problems.push((At::Byte(at), FileProblem::Sst(damage))),
            }
        }
    }
}

/// Text of UTF-16 as UTF-8, told by its byte order mark or by zero octets beside ASCII; `None` when the
/// bytes are no UTF-16.
pub(crate) fn utf16_to_utf8(bytes: &[u8]) -> Option<Vec<u8>> {
    let encoding = match bytes {
        [0xff, 0xfe, ..] => encoding_rs::UTF_16LE,
        [0xfe, 0xff, ..] => encoding_rs::UTF_16BE,
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 && (a.is_ascii_graphic() || a.is_ascii_whitespace()) => {
            encoding_rs::UTF_16LE
        }
        [0, a, 0, b, ..] if *a != 0 && *b != 0 && (a.is_ascii_graphic() || a.is_ascii_whitespace()) => {
            encoding_rs::UTF_16BE
        }
        _ => return None,
    };
    Some(encoding.decode_with_bom_removal(bytes).0.into_owned().into_bytes())
}

/// Whether the text holds base64 of a certificate, CMS object or CRL without PEM lines.
pub(crate) fn has_base64_runs(text: &[u8]) -> bool {
    base64_runs(text).next().is_some()
}

/// Runs of base64 lines that decode to a certificate, CMS object, CRL or private key: certutil's
/// exports without armour, and the body of a signed mail. Gives line and decoded bytes.
fn base64_runs(text: &[u8]) -> impl Iterator<Item = (u64, Vec<u8>)> + '_ {
    let mut lines = text.split(|b| *b == b'\n').zip(1u64..).peekable();
    std::iter::from_fn(move || {
        loop {
            let (line, number) = lines.next()?;
            // DER longer than 127 bytes begins with 30 8x, which is `MI` or `MH`/`ME` in base64.
            let line = line.trim_ascii();
            if !(line.len() >= 40 && line.starts_with(b"M") && is_base64(line)) {
                continue;
            }
            let mut run = line.to_vec();
            while !run.ends_with(b"=") {
                match lines.peek() {
                    Some((next, _)) if !next.trim_ascii().is_empty() && is_base64(next.trim_ascii()) => {
                        run.extend_from_slice(next.trim_ascii());
                        lines.next();
                    }
                    _ => break,
                }
            }
            let Ok(decoded) = pem::decode(&run) else { continue };
            let usable = match classify_value(&decoded).form {
                Form::Unknown(Unknown { found, .. }) => found == Found::Crl,
                _ => true,
            };
            if usable {
                return Some((number, decoded));
            }
        }
    })
}

fn is_base64(line: &[u8]) -> bool {
    line.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::certificate::container::slices::tests::{Spec, USER, certificate, nest, tlv};

    fn lines(der: &[u8]) -> String {
        let encoded = STANDARD.encode(der);
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(64).map(|c| std::str::from_utf8(c).unwrap()).collect();
        lines.join("\r\n")
    }

    fn block(label: &str, der: &[u8]) -> String {
        format!("-----BEGIN {label}-----\r\n{}\r\n-----END {label}-----\r\n", lines(der))
    }

    #[test]
    fn pem_of_everything() {
        let other = certificate(Spec { serial: 2, ..USER });
        let trusted = [other.clone(), nest(0x30, &[tlv(0x0c, b"alias")])].concat();
        let text = [
            "subject=x\r\n",
            &block("CERTIFICATE", &certificate(USER)),
            &block("RSA PRIVATE KEY", b"secret"),
            "-----BEGIN CERTIFICATE-----\r\n*\r\n-----END CERTIFICATE-----\r\n",
            &block("CERTIFICATE REQUEST", b"0\x03\x02\x01\x00"),
            &block("TRUSTED CERTIFICATE", &trusted),
        ]
        .concat();
        for bytes in [text.clone().into_bytes(), text.encode_utf16().flat_map(u16::to_le_bytes).collect()] {
            let file = open_certificate_file(&bytes);
            let found: Vec<_> = file.entries.iter().map(|e| (e.number, e.at, e.der.to_vec())).collect();
            assert_eq!(found[0], (1, At::Line(2), certificate(USER)));
            assert_eq!((found[1].0, &found[1].2, found.len()), (2, &other, 2));
            assert!(matches!(file.secrets[..], [(At::Line(_), Secret::Pem)]));
            assert!(matches!(
                file.problems[..],
                [(_, FileProblem::Pem { .. }), (_, FileProblem::Label { .. })]
            ));
            assert!(matches!(file.notes[..], [(_, Note::TrailingBytes { .. })]));
        }
    }

    #[test]
    fn base64_without_armour_and_signed_mail() {
        let der = certificate(USER);
        let plain = lines(&der);
        let mail = format!(
            "From: a@b.c\r\nContent-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: base64\r\n\r\n\
            {plain}\r\n\r\n--boundary--\r\n"
        );
        for text in [plain, mail] {
            let file = open_certificate_file(text.as_bytes());
            assert_eq!(file.entries.len(), 1, "{:?}", file.kind);
            assert_eq!(&file.entries[0].der[..], &der[..]);
        }
    }

    #[test]
    fn stores_keys_and_other_files() {
        let der = certificate(USER);
        let element = |id: u32, data: &[u8]| {
            [&id.to_le_bytes()[..], &1u32.to_le_bytes(), &(data.len() as u32).to_le_bytes(), data].concat()
        };
        let mut sst = b"\0\0\0\0CERT".to_vec();
        sst.extend([element(3, b"property"), element(0x20, &der), vec![0; 12]].concat());
        let file = open_certificate_file(&sst);
        assert_eq!((file.entries.len(), file.problems.len()), (1, 0));
        let cut = open_certificate_file(&sst[..sst.len() - 20]);
        assert_eq!(cut.problems, [(At::Byte(28), FileProblem::Sst(Damage::CutOff))]);
        let key = nest(0x30, &[tlv(2, &[1]), tlv(4, &[9; 32])]);
        let name = nest(0x30, &[]);
        let algorithm = nest(0x30, &[tlv(6, &[0x2a])]);
        let list = nest(0x30, &[algorithm.clone(), name, tlv(0x17, b"260101000000Z")]);
        let crl = nest(0x30, &[list, algorithm, tlv(3, &[0, 1])]);
        let mut more = b"\0\0\0\0CERT".to_vec();
        more.extend(
            [element(0x21, &crl), element(0x22, b"list"), element(77, &key), element(0x20, b"x")].concat(),
        );
        more.extend([element(0x20, &der), vec![0; 12]].concat());
        let file = open_certificate_file(&more);
        assert_eq!(file.crls.iter().map(|entry| &entry.der[..]).collect::<Vec<_>>(), [&crl[..]]);
        assert!(matches!(file.notes[..], [(_, Note::OtherChoice { tag: 0x22, .. })]), "{:?}", file.notes);
        assert!(matches!(file.secrets[..], [(_, Secret::Sec1)]));
        assert!(matches!(file.problems[..], [(_, FileProblem::SstElement)]));
        assert_eq!(file.entries.len(), 1, "what stands behind is read");
        let file = open_certificate_file(&key);
        assert_eq!((file.secrets.as_slice(), file.entries.len()), (&[(At::Byte(0), Secret::Sec1)][..], 0));
        let both = [der.clone(), key].concat();
        let file = open_certificate_file(&both);
        assert_eq!(
            (file.secrets.len(), file.entries.len()),
            (1, 1),
            "the certificate before the key is kept"
        );
        let html = open_certificate_file(b"<html>");
        assert_eq!(
            html.problems[0].1.to_string(),
            "this is HTML (a web page); expected LDIF, PEM, DER or P7B"
        );
    }
}
