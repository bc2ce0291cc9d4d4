//! Changing text: exact replacements, regular expressions, line operations. Pure: text in, text out.
//!
//! All changes of a batch are made one after the other, each on what the ones before it left, or none is. Line ends
//! and a missing last one stay as they are: what is written in `\n` fits a file of `\r\n`.

use regex::RegexBuilder;
use sallyport_protocol::file::Change;
use sallyport_protocol::{ErrorCode, Failure};

use crate::redact::MASK;

/// Memory a regular expression may take, in bytes.
const REGEX_SIZE: usize = 1 << 20;
/// The largest text that edits may make of a file, in bytes.
pub const LARGEST: usize = 8 << 20;

/// Makes the changes; returns the new text and how many places were changed.
///
/// # Errors
/// `no_unique_match` when a text does not stand there as often as said, or a pattern matches nothing;
/// `invalid_argument` for lines that are not there or an expression that is none; `too_large`.
pub fn apply(text: &str, changes: &[Change]) -> Result<(String, u32), Failure> {
    let crlf = uses_crlf(text);
    let mut text = text.to_owned();
    let mut made = 0;
    for (at, change) in changes.iter().enumerate() {
        let which = if changes.len() > 1 { format!("edit {}: ", at + 1) } else { String::new() };
        let (next, count) = one(&text, change, crlf, &which)?;
        if next.len() > LARGEST {
            return Err(too_large(&which));
        }
        text = next;
        made += count;
    }
    Ok((text, made))
}

/// Whether a text's lines end in `\r\n`: all of them, so that nothing is changed that was mixed.
pub fn uses_crlf(text: &str) -> bool {
    let ends = text.matches('\n').count();
    ends > 0 && ends == text.matches("\r\n").count()
}

/// Text in the line ends of the file it goes to.
pub fn with_ends(text: &str, crlf: bool) -> String {
    if crlf { text.replace("\r\n", "\n").replace('\n', "\r\n") } else { text.to_owned() }
}

fn one(text: &str, change: &Change, crlf: bool, which: &str) -> Result<(String, u32), Failure> {
    match change {
        Change::Replace { old, new, count } => replace(text, old.as_str(), new.as_str(), *count, crlf, which),
        Change::Pattern { regex, new } => {
            pattern(text, regex.as_str(), &with_ends(new.as_str(), crlf), which)
        }
        Change::Insert { line, text: new } => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let at = *line as usize;
            if at == 0 || at > lines.len() + 1 {
                return Err(no_line(at, lines.len(), which));
            }
            let lines = (&lines[..at - 1], &lines[at - 1..]);
            Ok((join(lines.0, new.as_str(), lines.1, crlf), 1))
        }
        Change::Lines { from, to, text: new } => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let (from, to) = (*from as usize, *to as usize);
            if from == 0 || from > to {
                return Err(invalid(
                    format!("{which}lines {from} to {to} are no range"),
                    "lines count from 1",
                ));
            }
            if to > lines.len() {
                return Err(no_line(to, lines.len(), which));
            }
            Ok((join(&lines[..from - 1], new.as_str(), &lines[to..], crlf), 1))
        }
    }
}

fn replace(
    text: &str,
    old: &str,
    new: &str,
    count: u32,
    crlf: bool,
    which: &str,
) -> Result<(String, u32), Failure> {
    if old.is_empty() {
        return Err(invalid(
            format!("{which}the text to replace is empty"),
            "give `old`, or insert lines with insert_at; ssh_file_write writes a whole file",
        ));
    }
    if count == 0 {
        return Err(invalid(format!("{which}count is at least 1"), "leave it out for exactly one place"));
    }
    let (old, new) = (with_ends(old, crlf), with_ends(new, crlf));
    let found = text.matches(&old).count();
    if found == count as usize {
        // Bounded before it is allocated.
        if text.len() + found * new.len() > LARGEST + found * old.len() {
            return Err(too_large(which));
        }
        return Ok((text.replace(&old, &new), count));
    }
    if found == 0 && old.contains(MASK) {
        return Err(Failure::new(
            ErrorCode::NoUniqueMatch,
            format!(
                "{which}the text to replace holds {MASK}, which stands for a secret and is not in the file"
            ),
            "name text around the masked part only; what is masked can be left alone, not rewritten from what you see",
        ));
    }
    let hint = match found {
        0 => "read the file again: it may have changed, or white space differs",
        _ => {
            "give more of the text around it so that it is unique, or set count to how often it is to be replaced"
        }
    };
    Err(Failure::new(
        ErrorCode::NoUniqueMatch,
        format!("{which}the text to replace stands in the file {found} times, not {count}"),
        hint,
    ))
}

