//! Dotenv records: `NAME=value` lines that are injected into a remote process's environment.
//!
//! The common part of what the many dotenv libraries read. A value is bare up to the line's end or a comment,
//! or in single quotes (nothing inside means anything), or in double quotes (`\n`, `\t`, `\r`, `\"`,
//! `\\` and `\$` are escapes). Quoted values may span lines. Nothing is expanded.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::record::Secret;
use crate::harden::memory::secretly;

/// Most variables in one record.
const MAX_VARIABLES: usize = 256;

/// One variable. Its name is no secret.
#[derive(Debug)]
pub struct Variable {
    /// Letters, digits and underscores, not starting with a digit.
    pub name: String,
    /// Its value; may be empty.
    pub value: Secret,
}

/// Why a record is no dotenv text, with the line, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DotenvError {
    /// No `=`, or a name with other characters.
    #[error("line {0} does not read NAME=value")]
    Shape(usize),
    /// A quote without its end, or something other than a comment behind it.
    #[error("the quotes in line {0} do not match")]
    Quotes(usize),
    /// The same name again.
    #[error("line {0} sets a name a second time")]
    Twice(usize),
    /// A NUL, which no environment can hold.
    #[error("line {0} holds a NUL")]
    Nul(usize),
    /// More than 256.
    #[error("more than {MAX_VARIABLES} variables")]
    TooMany,
}

/// Reads a `dotenv` record. A record without any variable is an empty list.
///
/// # Errors
/// Names the line; never repeats a byte of it.
pub fn parse_dotenv(record: &Secret) -> Result<Vec<Variable>, DotenvError> {
    secretly(|| read(record))
}

fn read(record: &Secret) -> Result<Vec<Variable>, DotenvError> {
    let mut reader = Reader { rest: record.expose(), line: 1 };
    let mut variables = Vec::new();
    let mut names = BTreeSet::new();
    while let Some(name) = reader.name()? {
        let line = reader.line;
        let value = reader.value()?;
        if value.contains(&0) {
            return Err(DotenvError::Nul(line));
        }
        if !names.insert(name.clone()) {
            return Err(DotenvError::Twice(line));
        }
        if variables.len() == MAX_VARIABLES {
            return Err(DotenvError::TooMany);
        }
        variables.push(Variable { name, value: Secret::copy_of(&value) });
    }
    Ok(variables)
}

struct Reader<'a> {
    rest: &'a [u8],
    line: usize,
}

