//! Commands made of words that come from elsewhere: `xargs` and `parallel`.

use super::find::place_file;
use super::interpreters::is_interpreter;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::invoke::base_name;
use crate::engine::shell::{Source, Stdin};

/// Options of xargs that take a value.
const XARGS_VALUES: &str = "aEdInLPs";
/// Words taken from known input.
const MAX_WORDS: usize = 32;

impl Engine<'_> {
    /// `xargs`: its command with the words of its input, known or not.
    pub(super) fn xargs(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let mut at = 1;
        let mut place: Option<String> = None;
        let (mut delimiter, mut input) = (None, None);
        while let Some(arg) = args.get(at).filter(|arg| arg.text.starts_with('-') && arg.text.len() > 1) {
            at += 1;
            let text = arg.text.as_str();
            if let Some(long) = text.strip_prefix("--") {
                let (name, value) =
                    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                match name {
                    "null" => delimiter = Some('\0'),
                    "delimiter" => delimiter = delimiter_of(value.unwrap_or_else(|| next(args, at))),
                    "arg-file" => input = Some(value.unwrap_or_else(|| next(args, at)).to_owned()),
                    _ => {}
                }
                if name == "replace" || name.starts_with("rep") {
                    place = Some(value.unwrap_or("{}").to_owned());
                } else if value.is_none()
                    && ["arg-file", "delimiter", "max-args", "max-procs", "max-chars"]
                        .iter()
                        .any(|known| known.starts_with(name) && name.len() > 3)
                {
                    at += 1;
                }
                continue;
            }
            for (index, letter) in text.char_indices().skip(1) {
                let attached = &text[index + letter.len_utf8()..];
                if letter == '0' {
                    delimiter = Some('\0');
                }
                if letter == 'i' {
                    place = Some(if attached.is_empty() { "{}".to_owned() } else { attached.to_owned() });
                    break;
                }
                if XARGS_VALUES.contains(letter) {
                    let value = if attached.is_empty() {
                        at += 1;
                        args.get(at - 1).map_or("{}", |arg| arg.text.as_str())
                    } else {
                        attached
                    };
                    match letter {
                        'I' => place = Some(value.to_owned()),
                        'd' => delimiter = delimiter_of(value),
                        'a' => input = Some(value.to_owned()),
                        _ => {}
                    }
                    break;
                }
                if matches!(letter, 'l' | 'e') {
                    break;
                }
            }
        }
        let command: Vec<Arg> = args.get(at..).unwrap_or_default().to_vec();
        if command.is_empty() {
            return Facts::READS;
        }
        let known = match (&self.stdin, input) {
            (_, Some(file)) => self.file_content(&file),
            (Stdin::Known(text), None) => Some(text.clone()),
            _ => None,
        };
        if place.is_some() && delimiter.is_none() {
            delimiter = Some('\n');
        }
        let words: Vec<Arg> = match &known {
            Some(text) if text.split_whitespace().count() <= MAX_WORDS => words_of(text, delimiter),
            _ => vec![Arg::unknowns()],
        };
        if let Some(text) = &known
            && place.is_none()
            && delimiter.is_none()
        {
            self.words_as_code(&command, text, source, span);
        }
        let run = |engine: &mut Self, inner: Vec<Arg>| {
            let stdin = std::mem::replace(&mut engine.stdin, Stdin::Null);
            engine.inner(inner, source, span);
            engine.stdin = stdin;
        };
        match place {
            None => {
                let files = known.is_none() && runs_no_code(&command);
                let mut inner = command;
                if files {
                    inner.push(Arg::some_file())
                } else {
                    inner.extend(words)
                }
                run(self, inner);
            }
            Some(mark) => {
                for word in words.iter().take(8) {
                    let inner = command.iter().map(|arg| replace(arg, &mark, word)).collect();
                    run(self, inner);
                }
                // What comes in becomes a part of the code that a shell is given.
                let code =
                    command.iter().skip(1).any(|arg| arg.text.contains(' ') && arg.text.contains(&mark));
                return Facts::READS
                    .reading(known.is_some() || !(code && is_interpreter(base_name(&command[0].text))));
            }
        }
        Facts::READS
    }

    /// Words given to `sh -c` one by one are read as one code as well, the stricter reading.
    fn words_as_code(&mut self, command: &[Arg], text: &str, source: &Source<'_>, span: (usize, usize)) {
        let shell = command.last().is_some_and(|arg| arg.text.starts_with('-') && arg.text.ends_with('c'));
        if shell && !text.contains('\0') {
            self.code_argument(&word_of(text.trim_end()), source, span);
        }
    }

    /// `parallel`: a template read by a shell, with the words after `:::` or from its input.
    pub(super) fn parallel(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let mut at = 1;
        while let Some(arg) = args.get(at).filter(|arg| arg.text.starts_with('-')) {
            let valued = [
                "-j",
                "-P",
                "-S",
                "-a",
                "-n",
                "-N",
                "-I",
                "--jobs",
                "--colsep",
                "--delay",
                "--timeout",
                "--joblog",
                "--results",
                "--tmpdir",
                "--sshlogin",
            ];
            at += if valued.contains(&arg.text.as_str()) { 2 } else { 1 };
        }
        let rest = args.get(at..).unwrap_or_default();
        let mark = rest.iter().position(|arg| arg.text.starts_with(":::"));
        let template = &rest[..mark.unwrap_or(rest.len())];
        let given = mark.map(|mark| &rest[mark + 1..]);
        let file_input = given.is_none() || rest.iter().any(|arg| arg.text == "::::");
        let words: Vec<Arg> = match (given, &self.stdin) {
            (Some(words), _) if !file_input => words.to_vec(),
            (None, Stdin::Known(text)) => text.lines().map(word_of).take(MAX_WORDS).collect(),
            _ => vec![Arg::unknown()],
        };
        for word in words.iter().take(MAX_WORDS) {
            let placed = template.iter().any(|arg| arg.text.contains("{}"));
            let mut line: Vec<Arg> = template.iter().map(|arg| replace(arg, "{}", word)).collect();
            if !placed {
                line.push(word.clone());
            }
            self.joined(&line, source, span);
        }
        Facts::of(Finding::ALLOW)
    }
}

