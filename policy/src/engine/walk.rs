//! The walk over the tree, in execution order, with what the shell may know at each point.

use brush_parser::ast::{
    AndOr, AndOrList, CaseClauseCommand, Command, CompoundCommand, CompoundList, ExtendedTestExpr,
    ForClauseCommand, FunctionDefinition, IfClauseCommand, Pipeline, Program, SeparatorOperator,
    SourceLocation as _,
};

use super::arg::{Arg, UNKNOWN};
use super::facts::{Finding, Reads};
use super::shell::{Source, Stdin};
use super::{Engine, MAX_DEPTH, MAX_PARSED, MAX_PASSES, MAX_STEPS, Output};
use crate::state::Var;
use crate::syntax;
use crate::verdict::Verdict;

impl Engine<'_> {
    /// Parses and walks code.
    pub(super) fn run(&mut self, source: &Source<'_>) -> Output {
        self.parsed += source.text.len() + 1;
        if self.depth >= MAX_DEPTH || self.parsed > MAX_PARSED {
            self.opaque(source, source.all(), "too-complex");
            return None;
        }
        self.depth += 1;
        let output = match syntax::parse(&source.text) {
            Some(program) => self.program(&program, source),
            None => {
                self.opaque(source, source.all(), "opaque");
                self.endless_for(source);
                None
            }
        };
        self.depth -= 1;
        output
    }

    /// `for ((i=0;;i++))`, which the grammar does not read: a catastrophe in its body stays one.
    fn endless_for(&mut self, source: &Source<'_>) {
        if self.searching || !source.text.contains("((") || !source.text.contains(";;") {
            return;
        }
        let text = source.text.replace("; ;", ";;").replace(";;", ";1;");
        if syntax::parse(&text).is_none() {
            return;
        }
        let inner = source.inner(text.into(), None, source.all());
        let seen = self.segments.len();
        self.isolated(Stdin::Outer, false, |engine| engine.run(&inner));
        let found = self.segments.split_off(seen);
        self.segments.extend(found.into_iter().filter(|segment| segment.verdict == Verdict::Block));
    }

    fn program(&mut self, program: &Program, source: &Source<'_>) -> Output {
        let mut printed = Some(String::new());
        for list in &program.complete_commands {
            join(&mut printed, self.list(list, source));
        }
        printed
    }

    fn list(&mut self, list: &CompoundList, source: &Source<'_>) -> Output {
        let mut printed = Some(String::new());
        for item in &list.0 {
            let output = match item.1 {
                SeparatorOperator::Sequence => self.and_or(&item.0, source),
                SeparatorOperator::Async => {
                    let forking = std::mem::replace(&mut self.forking, true);
                    let output =
                        self.isolated(Stdin::Null, self.wanted, |engine| engine.and_or(&item.0, source));
                    self.forking = forking;
                    output
                }
            };
            join(&mut printed, output);
        }
        printed
    }

    /// `a && b || c`: what runs after a failure starts from any of the states before it.
    fn and_or(&mut self, list: &AndOrList, source: &Source<'_>) -> Output {
        let mut printed = self.pipeline(&list.first, source);
        if list.additional.is_empty() {
            return printed;
        }
        let mut possible = self.shell.clone();
        for next in &list.additional {
            let output = match next {
                AndOr::And(pipeline) => self.pipeline(pipeline, source),
                AndOr::Or(pipeline) => {
                    self.shell.merge(&possible);
                    self.pipeline(pipeline, source)
                }
            };
            join(&mut printed, output);
            possible.merge(&self.shell);
        }
        self.shell = possible;
        printed
    }

    fn pipeline(&mut self, pipeline: &Pipeline, source: &Source<'_>) -> Output {
        if let [only] = &pipeline.seq[..] {
            return self.command(only, source);
        }
        let before = self.shell.clone();
        let (wanted, forking, stdin) = (self.wanted, self.forking, self.stdin.clone());
        self.forking = true;
        let mut printed = None;
        let mut fetched = false;
        for (at, command) in pipeline.seq.iter().enumerate() {
            let last = at + 1 == pipeline.seq.len();
            self.wanted = wanted || !last;
            let files = std::mem::take(&mut self.shell.files);
            self.shell = before.clone();
            self.shell.files = if at == 0 { before.files.clone() } else { files };
            let seen = self.segments.len();
            printed = self.command(command, source);
            fetched |= self.segments[seen..].iter().any(|segment| is_fetcher(&segment.argv));
            if !last {
                self.stdin = match &printed {
                    Some(text) => Stdin::Known(text.clone()),
                    None => Stdin::Pipe { fetched },
                };
            }
        }
        let files = std::mem::take(&mut self.shell.files);
        self.shell.merge(&before);
        self.shell.files = files;
        (self.wanted, self.forking, self.stdin) = (wanted, forking, stdin);
        printed
    }

    fn command(&mut self, command: &Command, source: &Source<'_>) -> Output {
        self.steps += 1;
        if self.steps > MAX_STEPS || self.depth >= MAX_DEPTH {
            if self.steps <= MAX_STEPS + 1 || self.depth >= MAX_DEPTH {
                self.opaque(source, source.all(), "too-complex");
            }
            return None;
        }
        self.depth += 1;
        let output = match command {
            Command::Simple(simple) => self.simple(simple, source),
            Command::Compound(compound, redirects) => {
                let stdin = self.stdin.clone();
                let kept = self.redirects(
                    redirects.iter().flat_map(|list| &list.0),
                    source,
                    compound_span(compound, source),
                );
                let wanted = self.wanted;
                self.wanted |= kept.keeps();
                let output = self.compound(compound, source);
                (self.stdin, self.wanted) = (stdin, wanted);
                self.written(&kept, output, source.report(compound_span(compound, source)))
            }
            Command::Function(function) => {
                self.define(function, source);
                Some(String::new())
            }
            Command::ExtendedTest(test, redirects) => {
                self.redirects(redirects.iter().flat_map(|list| &list.0), source, source.all());
                self.extended_test(&test.expr, source);
                Some(String::new())
            }
        };
        self.depth -= 1;
        output
    }

    fn compound(&mut self, compound: &CompoundCommand, source: &Source<'_>) -> Output {
        match compound {
            CompoundCommand::BraceGroup(group) => self.list(&group.list, source),
            CompoundCommand::Subshell(group) => {
                let (stdin, wanted) = (self.stdin.clone(), self.wanted);
                self.isolated(stdin, wanted, |engine| engine.list(&group.list, source))
            }
            CompoundCommand::IfClause(clause) => self.if_clause(clause, source),
            CompoundCommand::CaseClause(clause) => self.case_clause(clause, source),
            CompoundCommand::ForClause(clause) => self.looping(|engine| engine.for_clause(clause, source)),
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                if endless(&clause.0) {
                    self.flood(&clause.1.list, source, compound_span(compound, source));
                }
                self.looping(|engine| {
                    engine.repeated(source, |engine| {
                        engine.list(&clause.0, source);
                        engine.list(&clause.1.list, source);
                    })
                });
                None
            }
            CompoundCommand::Arithmetic(arithmetic) => {
                let span = source.bytes(arithmetic.loc.start.index, arithmetic.loc.end.index);
                self.double_parens(&arithmetic.expr.value, source, span)
            }
            CompoundCommand::ArithmeticForClause(clause) => {
                for part in [&clause.initializer, &clause.condition, &clause.updater].into_iter().flatten() {
                    self.arithmetic(&part.value, source);
                }
                if clause.condition.as_ref().is_none_or(|part| matches!(part.value.trim(), "" | "1")) {
                    self.flood(&clause.body.list, source, compound_span(compound, source));
                }
                self.looping(|engine| {
                    engine.repeated(source, |engine| {
                        engine.list(&clause.body.list, source);
                    })
                });
                None
            }
            CompoundCommand::Coprocess(coprocess) => {
                self.isolated(Stdin::Pipe { fetched: false }, false, |engine| {
                    engine.command(&coprocess.body, source)
                });
                None
            }
        }
    }

    /// What stands in double parentheses, or in what the grammar takes for them.
    ///
    /// The grammar takes `( ( x ) )` for arithmetic; to a shell it is a subshell in a subshell. A shell without
    /// arithmetic commands (dash) takes even `((x))` for that, so words that are no arithmetic are read both ways.
    fn double_parens(&mut self, expression: &str, source: &Source<'_>, span: (usize, usize)) -> Output {
        let text = source.slice(span);
        let adjacent = text.starts_with("((") && text.ends_with("))");
        if adjacent {
            self.arithmetic(expression, source);
        }
        if adjacent && !reads_as_command(expression) {
            return Some(String::new());
        }
        let within = (span.0 + 1, span.1.saturating_sub(1).max(span.0 + 1));
        let code = source.slice(within).to_owned();
        let inner = source.inner(code.into(), Some(within.0), span);
        let (stdin, wanted) = (self.stdin.clone(), self.wanted);
        self.isolated(stdin, wanted, |engine| engine.run(&inner))
    }

    fn if_clause(&mut self, clause: &IfClauseCommand, source: &Source<'_>) -> Output {
        self.list(&clause.condition, source);
        let before = self.shell.clone();
        self.list(&clause.then, source);
        let mut possible = std::mem::replace(&mut self.shell, before);
        let mut otherwise = false;
        for clause in clause.elses.iter().flatten() {
            if let Some(condition) = &clause.condition {
                self.list(condition, source);
            }
            let before = self.shell.clone();
            self.list(&clause.body, source);
            possible.merge(&self.shell);
            otherwise |= clause.condition.is_none();
            self.shell = before;
        }
        if otherwise {
            self.shell = possible;
        } else {
            self.shell.merge(&possible);
        }
        None
    }

    fn case_clause(&mut self, clause: &CaseClauseCommand, source: &Source<'_>) -> Output {
        self.expand_one(&clause.value.value, source, None);
        let before = self.shell.clone();
        let mut possible = before.clone();
        for case in &clause.cases {
            for pattern in &case.patterns {
                self.expand_one(&pattern.value, source, None);
            }
            if let Some(list) = &case.cmd {
                // A branch may be entered afresh or fallen into from the one above.
                self.shell = possible.clone();
                self.list(list, source);
                possible.merge(&self.shell);
            }
        }
        self.shell = possible;
        None
    }

    fn for_clause(&mut self, clause: &ForClauseCommand, source: &Source<'_>) -> Output {
        let mut values = Vec::new();
        for word in clause.values.iter().flatten() {
            let span = word.loc.as_ref().map(|loc| source.bytes(loc.start.index, loc.end.index));
            values.extend(self.expand(&word.value, source, span));
        }
        self.unseen(&clause.variable_name, source, source.all());
        let mut given = clause.values.is_some();
        if !given && let Some(Var::List(list)) = self.shell.variables.get("@") {
            // `for x; do` goes over `"$@"`.
            values.extend(list.iter().map(|text| Arg { text: text.clone(), ..Arg::literal("") }));
            given = true;
        }
        let known = !values.iter().any(|arg| arg.open || arg.is_unknown());
        if !given || !known || values.len() > 12 {
            // What stands there for sure is gone through, and then whatever else may.
            let sure = values
                .iter()
                .filter(|arg| !(arg.open || arg.glob || arg.is_unknown()))
                .take(if known { 0 } else { 32 });
            for value in sure.cloned().collect::<Vec<_>>() {
                self.keep(&clause.variable_name, Var::Text(value.text), source, source.all());
                self.list(&clause.body.list, source);
                self.land();
            }
            let value = match &values[..] {
                _ if !given => Var::Unknown,
                list if list.iter().all(|arg| arg.glob && !arg.open) => Var::Text(Arg::some_file().text),
                _ => Var::Unknown,
            };
            self.shell.store(&clause.variable_name, value);
            self.repeated(source, |engine| {
                engine.list(&clause.body.list, source);
            });
            return None;
        }
        for value in values {
            self.keep(&clause.variable_name, Var::Text(value.text), source, source.all());
            self.list(&clause.body.list, source);
            self.land();
        }
        None
    }

    /// A body that runs any number of times: walked until a further pass could see nothing new.
    fn repeated(&mut self, source: &Source<'_>, mut body: impl FnMut(&mut Self)) {
        for _ in 0..MAX_PASSES {
            let before = self.shell.clone();
            body(self);
            self.land();
            self.shell.merge(&before);
            if self.shell == before {
                return;
            }
        }
        self.opaque(source, source.all(), "too-complex");
    }

    /// The body of a loop without end: one that starts jobs and waits for nothing floods the machine.
    fn flood(&mut self, body: &CompoundList, source: &Source<'_>, span: (usize, usize)) {
        let starts = body.0.iter().any(|item| matches!(item.1, SeparatorOperator::Async));
        let held = body.0.iter().filter(|item| !matches!(item.1, SeparatorOperator::Async));
        let waits = held
            .map(|item| item.0.to_string())
            .filter(|text| !(text.starts_with('(') && text.contains('&')))
            .any(|text| text.split(|c: char| !c.is_alphanumeric()).any(|word| WAITS.contains(&word)));
        if starts && !waits {
            let shown = Arg::literal(source.slice(span));
            self.segment(&[shown], source, span, Finding::block("fork-bomb"), Reads::Unproven);
        }
    }

    /// Runs in a subshell: nothing it changes is seen outside, but files it writes are.
    pub(super) fn isolated(
        &mut self,
        stdin: Stdin,
        wanted: bool,
        run: impl FnOnce(&mut Self) -> Output,
    ) -> Output {
        let shell = self.shell.clone();
        let stdin = std::mem::replace(&mut self.stdin, stdin);
        let wanted = std::mem::replace(&mut self.wanted, wanted);
        let output = run(self);
        let inner = std::mem::replace(&mut self.shell, shell);
        self.shell.files = inner.files;
        (self.stdin, self.wanted) = (stdin, wanted);
        output
    }

    fn define(&mut self, function: &FunctionDefinition, source: &Source<'_>) {
        let name = function.fname.value.clone();
        let span = function.body.0.location().map(|loc| source.bytes(loc.start.index, loc.end.index));
        let body = span.map(|span| source.slice(span).to_owned());
        let plain = function.body.1.is_none();
        let place =
            function.location().map_or(source.all(), |loc| source.bytes(loc.start.index, loc.end.index));
        self.definition(&name, "function", source, place);
        self.shell.functions.insert(name, body.filter(|_| plain));
    }

    fn extended_test(&mut self, expr: &ExtendedTestExpr, source: &Source<'_>) {
        match expr {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.extended_test(left, source);
                self.extended_test(right, source);
            }
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => {
                self.extended_test(inner, source)
            }
            ExtendedTestExpr::UnaryTest(_, word) => {
                self.test_word(&word.value, source);
            }
            ExtendedTestExpr::BinaryTest(_, left, right) => {
                self.test_word(&left.value, source);
                self.test_word(&right.value, source);
            }
        }
    }

    /// A word of a test: arithmetic comparisons evaluate subscripts, and with them code.
    fn test_word(&mut self, raw: &str, source: &Source<'_>) {
        let arg = self.expand_one(raw, source, None);
        if arg.text.contains("$(") || arg.text.contains('`') {
            self.opaque(source, source.all(), "opaque");
        }
    }
}

