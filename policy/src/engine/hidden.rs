//! Catastrophes in what could not be read: text given to a program whose language is not understood here.
//!
//! Such text is stopped for confirmation already. When a deletion of everything stands in it word for word, a
//! confirmation is not enough.

use super::Engine;
use super::arg::Arg;
use super::shell::Source;
use crate::verdict::{Mode, Verdict};

/// Rules of commands whose words may be code that was not read.
const UNREAD: &[&str] = &[
    "opaque",
    "runs-option",
    "runs-code",
    "redefined",
    "wrapper-option",
    "runtime-command",
    "scheduled",
    "shell-on-stdin",
    "environment",
    "container-change",
    "infrastructure-change",
    "service-change",
    "network-change",
    "delete",
    "destroys",
];

/// Names that begin a catastrophe.
const BEGINNINGS: &[&str] = &["rm ", "dd ", "mkfs", "shred ", "find ", "chmod ", "chown ", "wipefs "];

/// Places looked at in one text.
const MAX_PLACES: usize = 8;

impl Engine<'_> {
    /// Whether a text that was not read, stopped by this rule, says a catastrophe word for word.
    pub(super) fn hides_catastrophe(&mut self, rule: &str, text: &str) -> bool {
        if self.searching || self.mode != Mode::Guarded || !UNREAD.contains(&rule) {
            return false;
        }
        self.searching = true;
        let (shell, seen) = (self.shell.clone(), self.segments.len());
        let mut found = false;
        for beginning in BEGINNINGS {
            for (at, _) in text.match_indices(beginning).take(MAX_PLACES) {
                let inside = text[..at].ends_with(|c: char| c.is_alphanumeric() || "-_.".contains(c));
                found |= !inside && self.says_catastrophe(&text[at..]);
            }
        }
        self.segments.truncate(seen);
        self.shell = shell;
        self.searching = false;
        found
    }

    /// Two readings: up to the quote that ends the text, and with quotes taken away.
    fn says_catastrophe(&mut self, text: &str) -> bool {
        let end = text.find([')', '`', ';', '|', '&', '\n', '}']).unwrap_or(text.len());
        let quote = text[..end].find(['"', '\'']).unwrap_or(end);
        [text[..quote].to_owned(), text[..end].replace(['"', '\'', '\\'], "")].iter().any(|reading| {
            let words = reading.split_whitespace().map(|word| match word.strip_prefix('~') {
                Some(rest) => Arg { text: format!("\u{2}{rest}"), ..Arg::literal("") },
                None => Arg::literal(word),
            });
            let source = Source::whole(reading);
            let seen = self.segments.len();
            self.invoke(words.collect(), &source, source.all(), true);
            self.segments.drain(seen..).any(|segment| segment.verdict == Verdict::Block)
        })
    }
}
