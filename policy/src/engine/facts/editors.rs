//! Editors and pagers: most wait for a person; some options run commands or write files.

use super::code::Language;
use super::files::option_value;
use super::find::stops;
use super::tools::Words;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::shell::Source;

impl Engine<'_> {
    /// Editors and pagers: without options they wait for a person; some options run commands.
    pub(super) fn pager(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        match name {
            "man" => {
                for letter in ['P', 'H'] {
                    if let Some(code) =
                        option_value(args, letter, if letter == 'P' { "--pager" } else { "--html" })
                        && args.iter().any(|arg| {
                            arg.text.starts_with(&format!("-{letter}"))
                                || arg.text.starts_with("--pager")
                                || arg.text.starts_with("--html")
                        })
                    {
                        let found = self.named_command(&code.text, source, span);
                        if stops(found) {
                            return Facts::of(found);
                        }
                    }
                }
                let plain = !Words::new(args, "-L -m -M -R -e -E -r -p -S")
                    .has("-C|--config-file|-l|-H|--html|-X|-D");
                Facts::READS.reading(plain && !args.iter().any(|arg| arg.text.starts_with('\0')))
            }
            "less" | "more" | "most" => {
                let words = Words::new(args, "-p -P -t -T -x -y -z -b -h -j");
                // Other first commands than those that move and search may open a shell, a file or a pipe.
                let moves = |command: &str| {
                    command.is_empty()
                        || command.chars().all(|c| c.is_ascii_digit() || "GFgp%+".contains(c))
                        || command.starts_with(['/', '?', '&']) && !command.contains(['\n', '|'])
                };
                if args.iter().any(|arg| arg.text.strip_prefix('+').is_some_and(|command| !moves(command))) {
                    return Facts::confirm("runs-option");
                }
                if let Some(log) =
                    option_value(args, 'o', "--log-file").filter(|_| words.has("-o|-O|--log-file|--LOG-FILE"))
                {
                    return Facts::of(self.write_to(&log).strictest(Finding::ALLOW));
                }
                let mut finding = Finding::ALLOW;
                for file in &words.operands {
                    finding = finding.strictest(self.read_from(file));
                }
                if words.has("-k|--lesskey-file|--lesskey-src|--lesskey-content") {
                    finding = finding.strictest(Finding::confirm("runs-option"));
                }
                Facts::of(finding)
                    .reading(!words.has("-k|--lesskey-file|--lesskey-src|-O") && !words.uncertain)
            }
            _ => self.editor(name, args, source, span),
        }
    }

    /// Whether `ed` reads commands that edit the file it was given, and write no other.
    fn edits_only(&self, name: &str) -> bool {
        let crate::engine::shell::Stdin::Known(text) = &self.stdin else { return false };
        let plain = |line: &str| {
            let command = line.trim_start_matches(|c: char| c.is_ascii_digit() || ",$.%;+-".contains(c));
            !line.contains('!')
                && !command.starts_with(['e', 'E', 'r', 'f', 'W', 'd', 'v', 'G', 'V'])
                && (!command.starts_with('w') || matches!(command.trim(), "w" | "wq"))
        };
        name == "ed" && text.lines().all(plain)
    }

    fn editor(&mut self, name: &str, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let mut finding = Finding::ALLOW;
        for (at, arg) in args.iter().enumerate().skip(1) {
            let text = arg.text.as_str();
            let code = match text {
                "-S" if name.contains("vi") => return Facts::confirm("runs-option"),
                "-c" | "--cmd" | "-s" => args.get(at + 1).map(|arg| arg.text.clone()),
                _ if name == "emacs" && loads_lisp(text) => {
                    let code = text.split_once('=').map(|(_, code)| Arg::literal(code));
                    let code = code.or_else(|| args.get(at + 1).cloned()).unwrap_or_else(Arg::unknown);
                    let found = self.language_code(Language::Other, &code, source, span);
                    return Facts::of(found.strictest(Finding::confirm("runs-option")));
                }
                "-u" if !matches!(args.get(at + 1).map(|arg| arg.text.as_str()), Some("NONE" | "NORC")) => {
                    return Facts::confirm("runs-option");
                }
                _ if text.starts_with('+') => Some(text[1..].to_owned()),
                _ if text.starts_with('-')
                    && !text.starts_with("--")
                    && name.starts_with(['v', 'e', 'n']) =>
                {
                    match text.split_once('c') {
                        Some((_, "")) => args.get(at + 1).map(|arg| arg.text.clone()),
                        Some((_, code)) => Some(code.to_owned()),
                        None => None,
                    }
                }
                _ => None,
            };
            let Some(code) = code else { continue };
            if ["%d", "1,$d", "g/./d"].iter().any(|wipe| code.trim_start_matches(':').starts_with(wipe)) {
                finding = finding.strictest(Finding::confirm("truncate"));
            }
            for command in code.split(['|', '\n']) {
                let command = command.trim_start_matches([':', ' ', '%']);
                for write in ["w ", "w! ", "saveas ", "wq ", "x "] {
                    if let Some(file) = command.strip_prefix(write).filter(|file| !file.starts_with('!')) {
                        finding = finding.strictest(self.write_to(&Arg::literal(file.trim())));
                    }
                }
                let shell = command
                    .strip_prefix('!')
                    .or_else(|| command.strip_prefix("silent !"))
                    .or_else(|| command.strip_prefix("r !"))
                    .or_else(|| command.strip_prefix("r!"));
                if let Some(shell) = shell {
                    self.code_argument(&Arg::literal(shell), source, span);
                    finding = finding.strictest(Finding::confirm("runs-option"));
                } else if [
                    "call", "py", "lua", "ruby", "perl", "source", "so ", "exe", "term", "w !", "w!", "g/",
                    "norm", "shell", "sh", "make",
                ]
                .iter()
                .any(|word| command.starts_with(word))
                    || code.contains("system(")
                {
                    finding = finding.strictest(Finding::confirm("runs-option"));
                }
            }
        }
        if matches!(name, "ed" | "ex" | "vim" | "vi" | "nvim")
            && !self.edits_only(name)
            && !matches!(self.stdin, crate::engine::shell::Stdin::Outer | crate::engine::shell::Stdin::Null)
        {
            finding = finding.strictest(Finding::confirm("runs-option"));
        }
        for file in args.iter().skip(1).filter(|arg| !arg.text.starts_with(['-', '+'])) {
            let written = self.write_to(file);
            if written.rule != Some("unknown-path") {
                finding = finding.strictest(written);
            }
        }
        Facts::of(finding)
    }
}

/// Options of emacs that run Lisp.
fn loads_lisp(option: &str) -> bool {
    let name = option.split('=').next().unwrap_or(option);
    ["-eval", "--eval", "-execute", "--execute", "-f", "--funcall", "-l", "--load", "--script", "-x"]
        .contains(&name)
}
