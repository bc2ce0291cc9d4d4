//! Shell builtins: those that run code, those that change what later commands mean, those that only look.

use super::wrappers::assignment;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::invoke::base_name;
use crate::engine::shell::{Source, Stdin};
use crate::engine::simple::Scope;
use crate::state::{Cwd, Var};
use crate::tables;

impl Engine<'_> {
    /// Facts of a shell builtin, if the name is one.
    pub(super) fn builtin(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Option<Facts> {
        let facts = match name {
            ":" | "true" | "false" | "echo" | "pwd" | "test" | "[" | "break" | "continue" | "return"
            | "exit" | "wait" | "times" | "jobs" | "sleep" | "shift" | "umask" | "dirs" | "logout" | "fg"
            | "bg" | "disown" | "suspend" => self.quiet(name, args),
            "getopts" => {
                if let Some(variable) = args.get(2) {
                    self.unseen(&variable.text.clone(), source, span);
                }
                self.subscripts(args)
            }
            "cd" | "pushd" | "popd" | "chdir" => self.change_directory(name, args),
            "eval" => self.eval(&args[1..], source, span),
            "source" | "." => self.source_file(args, source, span),
            "exec" => self.exec(args, source, span),
            "command" => self.command_builtin(args, source, span),
            "builtin" => Facts { output: self.inner(args[1..].to_vec(), source, span), ..Facts::READS },
            "type" | "which" | "hash" => {
                let looks = name != "hash" || args.len() == 1;
                if looks { Facts::READS } else { Facts::confirm("redefined") }
            }
            "trap" => self.trap(args, source, span),
            "alias" => self.alias(args, source, span),
            "unalias" => {
                self.shell.aliases.clear();
                Facts::ORDINARY
            }
            "export" | "declare" | "typeset" | "local" | "readonly" => self.declare(args, source, span),
            "set" => self.set(args),
            "unset" => {
                if args.iter().any(|arg| arg.text.starts_with("HIST")) {
                    return Some(Facts::confirm("history"));
                }
                if args.iter().any(|arg| arg.text == "PATH") {
                    return Some(Facts::confirm("environment"));
                }
                for arg in &args[1..] {
                    if self.shell.odd.contains(&arg.text) {
                        self.shell.store(&arg.text, Var::Unknown);
                    } else {
                        self.shell.variables.remove(&arg.text);
                    }
                    self.shell.functions.remove(&arg.text);
                }
                self.subscripts(args)
            }
            "read" | "mapfile" | "readarray" => {
                let evaluates = args[1..].iter().any(|arg| self.shell.odd.contains(&arg.text))
                    && matches!(&self.stdin, Stdin::Known(text) if Var::Text(text.clone()).holds_code());
                for arg in &args[1..] {
                    if !arg.text.starts_with('-') {
                        self.unseen(&arg.text, source, span);
                        self.shell.variables.insert(arg.text.clone(), Var::Unknown);
                    }
                }
                self.shell.variables.insert("REPLY".to_owned(), Var::Unknown);
                self.read_guess(args);
                let callback = name != "read" && args.iter().any(|arg| arg.text.starts_with("-C"));
                if callback {
                    self.shell.lost = true;
                    Facts::confirm("opaque")
                } else if evaluates {
                    Facts::confirm("opaque")
                } else {
                    self.subscripts(args)
                }
            }
            "printf" => {
                if let [_, option, variable, ..] = args
                    && option.text == "-v"
                {
                    let name = variable.text.clone();
                    let value = self.printed(&args[3..]).map_or(Var::Unknown, Var::Text);
                    self.assign(&name, value, Scope::OWN, source, span);
                    return Some(self.subscripts(args));
                }
                Facts::READS
            }
            "let" => {
                for arg in &args[1..] {
                    self.arithmetic(&arg.text.clone(), source);
                }
                self.subscripts(args)
            }
            "compgen" if args.iter().any(|arg| arg.text.contains(['$', '`'])) => {
                // Its list of words is expanded once more.
                for arg in &args[1..] {
                    self.expand_quoted(&arg.text, source);
                }
                Facts::ORDINARY
            }
            "shopt" | "ulimit" | "bind" | "complete" | "compgen" | "enable" | "history" | "fc" => {
                Self::shell_setting(name, args)
            }
            _ => return None,
        };
        Some(facts)
    }

    fn quiet(&mut self, name: &str, args: &[Arg]) -> Facts {
        match name {
            "test" | "[" | "wait" => self.subscripts(args),
            "break" | "continue" | "return" => {
                self.jump(name);
                Facts::READS
            }
            "shift" => {
                for index in 1..10 {
                    self.shell.variables.insert(index.to_string(), Var::Unknown);
                }
                self.shell.variables.insert("@".to_owned(), Var::Unknown);
                Facts::READS
            }
            _ => Facts::READS,
        }
    }

    /// Builtins that evaluate array subscripts run the code in them.
    fn subscripts(&self, args: &[Arg]) -> Facts {
        let code = args
            .iter()
            .any(|arg| arg.text.contains("[") && (arg.text.contains("$(") || arg.text.contains('`')));
        if code { Facts::confirm("opaque") } else { Facts::READS }
    }

    /// What `read` takes from known input: a guess, good for finding a catastrophe and nothing else.
    fn read_guess(&mut self, args: &[Arg]) {
        let Stdin::Known(text) = &self.stdin else { return };
        self.guessed = true;
        let names: Vec<&Arg> = args[1..].iter().filter(|arg| !arg.text.starts_with('-')).collect();
        if let ([name], true) = (&names[..], self.unset) {
            let line = text.lines().next().unwrap_or_default().trim().to_owned();
            self.shell.variables.insert(name.text.clone(), Var::Text(line));
        }
    }

    /// `eval` runs its words in this very shell: what they change stays.
    fn eval(&mut self, words: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let words = words.strip_prefix(&[Arg::literal("--")][..]).unwrap_or(words);
        let open = words.iter().any(|arg| arg.open || arg.text == "\0");
        let code = self.joined_text(words);
        if open {
            // Anything may have been defined.
            self.opaque(source, span, "runtime-command");
            self.shell.forget();
            return Facts::READS;
        }
        let inner = source.inner(code.into(), None, span);
        Facts { output: self.run(&inner), ..Facts::READS }
    }

    pub(super) fn change_directory(&mut self, name: &str, args: &[Arg]) -> Facts {
        let target = args.iter().skip(1).find(|arg| !(arg.text.starts_with('-') && arg.text.len() > 1));
        self.shell.cwd = match target {
            None if name == "cd" => Cwd::At("\u{2}".to_owned()),
            Some(arg) if arg.text.starts_with(['/', '\u{2}']) && !arg.is_unknown() => {
                Cwd::At(arg.text.clone())
            }
            Some(arg) if !arg.is_unknown() && arg.text != "-" => match &self.shell.cwd {
                Cwd::At(dir) => Cwd::At(format!("{dir}/{}", arg.text)),
                Cwd::Start => Cwd::At(arg.text.clone()),
                Cwd::Anywhere => Cwd::Anywhere,
            },
            _ => Cwd::Anywhere,
        };
        Facts::READS
    }

    fn source_file(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let Some(file) = args.get(1) else { return Facts::ORDINARY };
        if file.is_unknown() || file.open {
            return Facts::confirm("runtime-command");
        }
        if matches!(file.text.as_str(), "/dev/stdin" | "/dev/fd/0" | "/proc/self/fd/0") {
            let finding = self.shell_on_stdin(source, span).unwrap_or(Finding::confirm("shell-on-stdin"));
            return Facts::of(finding);
        }
        if file.text.starts_with("/dev/") && !self.wrote(&file.text) {
            return Facts::confirm("shell-on-stdin");
        }
        if self.wrote(&file.text) {
            return match self.file_content(&file.text) {
                None => Facts::confirm("runs-written-file"),
                Some(text) => {
                    let inner = source.inner(text.replace('\0', "${_}").into(), None, span);
                    self.calling(|engine| engine.run(&inner));
                    Facts::ORDINARY
                }
            };
        }
        // An existing file may set any variable: none that it could change is known afterwards. A name that nobody
        // knows is then one of its functions, or found where it says.
        self.shell.forget();
        self.at_home = true;
        let expected = sets_up(base_name(&file.text));
        let finding = if expected { Finding::ALLOW } else { Finding::confirm("runs-written-file") };
        Facts::of(finding.strictest(self.unseen_file(&file.text)))
    }

    fn exec(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let mut rest = 1;
        while let Some(arg) = args.get(rest).filter(|arg| arg.text.starts_with('-')) {
            rest += if arg.text == "-a" { 2 } else { 1 };
        }
        let inner = args.get(rest..).unwrap_or_default().to_vec();
        if inner.is_empty() {
            return Facts::READS;
        }
        Facts { output: self.inner(inner, source, span), ..Facts::READS }
    }

    fn command_builtin(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        match args.get(1).map(|arg| arg.text.as_str()) {
            Some("-v" | "-V") | None => Facts::READS,
            Some("-p" | "--") => {
                let inner =
                    args[1..].iter().skip_while(|arg| matches!(arg.text.as_str(), "-p" | "--")).cloned();
                Facts { output: self.inner(inner.collect(), source, span), ..Facts::READS }
            }
            Some(_) => Facts { output: self.inner(args[1..].to_vec(), source, span), ..Facts::READS },
        }
    }

    /// The code of a trap runs later, in this shell.
    fn trap(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let code = args.iter().skip(1).find(|arg| arg.text != "--");
        match code {
            None => Facts::READS,
            Some(code) if matches!(code.text.as_str(), "-" | "" | "-p" | "-l") => Facts::ORDINARY,
            Some(code) => {
                let code = code.clone();
                self.code_argument(&code, source, span);
                let every = args
                    .iter()
                    .any(|arg| matches!(arg.text.as_str(), "DEBUG" | "ERR" | "RETURN" | "SIGDEBUG"));
                if every { Facts::confirm("trap") } else { Facts::ORDINARY }
            }
        }
    }

    fn alias(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let mut facts = Facts::READS;
        for arg in args.iter().skip(1) {
            let Some((name, text)) = arg.text.split_once('=') else { continue };
            facts = Facts { reads: super::Reads::Unproven, ..facts };
            if name.contains('\0') {
                self.shell.lost = true;
                continue;
            }
            self.definition(name, "alias", source, span);
            let known = (!text.contains('\0')).then(|| quote_home(text));
            self.shell.aliases.insert(name.to_owned(), known);
        }
        facts
    }

    /// A function or alias is made: suspicious when it takes a known command's name.
    pub(in crate::engine) fn definition(
        &mut self,
        name: &str,
        kind: &str,
        source: &Source<'_>,
        span: (usize, usize),
    ) {
        let plain = name.chars().all(|c| c.is_alphanumeric() || "_-.:+@,!".contains(c));
        if !plain || tables::is_known(name) || name.contains('/') || CALLED_BY_SHELL.contains(&name) {
            let shown = [Arg::literal(kind), Arg::literal(name)];
            self.segment(&shown, source, span, Finding::confirm("redefined"), super::Reads::Unproven);
        }
    }

    fn declare(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let options =
            |letter: char| args.iter().any(|arg| arg.text.starts_with('-') && arg.text.contains(letter));
        if options('n') && args[0].text != "export" {
            self.shell.lost = true;
            return Facts::confirm("redefined");
        }
        let exports = args[0].text == "export" || options('x');
        let scope = if exports { Scope::PASSED_ON } else { Scope::OWN };
        let mut hands_on = false;
        for arg in args.iter().skip(1) {
            if arg.text.starts_with('\0') || arg.open {
                return Facts::confirm("environment");
            }
            let (name, value) = match assignment(&arg.text) {
                Some((name, value)) => (name, Some(value)),
                None => (arg.text.trim_end_matches('+'), None),
            };
            hands_on |= exports
                && value.is_none()
                && !name.starts_with('-')
                && !tables::harmless_variable(name, None, true);
            let base = name.split(['+', '=', '[']).next().unwrap_or(name).to_owned();
            if ['l', 'u', 'i', 'c', 'E', 'F'].into_iter().any(options) {
                self.shell.odd.insert(base.clone());
                self.shell.store(&base, Var::Unknown);
            }
            let sealed = args[0].text == "readonly" || options('r');
            if let Some(value) = value {
                let list = value.starts_with('(');
                let known = !list && !value.contains('\0');
                let value = if known { Var::Text(value.to_owned()) } else { Var::Unknown };
                self.assign(name, value, scope, source, span);
                if sealed {
                    self.shell.odd.insert(base);
                }
            } else if sealed && !options('p') {
                self.shell.odd.insert(base);
            } else if options('p') || options('f') || options('F') || !name.contains('=') {
                continue;
            } else {
                let name = name.split(['+', '=', '[']).next().unwrap_or(name);
                self.assign(name, Var::Unknown, scope, source, span);
            }
        }
        if hands_on { Facts::ORDINARY } else { self.subscripts(args) }
    }

    fn set(&mut self, args: &[Arg]) -> Facts {
        if args.iter().any(|arg| arg.text == "history") && args.iter().any(|arg| arg.text == "+o") {
            return Facts::confirm("history");
        }
        if named_options(args).any(|name| !tables::is_shell_option(name)) {
            return Facts::confirm("redefined");
        }
        // Every variable is exported from here on.
        let exports = args.iter().skip(1).any(|arg| {
            arg.text == "allexport"
                || arg.text.starts_with('-') && arg.text[1..].contains('a') && arg.text.len() < 8
        });
        let first = args.iter().position(|arg| arg.text == "--").map(|at| at + 1);
        let first = first.or_else(|| {
            args.iter().skip(1).position(|arg| !arg.text.starts_with(['-', '+'])).map(|at| at + 1)
        });
        if let Some(first) = first
            && args.get(1).is_none_or(|arg| !arg.text.contains('o'))
        {
            let mut words = vec![args[0].clone()];
            words.extend_from_slice(args.get(first..).unwrap_or_default());
            self.positional(&words);
        }
        Facts::READS.reading(!exports)
    }

    fn shell_setting(name: &str, args: &[Arg]) -> Facts {
        let has =
            |wanted: &[&str]| args.iter().any(|arg| wanted.iter().any(|option| arg.text.starts_with(option)));
        match name {
            "enable" if has(&["-f"]) => Facts::confirm("redefined"),
            "bind" if has(&["-x"]) => Facts::confirm("redefined"),
            "complete" | "compgen" if has(&["-C", "-F"]) => Facts::confirm("redefined"),
            "history" if has(&["-c", "-d", "-w", "-r"]) => Facts::confirm("history"),
            "fc" if !has(&["-l"]) => Facts::confirm("opaque"),
            "history" => Facts::ORDINARY.reading(!has(&["-a", "-n", "-s"])),
            "ulimit" | "fc" | "compgen" => {
                Facts::READS.reading(!args.iter().any(|arg| arg.text.contains(['$', '`'])))
            }
            "shopt" => Facts::ORDINARY.reading(args[1..].iter().all(|arg| arg.text == "-p")),
            _ => Facts::ORDINARY,
        }
    }
}

