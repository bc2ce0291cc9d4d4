//! What a line must hold to match a pattern: words that any `grep` can look for, so that files that cannot match need
//! not be read over the network. Pure.
//!
//! A pattern has one dialect, that of the regex crate, and only this program matches it. The words rule out; nothing is
//! ever found by them.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use crate::redact::MASK;

/// Words of one pattern at most: more alternatives than that are not narrowed.
const MOST: usize = 16;

/// One of these words stands in every line that matches, as long as the line is UTF-8 and none of it masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needles {
    /// The words: printable ASCII, none empty.
    pub words: Vec<String>,
    /// Whether small and capital letters are the same.
    pub fold: bool,
}

/// The words of a pattern; none when it has no part that must stand in a line.
pub fn of(pattern: &str, ignore_case: bool) -> Option<Needles> {
    let hir = ParserBuilder::new().case_insensitive(ignore_case).build().parse(pattern).ok()?;
    needed(&hir)
}

impl Needles {
    /// How much they rule out: the shortest word rules out least.
    fn worth(&self) -> usize {
        self.words.iter().map(String::len).min().unwrap_or(0)
    }
}

fn needed(hir: &Hir) -> Option<Needles> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Class(class) if letter(class).is_none() => None,
        HirKind::Literal(_) | HirKind::Class(_) => best(std::slice::from_ref(hir)),
        HirKind::Concat(parts) => best(parts),
        HirKind::Capture(capture) => needed(&capture.sub),
        HirKind::Repetition(repeated) => (repeated.min > 0).then(|| needed(&repeated.sub)).flatten(),
        HirKind::Alternation(branches) => {
            let mut all = Needles { words: Vec::new(), fold: false };
            for branch in branches {
                let Needles { words, fold } = needed(branch)?;
                all.words.extend(words);
                all.fold |= fold;
            }
            (all.words.len() <= MOST).then_some(all)
        }
    }
}

/// Of parts that all stand there one behind the other, what rules out most.
fn best(parts: &[Hir]) -> Option<Needles> {
    let (mut found, mut word, mut fold) = (Vec::new(), String::new(), false);
    for part in parts {
        match part.kind() {
            HirKind::Literal(literal) => {
                for byte in literal.0.iter() {
                    match byte {
                        b' '..=b'~' => word.push(char::from(*byte)),
                        // A word ends at whatever is no printable ASCII.
                        _ => found.extend(whole(&mut word, &mut fold)),
                    }
                }
            }
            HirKind::Class(class) if letter(class).is_some() => {
                word.extend(letter(class));
                fold = true;
            }
            _ => {
                found.extend(whole(&mut word, &mut fold));
                found.extend(needed(part));
            }
        }
    }
    found.extend(whole(&mut word, &mut fold));
    found.into_iter().max_by_key(Needles::worth)
}

fn whole(word: &mut String, fold: &mut bool) -> Option<Needles> {
    let (word, fold) = (std::mem::take(word), std::mem::take(fold));
    (!word.is_empty() && !meets_mask(&word)).then(|| Needles { words: vec![word], fold })
}

/// The letter of a class that is one ASCII letter, small or capital, and nothing else: `k` is not, as U+212A is one too.
fn letter(class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else { return None };
    let mut all = class.ranges().iter().flat_map(|range| range.start()..=range.end()).take(3);
    match (all.next(), all.next(), all.next()) {
        (Some(capital), Some(small), None) if capital.is_ascii_uppercase() => {
            (capital.to_ascii_lowercase() == small).then_some(small)
        }
        _ => None,
    }
}

/// Whether a word may stand partly or wholly in a mask: in the file there is a secret in its place.
fn meets_mask(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    MASK.contains(&word)
        || word.contains(MASK)
        || (1..MASK.len()).any(|at| word.ends_with(&MASK[..at]) || word.starts_with(&MASK[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::RegexBuilder;

    fn words(pattern: &str, ignore_case: bool) -> Vec<String> {
        of(pattern, ignore_case).map(|needles| needles.words).unwrap_or_default()
    }

    #[test]
    fn the_longest_part_that_must_stand_there_is_taken() {
        assert_eq!(words("todo!?", false), ["todo"]);
        assert_eq!(words(r"^listen\s+(\d+) default_server;$", false), [" default_server;"]);
        assert_eq!(words("(foo|bar[0-9]+)", false), ["foo", "bar"]);
        assert_eq!(words("(?:error){2,}", false), ["error"]);
        assert_eq!(words("päth", false), ["th"]);
        for none in ["a*", ".*", "foo|.", "x?", "[ab]", "^$", r"\d+", ""] {
            assert_eq!(words(none, false), [""; 0], "{none}");
        }
    }

    #[test]
    fn letters_that_are_more_than_two_of_unicodes_are_not_looked_for_in_any_case() {
        assert_eq!(of("error", true), Some(Needles { words: vec!["error".into()], fold: true }));
        assert_eq!(words("task", true), ["ta"], "the long s and the sign for Kelvin are letters of it");
        assert_eq!(words("(?i)x", false), ["x"]);
    }

    #[test]
    fn a_word_that_a_mask_could_hold_is_none() {
        for none in ["redacted", "dact", r"\[", r"=\[", r"\]", r"d\] x", r"\[redacted\]", r"a\[redacted\]b"] {
            assert_eq!(words(none, false), [""; 0], "{none}");
        }
        assert_eq!(words(r"\[x", false), ["[x"]);
        assert_eq!(words("redo", false), ["redo"]);
    }

    proptest! {
        #[test]
        fn a_line_that_matches_holds_one_of_the_words(
            pattern in r"(\(|\)|[a-dkKsS]{1,3}|\||\*|\+|\?|\.|\^|\[a-c\]|é| ){1,6}",
            line in "[a-dkKsSſK é]{0,8}",
            ignore_case: bool,
        ) {
            let regex = RegexBuilder::new(&pattern).case_insensitive(ignore_case).build();
            let (Ok(regex), Some(needles)) = (regex, of(&pattern, ignore_case)) else { return Ok(()) };
            let as_grep = |text: &str| if needles.fold { text.to_ascii_lowercase() } else { text.to_owned() };
            let held = needles.words.iter().any(|word| as_grep(&line).contains(&as_grep(word)));
            prop_assert!(held || !regex.is_match(&line), "{pattern} {line} {needles:?}");
        }
    }
}
