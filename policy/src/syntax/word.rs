//! One word of the shell, read into pieces: what is literal, what is quoted, what is expanded.

use std::borrow::Cow;

use super::escapes;

/// A part of a word, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// Literal text. Unquoted text may hold globs.
    Text { text: Cow<'a, str>, quoted: bool },
    /// `~` or `~user` at the start.
    Tilde(&'a str),
    /// `$x`, `${x...}`.
    Param { param: Param<'a>, quoted: bool },
    /// `$(...)` or backquotes: the code, and its offset in the word when it stands there verbatim.
    Subst { code: Cow<'a, str>, offset: Option<usize>, quoted: bool },
    /// `$((...))`, `$[...]`: the expression.
    Arith(&'a str),
    /// `<(...)`, `>(...)`: the code and its offset; whether it is read from.
    Process { code: &'a str, offset: usize, read: bool },
}

/// A parameter expansion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Param<'a> {
    /// The variable's name, with no subscript.
    pub(crate) name: &'a str,
    /// The subscript's text, if any.
    pub(crate) index: Option<&'a str>,
    /// All that follows the name inside the braces (`:-word`, `%%x`, ...).
    pub(crate) op: &'a str,
    /// `${!x}` or `${#x}`.
    pub(crate) prefix: Option<u8>,
}

/// Reads a word outside of double quotes. Nothing when its quoting or brackets do not close.
pub(crate) fn read_word(raw: &str) -> Option<Vec<Piece<'_>>> {
    let mut reader = Reader { raw, bytes: raw.as_bytes(), at: 0, pieces: Vec::with_capacity(2) };
    if raw.starts_with('~') {
        let end = raw.find(|c: char| !(c.is_alphanumeric() || "~._+-".contains(c))).unwrap_or(raw.len());
        if end == raw.len() || raw[end..].starts_with('/') || raw[end..].starts_with(':') {
            reader.pieces.push(Piece::Tilde(&raw[1..end]));
            reader.at = end;
        }
    }
    reader.unquoted()?;
    Some(reader.pieces)
}

/// Reads text as inside double quotes (here-documents, arithmetic, prompts).
pub(crate) fn read_quoted(raw: &str) -> Option<Vec<Piece<'_>>> {
    let mut reader = Reader { raw, bytes: raw.as_bytes(), at: 0, pieces: Vec::new() };
    reader.quoted(false)?;
    Some(reader.pieces)
}

struct Reader<'a> {
    raw: &'a str,
    bytes: &'a [u8],
    at: usize,
    pieces: Vec<Piece<'a>>,
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn text(&mut self, from: usize, to: usize, quoted: bool) {
        if from < to {
            self.pieces.push(Piece::Text { text: Cow::Borrowed(&self.raw[from..to]), quoted });
        }
    }

    fn unquoted(&mut self) -> Option<()> {
        let mut from = self.at;
        while let Some(byte) = self.peek(0) {
            let special = match byte {
                b'\\' | b'\'' | b'"' | b'`' | b'$' => true,
                b'<' | b'>' => self.peek(1) == Some(b'('),
                _ => false,
            };
            if !special {
                self.at += 1;
                continue;
            }
            self.text(from, self.at, false);
            match byte {
                b'\\' => self.backslash()?,
                b'\'' => {
                    let end = find(self.bytes, self.at + 1, b'\'')?;
                    let text = Cow::Borrowed(&self.raw[self.at + 1..end]);
                    self.pieces.push(Piece::Text { text, quoted: true });
                    self.at = end + 1;
                }
                b'"' => {
                    self.at += 1;
                    self.pieces.push(Piece::Text { text: Cow::Borrowed(""), quoted: true });
                    self.quoted(true)?;
                }
                b'`' => self.backquotes(false)?,
                b'$' => self.dollar(false)?,
                _ => {
                    let end = close_paren(self.bytes, self.at + 2)?;
                    let code = &self.raw[self.at + 2..end];
                    self.pieces.push(Piece::Process { code, offset: self.at + 2, read: byte == b'<' });
                    self.at = end + 1;
                }
            }
            from = self.at;
        }
        self.text(from, self.at, false);
        Some(())
    }

    /// A backslash outside quotes: the next character is literal, a line feed vanishes.
    fn backslash(&mut self) -> Option<()> {
        let next = self.raw[self.at + 1..].chars().next();
        match next {
            Some('\n') => self.at += 2,
            Some(c) => {
                let from = self.at + 1;
                self.at = from + c.len_utf8();
                self.text(from, self.at, true);
            }
            None => {
                self.text(self.at, self.at + 1, true);
                self.at += 1;
            }
        }
        Some(())
    }

    /// Double-quoted text up to the closing quote (`closes`) or the end.
    fn quoted(&mut self, closes: bool) -> Option<()> {
        let mut from = self.at;
        loop {
            match self.peek(0) {
                None if closes => return None,
                None => break,
                Some(b'"') if closes => break,
                Some(b'\\') => {
                    let next = self.peek(1);
                    match next {
                        Some(b'$' | b'`' | b'\\') => {}
                        Some(b'"') if closes => {}
                        Some(b'\n') => {
                            self.text(from, self.at, true);
                            self.at += 2;
                            from = self.at;
                            continue;
                        }
                        Some(_) => {
                            self.at += 1;
                            let c = self.raw[self.at..].chars().next()?;
                            self.at += c.len_utf8();
                            continue;
                        }
                        None => {
                            self.at += 1;
                            continue;
                        }
                    }
                    self.text(from, self.at, true);
                    from = self.at + 1;
                    self.at += 2;
                }
                Some(b'`') => {
                    self.text(from, self.at, true);
                    self.backquotes(true)?;
                    from = self.at;
                }
                Some(b'$') => {
                    self.text(from, self.at, true);
                    self.dollar(true)?;
                    from = self.at;
                }
                Some(_) => self.at += 1,
            }
        }
        self.text(from, self.at, true);
        self.at += usize::from(closes);
        Some(())
    }

    fn backquotes(&mut self, quoted: bool) -> Option<()> {
        let from = self.at + 1;
        let mut end = from;
        let mut escaped = false;
        loop {
            match self.bytes.get(end)? {
                b'`' => break,
                b'\\' => {
                    escaped = true;
                    end += 2;
                }
                _ => end += 1,
            }
        }
        let body = self.raw.get(from..end)?;
        let piece = if escaped {
            let mut code = String::with_capacity(body.len());
            let mut chars = body.chars().peekable();
            while let Some(c) = chars.next() {
                let unescape = c == '\\'
                    && chars.peek().is_some_and(|n| matches!(n, '$' | '`' | '\\') || (quoted && *n == '"'));
                if !unescape {
                    code.push(c);
                } else if let Some(next) = chars.next() {
                    code.push(next);
                }
            }
            Piece::Subst { code: Cow::Owned(code), offset: None, quoted }
        } else {
            Piece::Subst { code: Cow::Borrowed(body), offset: Some(from), quoted }
        };
        self.pieces.push(piece);
        self.at = end + 1;
        Some(())
    }

    fn dollar(&mut self, quoted: bool) -> Option<()> {
        let start = self.at;
        match self.peek(1) {
            Some(b'\'') if !quoted => {
                let mut end = start + 2;
                while *self.bytes.get(end)? != b'\'' {
                    end += if self.bytes[end] == b'\\' { 2 } else { 1 };
                }
                let text = Cow::Owned(escapes::decode(self.raw.get(start + 2..end)?));
                self.pieces.push(Piece::Text { text, quoted: true });
                self.at = end + 1;
            }
            Some(b'"') if !quoted => {
                self.at += 2;
                self.quoted(true)?;
            }
            Some(b'(') if self.peek(2) == Some(b'(') && arith_end(self.bytes, start + 3).is_some() => {
                let end = arith_end(self.bytes, start + 3)?;
                self.pieces.push(Piece::Arith(&self.raw[start + 3..end]));
                self.at = end + 2;
            }
            Some(b'(') => {
                let end = close_paren(self.bytes, start + 2)?;
                let code = Cow::Borrowed(&self.raw[start + 2..end]);
                self.pieces.push(Piece::Subst { code, offset: Some(start + 2), quoted });
                self.at = end + 1;
            }
            Some(b'[') => {
                let end = find(self.bytes, start + 2, b']')?;
                self.pieces.push(Piece::Arith(&self.raw[start + 2..end]));
                self.at = end + 1;
            }
            Some(b'{') => {
                let end = close_brace(self.bytes, start + 2)?;
                let param = braced(&self.raw[start + 2..end])?;
                self.pieces.push(Piece::Param { param, quoted });
                self.at = end + 1;
            }
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                let mut end = start + 2;
                while self.bytes.get(end).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
                    end += 1;
                }
                self.plain_param(start + 1, end, quoted);
            }
            Some(byte) if byte.is_ascii_digit() || b"@*#?$!-".contains(&byte) => {
                self.plain_param(start + 1, start + 2, quoted);
            }
            _ => {
                self.text(start, start + 1, true);
                self.at += 1;
            }
        }
        Some(())
    }

    fn plain_param(&mut self, from: usize, to: usize, quoted: bool) {
        let param = Param { name: &self.raw[from..to], index: None, op: "", prefix: None };
        self.pieces.push(Piece::Param { param, quoted });
        self.at = to;
    }
}

