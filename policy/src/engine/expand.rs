//! Words to arguments: expansion with what the shell knows here.

use std::borrow::Cow;

use super::arg::{Arg, HOME, UNKNOWN, clean};
use super::shell::{Source, Stdin};
use super::{Engine, Output};
use crate::state::Var;
use crate::syntax::{Param, Piece, expand_braces, read_quoted, read_word};

/// Longest text one argument may reach; beyond it the argument is unknown.
const MAX_ARG: usize = 64 * 1024;

/// Arguments being put together from pieces.
struct Fields {
    done: Vec<Arg>,
    now: Arg,
    started: bool,
}

impl Fields {
    fn new(span: Option<(usize, usize)>) -> Self {
        Self { done: Vec::new(), now: empty(span), started: false }
    }

    fn push(&mut self, text: &str, quoted: bool) {
        self.started |= quoted || !text.is_empty();
        self.now.quoted |= quoted;
        if self.now.text.len() + text.len() > MAX_ARG {
            self.now.text = UNKNOWN.to_string();
        } else {
            self.now.text.push_str(text);
        }
        self.now.glob |= !quoted && (text.contains(['*', '?']) || (text.contains('[') && text.contains(']')));
    }

    fn unknown(&mut self, quoted: bool) {
        self.push("\0", quoted);
        self.now.open |= !quoted;
    }

    fn cut(&mut self) {
        if self.started {
            let next = empty(self.now.span);
            self.done.push(std::mem::replace(&mut self.now, next));
        }
        self.started = false;
    }

    /// Unquoted expansion text: split at the characters of `IFS`.
    fn split(&mut self, text: &str, ifs: &str) {
        let mut first = true;
        for part in text.split(|c| ifs.contains(c)) {
            if !first {
                self.cut();
            }
            first = false;
            self.push(part, false);
            self.now.open |= part.contains(UNKNOWN);
        }
    }
}

fn empty(span: Option<(usize, usize)>) -> Arg {
    Arg { text: String::new(), glob: false, open: false, quoted: false, span }
}