impl Reader<'_> {
    fn take(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.line += usize::from(byte == b'\n');
        Some(byte)
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.rest.first().is_some_and(|&byte| wanted(byte)) {
            self.take();
        }
    }

    /// Skips to the next assignment and takes its name and `=`; none at the end.
    fn name(&mut self) -> Result<Option<String>, DotenvError> {
        loop {
            self.skip_while(|byte| byte.is_ascii_whitespace());
            match self.rest.first() {
                None => return Ok(None),
                Some(b'#') => self.skip_while(|byte| byte != b'\n'),
                Some(_) => break,
            }
        }
        let shape = DotenvError::Shape(self.line);
        if let Some(rest) = self.rest.strip_prefix(b"export ") {
            self.rest = rest;
            self.skip_while(is_blank);
        }
        let end = self.rest.iter().position(|&byte| !(byte.is_ascii_alphanumeric() || byte == b'_'));
        let (name, rest) = self.rest.split_at(end.ok_or(shape)?);
        let well_named = name.first().is_some_and(|byte| !byte.is_ascii_digit());
        self.rest = rest;
        self.skip_while(is_blank);
        match (well_named, self.take()) {
            (true, Some(b'=')) => Ok(Some(String::from_utf8_lossy(name).into_owned())),
            _ => Err(shape),
        }
    }

    fn value(&mut self) -> Result<Zeroizing<Vec<u8>>, DotenvError> {
        self.skip_while(is_blank);
        // Never grows, so that no part of the value stays behind in a smaller buffer.
        let mut value = Zeroizing::new(Vec::with_capacity(self.rest.len()));
        match self.rest.first() {
            Some(&quote @ (b'"' | b'\'')) => self.quoted(quote, &mut value)?,
            _ => self.bare(&mut value),
        }
        Ok(value)
    }

    /// Up to the line's end; a `#` after a blank begins a comment, and blanks at the end do not count.
    fn bare(&mut self, value: &mut Vec<u8>) {
        while let Some(&byte) = self.rest.first() {
            let comment = byte == b'#' && value.last().is_none_or(|&last| is_blank(last));
            if byte == b'\n' || comment {
                break;
            }
            self.take();
            value.push(byte);
        }
        self.skip_while(|byte| byte != b'\n');
        value.truncate(value.trim_ascii_end().len());
    }

    fn quoted(&mut self, quote: u8, value: &mut Vec<u8>) -> Result<(), DotenvError> {
        let unmatched = DotenvError::Quotes(self.line);
        self.take();
        loop {
            match self.take().ok_or(unmatched)? {
                byte if byte == quote => break,
                b'\\' if quote == b'"' => match self.take().ok_or(unmatched)? {
                    b'n' => value.push(b'\n'),
                    b'r' => value.push(b'\r'),
                    b't' => value.push(b'\t'),
                    byte @ (b'"' | b'\\' | b'$') => value.push(byte),
                    other => value.extend([b'\\', other]),
                },
                byte => value.push(byte),
            }
        }
        self.skip_while(|byte| is_blank(byte) || byte == b'\r');
        match self.rest.first() {
            None | Some(b'\n') => Ok(()),
            Some(b'#') => {
                self.skip_while(|byte| byte != b'\n');
                Ok(())
            }
            Some(_) => Err(unmatched),
        }
    }
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<(String, String)>, DotenvError> {
        let variables = parse_dotenv(&Secret::copy_of(text.as_bytes()))?;
        let shown = |value: &Secret| String::from_utf8(value.expose().to_vec()).unwrap();
        Ok(variables.iter().map(|variable| (variable.name.clone(), shown(&variable.value))).collect())
    }

    fn value(text: &str) -> String {
        parsed(text).unwrap().remove(0).1
    }

    #[test]
    fn bare_values_end_with_the_line_or_a_comment() {
        assert_eq!(value("A=b c"), "b c");
        assert_eq!(value("A = b \r\n"), "b");
        assert_eq!(value("A=b # c"), "b");
        assert_eq!(value("A=b#c"), "b#c");
        assert_eq!(value("A=#c"), "");
        assert_eq!(value("A="), "");
        assert_eq!(value("A=p=q=="), "p=q==");
        assert_eq!(value("export A=$HOME`id`"), "$HOME`id`");
    }

    #[test]
    fn quotes_keep_what_is_inside() {
        assert_eq!(value("A='b # \\n \"'"), "b # \\n \"");
        assert_eq!(value(r#"A="b\n\"\\\$\x" # c"#), "b\n\"\\$\\x");
        assert_eq!(value("A=\"-----BEGIN\nline\n-----END\"\nB=c"), "-----BEGIN\nline\n-----END");
    }

    #[test]
    fn comments_and_empty_lines_do_not_count() {
        assert_eq!(parsed("\n# x=y\n\n  A=b\n#\nB=c").unwrap().len(), 2);
        assert_eq!(parsed("# nothing").unwrap(), []);
    }

    #[test]
    fn what_is_no_assignment_names_its_line() {
        assert_eq!(parsed("A=b\nno"), Err(DotenvError::Shape(2)));
        assert_eq!(parsed("A-B=c"), Err(DotenvError::Shape(1)));
        assert_eq!(parsed("1A=c"), Err(DotenvError::Shape(1)));
        assert_eq!(parsed("=c"), Err(DotenvError::Shape(1)));
        assert_eq!(parsed("A=b\nB='c\n\n"), Err(DotenvError::Quotes(2)));
        assert_eq!(parsed("A='b'c"), Err(DotenvError::Quotes(1)));
        assert_eq!(parsed("A=\"b\\"), Err(DotenvError::Quotes(1)));
        assert_eq!(parsed("A=b\nA=c"), Err(DotenvError::Twice(2)));
        assert_eq!(parsed("A=b\0c"), Err(DotenvError::Nul(1)));
        let many: String = (0..=MAX_VARIABLES).map(|number| format!("A{number}=b\n")).collect();
        assert_eq!(parsed(&many), Err(DotenvError::TooMany));
    }

    proptest::proptest! {
        #[test]
        fn any_value_in_single_quotes_comes_back(text in "[^'\\x00]{0,200}") {
            proptest::prop_assert_eq!(value(&format!("A='{text}'")), text);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = parse_dotenv(&Secret::copy_of(&bytes));
        }
    }
}
