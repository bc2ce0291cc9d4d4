//! Reading the tables of tools: patterns over operands and options.

use super::{Facts, Finding};
use crate::config::glob;
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::tables::{self, Tool, verbs};
use crate::verdict::Verdict;

/// A command's words, told apart into options and operands.
pub(super) struct Words<'a> {
    pub(super) operands: Vec<&'a Arg>,
    pub(super) options: Vec<&'a Arg>,
    /// Some word may turn out to be an option.
    pub(super) uncertain: bool,
    /// Values that look like options: what one program takes for a value, another version may not.
    doubtful: Vec<&'a Arg>,
    values: &'a str,
}

impl<'a> Words<'a> {
    /// `values` are the options that take the next word, separated by spaces.
    pub(super) fn new(args: &'a [Arg], values: &'a str) -> Self {
        let mut words = Self {
            operands: Vec::new(),
            options: Vec::new(),
            uncertain: false,
            doubtful: Vec::new(),
            values,
        };
        let mut rest = args.iter().skip(1);
        let mut ended = false;
        while let Some(arg) = rest.next() {
            let text = arg.text.as_str();
            if ended || text == "-" || !text.starts_with('-') {
                words.uncertain |= !ended && text != "-" && arg.may_be_option();
                words.operands.push(arg);
                continue;
            }
            words.options.push(arg);
            ended = text == "--";
            if !ended && takes_next(text, values) {
                words.doubtful.extend(rest.next().filter(|value| value.text.starts_with('-')));
            }
        }
        words
    }

    /// Whether one of these options (`-f|--force`) is given.
    pub(super) fn has(&self, wanted: &str) -> bool {
        self.among(&self.options, wanted)
    }

    fn among(&self, given: &[&Arg], wanted: &str) -> bool {
        given.iter().any(|arg| wanted.split('|').any(|option| self.is(&arg.text, option)))
    }

    fn is(&self, text: &str, option: &str) -> bool {
        if let Some(exact) = option.strip_prefix('=') {
            return text == exact;
        }
        if text == option {
            return true;
        }
        match (text.strip_prefix("--"), option.strip_prefix("--")) {
            (Some(given), Some(name)) => {
                let given = given.split('=').next().unwrap_or(given);
                !given.is_empty() && name.starts_with(given)
            }
            (None, None) => match (text.strip_prefix('-'), option.strip_prefix('-')) {
                (Some(cluster), Some(letter)) if letter.chars().count() == 1 => {
                    cluster_has(cluster, letter, self.values)
                }
                (Some(given), Some(name)) => name.len() > 1 && given.split('=').next() == Some(name),
                _ => false,
            },
            _ => false,
        }
    }

    /// Whether the pattern holds. `proving` takes an uncertain word for any option.
    pub(super) fn matches(&self, pattern: &str, proving: bool) -> bool {
        let mut at = 0;
        pattern.split(' ').all(|token| match token.as_bytes() {
            [b'+', b'-', ..] => self.has(&token[1..]),
            [b'!', b'-' | b'=', ..] => {
                let wanted = &token[1..];
                !(self.has(wanted) || self.among(&self.doubtful, wanted) || proving && self.uncertain)
            }
            [b'!', ..] => {
                !self.operands.iter().any(|arg| proving && arg.is_unknown() || names(&token[1..], arg))
            }
            [b'~', ..] => self.operands.iter().any(|arg| !arg.is_unknown() && names(&token[1..], arg)),
            [b'$'] => at >= self.operands.len(),
            [] => true,
            _ => {
                let found = self
                    .operands
                    .get(at)
                    .is_some_and(|arg| !arg.is_unknown() && names(token, arg) || token == "*");
                at += 1;
                found
            }
        })
    }
}

/// Whether one of these globs matches the word.
fn names(globs: &str, arg: &Arg) -> bool {
    globs.split('|').any(|word| glob(word, &arg.text))
}

/// The words after the name, but for those that are an option's value.
fn without_values<'a>(args: &'a [Arg], values: &'a str) -> impl Iterator<Item = &'a str> {
    let mut value = false;
    args.iter().skip(1).map(|arg| arg.text.as_str()).filter(move |text| {
        let taken = std::mem::replace(&mut value, text.starts_with('-') && takes_next(text, values));
        !taken
    })
}

/// Whether an option takes the next word as its value.
fn takes_next(text: &str, values: &str) -> bool {
    if text.contains('=') || text.len() < 2 {
        return false;
    }
    values.split(' ').any(|value| {
        value == text
            || (!text.starts_with("--")
                && value.len() == 2
                && value.starts_with('-')
                && text.len() > 2
                && text.ends_with(&value[1..])
                && cluster_has(&text[1..], &value[1..], values))
    })
}

/// Whether a cluster of short options holds a letter before one that takes the rest as its value.
fn cluster_has(cluster: &str, letter: &str, values: &str) -> bool {
    for c in cluster.chars() {
        let mut buffer = [0; 4];
        let c = &*c.encode_utf8(&mut buffer);
        if c == letter {
            return true;
        }
        if values.split(' ').any(|value| value.strip_prefix('-').map(|v| v.trim_end_matches('=')) == Some(c))
        {
            return false;
        }
    }
    false
}

