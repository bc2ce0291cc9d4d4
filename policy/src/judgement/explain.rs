//! `policy check --explain`: the command with the offending span underlined, why, and what would do instead.

use std::fmt::Write as _;

use super::Judgement;
use crate::verdict::{Mode, Verdict};

/// Lines of a command that are drawn; the rest is counted.
const MAX_LINES: usize = 24;

impl Judgement {
    /// Draws the command with the spans that gave the verdict underlined, the reason, and what would be allowed.
    ///
    /// The text ends with a line feed and holds no control characters of the command but its own line ends.
    #[must_use]
    pub fn explain(&self, command: &str) -> String {
        let mut out = format!("{}: {}\n", self.verdict, self.reason);
        self.draw(command, &mut out);
        for segment in self.segments.iter().filter(|segment| segment.verdict == self.verdict) {
            if let Some(rule) = &segment.rule {
                let _ = writeln!(out, "  {rule}: {}", printable(&segment.argv.join(" ")));
            }
        }
        let _ = writeln!(out, "instead: {}", self.advice());
        out
    }

    fn draw(&self, command: &str, out: &mut String) {
        let mut start = 0;
        for (number, line) in command.split('\n').enumerate() {
            if number == MAX_LINES {
                let rest = command.split('\n').count() - MAX_LINES;
                let _ = writeln!(out, "  | ... {rest} more lines");
                return;
            }
            let end = start + line.len();
            let _ = writeln!(out, "  | {}", printable(line));
            let marks = self.marks(start, line);
            if !marks.is_empty() {
                let _ = writeln!(out, "  | {marks}");
            }
            start = end + 1;
        }
    }

    /// A line of carets under every character that an offending span covers; empty when none does.
    fn marks(&self, start: usize, line: &str) -> String {
        if self.verdict == Verdict::Allow {
            return String::new();
        }
        let covered = |at: usize| {
            self.segments
                .iter()
                .filter(|segment| segment.verdict == self.verdict && segment.rule.is_some())
                .any(|segment| (segment.span.0..segment.span.1).contains(&at))
        };
        let marks: String =
            line.char_indices().map(|(at, _)| if covered(start + at) { '^' } else { ' ' }).collect();
        marks.trim_end().to_owned()
    }

    fn advice(&self) -> &'static str {
        match (self.verdict, self.mode) {
            (Verdict::Allow, _) => "nothing is needed, it would run as it is",
            (Verdict::Confirm, _) => "confirm it, or leave out what is underlined",
            (Verdict::Block, Mode::Readonly) => {
                "use a command that only reads (see docs/policy.md), or a host in guarded mode"
            }
            (Verdict::Block, _) => "no confirmation lifts this; a person must run it outside Sallyport",
        }
    }
}

/// Control characters become visible stand-ins of one column, so that carets stay under what they mark.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
