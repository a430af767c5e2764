//! Is this text a distinguished name by RFC 4514?
//!
//! The check follows the grammar of RFC 4514 section 3, and also takes blanks around `,`, `+` and `=` as RFC 2253 section
//! 4 demands of readers (the examples of RFC 2849 have them). The text itself is never changed.

/// Is this a DN? The empty DN is one (the root DSE).
#[must_use]
pub fn is_valid(dn: &[u8]) -> bool {
    if dn.is_empty() {
        return true;
    }
    let mut rest = dn;
    loop {
        let Some(behind) = attribute_type(rest) else {
            return false;
        };
        let Some((behind, more)) = attribute_value(behind) else {
            return false;
        };
        if !more {
            return true;
        }
        rest = behind;
    }
}

fn skip_spaces(mut text: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] = text {
        text = rest;
    }
    text
}

/// Reads a type and its `=`.
fn attribute_type(text: &[u8]) -> Option<&[u8]> {
    let text = skip_spaces(text);
    let end = text.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')))?;
    let (name, rest) = text.split_at(end);
    let is_oid = |name: &[u8]| {
        name.split(|b| *b == b'.').all(|arc| !arc.is_empty() && arc.iter().all(u8::is_ascii_digit))
    };
    let is_name = name.first().is_some_and(u8::is_ascii_alphabetic) && !name.contains(&b'.');
    let with_prefix =
        name.split_at_checked(4).is_some_and(|(p, oid)| p.eq_ignore_ascii_case(b"oid.") && is_oid(oid));
    if !(is_name || is_oid(name) || with_prefix) {
        return None;
    }
    match skip_spaces(rest) {
        [b'=', rest @ ..] => Some(skip_spaces(rest)),
        _ => None,
    }
}

/// Bytes that are no ordinary characters of a value: those that end it, and those that RFC 4514 has escaped.
const SPECIAL: [bool; 256] = {
    let (mut table, special) = ([false; 256], b",+\";<>\0\\");
    let mut at = 0;
    while at < special.len() {
        table[special[at] as usize] = true;
        at += 1;
    }
    table
};

/// Reads a value; gives what follows its `,` or `+`, and whether there is one.
fn attribute_value(text: &[u8]) -> Option<(&[u8], bool)> {
    let mut at = match text {
        [b'#', rest @ ..] => 1 + hex_string(rest)?,
        _ => 0,
    };
    let special = |byte: u8| SPECIAL.get(usize::from(byte)).copied().unwrap_or_default();
    loop {
        at += text.get(at..)?.iter().position(|b| special(*b)).unwrap_or(text.len() - at);
        match text.get(at..)? {
            [] => return Some((&[], false)),
            [b',' | b'+', rest @ ..] => return Some((rest, true)),
            [b'\\', b' ' | b'"' | b'#' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\', ..] => at += 2,
            [b'\\', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => at += 3,
            _ => return None,
        }
    }
}

/// Reads the digits behind a `#`, and blanks that fill up behind them; gives how many bytes these are.
fn hex_string(text: &[u8]) -> Option<usize> {
    let digits = text.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    let rest = text.get(digits..)?;
    let behind = skip_spaces(rest);
    let ends = behind.first().is_none_or(|b| matches!(b, b',' | b'+'));
    (ends && digits > 0 && digits.is_multiple_of(2)).then_some(text.len() - behind.len())
}

/// A DN without blanks around it; an escaped blank at its end stays.
#[must_use]
pub fn trim(dn: &[u8]) -> &[u8] {
    let mut text = dn.trim_ascii_start();
    loop {
        match text {
            [head @ .., last] if last.is_ascii_whitespace() => {
                let escapes = head.iter().rev().take_while(|b| **b == b'\\').count();
                if *last == b' ' && escapes % 2 == 1 {
                    return text;
                }
                text = head;
            }
            _ => return text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_field_are_valid() {
        for dn in [
            "",
            "cn=Ada",
            "CN=Johnson\\, Karen (0),OU=Users,DC=example,DC=com",
            "cn=Fiona Jensen, ou=Marketing, dc=airius, dc=com",
            "cn=a+sn=b,dc=c",
            "cn=",
            "2.5.4.3=x",
            "OID.2.5.4.3=x",
            "cn=#04024869",
            "cn=\\#x",
            "cn=a=b",
            "cn=Zo\u{eb}",
            "my_attr=x",
            "CN=X\\0ACNF:00000000-0000-0000-0000-000000000000,DC=a",
            "cn=a\\ ,dc=b",
            "cn = a , dc = b",
            "cn=\\C3\\A4",
        ] {
            assert!(is_valid(dn.as_bytes()), "{dn}");
        }
    }

    #[test]
    fn what_is_no_name() {
        for dn in [
            "this is no dn",
            "cn",
            "cn=a,",
            "cn=a,,dc=b",
            "=a",
            "cn=\"a,b\"",
            "cn=a;dc=b",
            "cn=a\\",
            "cn=a\\z",
            "cn=#0",
            "cn=#",
            "cn=#0g",
            "2.=x",
            "cn=<a>",
        ] {
            assert!(!is_valid(dn.as_bytes()), "{dn}");
        }
    }

    #[test]
    fn trimming_keeps_escaped_blanks() {
        assert_eq!(trim(b"  cn=a \t"), b"cn=a");
        assert_eq!(trim(b"cn=a\\ "), b"cn=a\\ ");
        assert_eq!(trim(b"cn=a\\  "), b"cn=a\\ ");
        assert_eq!(trim(b"cn=a\\\\ "), b"cn=a\\\\");
        assert_eq!(trim(b"  "), b"");
    }
}
