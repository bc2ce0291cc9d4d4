//! Simple commands: assignments, redirections, and the words that run.

use brush_parser::SourceSpan;
use brush_parser::ast::{
    AssignmentName, AssignmentValue, CommandPrefixOrSuffixItem as Item, IoFileRedirectKind as Kind,
    IoFileRedirectTarget as Target, IoRedirect, ProcessSubstitutionKind, SimpleCommand, SourceLocation as _,
    SubshellCommand, Word,
};

use super::arg::Arg;
use super::facts::{Finding, Reads};
use super::place;
use super::shell::{Source, Stdin};
use super::{Engine, Output};
use crate::judgement::Segment;
use crate::state::Var;
use crate::tables;

/// How a variable is set.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    /// Commands that run see it.
    passed_on: bool,
    append: bool,
}

impl Scope {
    /// A variable of the shell itself.
    pub(super) const OWN: Self = Self::of(false, false);
    /// A variable that commands see.
    pub(super) const PASSED_ON: Self = Self::of(true, false);

    const fn of(passed_on: bool, append: bool) -> Self {
        Self { passed_on, append }
    }
}

/// Where a command's standard output goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Sink {
    file: Option<(String, bool)>,
    /// Code that reads it (`> >(sh)`), and its place in the judged command.
    code: Option<(String, (usize, usize))>,
}

impl Sink {
    /// Whether what is printed ends up in a file.
    pub(super) fn keeps(&self) -> bool {
        self.code.is_some() || self.file.as_ref().is_some_and(|(path, _)| !place::is_sink(path))
    }
}

