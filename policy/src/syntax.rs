//! From bytes to a syntax tree: bounds first, then brush-parser's grammar, then our own reading of words.
//!
//! Everything here is linear in the input but the grammar itself, whose input is bounded in length before it is
//! told apart into tokens, and in nesting before the grammar sees them. A text that is refused here is opaque.

mod bounds;
mod braces;
mod escapes;
mod tokens;
mod word;

use brush_parser::ast::Program;
use brush_parser::{ParserOptions, parse_tokens};

pub(crate) use braces::expand as expand_braces;
pub(crate) use word::{Param, Piece, read_quoted, read_word};

/// Parses a command text.
///
/// Returns nothing for a text that is too long, nests too deeply, holds control characters, or is no shell grammar.
pub(crate) fn parse(text: &str) -> Option<Program> {
    if !bounds::acceptable(text) {
        return None;
    }
    grammar(text).or_else(|| grammar(&select_as_for(text)?))
}

fn grammar(text: &str) -> Option<Program> {
    let options = ParserOptions::default();
    let tokens = tokens::read(text, &options.tokenizer_options())?;
    if !bounds::readable(&tokens) {
        return None;
    }
    parse_tokens(&tokens, &options).ok()
}

/// bash's `select` runs its body for words of its list, as `for` does, and the grammar knows only that: the same text
/// with `for   ` in its place, where it begins a command.
fn select_as_for(text: &str) -> Option<String> {
    let mut out = text.to_owned();
    for (at, word) in text.match_indices("select ") {
        let before = text[..at].trim_end_matches([' ', '\t']);
        let begins = before.is_empty()
            || before.ends_with([';', '\n', '&', '|', '(', '{'])
            || before.ends_with("do")
            || before.ends_with("then");
        let mut rest = text[at + word.len()..].split_whitespace();
        if begins && rest.next().is_some_and(|name| !name.contains(['(', '$'])) && rest.next() == Some("in") {
            out.replace_range(at..at + word.len(), "for    ");
        }
    }
    (out != text).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small stack: the engine must also run on threads of tools that have no more.
    fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
        std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
    }

    #[test]
    fn nesting_bombs_are_refused_before_the_grammar_sees_them() {
        on_a_small_stack(|| {
            for (open, close) in [
                ("(", ")"),
                ("((", "))"),
                ("{ ", ";}"),
                ("$(", ")"),
                ("if ", "; then :; fi"),
                ("while :; do ", "; done"),
                ("case x in a) ", " ;; esac"),
                ("\"$(", ")\""),
                ("[[ ( ", " ) ]]"),
                ("for i in a; do ", "; done"),
                ("f() ", ""),
                ("! ", ""),
                ("until ", "; do :; done"),
                ("coproc ", ""),
                ("time ", ""),
            ] {
                for depth in [10, 30, 60, 200, 1500] {
                    let text = format!("{}a{}", open.repeat(depth), close.repeat(depth));
                    if parse(&text).is_some() {
                        assert!(depth < 200 || open.starts_with(['!', 't', 'c', 'f']), "{open} {depth}");
                    }
                }
            }
        });
    }

    /// Brackets that close in quotes close nothing, and words that look reserved are not where no command begins.
    #[test]
    fn nesting_is_counted_as_the_grammar_counts_it() {
        on_a_small_stack(|| {
            for open in [
                "( ')'; ",
                "( \\); ",
                "( echo \")\"; ",
                "{ '}'; ",
                "{ echo }; ",
                "if echo fi; then ",
                "if [[ a && fi ]]; then ",
                "if function fi { a; }; then ",
                "if coproc fi { a; }; then ",
                "while echo done; do ",
                "( case a in a) ",
                "case esac in a) ",
                "$( ')' ",
                "\"${x:-'}'",
                "`\\` ",
                "(( ",
                "for (( ",
                "[[ a =~ ( ",
            ] {
                for depth in [41, 700, 4000] {
                    let text: String = open.repeat(depth).chars().take(crate::MAX_COMMAND_BYTES).collect();
                    assert!(parse(&text).is_none(), "{open} {depth}");
                }
            }
        });
    }

    #[test]
    fn scripts_of_many_lines_are_read() {
        let line = "f() { if [ -n \"$1\" ]; then (cd x && echo if fi); fi; }\n\
                    case $1 in a|b) ls ;; *) echo done ;; esac\n\
                    for i in a b; do while read -r l; do echo \"$l\"; done < f; done\n\
                    cat <<EOT\nif ( case\nEOT\n[[ -f x && ( a == b ) ]] || echo {\n";
        assert!(parse(&line.repeat(60)).is_some());
    }

    #[test]
    fn control_characters_and_overlong_texts_are_no_grammar() {
        assert!(parse("ls \u{0}").is_none());
        assert!(parse("ls \u{1b}[0m").is_none());
        assert!(parse("ls\rrm").is_none());
        assert!(parse(&"a".repeat(crate::MAX_COMMAND_BYTES + 1)).is_none());
        assert!(parse("ls\t-l\n").is_some());
    }
}
