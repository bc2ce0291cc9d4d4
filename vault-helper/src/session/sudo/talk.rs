//! What is read on standard error up to the start of the command: sudo's question, the mark that says that the
//! command's shell has started, and what sudo says instead of either.

use sallyport_protocol::{ErrorCode, Failure};

use crate::hex::hex;
use crate::session::marks::Mark;

/// Bytes of chatter (lectures, warnings) before the start; more is not sudo.
const MOST: usize = 32 * 1024;

/// The two random signs of one call.
pub struct Signs {
    /// What sudo is told to ask with. Begins with what no mark holds.
    pub prompt: String,
    /// What the started shell says.
    pub mark: Mark,
}

impl Signs {
    /// New ones.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes)?;
        Ok(Self { prompt: format!(":sp-{}:", hex(&bytes)), mark: Mark::random()? })
    }
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing that decides.
    Nothing,
    /// The question, for the `n`th time.
    Question(usize),
    /// The command has started: its supervising shell's process number, and output behind the mark.
    Started(Option<u32>, Vec<u8>),
    /// So much that it cannot be sudo.
    Flood,
}

/// The listener.
pub struct Talk {
    prompt: Vec<u8>,
    mark: Vec<u8>,
    said: Vec<u8>,
    /// Where the next question is looked for.
    from: usize,
    questions: usize,
}

impl Talk {
    /// Listens for these signs.
    pub fn new(signs: &Signs) -> Self {
        Self {
            prompt: signs.prompt.clone().into_bytes(),
            mark: signs.mark.printed(),
            said: Vec::new(),
            from: 0,
            questions: 0,
        }
    }

    /// Takes a chunk of standard error. The mark is looked for first: behind it nothing is a question.
    pub fn hear(&mut self, bytes: &[u8]) -> Heard {
        self.said.extend_from_slice(bytes);
        if let Some(at) = memchr::memmem::find(&self.said, &self.mark) {
            let behind = at + self.mark.len();
            let Some(end) = self.said[behind..].iter().position(|byte| *byte == b'\n') else {
                return self.bounded();
            };
            let number = std::str::from_utf8(&self.said[behind..behind + end]).ok();
            let pid = number.and_then(|text| text.trim().parse().ok()).filter(|pid| *pid > 1);
            let rest = self.said.split_off(behind + end + 1);
            self.said.truncate(at);
            return Heard::Started(pid, rest);
        }
        if let Some(at) = memchr::memmem::find(&self.said[self.from..], &self.prompt) {
            self.from += at + self.prompt.len();
            self.questions += 1;
            return Heard::Question(self.questions);
        }
        self.bounded()
    }

    fn bounded(&self) -> Heard {
        if self.said.len() > MOST { Heard::Flood } else { Heard::Nothing }
    }

    /// Whether sudo asked.
    pub fn asked(&self) -> bool {
        self.questions > 0
    }

    /// What was said, without the questions, in few words.
    pub fn words(&self) -> String {
        let text = String::from_utf8_lossy(&self.said);
        let text = text.replace(&String::from_utf8_lossy(&self.prompt).into_owned(), "");
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = lines.len().saturating_sub(4);
        lines[last..].join("; ").chars().take(600).collect()
    }
}

/// What sudo says where it runs on a terminal only.
const NO_TERMINAL: &str = "must have a tty";

/// What sudo, sudo-rs and doas say when they refuse, in lower case, and what it means.
const REFUSALS: &[(&str, ErrorCode, &str)] = &[
    (
        NO_TERMINAL,
        ErrorCode::UnsupportedOperation,
        "sudo runs only on a terminal there (requiretty), and the host gives none; a line `Defaults:USER !requiretty` in its sudoers lifts that",
    ),
    (
        "a terminal is required",
        ErrorCode::UnsupportedOperation,
        "it asks on a terminal only; allow the account to run it without a password there",
    ),
    ("sudoers file", ErrorCode::PermissionDenied, "the account may not use sudo on that host"),
    (
        "may not run",
        ErrorCode::PermissionDenied,
        "the host's sudoers file does not allow this account to do that",
    ),
    (
        "not allowed",
        ErrorCode::PermissionDenied,
        "the host's sudoers file does not allow this account to run /bin/sh as that user",
    ),
    (
        "not permitted",
        ErrorCode::PermissionDenied,
        "the host's doas.conf does not allow this account to run /bin/sh as that user",
    ),
    ("unknown user", ErrorCode::InvalidArgument, "run_as names an account of that host"),
    ("unknown uid", ErrorCode::InvalidArgument, "run_as names an account of that host"),
    ("user not found", ErrorCode::InvalidArgument, "run_as names an account of that host"),
    (
        "authentication required",
        ErrorCode::UnsupportedOperation,
        "doas asks on a terminal only and with its own words, so no password is given to it; `permit nopass` in its doas.conf, or sudo, works",
    ),
    (
        "authorization required",
        ErrorCode::UnsupportedOperation,
        "doas asks on a terminal only and with its own words, so no password is given to it; `permit nopass` in its doas.conf, or sudo, works",
    ),
];

