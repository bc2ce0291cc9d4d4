//! What is sent to a session's shell for one command: the command in quotes, its input, and what prints the end marks.
//! No words of the request stand outside quotes.

use super::dialect::{Dialect, hidden};
use super::input;
use super::marks::Mark;

/// What keeps the end marks' descriptors from a command.
pub const SHUT: &str = "8>&- 9>&-";

/// The frame around one command in a session; behind the first mark stand the exit code and the directory, up to a
/// NUL.
pub fn command(command: &str, input: &[u8], mark: &Mark, dialect: Dialect) -> String {
    let run = format!("{}eval {}", dialect.word(), dialect.quote(command));
    format!("{}\n{}\n", input::fed(&run, input, mark, dialect), marks(mark, dialect))
}

/// The frame around a line of our own in a session: it may read the shell's standard input, so all of it stands on
/// one line, which a shell has read to its end before it runs any of it.
pub fn own(line: &str, mark: &Mark, dialect: Dialect) -> String {
    format!("{{ {line}; }} {SHUT}; {}\n", marks(mark, dialect))
}

/// [`command`] for a bash that has the functions of [`super::dialect::setup`]. Bash reads its commands with a system
/// call a byte, which costs more than all the rest of a short command; `read -N` takes what follows at once. It counts
/// characters, so the command must be ASCII.
pub fn brief(command: &str, mark: &Mark) -> String {
    let (first, second) = mark.halves();
    let (length, name) = (first.len() + command.len(), format!("__{}", first.replace('.', "_")));
    format!(
        "__s {length} {first} {name};\\builtin eval \"${{{name}:5}}\" </dev/null {SHUT};__e \"$?\" {first} {second} {name}\n{first}{command}"
    )
}

/// Prints mark, exit code and directory, up to a NUL, on one stream, and the mark on the other. Whatever runs in place
/// of what prints does not read what comes next. No group around them: before one that has redirections, ksh lets a
/// debug trap change `$?`.
fn marks(mark: &Mark, dialect: Dialect) -> String {
    let ((first, second), word, says) = (mark.halves(), dialect.word(), dialect.says(mark));
    let told = match dialect {
        Dialect::Ksh => format!(
            "{word}print -n -- '{}'\" $? \" >&8 </dev/null; {word}print -nr -- \"$PWD\" >&8 </dev/null; {}",
            hidden(mark),
            dialect.prints("\\0000")
        ),
        _ => format!("{word}printf '%s%s %d %s\\0' {first} {second} \"$?\" \"$PWD\""),
    };
    format!("{told} >&8 </dev/null; {says} >&9 </dev/null")
}

/// A line behind a command that prints the mark on both streams with syntax alone, whatever functions, aliases and
/// built-ins have become: where the end marks do not come before it, they never will. Slower than they are (the
/// shell forks twice), so only what runs for long is followed by it. Nothing is assigned; a parameter that is not
/// there ends the subshell with a message.
pub fn probe(mark: &Mark) -> String {
    let (first, second) = mark.halves();
    let say = format!("(__n=${{__never?{first}{second}}})");
    format!("! {say} 2>&8;! {say} 2>&9\n")
}