/// The inside of `${...}`.
fn braced(body: &str) -> Option<Param<'_>> {
    let bytes = body.as_bytes();
    let (prefix, rest) = match bytes.first() {
        Some(b'#') if body.len() > 1 && !body.starts_with("#:") && !body.starts_with("##") => {
            (Some(b'#'), &body[1..])
        }
        Some(b'!') if body.len() > 1 => (Some(b'!'), &body[1..]),
        _ => (None, body),
    };
    let name_len = match rest.bytes().next()? {
        byte if byte.is_ascii_alphabetic() || byte == b'_' => {
            rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count()
        }
        byte if byte.is_ascii_digit() => rest.bytes().take_while(u8::is_ascii_digit).count(),
        byte if b"@*#?$!-".contains(&byte) => 1,
        _ => return None,
    };
    let (name, mut op) = rest.split_at(name_len);
    let mut index = None;
    if op.starts_with('[') {
        let end = op.find(']')?;
        index = Some(&op[1..end]);
        op = &op[end + 1..];
    }
    Some(Param { name, index, op, prefix })
}

fn find(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    bytes.get(from..)?.iter().position(|byte| *byte == wanted).map(|at| at + from)
}

/// The `))` that closes an arithmetic expansion whose text starts at `from`.
fn arith_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b')' => return (bytes.get(at + 1) == Some(&b')')).then_some(at),
            b'\'' | b'"' | b'`' | b'\\' => at = skip_quote(bytes, at)? - 1,
            _ => {}
        }
        at += 1;
    }
    None
}