fn pattern(text: &str, pattern: &str, new: &str, which: &str) -> Result<(String, u32), Failure> {
    let regex = RegexBuilder::new(pattern)
        .multi_line(true)
        .crlf(true)
        .size_limit(REGEX_SIZE)
        .dfa_size_limit(REGEX_SIZE)
        .build()
        .map_err(|error| {
            let error = error.to_string();
            let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            invalid(
                format!("{which}the regular expression cannot be used: {why}"),
                "the syntax is that of RE2 and Rust's regex crate: no look-around, no back references",
            )
        })?;
    let mut out = String::new();
    let (mut last, mut made) = (0, 0);
    for found in regex.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(&text[last..whole.start()]);
        found.expand(new, &mut out);
        last = whole.end();
        made += 1;
        if out.len() > LARGEST {
            return Err(too_large(which));
        }
    }
    if made == 0 {
        return Err(Failure::new(
            ErrorCode::NoUniqueMatch,
            format!("{which}the regular expression matches nothing"),
            "read the file again; ^ and $ match at lines, and . does not match a line's end",
        ));
    }
    out.push_str(&text[last..]);
    Ok((out, made))
}

/// Lines between lines. A line that was the last and had no end gets one when something follows it, and what becomes
/// the last has one exactly if the last had.
fn join(before: &[&str], new: &str, after: &[&str], crlf: bool) -> String {
    let end = if crlf { "\r\n" } else { "\n" };
    let mut out = before.concat();
    let new = with_ends(new, crlf);
    if !new.is_empty() {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push_str(end);
            out.push_str(new.strip_suffix(end).unwrap_or(&new));
        } else {
            out.push_str(&new);
            if !after.is_empty() && !new.ends_with('\n') {
                out.push_str(end);
            }
        }
    }
    for line in after {
        out.push_str(line);
    }
    out
}

fn invalid(message: String, hint: &str) -> Failure {
    Failure::new(ErrorCode::InvalidArgument, message, hint)
}

fn no_line(line: usize, lines: usize, which: &str) -> Failure {
    invalid(
        format!("{which}there is no line {line}; the file has {lines}"),
        "read the file again: lines count from 1, and each edit sees what the ones before it left",
    )
}

