//! `sed` and `awk` programs, editors and pagers.

use super::files::option_value;
use super::find::stops;
use super::tools::Words;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::shell::{Source, Stdin};

impl Engine<'_> {
    /// `sed`: in-place edits, and scripts that write files or run commands.
    pub(super) fn sed(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let words = Words::new(args, "-e -f -l --expression --file --line-length");
        let mut scripts: Vec<Arg> = Vec::new();
        let mut from_file = false;
        for (at, arg) in args.iter().enumerate().skip(1) {
            let text = arg.text.as_str();
            let next = || args.get(at + 1).cloned().unwrap_or_else(Arg::unknown);
            match text {
                "-e" | "--expression" => scripts.push(next()),
                "-f" | "--file" => {
                    from_file = true;
                    scripts.extend(self.script_file(&next()));
                }
                _ if text.starts_with("--expression=") => {
                    scripts.push(Arg { text: text[13..].to_owned(), ..arg.clone() })
                }
                _ if text.starts_with("--file=") => {
                    from_file = true;
                    scripts.extend(self.script_file(&Arg { text: text[7..].to_owned(), ..arg.clone() }));
                }
                _ if text.starts_with('-')
                    && !text.starts_with("--")
                    && !text.starts_with("-i")
                    && text.ends_with('e') =>
                {
                    scripts.push(next());
                }
                _ => {}
            }
        }
        let mut files: Vec<&Arg> = words.operands.clone();
        if scripts.is_empty() && !from_file && !files.is_empty() {
            scripts.push(files.remove(0).clone());
        }
        let in_place = words.has("-i|--in-place|-s -i") || args.iter().any(|arg| arg.text.starts_with("-i"));
        let mut finding = Finding::ALLOW;
        // What follows `-e` is a file to one sed, and a script to another.
        let doubtful = files.iter().any(|file| file.text.contains(['{', ';']));
        let mut proven = !from_file && !in_place && !words.uncertain && !doubtful;
        if scripts.len() > 1 && !scripts.iter().any(Arg::is_unknown) {
            // Several scripts are one, line by line.
            let lines: Vec<&str> = scripts.iter().map(|script| script.text.as_str()).collect();
            scripts.push(Arg { text: lines.join("\n"), ..Arg::literal("") });
        }
        for script in &scripts {
            if script.text == "\0" {
                finding = finding.strictest(Finding::confirm("runtime-command"));
            }
            let found = sed_script(&script.text);
            if found.evaluates {
                finding = finding.strictest(Finding::confirm("runs-option"));
            }
            for target in &found.writes {
                finding = finding.strictest(self.write_to(&Arg::literal(target)));
            }
            for code in &found.runs {
                if code.is_empty() {
                    finding = finding.strictest(Finding::confirm("runs-option"));
                } else {
                    let code = Arg { text: code.clone(), ..Arg::literal("") };
                    self.code_argument(&code, source, span);
                }
            }
            if script.is_unknown() {
                proven &= !script.open && !script.text.starts_with('\0');
            }
            proven &= found.writes.is_empty() && found.runs.is_empty() && !found.unsure;
        }
        if in_place {
            let wipes = scripts.iter().any(|script| matches!(script.text.trim(), "d" | "1,$d" | "1d;d"));
            let uproots = scripts.iter().any(|script| takes_root_away(&script.text));
            for file in &files {
                if wipes || uproots && self.is_vital(file) {
                    finding = finding.strictest(self.emptied(file));
                }
                finding = finding.strictest(self.write_to(file));
            }
        } else {
            for file in &files {
                finding = finding.strictest(self.read_from(file));
            }
        }
        Facts::of(finding).reading(proven && !stops(finding))
    }

    /// A script that was not there before this session, or comes from its input: unknown unless it was seen.
    fn script_file(&self, file: &Arg) -> Option<Arg> {
        let input = matches!(file.text.as_str(), "-" | "/dev/stdin");
        let seen = match &self.stdin {
            Stdin::Known(text) if input => Some(text.clone()),
            _ => self.file_content(&file.text),
        };
        let unseen = input
            || self.wrote(&file.text)
            || file.is_unknown()
            || self.unseen_file(&file.text) != Finding::ALLOW;
        match seen {
            Some(text) if text.contains('\0') => Some(Arg::unknown()),
            Some(text) => Some(Arg { text, ..Arg::literal("") }),
            None => unseen.then(Arg::unknown),
        }
    }

    /// `awk`: programs that run commands or write files, or come with a library from somewhere.
    pub(super) fn awk(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let program = option_value(args, 'f', "--file");
        let unseen = program.map_or(Finding::ALLOW, |file| self.unseen_file(&file.text));
        // `-l` is no cluster's letter here, and a library without a path is awk's own.
        let loads = args.iter().any(|arg| arg.text == "-l" || arg.text.starts_with("--load"));
        let loads =
            loads && option_value(args, 'l', "--load").is_some_and(|library| library.text.contains('/'));
        let library = if loads { Finding::confirm("runs-option") } else { Finding::ALLOW };
        let facts = self.awk_program(args, source, span);
        Facts { finding: facts.finding.strictest(unseen).strictest(library), ..facts }
    }

    fn awk_program(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let words = Words::new(
            args,
            "-F -v -f -i -l -E -e --field-separator --assign --file --include --load --exec --source",
        );
        let from_file = words.has("-f|--file|-E|--exec|-i|--include|-l|--load|--inplace");
        let program = option_value(args, 'e', "--source")
            .filter(|_| words.has("-e|--source"))
            .or_else(|| words.operands.first().filter(|_| !from_file).map(|arg| (*arg).clone()));
        if args.iter().any(|arg| arg.text == "inplace" || arg.text.ends_with("=inplace")) {
            let files = words.operands.iter().skip(1);
            return Facts::of(files.fold(Finding::ALLOW, |found, file| found.strictest(self.write_to(file))));
        }
        let Some(program) = program else { return Facts::ORDINARY };
        let text = &program.text;
        if text.contains('\0') && (program.open || text.starts_with('\0')) {
            return Facts::confirm("runtime-command");
        }
        let (code, literals) = split_literals(text);
        let runs = code.contains("system") || code.contains("|&") || piped(&code) || code.contains('@');
        let redirects = redirected(&code);
        // gawk's own: files of variables, profiles and formatted programs, extensions, its debugger.
        let plain_options = words.options.iter().all(|option| awk_reads(&option.text));
        let mut finding = Finding::ALLOW;
        if runs {
            let mut stopped = false;
            if let (Stdin::Known(input), true) = (self.stdin.clone(), code.contains('$')) {
                // Its input becomes code, alone or behind words of the program.
                let line = input.lines().next().unwrap_or_default();
                for made in literals.iter().map(|literal| format!("{literal}{line}")).chain([input.clone()]) {
                    self.code_argument(&Arg { text: made, ..Arg::literal("") }, source, span);
                }
            }
            for literal in &literals {
                let seen = self.segments.len();
                if literal.chars().any(|c| c.is_ascii_alphabetic()) {
                    self.code_argument(&Arg::literal(literal), source, span);
                }
                stopped |= self.segments[seen..]
                    .iter()
                    .any(|segment| segment.verdict != crate::verdict::Verdict::Allow);
            }
            let plain_pipe = !code.contains("system")
                && !code.contains("|&")
                && !code.contains("getline")
                && !code.contains('@')
                && !stopped;
            finding = if plain_pipe { Finding::ALLOW } else { Finding::confirm("runs-option") };
        }
        if redirects {
            for literal in &literals {
                finding = finding.strictest(self.write_to(&Arg::literal(literal)));
            }
        }
        let proven = !runs && !redirects && plain_options && !words.uncertain;
        Facts::of(finding).reading(proven && !text.contains('\0'))
    }

    /// `dc`: a `!` in what it reads runs the rest of the line, so only expressions that can be seen are reads.
    pub(super) fn dc(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let words = Words::new(args, "-e -f --expression --file");
        let mut finding = Finding::ALLOW;
        let mut seen = words.operands.is_empty() && !words.uncertain && !words.has("-f|--file");
        match option_value(args, 'e', "--expression") {
            Some(code) if args.len() <= 3 && !code.is_unknown() => {
                for line in code.text.lines() {
                    let Some((_, run)) = line.split_once('!') else { continue };
                    if !run.starts_with(['<', '>', '=']) {
                        self.code_argument(&Arg::literal(run), source, span);
                        finding = Finding::confirm("runs-option");
                    }
                }
                seen &= !code.text.contains('!');
            }
            _ => seen = false,
        }
        Facts::of(finding).reading(seen)
    }
}