impl Engine<'_> {
    /// Expands a raw word into arguments. `span` is its place in `source`.
    pub(super) fn expand(
        &mut self,
        raw: &str,
        source: &Source<'_>,
        span: Option<(usize, usize)>,
    ) -> Vec<Arg> {
        if raw.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+=:,@%".contains(&b)) {
            return vec![Arg { text: raw.to_owned(), glob: false, open: false, quoted: false, span }];
        }
        let Some(words) = expand_braces(raw) else {
            return vec![Arg { span, ..Arg::unknowns() }];
        };
        let mut fields = Fields::new(span);
        let verbatim = words.len() == 1;
        for word in &words {
            self.pieces(read_word(word), source, span.filter(|_| verbatim), true, &mut fields);
            fields.cut();
        }
        fields.done
    }

    /// Expands a raw word into one text: assignments, redirect targets, here-strings, case words.
    pub(super) fn expand_one(&mut self, raw: &str, source: &Source<'_>, span: Option<(usize, usize)>) -> Arg {
        let mut fields = Fields::new(span);
        self.pieces(read_word(raw), source, span, false, &mut fields);
        Arg { open: false, ..fields.now }
    }

    /// Expands text that stands as if in double quotes: here-documents and arithmetic.
    pub(super) fn expand_quoted(&mut self, raw: &str, source: &Source<'_>) -> Arg {
        let mut fields = Fields::new(None);
        self.pieces(read_quoted(raw), source, None, false, &mut fields);
        fields.now
    }

    fn pieces(
        &mut self,
        pieces: Option<Vec<Piece<'_>>>,
        source: &Source<'_>,
        span: Option<(usize, usize)>,
        split: bool,
        fields: &mut Fields,
    ) {
        let Some(pieces) = pieces else {
            self.opaque(source, span.unwrap_or(source.all()), "opaque");
            fields.unknown(false);
            return;
        };
        for piece in pieces {
            match piece {
                Piece::Text { text, quoted } => {
                    if text.contains([UNKNOWN, HOME]) {
                        fields.push(&clean(&text), quoted);
                    } else {
                        fields.push(&text, quoted);
                    }
                }
                Piece::Tilde(user) => match user {
                    "" => fields.push("\u{2}", true),
                    "+" => fields.push(".", true),
                    "-" => fields.unknown(true),
                    "root" => fields.push("/root", true),
                    user => fields.push(&format!("/home/{user}"), true),
                },
                Piece::Param { param, quoted } => self.param(&param, quoted || !split, source, fields),
                Piece::Subst { code, offset, quoted } => {
                    let output = self.substitute(code, offset, source, span);
                    self.insert(
                        output.as_deref().map(|text| text.trim_end_matches('\n')),
                        quoted || !split,
                        fields,
                    );
                }
                Piece::Arith(text) => {
                    self.arithmetic(text, source);
                    let plain = text.trim();
                    let number =
                        !plain.is_empty() && plain.len() < 10 && plain.bytes().all(|b| b.is_ascii_digit());
                    if number && (plain == "0" || !plain.starts_with('0')) {
                        fields.push(plain, true);
                    } else {
                        fields.unknown(true);
                    }
                }
                Piece::Process { code, offset, read } => {
                    let output = self.process(code, offset, read, source, span);
                    fields.push(&output, true);
                }
            }
        }
    }

    /// Text of an expansion: known or not, split or not.
    fn insert(&mut self, text: Option<&str>, whole: bool, fields: &mut Fields) {
        match text {
            None => fields.unknown(whole),
            Some(text) if whole => fields.push(text, true),
            Some(text) => {
                let ifs = match self.shell.variables.get("IFS") {
                    None => " \t\n".to_owned(),
                    Some(Var::Text(ifs)) => ifs.clone(),
                    Some(_) => return fields.unknown(false),
                };
                fields.split(text, &ifs);
            }
        }
    }

    fn param(&mut self, param: &Param<'_>, whole: bool, source: &Source<'_>, fields: &mut Fields) {
        if param.prefix.is_none() && param.op.is_empty() && (param.name == "@" || param.index == Some("@")) {
            let name = if param.index.is_some() { param.name } else { "@" };
            if let Some(Var::List(list)) = self.shell.variables.get(name).cloned() {
                if list.is_empty() && fields.now.text.is_empty() {
                    // `"$@"` of nothing is no word, not an empty one.
                    fields.started = false;
                }
                for (index, text) in list.iter().enumerate() {
                    if index > 0 {
                        fields.cut();
                    }
                    self.insert(Some(text), whole, fields);
                }
                return;
            }
        }
        let text = self.parameter(param, source);
        self.insert(text.as_deref(), whole, fields);
        if text.is_none() && param.name == "@" {
            fields.now.open = true;
        }
    }

    /// Runs the code of a command substitution and says what it prints.
    fn substitute(
        &mut self,
        code: Cow<'_, str>,
        offset: Option<usize>,
        source: &Source<'_>,
        span: Option<(usize, usize)>,
    ) -> Output {
        let start = span.map(|span| span.0);
        let verbatim = start.and_then(|start| offset.map(|offset| start + offset));
        let inner = source.inner(code, verbatim, span.unwrap_or(source.all()));
        if let Some(path) = inner.text.trim().strip_prefix('<') {
            let path = path.trim();
            if !path.starts_with(['<', '&', '(']) && !path.contains(char::is_whitespace) {
                return self.file_content(path);
            }
        }
        self.isolated(Stdin::Outer, true, |engine| engine.run(&inner))
    }

    /// Runs the code of a process substitution; the path it becomes is known by name only.
    fn process(
        &mut self,
        code: &str,
        offset: usize,
        read: bool,
        source: &Source<'_>,
        span: Option<(usize, usize)>,
    ) -> String {
        let inner =
            source.inner(Cow::Borrowed(code), span.map(|span| span.0 + offset), span.unwrap_or(source.all()));
        if !read {
            self.isolated(Stdin::Pipe { fetched: false }, false, |engine| engine.run(&inner));
            return "/dev/fd/63".to_owned();
        }
        let output = self.isolated(Stdin::Outer, true, |engine| engine.run(&inner));
        self.keep_process_output(output)
    }

    /// Records what a process substitution prints as the content of a path of its own.
    pub(super) fn keep_process_output(&mut self, output: Output) -> String {
        let path = format!("/dev/fd/{}", 63 + self.shell.files.len());
        self.shell.files.insert(path.clone(), output);
        path
    }

    /// Substitutions inside arithmetic, and code hidden in the variables it names.
    pub(super) fn arithmetic(&mut self, text: &str, source: &Source<'_>) {
        if text.contains(['$', '`']) {
            self.expand_quoted(text, source);
        }
        let hidden = self.shell.variables.values().any(Var::holds_code);
        if hidden {
            self.opaque(source, source.all(), "opaque");
        }
        for (at, _) in text.match_indices('=') {
            let name = text[..at].trim_end_matches(['+', '-', '*', '/', '%', ' ']);
            let name = name.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next();
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                self.shell.variables.insert(name.to_owned(), Var::Unknown);
            }
        }
    }
}