/// The options that `set` is given by name: behind `-o` or `+o`, or for zsh in the same word.
fn named_options(args: &[Arg]) -> impl Iterator<Item = &str> {
    let end = args.iter().position(|arg| arg.text == "--").unwrap_or(args.len());
    let args = &args[..end];
    let behind = args.windows(2).filter(|pair| is_option(&pair[0].text) && pair[0].text.ends_with('o'));
    let within = args.iter().filter(|arg| is_option(&arg.text)).filter_map(|arg| arg.text.split_once('o'));
    behind.map(|pair| pair[1].text.as_str()).chain(within.map(|(_, name)| name).filter(|name| name.len() > 3))
}

fn is_option(text: &str) -> bool {
    text.starts_with(['-', '+'])
}

/// Whether a file's name says that it is there to be read into a shell: it activates an environment, or sets variables.
fn sets_up(name: &str) -> bool {
    let stem = name.trim_start_matches('.').split('.').next().unwrap_or(name);
    let known = [
        "activate",
        "env",
        "environment",
        "envrc",
        "profile",
        "bashrc",
        "zshrc",
        "kshrc",
        "bash_profile",
        "bash_aliases",
        "nvm",
        "vars",
        "setvars",
        "setup",
        "export",
        "completion",
        "bash_completion",
        "functions",
        "lib",
        "common",
        "utils",
        "helpers",
        "config",
        "defaults",
        "settings",
        "variables",
    ];
    let ends = stem.rsplit(['-', '_']).next().unwrap_or(stem);
    known.contains(&stem)
        || matches!(ends, "env" | "release" | "rc" | "completion" | "activate" | "vars")
        || name.ends_with(".env")
        || name.starts_with(".env")
}

/// Functions that a shell calls by itself.
const CALLED_BY_SHELL: &[&str] = &[
    "command_not_found_handle",
    "command_not_found_handler",
    "precmd",
    "preexec",
    "chpwd",
    "periodic",
    "zshexit",
    "zshaddhistory",
];

fn quote_home(text: &str) -> String {
    if text.contains('\u{2}') { text.replace('\u{2}', "~") } else { text.to_owned() }
}
