//! The end marks of a command in a shell session.
//!
//! A mark is 66 random bits, new for every command, so nothing a command prints
//! can look like one; it is short because bash reads its commands byte by byte.
//! It is sent to the shell in two halves that only `printf` joins: a shell that
//! echoes what it runs (`set -x`, `set -v`) shows the halves, never the mark.

/// What marks are made of: six bits each, nothing a shell gives a meaning to.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.";
/// Length of the first half.
const FIRST: usize = 5;
/// Length of both halves.
const BOTH: usize = 11;

/// One command's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    first: String,
    second: String,
}

impl Mark {
    /// A new random mark.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; BOTH];
        getrandom::fill(&mut bytes)?;
        let letters = |bytes: &[u8]| {
            bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect::<String>()
        };
        Ok(Self { first: letters(&bytes[..FIRST]), second: letters(&bytes[FIRST..]) })
    }

    /// The two halves, as shell words.
    pub fn halves(&self) -> (&str, &str) {
        (&self.first, &self.second)
    }

    /// The mark as it is printed.
    pub fn printed(&self) -> Vec<u8> {
        format!("{}{}", self.first, self.second).into_bytes()
    }
}

/// Looks for a mark in a stream of any chunks, and holds back only bytes that may be its beginning.
#[derive(Debug)]
pub struct Finder {
    mark: Vec<u8>,
    held: Vec<u8>,
}

/// What a chunk brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// Ordinary output; the mark has not come.
    Output(Vec<u8>),
    /// Output up to the mark, and what followed it.
    Mark {
        /// Before the mark.
        before: Vec<u8>,
        /// After it.
        after: Vec<u8>,
    },
}

impl Finder {
    /// A finder for a mark.
    pub fn new(mark: &Mark) -> Self {
        Self::of(mark.printed())
    }

    /// A finder for any sign.
    pub fn of(sign: Vec<u8>) -> Self {
        Self { mark: sign, held: Vec::new() }
    }

    /// Takes a chunk.
    pub fn push(&mut self, chunk: Vec<u8>) -> Found {
        let mut bytes = std::mem::take(&mut self.held);
        if bytes.is_empty() {
            bytes = chunk
        } else {
            bytes.extend_from_slice(&chunk)
        }
        if let Some(at) = find(&bytes, &self.mark) {
            let after = bytes.split_off(at + self.mark.len());
            bytes.truncate(at);
            return Found::Mark { before: bytes, after };
        }
        let longest = (self.mark.len() - 1).min(bytes.len());
        let partial = (1..=longest).rev().find(|n| bytes.ends_with(&self.mark[..*n])).unwrap_or(0);
        self.held = bytes.split_off(bytes.len() - partial);
        Found::Output(bytes)
    }

    /// What is held when the stream ends without the mark.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        Mark { first: "00112233".into(), second: "8899aabb".into() }
    }

    #[test]
    fn a_mark_is_found_however_the_stream_is_cut() {
        let mut whole = b"output without newline".to_vec();
        whole.extend(mark().printed());
        whole.extend(b" rest");
        for cut in 0..whole.len() - b" rest".len() {
            let mut finder = Finder::new(&mark());
            let (mut before, mut after) = (Vec::new(), None);
            for piece in [&whole[..cut], &whole[cut..]] {
                match finder.push(piece.to_vec()) {
                    Found::Output(bytes) => before.extend(bytes),
                    Found::Mark { before: bytes, after: rest } => {
                        before.extend(bytes);
                        after = Some(rest);
                    }
                }
            }
            assert_eq!(
                (before.as_slice(), after.as_deref()),
                (&b"output without newline"[..], Some(&b" rest"[..])),
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn only_the_beginning_of_a_mark_is_held_back() {
        let mut finder = Finder::new(&mark());
        assert_eq!(finder.push(b"prompt> 0011".to_vec()), Found::Output(b"prompt> ".to_vec()));
        assert_eq!(finder.push(b"xx".to_vec()), Found::Output(b"0011xx".to_vec()));
        assert_eq!(finder.push(b"00".to_vec()), Found::Output(Vec::new()));
        assert_eq!(finder.rest(), b"00");
    }

    #[test]
    fn the_halves_alone_are_not_the_mark() {
        let mut finder = Finder::new(&mark());
        let traced = b"+ printf %s%s 00112233 8899aabb\n".to_vec();
        assert_eq!(finder.push(traced.clone()), Found::Output(traced));
    }
}
