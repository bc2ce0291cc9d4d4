//! The words of a command that runs as another user: those that are judged, and those that are sent.
//!
//! Both hold the request's text as the one quoted word behind `/bin/sh -c`. What is sent has, beside the judged
//! words, only words of our own: where the password comes from, the prompt, and a shell that says that it has
//! started.

use super::talk::Signs;
use super::tool::Tool;
use crate::session::compose::quote;

/// What the started shell does, as the other user: it says so on standard error with the mark and its process
/// number, waits for the [`go`], runs the command in a shell of its own and passes its exit code on. Without the go (the
/// call was stopped or the connection went away while sudo asked) nothing runs that nobody would stop. Signals are meant
/// for the command; what it left in the background when one came is ended too, as shells let such children ignore INT.
/// On a terminal, which has no end of file, it is told how many bytes of input there are, and programs are told not to
/// page.
const SUPERVISE: &str = concat!(
    r#"s=; trap s=1 INT TERM; printf "%s%s %d\n" "$2" "$3" "$$" >&2; "#,
    r#"read -r g; case $g in "$3") ;; *) exit 125;; esac; "#,
    r#"case ${4-} in "") /bin/sh -c "$1";; *) PAGER=cat GIT_PAGER=cat SYSTEMD_PAGER=cat; "#,
    r#"export PAGER GIT_PAGER SYSTEMD_PAGER; "#,
    r#"case $4 in 0) /bin/sh -c "$1" </dev/null;; *) head -c "$4" | /bin/sh -c "$1";; esac;; esac; r=$?; "#,
    r#"case $s in 1) trap "" TERM; kill -s TERM 0;; esac; exit $r"#
);

/// What sudo has around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Pipes.
    Pipes,
    /// A terminal.
    Terminal,
}

/// What sudo is to do.
#[derive(Debug, Clone, Copy)]
pub enum Errand<'a> {
    /// Run a command.
    Run {
        /// For a POSIX shell.
        command: &'a str,
        /// How many bytes of input it will get.
        input: usize,
    },
    /// Say whether it would ask for a password (`sudo -n -v`), without asking.
    Look,
    /// Ask for the password where it wants one, and remember that it was given (`sudo -v`).
    Warm,
}

/// The text that is judged, shown, audited and bound to a confirmation.
pub fn judged(run_as: &str, text: &str) -> String {
    format!("sudo -u {} -- /bin/sh -c {}", word(run_as), quote(text))
}

/// The text that is sent.
pub fn sent(tool: Tool, run_as: &str, errand: Errand<'_>, signs: &Signs, stage: Stage) -> String {
    let ((first, second), user) = (signs.mark.halves(), word(run_as));
    let (place, asking) = match tool {
        Tool::Sudo(place) => (disguised(place), format!("-S -p {}", signs.prompt)),
        Tool::Doas(place) => (disguised(place), "-n".to_owned()),
    };
    let (command, input) = match errand {
        Errand::Run { command, input } => (command, input),
        // The login shell says that sudo was content, in the place of a command.
        Errand::Look | Errand::Warm => {
            let asking = if matches!(errand, Errand::Look) { "-n" } else { &asking };
            return format!("{place} {asking} -v && printf '%s%s\\n' {first} {second} >&2");
        }
    };
    let input = match stage {
        Stage::Pipes => String::new(),
        Stage::Terminal => format!(" {input}"),
    };
    let (supervise, command) = (quote(SUPERVISE), quote(command));
    format!("{place} {asking} -u {user} -- /bin/sh -c {supervise} sh {command} {first} {second}{input}")
}

/// What the started shell waits for, as a line: the mark's second half.
pub fn go(signs: &Signs) -> Vec<u8> {
    format!("{}\n", signs.mark.halves().1).into_bytes()
}

/// A word for a POSIX shell, in quotes only where it needs them.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if text.chars().all(plain) { text.to_owned() } else { quote(text) }
}

/// A place spelled in one of many ways: no function or alias of that exact name can have been prepared, not even
/// under an absolute path, which bash and zsh allow. Slashes in a row are one (POSIX, 4.13).
pub fn disguised(place: &str) -> String {
    let mut text = String::new();
    for part in place.split('/').filter(|part| !part.is_empty()) {
        // Without random bytes the plain path is as good as it gets.
        let count = getrandom::u32().unwrap_or(0) % 512 + 1;
        text.extend(std::iter::repeat_n('/', count as usize));
        text.push_str(part);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_judged_words_are_those_a_person_would_type() {
        assert_eq!(judged("root", "id"), "sudo -u root -- /bin/sh -c 'id'");
        assert_eq!(judged("o'x", "it's"), r"sudo -u 'o'\''x' -- /bin/sh -c 'it'\''s'");
    }

    #[test]
    fn what_is_sent_names_a_program_nobody_can_have_prepared_and_the_same_command() {
        let signs = Signs::random().unwrap();
        let errand = Errand::Run { command: "touch 'a b'", input: 9 };
        let text = sent(Tool::Sudo("/usr/bin/sudo"), "deploy", errand, &signs, Stage::Pipes);
        let words: Vec<&str> = text.split(' ').collect();
        let place: String = words[0].split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        assert_eq!(place, "usr/bin/sudo");
        assert_eq!(words[1..8], ["-S", "-p", signs.prompt.as_str(), "-u", "deploy", "--", "/bin/sh"]);
        assert!(text.contains(&quote("touch 'a b'")), "{text}");
        assert_ne!(disguised("/usr/bin/sudo"), disguised("/usr/bin/sudo"));
        let on_terminal = sent(Tool::Sudo("/usr/bin/sudo"), "deploy", errand, &signs, Stage::Terminal);
        assert_eq!(on_terminal.rsplit(' ').next(), Some("9"), "how much input there is");
    }
}
