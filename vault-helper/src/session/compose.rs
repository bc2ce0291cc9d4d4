//! The text that is sent to a shell, composed from a request. What is composed
//! here is what the policy judges: nothing is added afterwards but the frame that
//! feeds a shell session, which holds no words of the request outside quotes.

use sallyport_policy::LoginShell;
use sallyport_protocol::request::EnvVar;
use sallyport_protocol::text::RemotePath;

use super::marks::Mark;

/// Quotes a word for a POSIX shell (XCU 2.2.2): inside single quotes nothing is special.
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The command with what must happen first: change of directory, variables.
pub fn command(command: &str, cwd: Option<&RemotePath>, env: &[EnvVar]) -> String {
    let mut text = String::new();
    if let Some(cwd) = cwd {
        // `--` keeps a directory that begins with a dash from being an option.
        text.push_str(&format!("cd -- {} && ", quote(cwd.as_str())));
    }
    for EnvVar { name, value } in env {
        text.push_str(&format!("export {name}={} && ", quote(value.as_str())));
    }
    match text.is_empty() || is_simple(command) {
        true => text + command,
        // A group, so that the whole command depends on what comes first.
        false => format!("{text}{{\n{command}\n}}"),
    }
}

/// Whether `prefix && command` applies the prefix to all of the command.
fn is_simple(command: &str) -> bool {
    !command.contains(['\n', ';', '&', '|', '#', '(', ')', '{', '}', '!', '<'])
}

/// A one-shot command for an account whose processes sshd will not signal for us (see [`super::stop`]): the
/// first line of its output is its process group. A POSIX login shell tells it itself; any other starts one that
/// does, and gets the command as one quoted word.
pub fn with_pid(command: &str, login_shell: LoginShell) -> String {
    match login_shell {
        LoginShell::Posix => format!("echo $$\n{command}"),
        _ => {
            format!("exec /bin/sh -c 'echo $$; exec \"${{SHELL:-/bin/sh}}\" -c \"$1\"' sh {}", quote(command))
        }
    }
}

/// What the first command of a session sets up before its own text: a signal meant for a command must not end the
/// shell; and where the shell is a bash that can do it, [`brief_frame`]'s two functions, which it tells by printing
/// [`BRIEF`]. They cannot be redefined: what runs between commands is ours.
pub fn setup() -> String {
    format!(
        "trap : INT TERM; case ${{BASH_VERSION-}} in ''|[1-3].*|4.0*) ;; *) eval {} && echo {BRIEF};; esac; ",
        quote(BRIEF_FUNCTIONS)
    )
}

/// What a shell prints when it takes [`brief_frame`]s.
pub const BRIEF: &str = "brief";

/// `__s N` takes the next N characters of the shell's input: a mark and a command, as [`brief_frame`] sends them.
/// `__e CODE` prints the end marks.
const BRIEF_FUNCTIONS: &str = concat!(
    "__s() { IFS= read -rN \"$1\" __c; __a=${__c:0:5} __b=${__c:5:6} __c=${__c:11}; }; ",
    "__e() { printf '%s%s %d %s\\0' \"$__a\" \"$__b\" \"$1\" \"$PWD\" >&8; printf %s%s \"$__a\" \"$__b\" >&9; }; ",
    "readonly -f __s __e",
);

/// What starts a session's shell: any login shell can read this line. Output and
/// errors are kept on descriptors 8 and 9, where the end marks go, so that a
/// command's own redirections do not move them. The first line of output is the
/// shell's process group.
pub const BOOTSTRAP: &str = concat!(
    "exec /bin/sh -c 'echo $$; exec 8>&1 9>&2; ",
    "case \"${SHELL##*/}\" in bash|zsh|dash|ash|ksh|mksh|busybox|sh) ;; *) SHELL=/bin/sh ;; esac; ",
    "export SHELL; exec \"$SHELL\" -s'",
);

/// The frame around one command in a session: the command in quotes, its input, and the end marks; behind the first
/// stand the exit code and the directory, up to a NUL. `input` ends with a newline when it is not empty.
pub fn frame(command: &str, input: &str, mark: &Mark) -> String {
    let (first, second) = mark.halves();
    let quoted = quote(command);
    let (redirect, document) = match input {
        "" => ("</dev/null".to_owned(), String::new()),
        _ => (format!("<<'{second}{first}'"), format!("{input}{second}{first}\n")),
    };
    format!(
        "eval {quoted} {redirect} 8>&- 9>&-\n{document}printf '%s%s %d %s\\0' {first} {second} $? \"$PWD\" >&8;printf %s%s {first} {second} >&9\n"
    )
}

/// [`frame`] for a bash that has the functions of [`setup`]. Bash reads its commands with a system call a byte, which
/// costs more than all the rest of a short command; `read -N` takes what follows at once. It counts characters, so
/// the command must be ASCII.
pub fn brief_frame(command: &str, mark: &Mark) -> String {
    let (first, second) = mark.halves();
    let length = first.len() + second.len() + command.len();
    format!("__s {length};eval \"$__c\" </dev/null 8>&- 9>&-;__e $?\n{first}{second}{command}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_protocol::request::EnvValue;
    use sallyport_protocol::text::EnvName;

    #[test]
    fn a_quote_inside_a_word_does_not_end_it() {
        assert_eq!(quote("it's"), r"'it'\''s'");
    }

    #[test]
    fn a_failing_change_of_directory_keeps_the_whole_command_from_running() {
        let cwd = RemotePath::new("/srv/my app").unwrap();
        assert_eq!(command("ls", Some(&cwd), &[]), "cd -- '/srv/my app' && ls");
        assert_eq!(command("a; b", Some(&cwd), &[]), "cd -- '/srv/my app' && {\na; b\n}");
        assert_eq!(command("a; b", None, &[]), "a; b");
    }

    #[test]
    fn a_command_behind_its_process_number_is_one_quoted_word() {
        assert_eq!(
            with_pid("echo 'a'; b", LoginShell::Fish),
            r#"exec /bin/sh -c 'echo $$; exec "${SHELL:-/bin/sh}" -c "$1"' sh 'echo '\''a'\''; b'"#
        );
    }

    #[test]
    fn variables_are_quoted() {
        let env =
            [EnvVar { name: EnvName::new("A").unwrap(), value: EnvValue::new("x'; rm -rf ~").unwrap() }];
        assert_eq!(command("env", None, &env), r"export A='x'\''; rm -rf ~' && env");
    }
}
