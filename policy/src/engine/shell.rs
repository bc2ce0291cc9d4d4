//! Where code stands and what it reads.

use std::borrow::Cow;

/// A piece of code and its place in the judged command.
pub(super) struct Source<'s> {
    pub(super) text: Cow<'s, str>,
    /// Offset of `text` in the judged command, when it stands there verbatim.
    base: Option<usize>,
    /// The span to report when it does not.
    span: (usize, usize),
    /// Byte offset of each character, for texts that are not ASCII.
    offsets: Option<Vec<usize>>,
}

impl<'s> Source<'s> {
    /// The whole command.
    pub(super) fn whole(text: &'s str) -> Self {
        Self::new(Cow::Borrowed(text), Some(0), (0, text.len()))
    }

    fn new(text: Cow<'s, str>, base: Option<usize>, span: (usize, usize)) -> Self {
        let offsets = (!text.is_ascii()).then(|| text.char_indices().map(|(at, _)| at).collect());
        Self { text, base, span, offsets }
    }

    /// Code found in a part of this source: verbatim at `offset`, or made of it.
    pub(super) fn inner<'t>(
        &self,
        code: Cow<'t, str>,
        offset: Option<usize>,
        within: (usize, usize),
    ) -> Source<'t> {
        let base = self.base.and_then(|base| offset.map(|offset| base + offset));
        Source::new(code, base, self.report(within))
    }

    /// Byte range of a range of character positions, as the grammar counts them.
    pub(super) fn bytes(&self, from: usize, to: usize) -> (usize, usize) {
        let place = |index: usize| match &self.offsets {
            None => index.min(self.text.len()),
            Some(offsets) => offsets.get(index).copied().unwrap_or(self.text.len()),
        };
        (place(from), place(to))
    }

    /// A byte range of this source as a span of the judged command.
    pub(super) fn report(&self, (from, to): (usize, usize)) -> (usize, usize) {
        self.base.map_or(self.span, |base| (base + from, base + to))
    }

    /// The text of a byte range.
    pub(super) fn slice(&self, (from, to): (usize, usize)) -> &str {
        self.text.get(from..to).unwrap_or(&self.text)
    }

    /// The whole range.
    pub(super) fn all(&self) -> (usize, usize) {
        (0, self.text.len())
    }
}

/// What a command reads from its standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stdin {
    /// Whatever the call gives: data, or code for an interpreter.
    Outer,
    /// Nothing.
    Null,
    /// This text.
    Known(String),
    /// A file.
    File(String),
    /// Another command's output.
    Pipe {
        /// That command fetches from the network.
        fetched: bool,
    },
}