/// Whether sudo refuses because it has no terminal (sudoers(5), `requiretty`).
pub fn wants_terminal(words: &str) -> bool {
    words.to_lowercase().contains(NO_TERMINAL)
}

/// Whether these words refuse for another reason than the password.
pub fn is_refusal(words: &str) -> bool {
    let lower = words.to_lowercase();
    REFUSALS.iter().any(|(needle, ..)| lower.contains(needle))
}

/// Why the command did not start. `name` is the program's.
pub fn refusal(name: &str, label: &str, slug: &str, words: &str, given: bool) -> Failure {
    let lower = words.to_lowercase();
    let said = if words.is_empty() { String::new() } else { format!(": {words}") };
    // What sudo says of the password counts first: it repeats itself behind a refusal of that kind.
    let known = REFUSALS.iter().find(|(needle, ..)| lower.contains(needle));
    match known {
        Some((_, code, hint)) => {
            Failure::new(*code, format!("{name} on {label} did not run the command{said}"), *hint)
        }
        None if given => Failure::new(
            ErrorCode::AuthFailed,
            format!("{name} on {label} refused the password of {slug}; it was tried once"),
            format!(
                "a person replaces the record: sallyport credential remove {slug} --password, then add it again"
            ),
        ),
        None => Failure::new(
            ErrorCode::PermissionDenied,
            format!("{name} on {label} did not run the command{said}"),
            "look at the host's sudoers file",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk() -> (Talk, String, String) {
        let signs = Signs::random().unwrap();
        let (first, second) = signs.mark.halves();
        (Talk::new(&signs), signs.prompt.clone(), format!("{first}{second}"))
    }

    #[test]
    fn a_question_is_heard_once_however_it_is_cut_and_a_second_one_is_told_apart() {
        let (mut talk, prompt, _) = talk();
        let (first, rest) = prompt.split_at(5);
        assert_eq!(talk.hear(b"a lecture\n"), Heard::Nothing);
        assert_eq!(talk.hear(first.as_bytes()), Heard::Nothing);
        assert_eq!(talk.hear(rest.as_bytes()), Heard::Question(1));
        assert_eq!(talk.hear(format!("Sorry, try again.\n{prompt}").as_bytes()), Heard::Question(2));
        assert_eq!(talk.words(), "a lecture; Sorry, try again.");
    }

    #[test]
    fn behind_the_start_nothing_is_a_question() {
        let (mut talk, prompt, mark) = talk();
        let all = format!("{mark} 4711\n{prompt}");
        assert_eq!(talk.hear(all.as_bytes()), Heard::Started(Some(4711), prompt.into_bytes()));
    }

    #[test]
    fn a_start_without_a_sensible_number_is_a_start() {
        for number in ["", "1", "-5", "x", "99999999999"] {
            let (mut talk, _, mark) = talk();
            assert_eq!(
                talk.hear(format!("{mark} {number}\n").as_bytes()),
                Heard::Started(None, Vec::new()),
                "{number:?}"
            );
        }
    }

    #[test]
    fn a_flood_ends_the_talk() {
        let (mut talk, ..) = talk();
        assert_eq!(talk.hear(&[b'x'; MOST + 1]), Heard::Flood);
    }

    #[test]
    fn each_refusal_has_its_code() {
        let code = |words: &str, given: bool| {
            refusal("sudo", "me@web1", "sudo://me@web1", words, given).code.as_str()
        };
        let table = [
            ("sudo: sorry, you must have a tty to run sudo", false, "unsupported_operation"),
            ("me is not in the sudoers file.", true, "permission_denied"),
            ("Sorry, user me is not allowed to execute '/bin/sh' as root on vm.", true, "permission_denied"),
            ("Sorry, user me may not run sudo on vm.", false, "permission_denied"),
            ("sudo-rs: I'm sorry me. I'm afraid I can't do that", false, "permission_denied"),
            ("sudo: unknown user nobody-there", false, "invalid_argument"),
            ("doas: Operation not permitted", false, "permission_denied"),
            ("doas: Authentication required", false, "unsupported_operation"),
            ("sudo: 1 incorrect password attempt", true, "auth_failed"),
            ("Sorry, try again.; sudo: no password was provided", true, "auth_failed"),
            ("", true, "auth_failed"),
        ];
        for (words, given, expected) in table {
            assert_eq!(code(words, given), expected, "{words}");
        }
        let shown = refusal("sudo", "me@web1", "sudo://me@web1", "", true);
        insta::assert_snapshot!(format!("{}\n{}", shown.message, shown.hint), @r"
        sudo on me@web1 refused the password of sudo://me@web1; it was tried once
        a person replaces the record: sallyport credential remove sudo://me@web1 --password, then add it again
        ");
    }
}