/// Beginnings of long options that write, run or change something in whatever program has them: a table's pattern for
/// reading forgets one more easily than this list holds it.
const REACHING: &[&str] = &[
    "add-",
    "apply",
    "clear",
    "command",
    "create",
    "delete",
    "diff-program",
    "edit",
    "erase",
    "exec",
    "export-to",
    "flush",
    "force-",
    "import",
    "kill",
    "log-file",
    "logfile",
    "out-",
    "outdir",
    "outfile",
    "output-dir",
    "output-file",
    "pager",
    "password-command",
    "plugin",
    "program",
    "purge",
    "python",
    "rcfile",
    "remove",
    "repair",
    "reset",
    "restore",
    "rotate",
    "save",
    "script",
    "set-",
    "update-",
    "use-compress",
    "vacuum",
    "wipe",
    "write",
];

fn reaches_out(option: &str) -> bool {
    option.strip_prefix("--").is_some_and(|name| REACHING.iter().any(|stem| name.starts_with(stem)))
}

impl Engine<'_> {
    /// A program known by its table row only.
    pub(super) fn tool(&self, name: &str, args: &[Arg]) -> Facts {
        tables::tool(name).map_or(Facts::ORDINARY, |tool| self.by_table(tool, args))
    }

    /// What the rows of a tool say of these words.
    pub(super) fn by_table(&self, tool: &'static Tool, args: &[Arg]) -> Facts {
        let words = Words::new(args, tool.values);
        let mut found: Option<Finding> = None;
        for &(verdict, rule, pattern) in tool.rows {
            if let Some(exempt) = pattern.strip_prefix("^ ") {
                if words.matches(exempt, true) {
                    found = Some(Finding::ALLOW);
                    break;
                }
                continue;
            }
            if words.matches(pattern, false) {
                let rule = (verdict != Verdict::Allow).then_some(rule);
                let finding = Finding { verdict, rule };
                found = Some(found.map_or(finding, |before| before.strictest(finding)));
            }
        }
        let otherwise = Finding {
            verdict: tool.otherwise.0,
            rule: (tool.otherwise.0 != Verdict::Allow).then_some(tool.otherwise.1),
        };
        let mut finding = found.unwrap_or(otherwise);
        if args.len() <= 4
            && args.last().is_some_and(|arg| matches!(arg.text.as_str(), "--help" | "-help" | "--version"))
        {
            finding = Finding::ALLOW;
        }
        let reads = finding.verdict == Verdict::Allow
            && !words.options.iter().any(|option| reaches_out(&option.text))
            && tool.reads.iter().any(|pattern| words.matches(pattern, true));
        if !reads && finding.verdict == Verdict::Allow {
            let operands = words.operands.iter().map(|arg| arg.text.as_str());
            let said = match found {
                // A row that answers for the words knows them; a statement among them is the database's.
                Some(_) => operands.clone().any(verbs::changes_database),
                None => verbs::destroys(&args[0].text, without_values(args, tool.values)),
            };
            if said {
                finding = Finding::confirm("destroys");
            } else if without_values(args, tool.values).any(verbs::hands_code) {
                finding = Finding::confirm("runs-code");
            }
        }
        if reads {
            for arg in &words.operands {
                finding = finding.strictest(self.read_from(arg));
            }
        }
        Facts::of(finding).reading(reads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words that each token of the pattern asks for, stars taken for a letter.
    fn example(pattern: &str) -> Vec<Arg> {
        let first = |token: &str| token.split('|').next().unwrap_or_default().replace(['*', '?'], "x");
        let wanted =
            pattern.split(' ').filter(|token| !token.is_empty() && *token != "$" && !token.starts_with('!'));
        let words = wanted.map(|token| match token.strip_prefix('+') {
            Some(option) if option.starts_with('-') => first(option),
            _ => first(token.trim_start_matches('~')),
        });
        std::iter::once("tool".to_owned()).chain(words).map(|word| Arg::literal(&word)).collect()
    }

    #[test]
    fn every_pattern_of_the_tables_is_matched_by_something() {
        let dead: Vec<String> = tables::patterns()
            .filter(|(_, values, pattern)| {
                let args = example(pattern);
                // A class of characters is no part of the little language.
                let class = pattern.contains('[') && pattern.contains(']');
                // Nor is an option among operands, or the end among them.
                let operands =
                    pattern.split(' ').filter(|token| !token.starts_with(['+', '!']) && *token != "$");
                let option = operands
                    .flat_map(|token| token.split('|'))
                    .any(|word| word.starts_with('-') || word == "$");
                class || option || !Words::new(&args, values).matches(pattern, false)
            })
            .map(|(names, _, pattern)| format!("{names}: {pattern}"))
            .collect();
        assert!(dead.is_empty(), "{}", dead.join("\n"));
    }
}