/// Whether an option of awk loads, writes and runs nothing.
fn awk_reads(option: &str) -> bool {
    let name = option.split('=').next().unwrap_or(option);
    crate::tables::reading::AWK_READS.contains(&name)
        || !option.starts_with("--") && (option.starts_with("-F") || option.starts_with("-v"))
}

/// Whether a sed script deletes the first line of a list of accounts, or those that begin with `root`.
fn takes_root_away(script: &str) -> bool {
    let address = script.trim().strip_suffix('d').unwrap_or_default();
    matches!(address.trim_matches(['/', '^', ':', '|', '\\']), "root" | "1" | "root:x")
}

/// What a sed script writes and runs.
#[derive(Default)]
struct SedScript {
    writes: Vec<String>,
    runs: Vec<String>,
    /// `s///e`: what a line becomes is run.
    evaluates: bool,
    unsure: bool,
}

/// Reads a sed script command by command: addresses, `s` and `y` with any delimiter, file names, text.
fn sed_script(script: &str) -> SedScript {
    let mut found = SedScript::default();
    let chars: Vec<char> = script.chars().collect();
    let mut at = 0;
    let delimited = |mut at: usize, delimiter: char| {
        let mut class = false;
        while at < chars.len() && (chars[at] != delimiter || class) {
            match chars[at] {
                '\\' => at += 1,
                '[' if !class && chars[at..].contains(&']') && delimiter != '[' => class = false,
                ']' => class = false,
                _ => {}
            }
            at += 1;
        }
        at + 1
    };
    let line_end = |at: usize| {
        chars[at.min(chars.len())..].iter().position(|c| *c == '\n').map_or(chars.len(), |end| at + end)
    };
    let text = |from: usize, to: usize| {
        chars.get(from..to).unwrap_or_default().iter().collect::<String>().trim().to_owned()
    };
    while at < chars.len() {
        match chars[at] {
            c if c.is_whitespace() || ";{}!,$+~0123456789I".contains(c) => at += 1,
            '/' => at = delimited(at + 1, '/'),
            '\\' if at + 1 < chars.len() => at = delimited(at + 2, chars[at + 1]),
            '#' => at = line_end(at),
            's' | 'y' => {
                let Some(&delimiter) = chars.get(at + 1) else { break };
                let middle = delimited(at + 2, delimiter);
                let end = delimited(middle, delimiter);
                if end > chars.len() + 1 || middle > chars.len() {
                    found.unsure = true;
                }
                let replacement = text(middle, end.saturating_sub(1).min(chars.len()));
                let command = chars[at];
                at = end.min(chars.len());
                while command == 's' && at < chars.len() {
                    match chars[at] {
                        'e' => {
                            found.runs.push(replacement.clone());
                            found.evaluates = true;
                            at += 1;
                        }
                        'w' => {
                            let end = line_end(at);
                            found.writes.push(text(at + 1, end));
                            at = end;
                        }
                        'g' | 'p' | 'i' | 'I' | 'm' | 'M' | '0'..='9' | ' ' => at += 1,
                        _ => break,
                    }
                }
            }
            'w' | 'W' => {
                let end = line_end(at);
                found.writes.push(text(at + 1, end));
                at = end;
            }
            'e' => {
                let end = line_end(at);
                found.runs.push(text(at + 1, end));
                at = end;
            }
            'a' | 'i' | 'c' | 'r' | 'R' => at = line_end(at),
            'b' | 't' | 'T' | ':' => {
                while at < chars.len() && !";\n}".contains(chars[at]) {
                    at += 1;
                }
            }
            'd' | 'D' | 'p' | 'P' | 'q' | 'Q' | 'g' | 'G' | 'h' | 'H' | 'x' | 'n' | 'N' | '=' | 'l' | 'F'
            | 'z' => at += 1,
            _ => {
                found.unsure = true;
                at += 1;
            }
        }
    }
    found.writes.retain(|path| !matches!(path.as_str(), "/dev/stdout" | "/dev/stderr"));
    found
}

