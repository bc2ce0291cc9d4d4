//! Interpreters: shells given code, languages given code, and either given a file or standard input.

mod languages;

use super::code::Language;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::shell::{Source, Stdin};
use crate::state::Var;
use crate::verdict::Verdict;

use languages::{INTERPRETERS, Interpreter, SHELLS};

/// A script that is not known: only its grammar is looked at behind `-n`.
fn unread_script(options: &[Arg]) -> Facts {
    let checks = options.iter().any(|arg| matches!(arg.text.as_str(), "-n" | "-nv" | "-vn"));
    if checks { Facts::ORDINARY } else { Facts::confirm("runtime-command") }
}

/// Whether an option may be several letters in one (`-ne`), which long options with one dash are not.
fn is_cluster(option: &str) -> bool {
    option.len() <= 5 && option[1..].bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Whether an option is one long word (`-cpp`), and no letter with code behind it (`-e1+1`).
fn is_word(option: &str) -> bool {
    option.len() > 3
        && option[1..].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// Commands of gdb that print what is there.
fn only_looks(command: &str) -> bool {
    let mut words = command.split_whitespace();
    match words.next().unwrap_or_default() {
        "bt" | "backtrace" | "where" | "info" | "frame" | "list" | "quit" | "q" | "up" | "down"
        | "disassemble" | "show" | "run" | "r" | "image" | "register" => true,
        "set" => matches!(words.next(), Some("pagination" | "confirm" | "width" | "height" | "print")),
        "thread" => command.trim_start_matches("thread apply all").trim_start().starts_with("bt"),
        _ => false,
    }
}

/// Whether a program of this name runs the file it is given.
pub(super) fn is_interpreter(name: &str) -> bool {
    SHELLS.contains(&name) || INTERPRETERS.iter().any(|known| known.names.split(' ').any(|word| word == name))
}

impl Engine<'_> {
    /// Facts of an interpreter, if the name is one.
    pub(super) fn interpreter(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Option<Facts> {
        if SHELLS.contains(&name) {
            return Some(self.shell_command(args, source, span));
        }
        let known = INTERPRETERS.iter().find(|known| known.names.split(' ').any(|word| word == name))?;
        Some(self.language_command(known, args, source, span))
    }

    fn shell_command(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let mut at = 1;
        let mut from_stdin = false;
        let mut finding = Finding::ALLOW;
        while let Some(arg) = args.get(at) {
            let text = arg.text.as_str();
            if arg.open || text.starts_with('\0') || text == "./*" {
                return unread_script(&args[1..at]);
            }
            if !text.starts_with(['-', '+']) || text == "-" {
                break;
            }
            at += 1;
            match text {
                "--" => break,
                "--version" | "--help" => return Facts::ORDINARY,
                "--rcfile" | "--init-file" => {
                    finding = finding.strictest(Finding::confirm("startup-file"));
                    at += 1;
                }
                "--command" => return self.shell_code(args, at, finding, source, span),
                "-o" | "+o" | "-O" | "+O" => at += 1,
                _ if text.starts_with("--") => {}
                _ if text.contains('c') && text.starts_with('-') => {
                    if text.ends_with('o') {
                        at += 1;
                    }
                    while args
                        .get(at)
                        .is_some_and(|arg| arg.text.starts_with(['-', '+']) && arg.text.len() > 1)
                    {
                        at += if args[at].text.ends_with('o') { 2 } else { 1 };
                    }
                    return self.shell_code(args, at, finding, source, span);
                }
                _ => {
                    from_stdin |= text.contains('s');
                    if text.ends_with('o') {
                        at += 1;
                    }
                }
            }
        }
        let file = args.get(at).filter(|_| !from_stdin);
        match file.map(|arg| arg.text.clone()) {
            None => {
                let found = self.shell_on_stdin(source, span).unwrap_or(Finding::confirm("shell-on-stdin"));
                Facts::of(finding.strictest(found))
            }
            Some(path) if matches!(path.as_str(), "-" | "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") => {
                let found = self.shell_on_stdin(source, span).unwrap_or(Finding::confirm("shell-on-stdin"));
                Facts::of(finding.strictest(found))
            }
            Some(path) if path.contains('\0') => unread_script(&args[1..at]),
            Some(path) if path.starts_with("/dev/") && !self.wrote(&path) => Facts::confirm("shell-on-stdin"),
            Some(path) => Facts::of(finding.strictest(self.run_file(&path, source, span))),
        }
    }

    /// `sh -c CODE NAME ARGS...`.
    fn shell_code(
        &mut self,
        args: &[Arg],
        at: usize,
        finding: Finding,
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        let Some(code) = args.get(at).cloned() else { return Facts::confirm("runtime-command") };
        let mut outer = self.positional(args.get(at + 1..).unwrap_or_default());
        if let Some(name) = args.get(at + 1) {
            let value = if name.open { Var::Unknown } else { Var::Text(name.text.clone()) };
            outer.push(("0".to_owned(), self.shell.variables.insert("0".to_owned(), value)));
        }
        let shell = self.shell.clone();
        self.shell.functions.clear();
        self.shell.aliases.clear();
        self.code_argument(&code, source, span);
        let files = std::mem::take(&mut self.shell.files);
        self.shell = shell;
        self.shell.files = files;
        self.restore_positional(outer);
        Facts::of(finding).reading(finding == Finding::ALLOW)
    }

    fn language_command(
        &mut self,
        known: &Interpreter,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        let mut at = 1;
        let mut codes: Vec<Arg> = Vec::new();
        let mut finding = Finding::ALLOW;
        let edits = matches!(known.language, Language::Perl | Language::Ruby);
        let mut in_place = false;
        let debugs = known.names.starts_with("gdb ");
        while let Some(arg) = args.get(at) {
            let text = arg.text.as_str();
            if arg.open || text.starts_with('\0') {
                return Facts::confirm("runtime-command");
            }
            if !text.starts_with('-') || text == "-" {
                break;
            }
            at += 1;
            in_place |= edits
                && !text.starts_with("--")
                && !["-I", "-M", "-m", "-r"].iter().any(|option| text.starts_with(option))
                && text.contains('i');
            if known.language == Language::Php && text == "-S" {
                return Facts::confirm("network-listen");
            }
            if debugs && matches!(text, "-p" | "--pid" | "-pid") {
                return Facts::confirm("runs-code");
            }
            if debugs && text == "--args" {
                self.inner(args.get(at..).unwrap_or_default().to_vec(), source, span);
                return Facts::of(finding);
            }
            if known.prints.contains(&text) {
                // php takes settings beside, among them files to load first.
                let set = known.language == Language::Php
                    && args.iter().any(|arg| arg.text.starts_with("-d") || arg.text.starts_with("-c"));
                return Facts::ORDINARY.reading(!set);
            }
            if debugs
                && matches!(text, "-ex" | "-o" | "--one-line")
                && args.get(at).is_some_and(|command| only_looks(&command.text))
            {
                at += 1;
                continue;
            }
            let (option, attached) =
                text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            if known.code.contains(&option) {
                let value = attached.map(|value| Arg { text: value.to_owned(), ..arg.clone() });
                codes.push(
                    value
                        .or_else(|| {
                            at += 1;
                            args.get(at - 1).cloned()
                        })
                        .unwrap_or_else(Arg::unknown),
                );
            } else if known.values.contains(&text) {
                at += 1;
            } else if known.language != Language::Node
                && known.values.iter().any(|value| value.len() == 2 && text.starts_with(value))
            {
                // `-MPOSIX`: the value is attached. Perl takes it for code.
                if text.contains([';', '(', ' ']) {
                    codes.push(Arg { text: text[2..].to_owned(), ..arg.clone() });
                }
            } else if known.language == Language::Python && text == "-m" {
                let module = args.get(at).map_or("", |arg| arg.text.as_str());
                let module = module.to_owned();
                return self.python_module(&module, args.get(at + 1..).unwrap_or_default(), source, span);
            } else if !text.starts_with("--")
                && (!matches!(known.language, Language::Other | Language::Commands) || is_cluster(text))
                && known.code.iter().any(|code| code.len() == 2 && text[1..].ends_with(&code[1..]))
            {
                // A cluster such as perl's -lane or -pi -e: the code is the next word.
                codes.push(args.get(at).cloned().unwrap_or_else(Arg::unknown));
                at += 1;
            } else if !text.starts_with("--")
                && (known.language != Language::Other || !is_word(text))
                && known.code.iter().any(|code| code.len() == 2 && text.starts_with(code))
            {
                codes.push(Arg { text: text[2..].to_owned(), ..arg.clone() });
            }
        }
        if args.get(1).is_some_and(|arg| matches!(arg.text.as_str(), "eval" | "repl"))
            && args[0].text.contains("deno")
        {
            codes.extend(args.get(2).cloned());
        }
        if in_place {
            for file in args.get(at..).unwrap_or_default() {
                finding = finding.strictest(self.write_to(file));
            }
        }
        if !codes.is_empty() {
            for code in &codes {
                finding = finding.strictest(self.language_code(known.language, code, source, span));
            }
            return Facts::of(finding);
        }
        match args.get(at).map(|arg| arg.text.clone()) {
            Some(path) if !matches!(path.as_str(), "-" | "/dev/stdin" | "/dev/fd/0") => {
                if path.contains('\0') {
                    return Facts::confirm("runtime-command");
                }
                if self.wrote(&path) {
                    let content = self.file_content(&path);
                    let found = content.map_or(Finding::confirm("runs-written-file"), |text| {
                        self.language_code(known.language, &Arg::literal(&text), source, span)
                    });
                    return Facts::of(finding.strictest(found));
                }
                if path.starts_with("/dev/") {
                    return Facts::confirm("shell-on-stdin");
                }
                finding = finding.strictest(self.unseen_file(&path));
                if args.iter().any(|arg| arg.text.starts_with("https://") || arg.text.starts_with("http://"))
                    && matches!(path.as_str(), "run" | "install" | "serve" | "bundle" | "compile")
                {
                    return Facts::confirm("download-and-run");
                }
                let said = args.iter().skip(at + 1).map(|arg| arg.text.as_str());
                // `python manage.py flush`, `php artisan down`: programs of a table under their interpreter.
                let base = super::super::invoke::base_name(&path);
                if base == "manage.py"
                    && let [shell, option, code, ..] = args.get(at + 1..).unwrap_or_default()
                    && shell.text.starts_with("shell")
                    && matches!(option.text.as_str(), "-c" | "--command")
                {
                    return Facts::of(finding.strictest(self.django_code(&code.clone(), source, span)));
                }
                let table = crate::tables::tool(base).filter(|tool| tool.otherwise.0 == Verdict::Allow);
                let found = match table {
                    Some(tool) => self.by_table(tool, &args[at..]).finding,
                    None if crate::tables::verbs::destroys(base, said) => Finding::confirm("destroys"),
                    None => Finding::ALLOW,
                };
                finding = finding.strictest(found);
                Facts::of(finding)
            }
            _ => {
                Facts::of(
                    finding.strictest(match self.stdin.clone() {
                        Stdin::Known(text) => self.language_code(
                            known.language,
                            &Arg { text, ..Arg::literal("") },
                            source,
                            span,
                        ),
                        Stdin::Pipe { fetched: true } => Finding::confirm("download-and-run"),
                        Stdin::Null | Stdin::File(_) => Finding::ALLOW,
                        // Clojure's `-M:test` says what runs.
                        _ if args
                            .iter()
                            .any(|arg| arg.text.starts_with('-') && arg.text.get(2..3) == Some(":")) =>
                        {
                            Finding::ALLOW
                        }
                        _ => Finding::confirm("shell-on-stdin"),
                    }),
                )
            }
        }
    }

    /// Code for `manage.py shell -c`, which changes a database by methods of objects.
    fn django_code(&mut self, code: &Arg, source: &Source<'_>, span: (usize, usize)) -> Finding {
        let changes = [
            ".delete(",
            ".update(",
            ".save(",
            ".create(",
            "bulk_",
            "get_or_create(",
            "update_or_create(",
            "call_command(",
            "cursor(",
        ];
        let changed = changes.iter().any(|method| code.text.contains(method));
        let found = if changed { Finding::confirm("database-change") } else { Finding::ALLOW };
        found.strictest(self.language_code(Language::Python, code, source, span))
    }

    /// `python -m MODULE`.
    fn python_module(
        &mut self,
        module: &str,
        rest: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        let first = rest.first().map_or("", |arg| arg.text.as_str());
        match module {
            "pip" => {
                let mut args = vec![Arg::literal("pip")];
                args.extend_from_slice(rest);
                self.tool("pip", &args)
            }
            "json.tool" => {
                Facts::READS.reading(rest.len() <= 1 || rest.iter().all(|arg| arg.text.starts_with("--")))
            }
            // For the one who sits there.
            "http.server"
                if rest.windows(2).any(|pair| {
                    matches!(pair[0].text.as_str(), "--bind" | "-b")
                        && matches!(pair[1].text.as_str(), "127.0.0.1" | "localhost" | "::1")
                }) =>
            {
                Facts::ORDINARY
            }
            "http.server" | "SimpleHTTPServer" | "smtpd" | "pyftpdlib" => Facts::confirm("network-listen"),
            "zipfile" | "tarfile" if first == "-l" || first == "--list" => Facts::READS,
            // Their operands are statements, and so is what `-s` gives.
            "timeit" => {
                let statements = rest
                    .iter()
                    .filter(|arg| !matches!(arg.text.as_str(), "-s" | "-n" | "-r" | "-u" | "-p" | "-v"));
                let code: Vec<&str> = statements.map(|arg| arg.text.as_str()).collect();
                let code = Arg { text: code.join("\n"), ..Arg::literal("") };
                Facts::of(self.language_code(Language::Python, &code, source, span))
            }
            "cProfile" | "profile" | "pdb" | "trace" | "code" | "runpy"
                if first == "-c" || module == "code" =>
            {
                let code = rest.get(1).cloned().unwrap_or_else(Arg::unknown);
                Facts::of(self.language_code(Language::Python, &code, source, span))
            }
            "site" | "platform" | "sysconfig" => Facts::ORDINARY,
            _ if module.contains('\0') => Facts::confirm("runtime-command"),
            _ => Facts::ORDINARY,
        }
    }

    pub(super) fn language_code(
        &mut self,
        language: Language,
        code: &Arg,
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Finding {
        if code.text.contains('\0') && (code.open || code.text.starts_with('\0')) {
            return Finding::confirm("runtime-command");
        }
        let finding = super::code::judge(language, &code.text);
        // ipython gives lines of these beginnings to a shell, or to itself.
        let magic =
            code.text.lines().any(|line| line.trim_start().starts_with(['!', '%']) || line.contains("= !"));
        let finding =
            if magic && language == Language::Python { Finding::confirm("runs-code") } else { finding };
        if finding.verdict == Verdict::Allow {
            return finding;
        }
        // The strings of dangerous code are read as shell code: a catastrophe in them stays one.
        for text in super::code::shell_texts(&code.text) {
            let mut trial = Engine::new(self.policy, self.subject, &self.shell);
            (trial.depth, trial.steps, trial.parsed) = (self.depth + 1, self.steps, self.parsed);
            trial.code_argument(&Arg::literal(&text), source, span);
            (self.steps, self.parsed) = (trial.steps, trial.parsed);
            trial.segments.retain(|segment| {
                segment.verdict == Verdict::Block
                    && segment.rule.as_deref().is_some_and(crate::tables::is_catastrophe)
            });
            self.segments.append(&mut trial.segments);
        }
        if super::code::takes_files_away(&code.text)
            && super::code::strings(&code.text).iter().any(|text| self.is_vital(&Arg::literal(text)))
        {
            return Finding::block("vital-file");
        }
        if super::code::deletes(&code.text)
            && super::code::paths(&code.text).iter().any(|text| {
                self.path(&text.replacen('~', "\u{2}", usize::from(text.starts_with('~')))).is_root_tree()
            })
        {
            return Finding::block("root-delete");
        }
        finding
    }
}
