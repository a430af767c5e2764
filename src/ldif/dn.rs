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

/// Reads a value; gives what follows its `,` or `+`, and whether there is one.
fn attribute_value(text: &[u8]) -> Option<(&[u8], bool)> {
    let hex_string = text.first() == Some(&b'#');
    let mut digits = 0_usize;
    let mut at = usize::from(hex_string);
    while let Some(&byte) = text.get(at) {
        match byte {
            b',' | b'+' => break,
            _ if hex_string
                && byte == b' '
                && skip_spaces(text.get(at..)?).first().is_none_or(|b| matches!(b, b',' | b'+')) => {}
            _ if hex_string && byte.is_ascii_hexdigit() => digits += 1,
            _ if hex_string => return None,
            b'"' | b';' | b'<' | b'>' | 0 => return None,
            b'\\' => match (text.get(at + 1)?, text.get(at + 2)) {
                (b' ' | b'"' | b'#' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\', _) => at += 1,
                (high, Some(low)) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => at += 2,
                _ => return None,
            },
            _ => {}
        }
        at += 1;
    }
    if hex_string && (digits == 0 || !digits.is_multiple_of(2)) {
        return None;
    }
    match text.get(at) {
        None => Some((&[], false)),
        Some(_) => Some((text.get(at + 1..)?, true)),
    }
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
