//! Peeling wrappers: `sudo -u x env A=1 timeout 5 rm` runs `rm`.

use super::{Facts, Finding, Reads};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::invoke::quote;
use crate::engine::shell::{Source, Stdin};
use crate::engine::simple::Scope;
use crate::state::Var;
use crate::tables::wrappers::{Tail, Wrapper, find};
use crate::verdict::Verdict;

/// What a wrapper's own options leave.
struct Peeled {
    rest: usize,
    code: Option<Arg>,
    opaque: bool,
    list: bool,
    /// sudo's `-k`: alone it makes sudo forget a password, and runs nothing.
    reset: bool,
    /// An option that gives a shell on standard input.
    shell: bool,
    edit: bool,
    /// The directory the command starts in.
    chdir: Option<Arg>,
    /// A file the wrapper itself writes.
    output: Option<Arg>,
    /// An option that puts the command off.
    later: bool,
}

impl Engine<'_> {
    /// Facts of a wrapper: nothing of its own, its command's are judged in their own segment.
    pub(super) fn wrapper(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Option<Facts> {
        let as_su = name == "runuser"
            && !args.iter().any(|arg| arg.text.starts_with("-u") || arg.text.starts_with("--user"));
        let wrapper = find(if as_su { "su" } else { name })?;
        let outside = self.more_rights;
        self.more_rights |= wrapper.rights;
        let facts = self.behind(wrapper, name, args, source, span);
        self.more_rights = outside;
        Some(facts)
    }

    /// As [`Engine::wrapper`], knowing which it is.
    fn behind(
        &mut self,
        wrapper: &Wrapper,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        let peeled = peel(wrapper, args);
        if peeled.opaque {
            // What follows is read all the same: a catastrophe behind an unknown option stays one.
            let rest =
                args.iter().skip(1).skip_while(|arg| arg.text.starts_with('-')).cloned().collect::<Vec<_>>();
            self.inner(rest, source, span);
            return Facts::confirm("wrapper-option");
        }
        let mut facts = Facts::ORDINARY.reading(wrapper.reads);
        if peeled.edit {
            facts = Facts::confirm("privileged-edit");
        }
        if peeled.later {
            facts = Facts::confirm("scheduled");
        }
        if retunes(name, args, peeled.rest) {
            facts = Facts::confirm("process-setting");
        }
        if let Some(file) = peeled.output.clone() {
            // strace hands what it traces to a command behind one of these signs.
            if let Some(code) = file.text.strip_prefix(['|', '!']) {
                self.code_argument(&Arg { text: code.to_owned(), ..file.clone() }, source, span);
                facts = Facts::confirm("runs-option");
            } else {
                facts = Facts::of(self.output_file(&file));
            }
        }
        if let Some(code) = peeled.code {
            self.code_argument(&code, source, span);
            return facts;
        }
        let mut rest = peeled.rest;
        let (outer, cwd) = (self.shell.variables.clone(), self.shell.cwd.clone());
        if let Some(folder) = peeled.chdir {
            self.change_directory("cd", &[Arg::literal("cd"), folder]);
        }
        while wrapper.assigns
            && let Some((variable, value)) = args.get(rest).and_then(|arg| assignment(&arg.text))
        {
            if value.starts_with("() {") {
                // A function that an old shell takes from its environment.
                facts = Facts::confirm("environment");
            }
            let known = (!value.contains('\0')).then(|| value.to_owned());
            self.assign(variable, known.map_or(Var::Unknown, Var::Text), Scope::PASSED_ON, source, span);
            rest += 1;
        }
        if wrapper.assigns && name.ends_with("env") {
            // `env` takes any word with `=` in it for a variable, functions of a later shell among them.
            while args.get(rest).is_some_and(|arg| arg.text.contains('=')) {
                facts = Facts::confirm("environment");
                rest += 1;
            }
        }
        if matches!(name, "su" | "script") && args.get(rest).is_some_and(|arg| arg.text == "-") {
            rest += 1;
        }
        // After `!` a shell takes `time` for its keyword, and further `!` with it.
        while name == "time" && args.get(rest).is_some_and(|arg| arg.text == "!") {
            rest += 1;
        }
        let skipped = if wrapper.tail == Tail::Shell { 0 } else { wrapper.operands };
        let unsure = args[1..args.len().min(rest + skipped)].iter().any(|arg| arg.open);
        let inner: Vec<Arg> = args.get(rest + skipped..).unwrap_or_default().to_vec();
        if unsure {
            facts = Facts::confirm("wrapper-option");
        }
        if inner.is_empty() || wrapper.tail == Tail::Shell {
            let (verdict, rule) = wrapper.bare;
            let forgets = peeled.reset && !peeled.shell && !peeled.edit;
            if !peeled.list && !forgets && verdict != Verdict::Allow {
                let finding = Finding { verdict, rule: Some(rule) };
                facts = Facts::of(self.shell_on_stdin(source, span).unwrap_or(finding).strictest(finding));
            }
        } else if peeled.list {
        } else if name == "sg" && inner[0].text == "-c" && inner.len() > 1 {
            self.code_argument(&inner[1].clone(), source, span);
        } else if wrapper.tail == Tail::Joined {
            if name == "flock" || args[1..rest].iter().any(|arg| arg.text == "-x" || arg.text == "--exec") {
                self.inner(inner, source, span);
            } else {
                self.joined(&inner, source, span);
            }
        } else if peeled.shell {
            // Both readings: sudo protects each word from its shell, doas and older ones do not.
            self.joined(&inner, source, span);
            self.inner(inner, source, span);
            facts.reads = Reads::Unproven;
        } else if matches!(name, "flock") && inner[0].text == "-c" && inner.len() > 1 {
            self.code_argument(&inner[1].clone(), source, span);
        } else {
            facts.output = self.inner(inner, source, span);
        }
        (self.shell.variables, self.shell.cwd) = (outer, cwd);
        facts
    }

    /// Runs a wrapped command: past functions and aliases.
    pub(super) fn inner(
        &mut self,
        args: Vec<Arg>,
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Option<String> {
        if args.is_empty() {
            return None;
        }
        self.invoke(args, source, span, true)
    }

    /// Words that a shell reads again after they are joined.
    pub(super) fn joined(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) {
        let code = Arg { text: self.joined_text(args), ..Arg::literal("") };
        self.code_argument(&code, source, span);
    }

    /// Words joined as `eval` joins them.
    pub(super) fn joined_text(&self, args: &[Arg]) -> String {
        let text: Vec<String> = args
            .iter()
            .map(|arg| if arg.is_unknown() || arg.open { quote(arg) } else { arg.text.replace('\u{2}', "~") })
            .collect();
        text.join(" ")
    }

    /// Shell code given as an argument.
    pub(super) fn code_argument(&mut self, code: &Arg, source: &Source<'_>, span: (usize, usize)) {
        let within = code.span.unwrap_or(span);
        if code.open || code.text == "\0" {
            self.opaque(source, within, "runtime-command");
            return;
        }
        // An unknown part stands for text that the shell will read as code.
        let text = code.text.replace('\0', "${_}").replace('\u{2}', "~");
        let inner = source.inner(text.into(), None, within);
        let stdin = self.stdin.clone();
        let wanted = self.wanted;
        self.isolated(stdin, wanted, |engine| engine.run(&inner));
    }

    /// A shell that reads its code from standard input: judged where the input is known.
    pub(super) fn shell_on_stdin(&mut self, source: &Source<'_>, span: (usize, usize)) -> Option<Finding> {
        match self.stdin.clone() {
            Stdin::Null => Some(Finding::ALLOW),
            Stdin::Known(text) => {
                let code = Arg { text, ..Arg::literal("") };
                let stdin = std::mem::replace(&mut self.stdin, Stdin::Null);
                self.code_argument(&code, source, span);
                self.stdin = stdin;
                Some(Finding::ALLOW)
            }
            Stdin::File(path) if self.wrote(&path) => Some(self.run_file(&path, source, span)),
            Stdin::File(_) => Some(Finding::confirm("shell-on-stdin")),
            Stdin::Pipe { fetched: true } => Some(Finding::confirm("download-and-run")),
            Stdin::Pipe { fetched: false } | Stdin::Outer => None,
        }
    }
}

/// Whether the wrapper changes how a running process is scheduled or limited, instead of starting one.
fn retunes(name: &str, args: &[Arg], rest: usize) -> bool {
    let has = |letter: char, long: &str| {
        args.iter()
            .skip(1)
            .take_while(|arg| arg.text.starts_with('-') || arg.text.parse::<u64>().is_ok())
            .any(|arg| {
                arg.text.starts_with(long)
                    || arg.text.starts_with('-') && !arg.text.starts_with("--") && arg.text.contains(letter)
            })
    };
    match name {
        "ionice" => {
            (has('p', "--pid") || has('P', "--pgid")) && (has('c', "--class") || has('n', "--classdata"))
        }
        "chrt" | "taskset" => has('p', "--pid") && args.len() > rest + 1,
        "prlimit" => {
            has('p', "--pid")
                && args.iter().any(|arg| {
                    arg.text.starts_with("--")
                        && arg.text.contains('=')
                        && !arg.text.starts_with("--pid")
                        && !arg.text.starts_with("--output")
                })
        }
        _ => false,
    }
}

/// `NAME=value`.
pub(super) fn assignment(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    valid.then_some((name, value))
}

/// Reads a wrapper's options.
fn peel(wrapper: &Wrapper, args: &[Arg]) -> Peeled {
    let mut peeled = Peeled {
        rest: 1,
        code: None,
        opaque: false,
        list: false,
        reset: false,
        shell: false,
        edit: false,
        chdir: None,
        output: None,
        later: false,
    };
    let sudo = wrapper.names == "sudo";
    let mut operands = if wrapper.tail == Tail::Shell { usize::MAX } else { 0 };
    while let Some(arg) = args.get(peeled.rest) {
        let text = arg.text.as_str();
        if text == "--" {
            peeled.rest += 1;
            break;
        }
        if text == "-" && wrapper.flags.contains('-') {
            peeled.rest += 1;
            continue;
        }
        if !text.starts_with('-') || text.len() < 2 {
            if operands == 0 || arg.is_unknown() {
                break;
            }
            operands -= 1;
            peeled.rest += 1;
            continue;
        }
        peeled.rest += 1;
        if let Some(long) = text.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let among = |list: &str| {
                list.split_whitespace()
                    .find(|known| *known == name)
                    .or_else(|| list.split_whitespace().find(|known| known.starts_with(name)))
                    .map(str::to_owned)
            };
            let (flag, valued) = (among(wrapper.long_flags), among(wrapper.long_values));
            match (value, valued, flag) {
                (Some(value), Some(full), _) => {
                    peeled.value(wrapper, &format!("--{full}"), Arg { text: value.to_owned(), ..arg.clone() })
                }
                (_, _, Some(full)) => {
                    peeled.list |= full == "list";
                    peeled.reset |= sudo && full == "reset-timestamp";
                    peeled.shell |= sudo && matches!(full.as_str(), "login" | "shell");
                }
                (None, Some(full), None) => {
                    let next = args.get(peeled.rest).cloned().unwrap_or_else(Arg::unknowns);
                    peeled.rest += 1;
                    peeled.value(wrapper, &format!("--{full}"), next);
                }
                _ => peeled.opaque = true,
            }
            continue;
        }
        for (at, letter) in text[1..].char_indices() {
            if wrapper.values.contains(letter) {
                let attached = &text[1 + at + letter.len_utf8()..];
                let value = if attached.is_empty() {
                    peeled.rest += 1;
                    args.get(peeled.rest - 1).cloned().unwrap_or_else(Arg::unknowns)
                } else {
                    Arg { text: attached.to_owned(), ..arg.clone() }
                };
                peeled.value(wrapper, &format!("-{letter}"), value);
                break;
            }
            match letter {
                'e' if sudo => peeled.edit = true,
                letter if !wrapper.flags.contains(letter) => peeled.opaque = true,
                'l' | 'v' | 'K' | 'V' if sudo => peeled.list = true,
                'i' | 's' if sudo => peeled.shell = true,
                'k' if sudo => peeled.reset = true,
                _ => {}
            }
        }
    }
    peeled
}

impl Peeled {
    fn value(&mut self, wrapper: &Wrapper, option: &str, value: Arg) {
        self.later |= option.starts_with("--on-");
        if wrapper.chdir.split(' ').any(|known| known == option) {
            self.chdir = Some(value.clone());
        }
        if wrapper.output.split(' ').any(|known| known == option) {
            self.output = Some(value.clone());
        }
        if wrapper.code.split(' ').any(|code| code == option) {
            self.code = Some(value);
        }
    }
}
