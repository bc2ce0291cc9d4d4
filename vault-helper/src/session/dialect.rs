//! How the shell of a session is spoken to: how it is started, what it tells of itself, and the words it understands
//! whatever the session's commands have defined.

use super::compose::{quote, tell_pid};
use super::marks::Mark;

/// How a session's shell is told to run a command and to say that it has ended: words that no function and no alias
/// of the session's stands in front of. A function called `builtin` or `command` still does; see [`super::frame::probe`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Nothing is known yet: the first command finds out.
    Unknown,
    /// dash and busybox's ash.
    Posix,
    /// ksh and mksh, in the same words.
    Ksh,
    /// Functions come before all built-ins but when `builtin` is said.
    Zsh,
    /// A bash that is too old for [`super::frame::brief`] or began in POSIX mode, in the same words.
    Bash,
    /// A bash that takes [`super::frame::brief`] frames.
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

    /// What stands before a built-in command. A backslash keeps aliases away. `eval` is a special one in POSIX shells,
    /// and with `command` it does not end the shell over a mistake in what it runs (XCU 2.8.1).
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "",
            Self::Posix | Self::Ksh => "\\command ",
            Self::Zsh | Self::Bash | Self::Brief => "\\builtin ",
        }
    }

    /// What stands before a program that is not to be a function of its name.
    pub fn program(self) -> &'static str {
        match self {
            Self::Unknown | Self::Posix | Self::Ksh => "\\command ",
            Self::Zsh | Self::Bash | Self::Brief => "\\builtin command ",
        }
    }

    /// A word in quotes. Where a session can be told that a quoted word has one line (`CSH_JUNKIE_QUOTES` of zsh) or
    /// that `!` means something on every line (`histexpand` of bash), what it was sent would be taken apart and run in
    /// pieces that nobody judged: there the word is written on one line and without that sign.
    pub fn quote(self, text: &str) -> String {
        if !matches!(self, Self::Zsh | Self::Bash | Self::Brief) {
            return quote(text);
        }
        let mut quoted = String::with_capacity(text.len() + 16);
        quoted.push_str("$'");
        for character in text.chars() {
            match character {
                '\\' | '\'' => quoted.extend(['\\', character]),
                '!' | '\0'..='\x1f' | '\x7f' => quoted.push_str(&format!("\\{:03o}", u32::from(character))),
                other => quoted.push(other),
            }
        }
        quoted.push('\'');
        quoted
    }

    /// A command that prints bytes that are written as `printf %b` and `print` understand them.
    pub fn prints(self, escaped: &str) -> String {
        // For mksh `printf` is a program.
        let command = if self == Self::Ksh { "print -n --" } else { "printf %b" };
        format!("{}{command} '{escaped}'", self.word())
    }

    /// A command that prints the mark, and does not hold it: see [`super::marks`].
    pub fn says(self, mark: &Mark) -> String {
        let (first, second) = mark.halves();
        match self {
            Self::Ksh => self.prints(&hidden(mark)),
            _ => format!("{}printf %s%s {first} {second}", self.word()),
        }
    }
}

/// The mark with one of its letters written in another way.
pub fn hidden(mark: &Mark) -> String {
    let (first, second) = mark.halves();
    let (letter, rest) = second.split_at(1);
    let number = letter.bytes().next().unwrap_or_default();
    format!("{first}\\0{number:03o}{rest}")
}

/// What the first command of a session sets up before its own text: a signal meant for a command must not end the
/// shell; the shell prints [`OWN`] where it is that, and its [`Dialect`]; and where it is a bash that can do it, it gets the two
/// functions of [`super::frame::brief`], which cannot be redefined: what runs between commands is ours.
pub fn setup() -> String {
    format!(
        "trap : INT TERM; case ${{1-}} in own) echo own;; esac; set --; case ${{ZSH_VERSION:+z}}${{KSH_VERSION:+k}}${{BASH_VERSION-}} in '') echo posix;; \
         k*) echo ksh;; z*) echo zsh;; [1-3].*|4.0*) echo bash;; \
         *) if eval {}; then echo brief; else echo bash; fi;; esac; ",
        quote(BRIEF_FUNCTIONS)
    )
}

/// `__s N HALF NAME` takes the next N characters of the shell's input, a half of the mark and a command, as
/// [`super::frame::brief`] sends them, into a variable of that name: it is new for every command, as a command could
/// give a known one a meaning (`declare -i`). Where they are not what was sent, what follows must not run: a
/// parameter that is never there ends the shell. `__e CODE HALF HALF NAME` prints the end marks. In POSIX mode older
/// ones know no process substitution, which [`super::input`] wants.
const BRIEF_FUNCTIONS: &str = concat!(
    "__s() { builtin read -rN \"$1\" \"$3\"; [[ ${!3:0:5} == \"$2\" ]] || builtin : \"${4?the command could not be read}\"; }; ",
    "__e() { builtin unset -v \"$4\"; builtin printf '%s%s %d %s\\0' \"$2\" \"$3\" \"$1\" \"$PWD\" >&8; ",
    "builtin printf %s%s \"$2\" \"$3\" >&9; } </dev/null; ",
    "readonly -f __s __e; [[ ! -o posix ]]",
);

/// What starts a session's shell: any login shell can read this line. Output and
/// errors are kept on descriptors 8 and 9, where the end marks go, so that a
/// command's own redirections do not move them; they are opened for that shell alone,
/// as ksh hands on no others. First it tells its process group. A
/// shell that is the account's own is given [`OWN`].
///
/// For a login shell that told that before on its connection, without a shell in between, which costs the host a
/// millisecond.
pub fn bootstrap(mark: &Mark, own: bool) -> String {
    let tell = tell_pid(mark);
    match own {
        true => format!("{tell}; export SHELL; exec \"$SHELL\" -s own 8>&1 9>&2"),
        false => format!("exec /bin/sh -c '{tell}; {START}'"),
    }
}

const START: &str = concat!(
    "case \"${SHELL##*/}\" in bash|zsh|dash|ash|ksh|ksh93|mksh|sh) set -- own ;; *) SHELL=/bin/sh ;; esac; ",
    "export SHELL; exec \"$SHELL\" -s \"$@\" 8>&1 9>&2",
);

/// What a session's shell tells of itself when it is the account's login shell.
const OWN: &str = "own\n";
