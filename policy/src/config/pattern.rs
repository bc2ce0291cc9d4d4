//! Globs over one word, and host patterns.

/// Whether `pattern` matches the whole of `text`: `*` any run of characters, `?` one character, all else itself.
///
/// Linear in practice and never worse than `pattern * text`: only the last star is retried.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    p = star + 1;
                    t = from + 1;
                    retry = Some((star, t));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

/// Whether a host with this alias and these tags is named by one of the patterns (`tag:NAME`, an alias, a glob).
pub(crate) fn names_host(patterns: &[String], alias: &str, tags: &[String]) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_prefix("tag:") {
        Some(wanted) => tags.iter().any(|tag| glob(wanted, tag)),
        None => glob(pattern, alias),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glob_matches_the_whole_word_or_not_at_all() {
        assert!(glob("db*", "db1") && glob("*", "") && glob("a?c", "abc") && glob("*b*b", "abab"));
        assert!(!glob("db", "db1") && !glob("?", "") && !glob("*b", "abc") && !glob("", "x"));
    }

    #[test]
    fn a_tag_pattern_never_matches_an_alias() {
        let patterns = vec!["tag:prod".to_owned()];
        assert!(!names_host(&patterns, "prod", &[]));
        assert!(!names_host(&patterns, "tag:prod", &[]));
        assert!(names_host(&patterns, "web1", &["prod".to_owned()]));
    }

    #[test]
    fn many_stars_take_no_long_time() {
        assert!(!glob(&"*a".repeat(200), &"a".repeat(199)));
    }
}