impl Engine<'_> {
    /// Walks a simple command: redirections, assignments, then what runs.
    pub(super) fn simple(&mut self, simple: &SimpleCommand, source: &Source<'_>) -> Output {
        let span = extent(simple).map_or(source.all(), |(from, to)| source.bytes(from, to));
        let items: Vec<&Item> = simple
            .prefix
            .iter()
            .flat_map(|prefix| &prefix.0)
            .chain(simple.suffix.iter().flat_map(|suffix| &suffix.0))
            .collect();
        let at = self.segments.len();
        let mut args = Vec::new();
        if let Some(word) = &simple.word_or_name {
            args.extend(self.word(word, source));
        }
        // What writes into the command's input is read once that input is known.
        let mut fed = Vec::new();
        for item in simple.suffix.iter().flat_map(|suffix| &suffix.0) {
            match item {
                Item::Word(word) | Item::AssignmentWord(_, word) => args.extend(self.word(word, source)),
                Item::ProcessSubstitution(ProcessSubstitutionKind::Write, body) => {
                    args.push(Arg::literal("/dev/fd/63"));
                    fed.push(body);
                }
                Item::ProcessSubstitution(kind, body) => args.push(self.process_argument(kind, body, source)),
                Item::IoRedirect(_) => {}
            }
        }
        let stdin = self.stdin.clone();
        let redirects = items.iter().filter_map(|item| match item {
            Item::IoRedirect(redirect) => Some(redirect),
            _ => None,
        });
        let sink = self.redirects(redirects, source, span);
        for body in fed {
            self.process_argument(&ProcessSubstitutionKind::Write, body, source);
        }
        let bare = simple.word_or_name.is_none();
        let wanted = self.wanted;
        self.wanted |= sink.keeps();
        let mut outer = Vec::new();
        for item in simple.prefix.iter().flat_map(|prefix| &prefix.0) {
            if let Item::AssignmentWord(assignment, _) = item {
                let name = match &assignment.name {
                    AssignmentName::VariableName(name) => name.clone(),
                    AssignmentName::ArrayElementName(name, index) => {
                        self.arithmetic(index, source);
                        name.clone()
                    }
                };
                let whole = matches!(assignment.name, AssignmentName::VariableName(_));
                let value = self.assigned(&assignment.value, source);
                let value = if whole { value } else { Var::Unknown };
                outer.push((name.clone(), self.shell.variables.get(&name).cloned()));
                self.assign(&name, value, Scope::of(!bare, assignment.append), source, span);
            }
        }
        let special = args.first().is_some_and(|arg| SPECIAL.contains(&arg.text.as_str()));
        let output = if args.is_empty() {
            if bare { Some(String::new()) } else { self.nameless(source, span) }
        } else {
            // The command's own segment comes before those of the substitutions in its words.
            let inner = self.segments.split_off(at);
            // The elements of a list by names (`-A`) are keys and values.
            let declares = DECLARING.contains(&args[0].text.as_str())
                && !args.iter().any(|arg| arg.text.starts_with('-') && arg.text.contains('A'));
            let output = self.invoke(args, source, span, false);
            if declares {
                self.declared_lists(simple, source);
            }
            self.segments.extend(inner);
            output
        };
        if !bare && !sets_variables(simple) {
            // Only these assignments are the command's own; what else it changed (`x=1 eval y=2`) stays. A shell
            // that follows POSIX keeps even these after a special builtin, so they are unsure then.
            for (name, value) in outer.into_iter().rev() {
                match value {
                    _ if special => drop(self.shell.variables.insert(name, Var::Unknown)),
                    Some(value) => drop(self.shell.variables.insert(name, value)),
                    None => drop(self.shell.variables.remove(&name)),
                }
            }
        }
        (self.stdin, self.wanted) = (stdin, wanted);
        if let (Some(""), Some((path, false))) = (output.as_deref(), &sink.file) {
            // Nothing is printed into it: what it held is gone.
            let target = Arg { text: path.clone(), ..Arg::literal("") };
            let finding = self.emptied(&target);
            if finding != Finding::ALLOW {
                self.segment(&[Arg::literal(">"), target], source, span, finding, Reads::Unproven);
            }
        }
        self.written(&sink, output, source.report(span))
    }

    /// `declare -a x=(rm -rf)`: the elements, which the builtin's words do not tell apart.
    fn declared_lists(&mut self, simple: &SimpleCommand, source: &Source<'_>) {
        for item in simple.suffix.iter().flat_map(|suffix| &suffix.0) {
            if let Item::AssignmentWord(assignment, _) = item
                && let AssignmentName::VariableName(name) = &assignment.name
                && let AssignmentValue::Array(elements) = &assignment.value
                && elements.iter().all(|(index, _)| index.is_none())
                && !assignment.append
            {
                let list = self.assigned(&assignment.value, source);
                self.keep(name, list, source, source.all());
            }
        }
    }

    fn word(&mut self, word: &Word, source: &Source<'_>) -> Vec<Arg> {
        let span = word.loc.as_ref().map(|loc| source.bytes(loc.start.index, loc.end.index));
        self.expand(&word.value, source, span)
    }

    /// A command word that expands to nothing known: whatever it becomes runs.
    fn nameless(&mut self, source: &Source<'_>, span: (usize, usize)) -> Output {
        self.opaque(source, span, "runtime-command");
        None
    }

    fn assigned(&mut self, value: &AssignmentValue, source: &Source<'_>) -> Var {
        match value {
            AssignmentValue::Scalar(word) => match self.expand_one(&word.value, source, None).text {
                text if text == "\0" => Var::Unknown,
                text => Var::Text(text),
            },
            AssignmentValue::Array(elements) => {
                let mut list = Vec::new();
                for (index, word) in elements {
                    if let Some(index) = index {
                        self.arithmetic(&index.value, source);
                    }
                    list.extend(self.expand(&word.value, source, None));
                }
                if list.iter().any(|arg| arg.open) || list.len() > 256 {
                    return Var::Unknown;
                }
                Var::List(list.into_iter().map(|arg| arg.text).collect())
            }
        }
    }

    /// One assignment.
    pub(super) fn assign(
        &mut self,
        name: &str,
        value: Var,
        scope: Scope,
        source: &Source<'_>,
        span: (usize, usize),
    ) {
        let text = match &value {
            Var::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.evaluated(name, &value, source, span);
        let finding = self.environment(name, text.as_deref(), source, span);
        let harmless = tables::harmless_variable(name, text.as_deref(), scope.passed_on);
        let reads = if harmless { Reads::Proven } else { Reads::Unproven };
        if finding.rule.is_some() || (reads == Reads::Unproven && self.mode == crate::verdict::Mode::Readonly)
        {
            let shown = Arg::literal(&format!("{name}={}", text.as_deref().unwrap_or("$?")));
            self.segment(&[shown], source, span, finding, reads);
        }
        let value = match (scope.append, self.shell.variables.get(name), value) {
            (false, _, value) => value,
            (true, Some(Var::Text(old)), Var::Text(new)) => Var::Text(format!("{old}{new}")),
            (true, Some(Var::List(old)), Var::List(new)) => Var::List([old.clone(), new].concat()),
            (true, ..) => Var::Unknown,
        };
        self.shell.store(name, value);
    }

    /// Stores a value as it is given, whole.
    pub(super) fn keep(&mut self, name: &str, value: Var, source: &Source<'_>, span: (usize, usize)) {
        self.evaluated(name, &value, source, span);
        self.shell.store(name, value);
    }

    /// A variable that is an integer evaluates what it is given, and a subscript in that runs code.
    fn evaluated(&mut self, name: &str, value: &Var, source: &Source<'_>, span: (usize, usize)) {
        if self.shell.odd.contains(name) && value.holds_code() {
            self.opaque(source, span, "opaque");
        }
    }

    /// A name that takes values nobody can see: worth a finding where it means something to other programs.
    pub(super) fn unseen(&mut self, name: &str, source: &Source<'_>, span: (usize, usize)) {
        if tables::variable_rule(name).is_some() {
            self.assign(name, Var::Unknown, Scope::OWN, source, span);
        }
    }

    /// Applies redirections: judges their targets, sets what the command reads.
    pub(super) fn redirects<'r>(
        &mut self,
        redirects: impl Iterator<Item = &'r IoRedirect>,
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Sink {
        let mut sink = Sink::default();
        for redirect in redirects {
            match redirect {
                IoRedirect::HereDocument(fd, here) => {
                    let body = if here.requires_expansion {
                        self.expand_quoted(&here.doc.value, source).text
                    } else {
                        here.doc.value.clone()
                    };
                    if fd.is_none_or(|fd| fd == 0) {
                        self.stdin = Stdin::Known(body);
                    }
                }
                IoRedirect::HereString(fd, word) => {
                    let text = self.expand_one(&word.value, source, None).text;
                    if fd.is_none_or(|fd| fd == 0) {
                        self.stdin = Stdin::Known(format!("{text}\n"));
                    }
                }
                IoRedirect::OutputAndError(word, append) => {
                    let target = self.target(word, source);
                    self.write_target(&target, *append, source, span);
                    sink.file = Some((target.text, *append));
                }
                IoRedirect::File(fd, kind, target) => {
                    self.file_redirect(*fd, kind, target, source, span, &mut sink)
                }
            }
        }
        sink
    }

    fn file_redirect(
        &mut self,
        fd: Option<i32>,
        kind: &Kind,
        target: &Target,
        source: &Source<'_>,
        span: (usize, usize),
        sink: &mut Sink,
    ) {
        let arg = match target {
            Target::Filename(word) => self.target(word, source),
            Target::Fd(_) => return,
            Target::ProcessSubstitution(kind, body) => {
                let place = body.location().map(|loc| source.bytes(loc.start.index, loc.end.index));
                sink.code = place.map(|(from, to)| {
                    (source.slice((from + 1, to.max(from + 2) - 1)).to_owned(), source.report((from, to)))
                });
                self.process_argument(kind, body, source)
            }
            Target::Duplicate(word) => {
                let arg = self.target(word, source);
                let descriptor = arg.text.trim_end_matches('-');
                if descriptor.bytes().all(|b| b.is_ascii_digit()) || matches!(kind, Kind::DuplicateInput) {
                    return;
                }
                arg
            }
        };
        match kind {
            Kind::Read | Kind::DuplicateInput => {
                if fd.is_none_or(|fd| fd == 0) {
                    self.stdin = match self.file_content(&arg.text) {
                        Some(text) => Stdin::Known(text),
                        None if arg.text == "/dev/null" => Stdin::Null,
                        None => Stdin::File(arg.text.clone()),
                    };
                }
                if arg.text.starts_with("/dev/tcp/") || arg.text.starts_with("/dev/udp/") {
                    self.segment(&[arg], source, span, Finding::confirm("network-socket"), Reads::Unproven);
                }
            }
            _ => {
                let append = matches!(kind, Kind::Append | Kind::ReadAndWrite);
                self.write_target(&arg, append, source, span);
                if fd.is_none_or(|fd| fd == 1) {
                    sink.file = Some((arg.text, append));
                }
            }
        }
    }

    fn target(&mut self, word: &Word, source: &Source<'_>) -> Arg {
        let span = word.loc.as_ref().map(|loc| source.bytes(loc.start.index, loc.end.index));
        self.expand_one(&word.value, source, span)
    }

    fn write_target(&mut self, target: &Arg, append: bool, source: &Source<'_>, span: (usize, usize)) {
        let (finding, reads) = if place::is_sink(&target.text) {
            (Finding::ALLOW, Reads::Proven)
        } else {
            let vital = !append && self.is_vital(target);
            (if vital { Finding::block("vital-file") } else { self.write_to(target) }, Reads::Unproven)
        };
        if finding.rule.is_some() || reads == Reads::Unproven {
            let sign = Arg::literal(if append { ">>" } else { ">" });
            self.segment(&[sign, target.clone()], source, target.span.unwrap_or(span), finding, reads);
        }
    }

    /// Remembers what was written to the sink; gives back what is left to read from the command.
    pub(super) fn written(&mut self, sink: &Sink, output: Output, place: (usize, usize)) -> Output {
        if let (Some((code, place)), Some(text)) = (&sink.code, &output) {
            let inner = Source::whole(code);
            let seen = self.segments.len();
            self.isolated(Stdin::Known(text.clone()), false, |engine| engine.run(&inner));
            for segment in &mut self.segments[seen..] {
                segment.span = *place;
            }
        }
        if let (Some((path, _)), Some(text)) = (&sink.file, &output)
            && self.runs_later(path)
        {
            // What is written there runs later: a catastrophe in it is one.
            let inner = Source::whole(text);
            let seen = self.segments.len();
            self.isolated(Stdin::Null, false, |engine| engine.run(&inner));
            let found = self.segments.split_off(seen);
            let catastrophes =
                found.into_iter().filter(|segment| segment.verdict == crate::verdict::Verdict::Block);
            self.segments.extend(catastrophes.map(|segment| Segment { span: place, ..segment }));
        }
        match &sink.file {
            None => output,
            Some((path, append)) => {
                if !place::is_sink(path) {
                    self.keep_file(path, output, *append);
                }
                Some(String::new())
            }
        }
    }

    /// Whether shells read this file, sooner or later.
    fn runs_later(&self, path: &str) -> bool {
        let rule = self.write_to(&Arg { text: path.to_owned(), ..Arg::literal("") }).rule;
        self.mode == crate::verdict::Mode::Guarded
            && matches!(rule, Some("startup-file" | "git-hooks" | "scheduled"))
    }

    fn process_argument(
        &mut self,
        kind: &ProcessSubstitutionKind,
        body: &SubshellCommand,
        source: &Source<'_>,
    ) -> Arg {
        let span = body.location().map(|loc| source.bytes(loc.start.index, loc.end.index));
        let code = span.map_or("", |(from, to)| source.slice((from + 1, to.max(from + 2) - 1)));
        let inner = source.inner(code.into(), span.map(|span| span.0 + 1), span.unwrap_or(source.all()));
        let reads = matches!(kind, ProcessSubstitutionKind::Read);
        if !reads && let Stdin::Known(text) = self.stdin.clone() {
            // What passes through the command on its way there, most likely; that it is unsure is said below.
            self.isolated(Stdin::Known(text), false, |engine| engine.run(&inner));
        }
        let stdin = if reads { Stdin::Outer } else { Stdin::Pipe { fetched: false } };
        let output = self.isolated(stdin, reads, |engine| engine.run(&inner));
        let path = if reads { self.keep_process_output(output) } else { "/dev/fd/63".to_owned() };
        Arg { span, ..Arg::literal(&path) }
    }

    /// Adds a segment.
    pub(super) fn segment(
        &mut self,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
        finding: Finding,
        reads: Reads,
    ) {
        let name = args.first().map_or("", |arg| arg.text.as_str());
        let (verdict, rule) = self.decide(name, args, finding, reads);
        self.segments.push(Segment {
            text: source.slice(span).to_owned(),
            argv: args.iter().map(Arg::shown).collect(),
            verdict,
            rule,
            span: source.report(span),
        });
    }

    /// Adds a segment for what could not be read.
    pub(super) fn opaque(&mut self, source: &Source<'_>, span: (usize, usize), rule: &'static str) {
        let shown: String = source.slice(span).chars().take(200).collect();
        let finding = if self.hides_catastrophe(rule, source.slice(span)) {
            Finding::block("root-delete")
        } else {
            Finding::confirm(rule)
        };
        self.segment(&[Arg::literal(&shown)], source, span, finding, Reads::Unproven);
    }
}