fn too_large(which: &str) -> Failure {
    Failure::new(
        ErrorCode::TooLarge,
        format!("{which}the file would have more than {LARGEST} bytes"),
        "use ssh_exec or ssh_upload for files of this size",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_protocol::file::Passage;

    fn passage(text: &str) -> Passage {
        Passage::new(text).unwrap()
    }

    fn swap(old: &str, new: &str, count: u32) -> Change {
        Change::Replace { old: passage(old), new: passage(new), count }
    }

    fn regex(regex: &str, new: &str) -> Change {
        Change::Pattern { regex: passage(regex), new: passage(new) }
    }

    fn insert(line: u32, text: &str) -> Change {
        Change::Insert { line, text: passage(text) }
    }

    fn lines(from: u32, to: u32, text: &str) -> Change {
        Change::Lines { from, to, text: passage(text) }
    }

    #[track_caller]
    fn done(text: &str, changes: &[Change]) -> String {
        apply(text, changes).unwrap().0
    }

    #[track_caller]
    fn refused(text: &str, changes: &[Change]) -> (ErrorCode, String) {
        let failure = apply(text, changes).unwrap_err();
        (failure.code, format!("{}\n{}", failure.message, failure.hint))
    }

    #[test]
    fn a_text_is_replaced_only_when_it_stands_there_exactly_as_often_as_said() {
        assert_eq!(done("a b c", &[swap("b", "x", 1)]), "a x c");
        assert_eq!(done("b b", &[swap("b", "x", 2)]), "x x");
        for (text, count) in [("a", 1), ("b b", 1), ("b", 2)] {
            assert_eq!(refused(text, &[swap("b", "x", count)]).0, ErrorCode::NoUniqueMatch, "{text} {count}");
        }
        assert_eq!(refused("a", &[swap("", "x", 1)]).0, ErrorCode::InvalidArgument);
        assert_eq!(refused("a", &[swap("a", "x", 0)]).0, ErrorCode::InvalidArgument);
    }

    #[test]
    fn a_batch_is_made_in_order_and_wholly_or_not_at_all() {
        assert_eq!(done("one two", &[swap("one", "two", 1), swap("two", "x", 2)]), "x x");
        let (_, text) = refused("one two", &[swap("one", "1", 1), swap("three", "3", 1)]);
        insta::assert_snapshot!(text, @r"
        edit 2: the text to replace stands in the file 0 times, not 1
        read the file again: it may have changed, or white space differs
        ");
    }

    #[test]
    fn a_masked_text_is_told_from_one_that_is_not_there() {
        let (code, text) = refused("password=hunter22", &[swap("password=[redacted]", "password=x", 1)]);
        assert_eq!(code, ErrorCode::NoUniqueMatch);
        insta::assert_snapshot!(text, @r"
        the text to replace holds [redacted], which stands for a secret and is not in the file
        name text around the masked part only; what is masked can be left alone, not rewritten from what you see
        ");
        assert_eq!(
            done("see [redacted]", &[swap("[redacted]", "below", 1)]),
            "see below",
            "it may be the text itself"
        );
    }

    #[test]
    fn a_regular_expression_replaces_every_match_with_its_groups() {
        assert_eq!(done("a=1\nb=2\n", &[regex(r"^(\w)=(\d)$", "$2=${1}x")]), "1=ax\n2=bx\n");
        assert_eq!(done("a=1\r\nb=2\r\n", &[regex(r"^(\w)=(\d)$", "${1}:$2")]), "a:1\r\nb:2\r\n");
        assert_eq!(refused("a", &[regex("b", "")]).0, ErrorCode::NoUniqueMatch);
        for bad in ["(", r"(a)\1", "(?=a)", "a{1000}{1000}{1000}"] {
            let (code, text) = refused("a", &[regex(bad, "")]);
            assert_eq!(code, ErrorCode::InvalidArgument, "{bad}: {text}");
        }
    }

    #[test]
    fn a_hostile_expression_takes_no_exponential_time_or_endless_memory() {
        let text = "a".repeat(20_000);
        let _ = apply(&text, &[regex("(a*)*b", "")]);
        let bomb = "x".repeat(1 << 20);
        assert_eq!(refused(&text, &[regex("a", &bomb)]).0, ErrorCode::TooLarge);
        assert_eq!(refused(&text, &[swap("a", &bomb, 20_000)]).0, ErrorCode::TooLarge);
    }

    #[test]
    fn lines_are_inserted_replaced_and_deleted() {
        let text = "1\n2\n3\n";
        assert_eq!(done(text, &[insert(1, "0")]), "0\n1\n2\n3\n");
        assert_eq!(done(text, &[insert(4, "4\n")]), "1\n2\n3\n4\n");
        assert_eq!(done(text, &[lines(2, 2, "")]), "1\n3\n");
        assert_eq!(done(text, &[lines(1, 2, "x\ny\nz")]), "x\ny\nz\n3\n");
        assert_eq!(done("", &[insert(1, "a\n")]), "a\n");
        for change in [insert(0, "x"), insert(5, "x"), lines(0, 1, ""), lines(3, 4, ""), lines(3, 2, "")] {
            assert_eq!(
                refused(text, std::slice::from_ref(&change)).0,
                ErrorCode::InvalidArgument,
                "{change:?}"
            );
        }
    }

    #[test]
    fn line_ends_and_a_missing_last_one_stay_as_they_are() {
        assert_eq!(done("1\r\n2\r\n", &[insert(2, "x\ny\n")]), "1\r\nx\r\ny\r\n2\r\n");
        assert_eq!(done("1\r\n2\r\n", &[swap("1\n2", "3\n4", 1)]), "3\r\n4\r\n");
        assert_eq!(done("1\n2", &[insert(3, "3\n")]), "1\n2\n3");
        assert_eq!(done("1\n2", &[lines(1, 1, "x")]), "x\n2");
        assert_eq!(done("mixed\r\nends\n", &[lines(2, 2, "x\n")]), "mixed\r\nx\n");
        assert_eq!(done("\u{feff}a\n", &[swap("a", "b", 1)]), "\u{feff}b\n");
    }
}
