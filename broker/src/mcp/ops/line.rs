//! Composing a command: words of ours as they are, words of a caller quoted, and nothing else.

use sallyport_protocol::Failure;

use crate::mcp::call::invalid;

/// The longest argument, in bytes.
const LONGEST: usize = 1024;

/// A command line that grows. Only a fixed text is ever put into it as it is.
#[derive(Debug, Clone)]
pub struct Line(String);

impl Line {
    /// Begins with fixed words.
    pub fn of(fixed: &'static str) -> Self {
        Self(fixed.to_owned())
    }

    /// Fixed words.
    pub fn and(mut self, fixed: &'static str) -> Self {
        self.0.push(' ');
        self.0.push_str(fixed);
        self
    }

    /// A caller's word, quoted.
    pub fn word(mut self, word: &str) -> Self {
        self.0.push(' ');
        self.0.push_str(&quote(word));
        self
    }

    /// A number.
    pub fn number(mut self, number: u32) -> Self {
        self.0.push_str(&format!(" {number}"));
        self
    }

    /// An option with a caller's word, where there is one.
    pub fn option(self, name: &'static str, word: Option<&str>) -> Self {
        match word {
            Some(word) => self.and(name).word(word),
            None => self,
        }
    }

    /// The command.
    pub fn finish(self) -> String {
        self.0
    }
}

/// Quotes a word for a POSIX shell (XCU 2.2.2): inside single quotes nothing is special.
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// A word that a program cannot take for an option: not empty, without control characters, no dash at its front.
///
/// # Errors
/// `invalid_argument`, naming the argument.
pub fn plain<'a>(name: &str, word: &'a str) -> Result<&'a str, Failure> {
    let good = !word.is_empty() && word.len() <= LONGEST && !word.starts_with('-');
    match good && !word.contains(char::is_control) {
        true => Ok(word),
        false => Err(invalid(format!(
            "{name} is a word of at most {LONGEST} bytes that does not begin with a dash, without control characters"
        ))),
    }
}

/// [`plain`], where there is a word.
///
/// # Errors
/// As [`plain`].
pub fn plain_if<'a>(name: &str, word: &'a Option<String>) -> Result<Option<&'a str>, Failure> {
    word.as_deref().map(|word| plain(name, word)).transpose()
}

/// A name of letters, digits, `_`, `.` and `-`: for programs that read more than a name into anything else.
///
/// # Errors
/// `invalid_argument`, naming the argument.
pub fn name<'a>(what: &str, word: &'a str) -> Result<&'a str, Failure> {
    let word = plain(what, word)?;
    match word.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-')) {
        true => Ok(word),
        false => Err(invalid(format!("{what} is a name of letters, digits, `_`, `.` and `-`"))),
    }
}

/// How many a call asks for; `usual` without a wish.
///
/// # Errors
/// `invalid_argument` for none, or more than `most`.
pub fn counted(what: &str, wish: Option<u32>, usual: u32, most: u32) -> Result<u32, Failure> {
    match wish.unwrap_or(usual) {
        count if (1..=most).contains(&count) => Ok(count),
        _ => Err(invalid(format!("{what} is from 1 to {most}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_word_stays_one_word_whatever_is_in_it() {
        let line = Line::of("tail -n").number(5).and("--").word("it's; rm -rf / $(id)\n`id`").finish();
        assert_eq!(line, "tail -n 5 -- 'it'\\''s; rm -rf / $(id)\n`id`'");
        assert_eq!(Line::of("x").option("-u", None).option("-p", Some("a b")).finish(), "x -p 'a b'");
    }

    #[test]
    fn a_word_that_could_be_an_option_or_more_than_a_word_is_refused() {
        for bad in ["", "-x", "--since=now", "a\nb", "a\0", &"x".repeat(1025)] {
            assert!(plain("unit", bad).is_err(), "{bad:?}");
        }
        for bad in ["host=evil", "postgresql://u:p@h/db", "a b", "-d", "a'b"] {
            assert!(name("database", bad).is_err(), "{bad:?}");
        }
        assert_eq!(name("database", "app_2-x.y").unwrap(), "app_2-x.y");
    }
}
