//! `--encoding`: the code page of exports that are not Unicode.

use encoding_rs::Encoding;

use super::args::Reading;
use crate::error::Error;
use crate::ldif::Labelled;
use crate::ldif::code_page::{LABELS, labelled};
use crate::rules::distance;

/// The code page that was named; `None` when none was, or Unicode, which is recognised by itself.
///
/// # Errors
/// A usage error that names the labels nearest to one that is unknown.
pub fn read(reading: &Reading) -> Result<Option<&'static Encoding>, Error> {
    let Some(label) = &reading.encoding else { return Ok(None) };
    match labelled(label) {
        Some(Labelled::Page(page)) => Ok(Some(page)),
        Some(Labelled::Unicode) => Ok(None),
        None => {
            let wanted = label.trim().to_ascii_lowercase();
            let mut ranked: Vec<(usize, &str)> = LABELS
                .iter()
                .map(|known| {
                    let digits = known.trim_start_matches("windows-").trim_start_matches("cp");
                    (distance(&wanted, known).min(distance(&wanted, digits)), *known)
                })
                .collect();
            ranked.sort_by_key(|(far, _)| *far); // stable: the usual ones stand first
            let near: Vec<&str> = ranked.iter().take(3).map(|(_, known)| *known).collect();
            Err(Error::usage(
                format!("--encoding {label}: there is no such encoding, or it cannot hold lines of ASCII"),
                format!(
                    "the nearest ones are {}; Windows calls them by number: 1252 in the West, 949 in Korea, 932 in Japan",
                    near.join(", ")
                ),
            ))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(label: &str) -> Result<Option<&'static Encoding>, Error> {
        read(&Reading { encoding: Some(label.to_owned()) })
    }

    #[test]
    fn labels_are_read_and_mistyped_ones_guessed() {
        assert_eq!(read(&Reading { encoding: None }).unwrap(), None);
        assert_eq!(of("cp949").unwrap(), Some(encoding_rs::EUC_KR));
        assert_eq!(of("utf-8").unwrap(), None);
        for (label, near) in
            [("windows-1522", "windows-1252"), ("1259", "windows-1252"), ("shiftjis9", "shift_jis")]
        {
            let error = of(label).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.hint().contains(near), "{label}: {}", error.hint());
        }
    }
}
