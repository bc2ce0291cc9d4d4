//! A word after expansion, with marks where its text is known only at run time.

/// Stands for text known only at run time.
pub(super) const UNKNOWN: char = '\0';
/// Stands for the home directory (`~`, `$HOME`).
pub(super) const HOME: char = '\u{2}';
/// How an unknown part is shown to people.
pub(super) const SHOWN_UNKNOWN: &str = "$?";

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Arg {
    /// The text, with [`UNKNOWN`] and [`HOME`] marks.
    pub(super) text: String,
    /// Holds an active glob.
    pub(super) glob: bool,
    /// An unquoted unknown: may become no word or many.
    pub(super) open: bool,
    /// Some of it was quoted.
    pub(super) quoted: bool,
    /// Byte range of the word in its source, when it has one.
    pub(super) span: Option<(usize, usize)>,
}

impl Arg {
    /// A word whose text is exactly this.
    pub(super) fn literal(text: &str) -> Self {
        Self { text: clean(text), glob: false, open: false, quoted: true, span: None }
    }

    /// One word of unknown text.
    pub(super) fn unknown() -> Self {
        Self { text: UNKNOWN.to_string(), glob: false, open: false, quoted: true, span: None }
    }

    /// Any number of words of unknown text.
    pub(super) fn unknowns() -> Self {
        Self { open: true, quoted: false, ..Self::unknown() }
    }

    /// Some existing file's name: unknown, but no option and no code.
    pub(super) fn some_file() -> Self {
        Self { text: "./*".to_owned(), glob: true, open: false, quoted: true, span: None }
    }

    /// Whether any of the text is unknown.
    pub(super) fn is_unknown(&self) -> bool {
        self.text.contains(UNKNOWN)
    }

    /// Whether it may turn out to be an option.
    pub(super) fn may_be_option(&self) -> bool {
        self.text.starts_with([UNKNOWN, '-']) || self.open
    }

    /// The text as people see it.
    pub(super) fn shown(&self) -> String {
        if !self.text.contains([UNKNOWN, HOME]) {
            return self.text.clone();
        }
        self.text.replace(UNKNOWN, SHOWN_UNKNOWN).replace(HOME, "~")
    }
}

/// Text from outside, with the engine's own marks taken out of it.
pub(super) fn clean(text: &str) -> String {
    text.replace([UNKNOWN, HOME], "\u{fffd}")
}