fn next(args: &[Arg], at: usize) -> &str {
    args.get(at).map_or("", |arg| arg.text.as_str())
}

fn delimiter_of(value: &str) -> Option<char> {
    match value {
        "\\n" => Some('\n'),
        "\\t" => Some('\t'),
        "\\0" => Some('\0'),
        _ => value.chars().next(),
    }
}

/// The words of known input. What is unknown in it may stand for any number of them.
fn words_of(text: &str, delimiter: Option<char>) -> Vec<Arg> {
    // Things that were found: a file's name that is not known in a directory that is, a number, an identifier.
    let file = text.lines().all(|line| line.ends_with("/\0"));
    let thing = text.lines().all(|line| line.ends_with('\0') && !line.starts_with('\0'));
    let found = file || thing && delimiter != Some('\0');
    let pieces: Vec<&str> = match delimiter {
        _ if found => text.lines().collect(),
        None => text.split([' ', '\t', '\n']).collect(),
        Some(delimiter) => text.trim_end_matches('\n').split(delimiter).collect(),
    };
    let mut words: Vec<Arg> = pieces.into_iter().filter(|word| !word.is_empty()).map(word_of).collect();
    if text.contains('\0') && !found {
        words.push(Arg::unknowns());
    }
    words
}

/// A word of known input, home marks kept.
fn word_of(text: &str) -> Arg {
    Arg { text: text.to_owned(), ..Arg::literal("") }
}

/// Whether the command takes words as names of things only, so that unknown ones are files to it.
fn runs_no_code(command: &[Arg]) -> bool {
    let name = command[0].text.rsplit('/').next().unwrap_or_default();
    matches!(
        name,
        "grep"
            | "egrep"
            | "fgrep"
            | "rg"
            | "cat"
            | "ls"
            | "wc"
            | "head"
            | "tail"
            | "file"
            | "stat"
            | "du"
            | "md5sum"
            | "sha256sum"
            | "basename"
            | "dirname"
            | "echo"
            | "printf"
            | "realpath"
            | "sha1sum"
            | "cksum"
            | "nl"
            | "cut"
            | "jq"
            | "test"
            | "diff"
            | "strings"
            | "zgrep"
    )
}

fn replace(arg: &Arg, mark: &str, word: &Arg) -> Arg {
    if arg.text == mark {
        return word.clone();
    }
    if mark.is_empty() || !arg.text.contains(mark) {
        return arg.clone();
    }
    if mark == "{}" && word.text == "./*" {
        return place_file(arg.clone(), word);
    }
    Arg { text: arg.text.replace(mark, &word.text), ..arg.clone() }
}
