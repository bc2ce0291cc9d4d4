//! The text that is sent to a shell, composed from a request. What is composed
//! here is what the policy judges: nothing is added afterwards but the frame that
//! feeds a shell session ([`super::frame`]).

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

/// A one-shot command for an account whose processes sshd will not signal for us (see [`super::stop`]): it begins with
/// telling its process group.
pub fn with_pid(command: &str, mark: &Mark) -> String {
    format!("{}\n{command}", tell_pid(mark))
}

/// A command that prints the line that [`super::stop::Group`] looks for.
pub fn tell_pid(mark: &Mark) -> String {
    let (first, second) = mark.halves();
    format!("echo {first}{second} $$")
}

/// A command line for POSIX shells as one that the account's login shell passes to a POSIX shell unchanged.
pub fn for_login_shell(command: &str, login_shell: LoginShell) -> String {
    let mut quoted = String::with_capacity(command.len() + 32);
    for character in command.chars() {
        match (login_shell, character) {
            (LoginShell::Posix | LoginShell::Powershell, _) => return command.to_owned(),
            // fish(1), quotes: inside single quotes a backslash protects itself and the quote.
            (LoginShell::Fish, '\\' | '\'') => quoted.extend(['\\', character]),
            // csh(1), lexical structure: a quote ends, and history and line ends are protected inside.
            (LoginShell::Csh, '\'') => quoted.push_str("'\\''"),
            (LoginShell::Csh, '!' | '\n') => quoted.extend(['\\', character]),
            (_, other) => quoted.push(other),
        }
    }
    format!("exec /bin/sh -c '{quoted}'")
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
    fn a_command_reaches_a_posix_shell_through_any_login_shell() {
        let through = |shell| for_login_shell("echo 'a\\' !x", shell);
        assert_eq!(through(LoginShell::Posix), "echo 'a\\' !x");
        assert_eq!(through(LoginShell::Fish), r"exec /bin/sh -c 'echo \'a\\\' !x'");
        assert_eq!(through(LoginShell::Csh), r"exec /bin/sh -c 'echo '\''a\'\'' \!x'");
    }

    #[test]
    fn variables_are_quoted() {
        let env =
            [EnvVar { name: EnvName::new("A").unwrap(), value: EnvValue::new("x'; rm -rf ~").unwrap() }];
        assert_eq!(command("env", None, &env), r"export A='x'\''; rm -rf ~' && env");
    }
}
