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

/// What the first command of a session sets up: a signal meant for a command must not end the shell.
pub const SHELL_TRAPS: &str = "trap : INT TERM; ";

/// What starts a session's shell: any login shell can read this line. Output and
/// errors are kept on descriptors 8 and 9, where the end marks go, so that a
/// command's own redirections do not move them. The first line of output is the
/// shell's process group.
pub const BOOTSTRAP: &str = concat!(
    "exec /bin/sh -c 'echo $$; exec 8>&1 9>&2; ",
    "case \"${SHELL##*/}\" in bash|zsh|dash|ash|ksh|mksh|busybox|sh) ;; *) SHELL=/bin/sh ;; esac; ",
    "export SHELL; exec \"$SHELL\" -s'",
);

/// The frame around one command in a session: the command in quotes, its input,
/// and the end marks. `input` ends with a newline when it is not empty.
pub fn frame(command: &str, input: &str, mark: &Mark) -> String {
    let (first, second) = mark.halves();
    let quoted = quote(command);
    let (redirect, document) = match input {
        "" => ("</dev/null".to_owned(), String::new()),
        _ => (format!("<<'{first}{second}'"), format!("{input}{first}{second}\n")),
    };
    format!(
        "eval {quoted} {redirect} 8>&- 9>&-\n{document}printf '%s%s %d %s%s%s\\n' {first} {second} $? \"$PWD\" {first} {second} >&8;printf %s%s {first} {second} >&9\n"
    )
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