/// Builtins whose words may be assignments of lists.
const DECLARING: &[&str] = &["declare", "typeset", "local", "readonly", "export"];

/// Builtins of POSIX before which assignments stay.
const SPECIAL: &[&str] =
    &[".", ":", "eval", "exec", "export", "readonly", "set", "shift", "source", "trap", "unset"];

/// Builtins whose own assignments stay.
fn sets_variables(simple: &SimpleCommand) -> bool {
    simple.prefix.is_none()
}

/// First and last character of the command's words.
fn extent(simple: &SimpleCommand) -> Option<(usize, usize)> {
    let mut range: Option<(usize, usize)> = None;
    let mut widen = |loc: &SourceSpan| {
        let (from, to) = range.unwrap_or((loc.start.index, loc.end.index));
        range = Some((from.min(loc.start.index), to.max(loc.end.index)));
    };
    let prefix = simple.prefix.iter().flat_map(|prefix| &prefix.0);
    for item in prefix.chain(simple.suffix.iter().flat_map(|suffix| &suffix.0)) {
        let redirected = match item {
            Item::IoRedirect(
                IoRedirect::File(_, _, Target::Filename(word))
                | IoRedirect::HereString(_, word)
                | IoRedirect::OutputAndError(word, _),
            ) => word.loc.clone(),
            Item::IoRedirect(_) => None,
            other => other.location(),
        };
        if let Some(loc) = redirected {
            widen(&loc);
        }
    }
    if let Some(loc) = simple.word_or_name.as_ref().and_then(|word| word.loc.as_ref()) {
        widen(loc);
    }
    range
}