/// An awk program's code without its string literals, and the literals.
fn split_literals(program: &str) -> (String, Vec<String>) {
    let (mut code, mut literals) = (String::new(), Vec::new());
    let mut chars = program.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        if c == '"' || (c == '/' && "(,{;!~&|\n ".contains(before) && before != ')') {
            let mut literal = String::new();
            while let Some(next) = chars.next() {
                match next {
                    '\\' => literal.extend(chars.next()),
                    next if next == c => break,
                    next => literal.push(next),
                }
            }
            if c == '"' {
                literals.push(literal);
                code.push('"');
            }
            before = '"';
            continue;
        }
        code.push(c);
        if !c.is_whitespace() {
            before = c;
        }
    }
    (code, literals)
}

/// A single `|` in awk code.
fn piped(code: &str) -> bool {
    let bytes = code.as_bytes();
    bytes.iter().enumerate().any(|(at, byte)| {
        *byte == b'|' && bytes.get(at + 1) != Some(&b'|') && (at == 0 || bytes[at - 1] != b'|')
    })
}

/// `print > "file"` in awk code: a `>` after print that is not inside brackets and no comparison in a pattern.
fn redirected(code: &str) -> bool {
    code.match_indices("print").any(|(at, _)| {
        let statement = code[at..].split([';', '}', '\n']).next().unwrap_or("");
        let mut depth = 0_i32;
        statement.chars().any(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            c == '>' && depth <= 0
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sed_scripts_show_what_they_write_and_run() {
        let found = sed_script("1,5s/a/b/gw out.txt\n/x/e rm -rf /\n$p");
        assert_eq!((found.writes, found.runs), (vec!["out.txt".to_owned()], vec!["rm -rf /".to_owned()]));
        assert_eq!(sed_script("s/x/rm y/e").runs, ["rm y"]);
        assert_eq!(sed_script("s|a|b|;w /etc/passwd").writes, ["/etc/passwd"]);
    }

    #[test]
    fn plain_sed_scripts_are_sure_and_quiet() {
        for script in [
            "s/e/w/g",
            "10,20p",
            "/start/,/end/p",
            "$!N;P;D",
            "s#/etc#w#",
            "s/\\//e/",
            "1~2d",
            "/^$/d",
            "a hello; w x",
            "y/ew/we/",
        ] {
            let found = sed_script(script);
            assert!(found.writes.is_empty() && found.runs.is_empty() && !found.unsure, "{script}");
        }
    }

    #[test]
    fn awk_redirections_are_not_comparisons() {
        assert!(redirected(&split_literals("{print $1 > \"f\"}").0));
        assert!(!redirected(&split_literals("$3 > 5 {print $1}").0));
        assert!(!redirected(&split_literals("{print ($1 > 2)}").0));
        assert!(!redirected(&split_literals("{if ($1>2) print \"a > b\"}").0));
    }
}