/// Words of a loop's body that hold it back or end it.
const WAITS: &[&str] = &[
    "sleep",
    "usleep",
    "wait",
    "read",
    "break",
    "return",
    "exit",
    "inotifywait",
    "flock",
    "accept",
    "nc",
    "ncat",
    "socat",
];

/// Whether a loop's condition never fails.
fn endless(condition: &CompoundList) -> bool {
    matches!(
        condition.to_string().trim().trim_end_matches(';'),
        "true" | ":" | "false" | "[ 1 ]" | "((1))" | "(( 1 ))" | "[[ 1 ]]" | "test 1"
    )
}

fn compound_span(compound: &CompoundCommand, source: &Source<'_>) -> (usize, usize) {
    compound.location().map_or(source.all(), |loc| source.bytes(loc.start.index, loc.end.index))
}

/// Adds what the next command prints to what was printed before it.
fn join(printed: &mut Output, next: Output) {
    match (printed.as_mut(), next) {
        (Some(text), Some(more)) if text.len() + more.len() < 16 * 1024 => text.push_str(&more),
        _ => *printed = None,
    }
}

/// Whether a command brings its output from the network.
fn is_fetcher(argv: &[String]) -> bool {
    let name = argv.first().map(|name| name.rsplit('/').next().unwrap_or(name));
    name.is_some_and(|name| {
        ["curl", "wget", "fetch", "nc", "ncat", "netcat", "socat", "aria2c", "lynx", "http", "ftp"]
            .contains(&name)
            || name.contains(UNKNOWN)
    })
}

/// Whether an arithmetic expression would also be a command with its words: a lone name, or two words in a row.
fn reads_as_command(expression: &str) -> bool {
    let inside = expression.trim_matches(|c: char| c.is_whitespace() || "()!".contains(c));
    let mut words = inside.split_whitespace();
    let name = |word: &str| word.starts_with(|c: char| c.is_ascii_alphabetic() || "/.\\'\"_".contains(c));
    match (words.next(), words.next()) {
        (Some(first), None) => {
            name(first) && first.chars().all(|c| c.is_alphanumeric() || "/.'\"\\".contains(c))
        }
        (Some(first), Some(second)) => {
            let second =
                second.strip_prefix('-').filter(|rest| !rest.starts_with(['-', '='])).unwrap_or(second);
            (name(first) || first.starts_with('$'))
                && !first.ends_with(['+', '-', '*', '/', '=', '<', '>', '?', ':', '&', '|', ','])
                && (!second.starts_with(|c: char| "+-*/%=<>?:&|^,!;)".contains(c))
                    || second.strip_prefix('/').is_some_and(|rest| rest.starts_with(char::is_alphanumeric)))
        }
        (None, _) => false,
    }
}
