//! How the end of a command in a session is told: the marks on both streams, and what follows them.

use super::marks::{Finder, Found, Mark};

/// Output of background children between commands that is kept for the next one, in bytes.
pub const LATE: usize = 64 * 1024;
/// The longest tail behind the mark: exit code and directory.
const MAX_STATUS: usize = 8 * 1024;

/// One stream's way to its end mark.
pub struct End {
    finder: Finder,
    /// Whether exit code and directory follow the mark, up to a NUL.
    tail: bool,
    collecting: bool,
    collected: Vec<u8>,
    /// What followed the mark, once it is whole.
    status: Option<Vec<u8>>,
    /// Looks for the answer to a [`super::frame::probe`], which comes after the mark or tells that none will.
    probe: Option<Finder>,
    /// The shell went on and there was no mark.
    pub lost: bool,
    /// Output beyond the end: a background child's, the last of it.
    rest: Vec<u8>,
}

impl End {
    /// The end that this mark tells, with exit code and directory behind it or not.
    pub fn new(mark: &Mark, tail: bool) -> Self {
        Self {
            finder: Finder::new(mark),
            tail,
            collecting: false,
            collected: Vec::new(),
            status: None,
            probe: None,
            lost: false,
            rest: Vec::new(),
        }
    }

    /// What followed the mark, once all that belongs to the command has come.
    pub fn status(&self) -> Option<&[u8]> {
        self.status.as_deref().filter(|_| self.probe.is_none())
    }

    /// A probe with this sign is sent.
    pub fn expect(&mut self, sign: &Mark) {
        // With the end of its line: a shell that shows what it reads has the sign inside one.
        self.probe = Some(Finder::of([sign.printed().as_slice(), b"\n"].concat()));
    }

    /// What is held back when the stream ends without a mark.
    pub fn held(&mut self) -> Vec<u8> {
        let mut held = self.probe.as_mut().map(Finder::rest).unwrap_or_default();
        held.extend(self.finder.rest());
        held
    }

    /// Takes a chunk; returns what is output of the command.
    pub fn take(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        if self.status.is_some() {
            self.after(bytes);
            return Vec::new();
        }
        if self.collecting {
            self.collect(bytes);
            return Vec::new();
        }
        match self.finder.push(bytes) {
            Found::Output(bytes) => self.before(bytes),
            Found::Mark { before, after } => {
                // Whatever could have been the sign's beginning is output.
                let mut output = self.probe.as_mut().map(Finder::rest).unwrap_or_default();
                output.extend(before);
                match self.tail {
                    true => {
                        self.collecting = true;
                        self.collect(after);
                    }
                    false => {
                        self.status = Some(Vec::new());
                        self.after(after);
                    }
                }
                output
            }
        }
    }

    /// Output before the mark; the sign in it tells that the mark will not come.
    fn before(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let Some(probe) = &mut self.probe else { return bytes };
        match probe.push(bytes) {
            Found::Output(bytes) => bytes,
            Found::Mark { mut before, .. } => {
                self.lost = true;
                before.truncate(line_start(&before));
                before
            }
        }
    }

    /// Output behind the mark, without the line that answers the probe.
    fn after(&mut self, bytes: Vec<u8>) {
        let Some(probe) = &mut self.probe else { return self.keep(bytes) };
        match probe.push(bytes) {
            Found::Output(bytes) => self.keep(bytes),
            Found::Mark { before, after } => {
                self.probe = None;
                self.keep(before);
                self.rest.truncate(line_start(&self.rest));
                self.keep(after);
            }
        }
    }

    /// A host may have ended one stream and not the other, and print there for ever.
    fn keep(&mut self, bytes: Vec<u8>) {
        self.rest.extend(bytes);
        if self.rest.len() > 2 * LATE {
            self.rest.drain(..self.rest.len() - LATE);
        }
    }

    /// What came beyond the end.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut rest = std::mem::take(&mut self.rest);
        rest.drain(..rest.len().saturating_sub(LATE));
        rest
    }

    /// Takes what follows the mark, up to a NUL: a directory's name holds none.
    fn collect(&mut self, mut bytes: Vec<u8>) {
        let end = memchr::memchr(0, &bytes);
        let rest = end.map(|end| bytes.split_off(end + 1));
        if end.is_some() {
            bytes.pop();
        }
        let room = MAX_STATUS - self.collected.len().min(MAX_STATUS);
        self.collected.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if let Some(rest) = rest {
            self.status = Some(std::mem::take(&mut self.collected));
            self.after(rest);
        }
    }
}

/// Where the last line begins.
fn line_start(bytes: &[u8]) -> usize {
    memchr::memrchr(b'\n', bytes).map_or(0, |end| end + 1)
}

/// Reads ` CODE DIRECTORY`.
pub fn parse_status(status: &[u8]) -> (Option<i32>, Option<String>) {
    let text = String::from_utf8_lossy(status);
    let Some((code, cwd)) = text.strip_prefix(' ').and_then(|rest| rest.split_once(' ')) else {
        return (None, None);
    };
    (code.parse().ok(), Some(cwd.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(end: &mut End, stream: &[u8]) -> Vec<u8> {
        stream.iter().flat_map(|byte| end.take(vec![*byte])).collect()
    }

    #[test]
    fn a_command_that_was_probed_has_ended_when_the_answer_came_behind_its_mark() {
        let (mark, sign) = (Mark::random().unwrap(), Mark::random().unwrap());
        let mut end = End::new(&mark, true);
        assert_eq!(cut(&mut end, b"out"), b"out");
        end.expect(&sign);
        assert_eq!(cut(&mut end, &[b"put".as_slice(), &mark.printed(), b" 3 /srv\0"].concat()), b"put");
        assert_eq!(end.status(), None, "the answer is on its way");
        cut(&mut end, &[b"late\nsh: 1: __never: ".as_slice(), &sign.printed(), b"\nlater"].concat());
        assert_eq!(end.status().map(parse_status), Some((Some(3), Some("/srv".into()))));
        assert_eq!((end.rest(), end.lost), (b"late\nlater".to_vec(), false));
    }

    #[test]
    fn what_floods_a_stream_that_has_ended_is_not_kept_for_ever() {
        let mark = Mark::random().unwrap();
        let mut end = End::new(&mark, false);
        end.take(mark.printed());
        for _ in 0..100 {
            end.take(vec![b'x'; LATE]);
        }
        end.take(b"last".to_vec());
        let rest = end.rest();
        assert!(rest.len() <= LATE && rest.ends_with(b"xlast"), "{}", rest.len());
    }

    #[test]
    fn an_answer_without_a_mark_before_it_tells_that_none_will_come() {
        let (mark, sign) = (Mark::random().unwrap(), Mark::random().unwrap());
        let mut end = End::new(&mark, false);
        end.expect(&sign);
        let said = cut(&mut end, &[b"out\nsh: 1: __never: ".as_slice(), &sign.printed(), b"\n"].concat());
        assert!(end.lost && said.starts_with(b"out\n"), "{said:?}");
    }
}
