//! The list of differences that are understood (`explained.txt`).

/// One explanation.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// `openssl` or `certval`.
    pub judge: String,
    /// It refuses what certferry takes; otherwise it takes what certferry refuses.
    pub stricter: bool,
    /// The case must have a tag like each of these, where `*` stands for any letters.
    pub tags: Vec<String>,
    /// What the one that refuses must say: words of the judge, or a code of certferry.
    pub words: String,
    /// Line in the file.
    pub line: usize,
}

impl Explanation {
    /// Does it explain this difference?
    #[must_use]
    pub fn fits(&self, judge: &str, stricter: bool, tags: &[String], words: &str) -> bool {
        let tagged = self.tags.iter().all(|like| tags.iter().any(|tag| is_like(like, tag)));
        self.judge == judge && self.stricter == stricter && tagged && words.contains(&self.words)
    }
}

/// `names-*:anchor` is like `names-mail-permitted:anchor`; one star at most.
fn is_like(like: &str, tag: &str) -> bool {
    match like.split_once('*') {
        Some((start, end)) => {
            tag.len() >= start.len() + end.len() && tag.starts_with(start) && tag.ends_with(end)
        }
        None => like == tag,
    }
}

/// Reads the list: columns parted by ` | `, `#` starts a comment.
///
/// # Panics
/// A line that is no explanation, or whose reason names no section of an RFC.
#[must_use]
pub fn read(text: &str) -> Vec<Explanation> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|(at, line)| {
            let columns: Vec<&str> = line.split(" | ").map(str::trim).collect();
            let [judge, direction, tags, words, reason] = columns[..] else {
                panic!("line {}: five columns are needed", at + 1)
            };
            assert!(["openssl", "certval"].contains(&judge), "line {}: who is {judge}?", at + 1);
            assert!(["stricter", "laxer"].contains(&direction), "line {}: {direction}?", at + 1);
            assert!(reason.contains("RFC") && reason.contains("section"), "line {}: no section", at + 1);
            assert!(!words.is_empty(), "line {}: what does it say?", at + 1);
            Explanation {
                judge: judge.into(),
                stricter: direction == "stricter",
                tags: tags.split(" + ").map(str::to_owned).collect(),
                words: words.into(),
                line: at + 1,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_fits_only_its_own_judge_direction_tags_and_words() {
        let all = read("# c\nopenssl | laxer | a-*:ca + b | code@ | RFC 1 section 2: because\n");
        let tags = ["a-x:ca".to_owned(), "b".to_owned()];
        assert!(all[0].fits("openssl", false, &tags, "code@1"));
        assert!(!all[0].fits("certval", false, &tags, "code@1"));
        assert!(!all[0].fits("openssl", true, &tags, "code@1"));
        assert!(!all[0].fits("openssl", false, &tags[..1], "code@1"));
        assert!(!all[0].fits("openssl", false, &tags, "other@1"));
        assert!(!is_like("a-*:ca", "a-x:anchor"));
    }

    #[test]
    #[should_panic(expected = "no section")]
    fn a_reason_names_a_section() {
        let _ = read("openssl | laxer | a | b | because");
    }
}
