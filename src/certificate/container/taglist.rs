//! The tag list that Outlook and Exchange write into userSMIMECertificate (MS-OXOABK section 2.2.4.36).
//!
//! A row of entries: tag and length, 16 bits each and little-endian, the length counting its own four
//! bytes, then the data. Unknown tags are skipped.

/// A tag list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagList<'a> {
    /// Tag 0x0003: the certificates to encrypt to (one as a rule).
    pub encryption: Vec<&'a [u8]>,
    /// Tag 0x0008: the certificates to sign with.
    pub signing: Vec<&'a [u8]>,
    /// Tag 0x0004: certificates of the chain.
    pub chain: Vec<&'a [u8]>,
    /// What is odd about it.
    pub notes: Vec<String>,
}

const VERSION: u16 = 0x0001;
const ENCRYPTION: u16 = 0x0003;
const CHAIN: u16 = 0x0004;
const SIGNING: u16 = 0x0008;

impl<'a> TagList<'a> {
    /// Reads a tag list. Its first entry must be the version, which is mandatory and has one form.
    ///
    /// # Errors
    /// What was found at which byte, when it is none.
    pub fn read(bytes: &'a [u8]) -> Result<Self, String> {
        let mut list = Self::default();
        let mut at = 0;
        let mut version = None;
        while at < bytes.len() {
            let entry = entry(bytes, at).ok_or_else(|| {
                if at == 0 {
                    let beginning: Vec<u8> = bytes.iter().take(8).copied().collect();
                    format!(
                        "no certificate, CMS object or tag list; it begins with {}",
                        crate::encoding::hex(&beginning)
                    )
                } else {
                    format!("a tag list that is damaged at byte {at}")
                }
            })?;
            let (tag, data) = entry;
            match tag {
                VERSION => version = version.or(<[u8; 4]>::try_from(data).ok().map(u32::from_le_bytes)),
                ENCRYPTION => list.encryption.push(data),
                SIGNING => list.signing.push(data),
                CHAIN => list.chain.push(data),
                _ => {}
            }
            at += data.len() + 4;
        }
        match version {
            Some(1) => {}
            Some(other) => list.notes.push(format!("the tag list has version {other}, and 1 is known")),
            None => {
                return Err("no certificate, CMS object or tag list (a tag list has a version entry)".into());
            }
        }
        Ok(list)
    }
}

fn entry(bytes: &[u8], at: usize) -> Option<(u16, &[u8])> {
    let head = bytes.get(at..at + 4)?;
    let tag = u16::from_le_bytes([head[0], head[1]]);
    let length = usize::from(u16::from_le_bytes([head[2], head[3]]));
    Some((tag, bytes.get(at + 4..at.checked_add(length)?)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn put(tag: u16, data: &[u8]) -> Vec<u8> {
        let mut out = tag.to_le_bytes().to_vec();
        out.extend(u16::try_from(data.len() + 4).unwrap().to_le_bytes());
        out.extend(data);
        out
    }

    #[test]
    fn certificates_are_found_by_their_tags() {
        let bytes =
            [put(1, &[1, 0, 0, 0]), put(0x51, b"name"), put(3, b"enc"), put(4, b"ca"), put(8, b"sig")]
                .concat();
        let list = TagList::read(&bytes).unwrap();
        assert_eq!(
            (list.encryption, list.chain, list.signing),
            (vec![&b"enc"[..]], vec![&b"ca"[..]], vec![&b"sig"[..]])
        );
        assert!(list.notes.is_empty());
    }

    #[test]
    fn what_is_none_or_damaged_is_said() {
        assert!(TagList::read(b"").is_err());
        assert!(TagList::read(&put(3, b"enc")).unwrap_err().contains("version"));
        let cut = [put(1, &[1, 0, 0, 0]), put(3, &[7; 90])[..50].to_vec()].concat();
        assert!(TagList::read(&cut).unwrap_err().contains("byte 8"));
        assert!(TagList::read(&[1, 0, 3, 0]).is_err(), "a length below its own header");
        assert!(TagList::read(&[7; 3]).unwrap_err().contains("070707"));
        let newer = put(1, &[2, 0, 0, 0]);
        assert_eq!(TagList::read(&newer).unwrap().notes.len(), 1);
    }
}