/// The position after the quoted stretch that starts at `at`.
fn skip_quote(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes[at] {
        b'\\' => Some(at + 2),
        b'\'' => find(bytes, at + 1, b'\'').map(|end| end + 1),
        quote => {
            let mut next = at + 1;
            loop {
                match *bytes.get(next)? {
                    byte if byte == quote => return Some(next + 1),
                    b'\\' => next += 2,
                    b'$' if quote == b'"' && bytes.get(next + 1) == Some(&b'(') => {
                        next = close_paren(bytes, next + 2)? + 1;
                    }
                    b'$' if quote == b'"' && bytes.get(next + 1) == Some(&b'{') => {
                        next = close_brace(bytes, next + 2)? + 1;
                    }
                    b'`' if quote == b'"' => next = skip_quote(bytes, next)?,
                    _ => next += 1,
                }
            }
        }
    }
}

/// The `}` that closes a parameter expansion whose text starts at `from`.
fn close_brace(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match *bytes.get(at)? {
            b'}' => return Some(at),
            b'$' if bytes.get(at + 1) == Some(&b'{') => at = close_brace(bytes, at + 2)? + 1,
            b'$' if bytes.get(at + 1) == Some(&b'(') => at = close_paren(bytes, at + 2)? + 1,
            b'\\' | b'\'' | b'"' | b'`' => at = skip_quote(bytes, at)?,
            _ => at += 1,
        }
    }
}

