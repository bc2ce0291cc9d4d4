//! The text that is sent to a shell, composed from a request. What is composed
//! here is what the policy judges: nothing is added afterwards but the frame that
//! feeds a shell session, which holds no words of the request outside quotes.

use sallyport_policy::LoginShell;
use sallyport_protocol::request::EnvVar;
use sallyport_protocol::text::RemotePath;

use super::input;
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
/// first line of its output is its process group.
pub fn with_pid(command: &str) -> String {
    format!("echo $$\n{command}")
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

/// How a session's shell is told to run a command and to say that it has ended: words that no function and no alias
/// of the session's stands in front of. A function called `builtin` or `command` still does; see [`probe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Nothing is known yet: the first command finds out.
    Unknown,
    /// dash and busybox's ash. `eval` is a special built-in, which no function can be named after; `command` passes
    /// functions by.
    Posix,
    /// ksh and mksh, in the same words.
    Ksh,
    /// Functions come before all built-ins but when `builtin` is said.
    Zsh,
    /// A bash that is too old for [`brief_frame`]s or began in POSIX mode, in the same words.
    Bash,
    /// A bash that takes [`brief_frame`]s.
    Brief,
}

impl Dialect {
    /// What the first command of a session printed: whether the shell is the account's own, how it is spoken to, and
    /// what is left.
    pub fn told(said: &str) -> (bool, Self, &str) {
        let (own, said) = said.strip_prefix(OWN).map_or((false, said), |rest| (true, rest));
        let all = [
            ("posix\n", Self::Posix),
            ("ksh\n", Self::Ksh),
            ("zsh\n", Self::Zsh),
            ("bash\n", Self::Bash),
            ("brief\n", Self::Brief),
        ];
        all.into_iter()
            .find_map(|(name, dialect)| Some((own, dialect, said.strip_prefix(name)?)))
            .unwrap_or((own, Self::Unknown, said))
    }

    /// What stands before `eval`, and before `printf` and `read`. A backslash keeps aliases away.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Unknown => ("", ""),
            Self::Posix | Self::Ksh => ("\\", "\\command "),
            Self::Zsh | Self::Bash | Self::Brief => ("\\builtin ", "\\builtin "),
        }
    }

    /// What stands before a program that is not to be a function of its name.
    pub fn program(self) -> &'static str {
        match self {
            Self::Unknown | Self::Posix | Self::Ksh => "\\command ",
            Self::Zsh | Self::Bash | Self::Brief => "\\builtin command ",
        }
    }
}

/// What the first command of a session sets up before its own text: a signal meant for a command must not end the
/// shell; the shell prints [`OWN`] where it is that, and its [`Dialect`]; and where it is a bash that can do it, it gets [`brief_frame`]'s two
/// functions, which cannot be redefined: what runs between commands is ours.
pub fn setup() -> String {
    format!(
        "trap : INT TERM; case ${{1-}} in own) echo own;; esac; set --; case ${{ZSH_VERSION:+z}}${{KSH_VERSION:+k}}${{BASH_VERSION-}} in '') echo posix;; \
         k*) echo ksh;; z*) echo zsh;; [1-3].*|4.0*) echo bash;; \
         *) if eval {}; then echo brief; else echo bash; fi;; esac; ",
        quote(BRIEF_FUNCTIONS)
    )
}

/// `__s N HALF` takes the next N characters of the shell's input: a mark and a command, as [`brief_frame`] sends them.
/// Where they are not what was sent, what follows must not run: a parameter that is never there ends the shell.
/// `__e CODE` prints the end marks. In POSIX mode older ones know no process substitution, which [`input`] wants.
const BRIEF_FUNCTIONS: &str = concat!(
    "__s() { builtin read -rN \"$1\" __c; [[ ${__c:0:5} == \"$2\" ]] || __a=${3?the command could not be read}; ",
    "__a=${__c:0:5} __b=${__c:5:6} __c=${__c:11}; }; ",
    "__e() { builtin printf '%s%s %d %s\\0' \"$__a\" \"$__b\" \"$1\" \"$PWD\" >&8; ",
    "builtin printf %s%s \"$__a\" \"$__b\" >&9; } </dev/null; ",
    "readonly -f __s __e; [[ ! -o posix ]]",
);

/// What starts a session's shell: any login shell can read this line. Output and
/// errors are kept on descriptors 8 and 9, where the end marks go, so that a
/// command's own redirections do not move them; they are opened for that shell alone,
/// as ksh hands on no others. The first line of output is the shell's process group. A
/// shell that is the account's own is given [`OWN`].
pub const BOOTSTRAP: &str = concat!(
    "exec /bin/sh -c 'echo $$; ",
    "case \"${SHELL##*/}\" in bash|zsh|dash|ash|ksh|ksh93|mksh|sh) set -- own ;; *) SHELL=/bin/sh ;; esac; ",
    "export SHELL; exec \"$SHELL\" -s \"$@\" 8>&1 9>&2'",
);

/// The same for a login shell that told [`OWN`] before on its connection: without a shell in between, which costs the
/// host a millisecond.
pub const OWN_BOOTSTRAP: &str = "echo $$; export SHELL; exec \"$SHELL\" -s own 8>&1 9>&2";

/// What a session's shell tells of itself when it is the account's login shell.
const OWN: &str = "own\n";

/// The frame around a line of our own in a session: it may read the shell's standard input, so all of it stands on
/// one line, which a shell has read to its end before it runs any of it.
pub fn own_frame(line: &str, mark: &Mark, dialect: Dialect) -> String {
    format!("{{ {line}; }} {SHUT}; {}\n", marks(mark, dialect))
}

/// Prints mark, exit code and directory, up to a NUL, on one stream, and the mark on the other. Whatever runs in place
/// of `printf` does not read what comes next. No group around them: before one that has redirections, ksh lets a debug
/// trap change `$?`.
fn marks(mark: &Mark, dialect: Dialect) -> String {
    let ((first, second), (_, word)) = (mark.halves(), dialect.words());
    format!(
        "{word}printf '%s%s %d %s\\0' {first} {second} \"$?\" \"$PWD\" >&8 </dev/null; \
         {word}printf %s%s {first} {second} >&9 </dev/null"
    )
}

/// What keeps the end marks' descriptors from a command.
pub const SHUT: &str = "8>&- 9>&-";

/// The frame around one command in a session: the command in quotes, its input, and the end marks; behind the first
/// stand the exit code and the directory, up to a NUL.
pub fn frame(command: &str, input: &[u8], mark: &Mark, dialect: Dialect) -> String {
    let run = format!("{}eval {}", dialect.words().0, quote(command));
    format!("{}\n{}\n", input::fed(&run, input, mark, dialect), marks(mark, dialect))
}

/// [`frame`] for a bash that has the functions of [`setup`]. Bash reads its commands with a system call a byte, which
/// costs more than all the rest of a short command; `read -N` takes what follows at once. It counts characters, so
/// the command must be ASCII.
pub fn brief_frame(command: &str, mark: &Mark) -> String {
    let (first, second) = mark.halves();
    let length = first.len() + second.len() + command.len();
    format!(
        "__s {length} {first};\\builtin eval \"$__c\" </dev/null 8>&- 9>&-;__e \"$?\"\n{first}{second}{command}"
    )
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
