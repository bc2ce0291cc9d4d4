//! Statements: whether each of a text's only reads, is ordinary, or changes something.

use crate::tables::statements::{BARE_PRAGMAS, CHANGING, PRAGMAS, READING, SESSION_SETTINGS, function_reads};

/// What a text of statements does. Ordered: the greater is the stricter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Every statement is known to read only.
    Reads,
    /// Nothing in it is known to change anything, but it calls what may.
    Ordinary,
    Changes,
}

/// Reads a text of statements, separated by `;`. A line that begins with `.` or `\` is a client's own command.
pub(super) fn read(text: &str) -> Kind {
    let own = |line: &str| line.trim_start().starts_with(['.', '\\']);
    if text.lines().count() > 1 && text.lines().any(own) {
        // The client's own commands take a line each; what stands between them is read together.
        let mut parts: Vec<String> = Vec::new();
        let mut between = false;
        for line in text.lines() {
            match parts.last_mut().filter(|_| between && !own(line)) {
                Some(part) => *part += &format!("\n{line}"),
                None => parts.push(line.to_owned()),
            }
            between = !own(line);
        }
        return parts.iter().map(|part| read(part)).max().unwrap_or(Kind::Reads);
    }
    let (plain, sure) = plain(text);
    if plain.contains("/*") || plain.contains('\0') {
        return Kind::Changes;
    }
    let kind = plain.split(';').map(statement).max().unwrap_or(Kind::Reads);
    if sure {
        return kind;
    }
    // Where the strings end depends on the dialect: every word counts, wherever it stands.
    let lower = text.to_lowercase();
    if words(&lower).any(|word| CHANGING.contains(&word)) { Kind::Changes } else { kind.max(Kind::Ordinary) }
}

/// The text in lower case without strings, quoted names and comments, and whether every dialect ends them alike.
fn plain(text: &str) -> (String, bool) {
    let (mut plain, mut sure) = (String::new(), true);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' | '`' => {
                let mut last = ' ';
                let mut closed = false;
                for next in chars.by_ref() {
                    sure &= !(next == c && last == '\\');
                    last = next;
                    if next == c {
                        closed = true;
                        break;
                    }
                }
                sure &= closed;
                plain.push(if c == '\'' { '\'' } else { '"' });
            }
            '-' if chars.peek() == Some(&'-') => {
                let mut ahead = chars.clone();
                ahead.next();
                if ahead.peek().is_none_or(|next| next.is_whitespace()) {
                    while chars.next().is_some_and(|next| next != '\n') {}
                    plain.push('\n');
                } else {
                    plain.push(c);
                }
            }
            c => {
                sure &= c != '#' && (c != '$' || chars.peek().is_some_and(char::is_ascii_digit));
                plain.extend(c.to_lowercase());
            }
        }
    }
    (plain, sure)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).filter(|word| !word.is_empty())
}

/// One statement, in lower case and without its strings.
fn statement(text: &str) -> Kind {
    let text = text.trim();
    // What ends a statement as `;` does, and shows its answer upright.
    let text = text.strip_suffix("\\g").or_else(|| text.strip_suffix("\\gx")).unwrap_or(text).trim_end();
    if let Some(meta) = text.strip_prefix('\\') {
        return meta_command(meta);
    }
    if text.contains('\\') {
        return Kind::Changes;
    }
    let words: Vec<&str> = words(text).collect();
    let Some(&first) = words.first() else { return Kind::Reads };
    let second = words.get(1).copied().unwrap_or("");
    if !READING.contains(&first) {
        return Kind::Changes;
    }
    match first {
        "show" | "describe" | "desc" => return Kind::Reads,
        "pragma" if BARE_PRAGMAS.contains(&second) && !text.contains(['=', '(']) => return Kind::Reads,
        "pragma" if PRAGMAS.contains(&second) && !text.contains('=') => return Kind::Reads,
        "pragma" if text.contains('=') => return Kind::Changes,
        "set" if words.iter().any(|word| matches!(*word, "password" | "global" | "persist")) => {
            return Kind::Changes;
        }
        _ => {}
    }
    if words.iter().skip(1).any(|word| CHANGING.contains(word)) {
        return Kind::Changes;
    }
    let own = match first {
        "set" => SESSION_SETTINGS.contains(&second),
        "analyze" | "pragma" => false,
        _ => true,
    };
    if own && calls_reading_functions(text) { Kind::Reads } else { Kind::Ordinary }
}

/// psql's own commands: those that list, and those that change how answers look.
fn meta_command(meta: &str) -> Kind {
    let name = meta.split_whitespace().next().unwrap_or("");
    let shows = name.starts_with('d')
        || matches!(
            name.trim_end_matches(['+', 's']),
            "l" | "list"
                | "z"
                | "q"
                | "x"
                | "?"
                | "h"
                | "t"
                | "a"
                | "conninfo"
                | "pset"
                | "timing"
                | "f"
                | "sf"
                | "sv"
                | "errverbose"
        );
    if shows && !meta.contains(['\\', '"', '|']) { Kind::Reads } else { Kind::Changes }
}

/// Whether every name before an opening bracket is a function that only computes or looks up.
fn calls_reading_functions(text: &str) -> bool {
    text.match_indices('(').all(|(at, _)| {
        let before = text[..at].trim_end();
        let name = &before[before
            .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
            .map_or(0, |end| end + before[end..].chars().next().map_or(1, char::len_utf8))..];
        if name.is_empty() { !before.ends_with(['"', ']']) } else { function_reads(name) }
    })
}

#[cfg(test)]
mod tests {
    use super::{Kind, read};

    #[test]
    fn reading_statements_are_told_from_changing_ones() {
        for text in [
            "select 1",
            "SELECT 'drop table x' FROM t;",
            "\\dt",
            "show create table x",
            "explain select 1; select 2",
            "with a as (select 1) select * from a",
            "select count(*), max(age(now(), x)) from t where a in (1, 2) and (b or c)",
            "select pg_size_pretty(pg_database_size('app'))",
            "show slave status\\G",
            "pragma table_info(t)",
            "set statement_timeout = '5s'; select 1 -- a note",
        ] {
            assert_eq!(read(text), Kind::Reads, "{text}");
        }
        for text in [
            "drop table x",
            "select 1; delete from t",
            "with a as (delete from t returning *) select * from a",
            "select * into x from y",
            "copy t to program 'sh'",
            "\\copy t to 'f'",
            "\\! sh",
            "\\lo_export 1 'f'",
            "\\dt \\o f",
            "\\d `x`",
            "select 1 \\gexec",
            "pragma journal_mode=off",
            "/* x */ select 1",
            ".tables\n.shell x",
        ] {
            assert_eq!(read(text), Kind::Changes, "{text}");
        }
    }

    #[test]
    fn a_function_that_is_not_known_is_not_proven_to_read() {
        for text in
            ["select cleanup(1)", "select \"f\"(1)", "select app.count (1)", "analyze t", "set role x"]
        {
            assert_eq!(read(text), Kind::Ordinary, "{text}");
        }
    }

    #[test]
    fn no_statement_hides_in_what_another_dialect_takes_for_a_string() {
        for text in [
            "select '\\''; drop table x; -- '",
            "select \"'\"; drop table x; select \"'\"",
            "select 1--1; drop table x",
            "# don't\ndrop table x; -- '",
            "select $a$'$a$; drop table x; select $a$'$a$",
        ] {
            assert_eq!(read(text), Kind::Changes, "{text}");
        }
    }
}