/// The `)` that closes a substitution whose code starts at `from`.
///
/// Inside `case ... esac` a lone `)` ends a pattern; the bodies of here-documents are passed over.
fn close_paren(bytes: &[u8], from: usize) -> Option<usize> {
    let (mut depth, mut cases, mut at) = (0_usize, 0_usize, from);
    let mut pending: Vec<HereEnd> = Vec::new();
    loop {
        let byte = *bytes.get(at)?;
        let boundary = at == from || b" \t\n;&|(".contains(&bytes[at - 1]);
        match byte {
            b'\n' if !pending.is_empty() => {
                for end in pending.drain(..) {
                    at = end.skip(bytes, at)?;
                }
                continue;
            }
            b'\\' | b'\'' | b'"' | b'`' => {
                at = skip_quote(bytes, at)?;
                continue;
            }
            b'$' if bytes.get(at + 1) == Some(&b'{') => {
                at = close_brace(bytes, at + 2)? + 1;
                continue;
            }
            b'$' if bytes[at + 1..].starts_with(b"((") && arith_end(bytes, at + 3).is_some() => {
                at = arith_end(bytes, at + 3)? + 2;
                continue;
            }
            b'#' if boundary => {
                at = find(bytes, at, b'\n')?;
                continue;
            }
            b'<' if bytes[at..].starts_with(b"<<<") => {
                at += 3;
                continue;
            }
            b'<' if bytes[at..].starts_with(b"<<") => {
                let (end, next) = HereEnd::read(bytes, at + 2)?;
                pending.push(end);
                at = next;
                continue;
            }
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            b')' if cases > 0 => {}
            // A here-document that has not begun ends who knows where.
            b')' => return pending.is_empty().then_some(at),
            b'c' if boundary && keyword(bytes, at, b"case") => cases += 1,
            b'e' if boundary && keyword(bytes, at, b"esac") => cases = cases.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
}

/// What ends a here-document.
struct HereEnd {
    word: Vec<u8>,
    tabs: bool,
    quoted: bool,
}

impl HereEnd {
    /// The delimiter after `<<`, and the position behind it.
    fn read(bytes: &[u8], mut at: usize) -> Option<(Self, usize)> {
        let tabs = bytes.get(at) == Some(&b'-');
        at += usize::from(tabs);
        while matches!(bytes.get(at), Some(b' ' | b'\t')) {
            at += 1;
        }
        let mut end = Self { word: Vec::new(), tabs, quoted: false };
        loop {
            match *bytes.get(at)? {
                quote @ (b'\'' | b'"') => {
                    let close = find(bytes, at + 1, quote)?;
                    end.word.extend_from_slice(&bytes[at + 1..close]);
                    end.quoted = true;
                    at = close + 1;
                }
                b'\\' => {
                    end.word.push(*bytes.get(at + 1)?);
                    end.quoted = true;
                    at += 2;
                }
                b'$' | b'`' => return None,
                byte if b" \t\n;&|()<>".contains(&byte) => break,
                byte => {
                    end.word.push(byte);
                    at += 1;
                }
            }
        }
        let sure = !end.word.is_empty() && !end.word.contains(&b'\\') && !end.word.contains(&b'"');
        sure.then_some((end, at))
    }

    /// From the line feed before the body to the one behind its last line.
    fn skip(&self, bytes: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let from = at + 1;
            let to = bytes[from..].iter().position(|byte| *byte == b'\n').map(|end| from + end)?;
            let mut line = &bytes[from..to];
            while self.tabs && line.first() == Some(&b'\t') {
                line = &line[1..];
            }
            if line == self.word {
                // A line that continues the one above ends nothing.
                let continued = !self.quoted && bytes[..at].last() == Some(&b'\\');
                return (!continued).then_some(to);
            }
            at = to;
        }
    }
}

fn keyword(bytes: &[u8], at: usize, word: &[u8]) -> bool {
    bytes[at..].starts_with(word) && bytes.get(at + word.len()).is_none_or(|b| b" \t\n;)&|".contains(b))
}

#[cfg(test)]
mod tests;
