//! What a text must satisfy before the grammar may see it.
//!
//! The tokenizer calls itself for every expansion, the grammar for every compound command, and the grammar reads
//! parentheses and `case` twice at each level. So expansions are counted in the text and nesting over the tokens,
//! where a bracket in quotes is no bracket: what closes in a text but not for the grammar must not count as closed.

use brush_parser::Token;

/// Most expansions (`$(`, `${`, `$[`, backquotes) in one text, nested or not.
const MAX_EXPANSIONS: usize = 160;
/// Deepest nesting of compound commands and parentheses.
const MAX_NESTING: usize = 40;
/// Deepest nesting of what the grammar may read twice: `(` and `case`.
const MAX_DOUBLING: usize = 8;
/// Most tokens of one kind that the grammar treats by recursion (`!`, function heads).
const MAX_REPEATS: usize = 200;

/// Whether a text is short enough, free of control characters, and has few enough expansions. One linear pass.
pub(super) fn acceptable(text: &str) -> bool {
    if text.len() > crate::MAX_COMMAND_BYTES {
        return false;
    }
    let bytes = text.as_bytes();
    let mut expansions = 0_usize;
    for (at, &byte) in bytes.iter().enumerate() {
        match byte {
            b'$' if matches!(bytes.get(at + 1), Some(b'(' | b'{' | b'[')) => expansions += 1,
            b'`' => expansions += 1,
            b'<' | b'>' if overlong_descriptor(&bytes[..at]) => return false,
            b'\t' | b'\n' => {}
            0..=31 | 127 => return false,
            _ => {}
        }
    }
    expansions <= MAX_EXPANSIONS
}

/// What is open at a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Paren,
    Brace,
    If,
    /// `for`, `while`, `until`, `select`.
    Loop,
    Case,
    Test,
}

/// What may begin at a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A command: reserved words are reserved.
    Command,
    /// A name or a command (`function`, `coproc`, `time`): what opens is counted, what closes is not trusted.
    Either,
    /// A word of a command.
    Word,
}

/// What is open, and how much of it the grammar may read twice.
#[derive(Default)]
struct Nesting {
    open: Vec<Open>,
    doubling: usize,
}

impl Nesting {
    const fn doubles(kind: Open) -> bool {
        matches!(kind, Open::Paren | Open::Case)
    }

    fn push(&mut self, kind: Open) {
        self.open.push(kind);
        self.doubling += usize::from(Self::doubles(kind));
    }

    /// Closes what was opened last, if it is of this kind.
    fn pop(&mut self, kind: Open) {
        if self.open.last() == Some(&kind) {
            self.open.pop();
            self.doubling -= usize::from(Self::doubles(kind));
        }
    }
}

/// Whether the grammar reads these tokens within bounded time and stack.
///
/// A closer counts only where the grammar surely takes it for one: a reserved word only at a command's place, and
/// only for what was opened last. Anything else leaves the count too high, never too low.
pub(super) fn readable(tokens: &[Token]) -> bool {
    let mut nesting = Nesting::default();
    let mut repeats = 0_usize;
    let mut place = Place::Command;
    let mut named = false;
    for token in tokens {
        match token {
            Token::Operator(operator, _) => {
                let separates = !operator.starts_with(['<', '>']) && !operator.starts_with("&>");
                place = if separates { Place::Command } else { Place::Word };
                named = false;
                match operator.as_str() {
                    "(" => nesting.push(Open::Paren),
                    ")" => nesting.pop(Open::Paren),
                    _ => {}
                }
            }
            Token::Word(word, _) => {
                (place, named) = word_at(word, place, named, &mut nesting);
                repeats += usize::from(matches!(word.as_str(), "!" | "time" | "coproc" | "function"));
            }
        }
        if nesting.open.len() > MAX_NESTING || nesting.doubling > MAX_DOUBLING || repeats > MAX_REPEATS {
            return false;
        }
    }
    true
}

/// Counts a word, and says what may begin after it; `named` when a name may still come before a command.
fn word_at(word: &str, place: Place, named: bool, nesting: &mut Nesting) -> (Place, bool) {
    if word == "]]" {
        nesting.pop(Open::Test);
        return (Place::Word, false);
    }
    if place == Place::Word {
        return (Place::Word, false);
    }
    let (opened, closed) = match word {
        "if" => (Some(Open::If), None),
        "while" | "until" => (Some(Open::Loop), None),
        "for" | "select" | "case" | "[[" => {
            let kind = match word {
                "case" => Open::Case,
                "[[" => Open::Test,
                _ => Open::Loop,
            };
            nesting.push(kind);
            return (Place::Word, false);
        }
        "{" => (Some(Open::Brace), None),
        "then" | "elif" | "else" | "do" | "!" => (None, None),
        "function" | "coproc" | "time" => return (Place::Either, true),
        "fi" => (None, Some(Open::If)),
        "done" => (None, Some(Open::Loop)),
        "esac" => (None, Some(Open::Case)),
        "}" => (None, Some(Open::Brace)),
        _ if named => return (Place::Either, false),
        _ => return (Place::Word, false),
    };
    if let Some(kind) = opened {
        nesting.push(kind);
    }
    if let Some(kind) = closed.filter(|_| place == Place::Command) {
        nesting.pop(kind);
    }
    (if place == Place::Command { Place::Command } else { Place::Either }, false)
}

/// Whether a text ends in a number that no file descriptor has; the grammar does not expect one.
fn overlong_descriptor(before: &[u8]) -> bool {
    before.iter().rev().take(10).filter(|byte| byte.is_ascii_digit()).count() == 10
}
