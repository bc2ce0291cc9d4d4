//! The command behind a runner: `bundle exec`, `poetry run`, `npx`, `bwrap`.

use super::interpreters::is_interpreter;
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::invoke::base_name;
use crate::engine::shell::Source;
use crate::tables::{self, runners};

impl Engine<'_> {
    /// Judges the command a runner starts, in a segment of its own. What the runner does itself is its table's.
    pub(super) fn runner(&mut self, name: &str, args: &[Arg], source: &Source<'_>, span: (usize, usize)) {
        let Some(runner) = runners::find(name) else { return };
        let outside = self.at_home;
        self.at_home |= runner.home;
        self.behind_runner(runner, args, source, span);
        self.at_home = outside;
    }

    fn behind_runner(
        &mut self,
        runner: &runners::Runner,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) {
        let mut at = options(args, 1, runner);
        if !runner.verbs.is_empty() {
            if !args.get(at).is_some_and(|arg| runner.verbs.contains(&arg.text.as_str())) {
                return;
            }
            at = options(args, at + 1, runner);
        }
        at = options(args, at + runner.operands, runner);
        let rest = args.get(at..).unwrap_or_default();
        // A word that names a program begins the command for sure, should an unknown option have taken a value.
        let known = rest.iter().position(|arg| {
            let base = base_name(&arg.text);
            is_interpreter(base) || tables::is_program(base)
        });
        let first = rest.to_vec();
        if let Some(later) = known.filter(|later| *later > 0 && first[0].text.starts_with('-')) {
            self.inner(rest[later..].to_vec(), source, span);
            return;
        }
        if !first.is_empty() && !first[0].text.starts_with('-') {
            self.inner(first, source, span);
        }
    }
}

/// The position after the options that start at `at`.
fn options(args: &[Arg], mut at: usize, runner: &runners::Runner) -> usize {
    let among = |list: &str, text: &str| list.split_whitespace().any(|known| known == text);
    while let Some(arg) = args.get(at).filter(|arg| arg.text.starts_with('-') && arg.text.len() > 1) {
        at += 1;
        if arg.text == "--" {
            break;
        }
        at += usize::from(among(runner.values, &arg.text)) + 2 * usize::from(among(runner.pairs, &arg.text));
    }
    at
}

/// The command that `cmake -E` stands for.
pub(super) fn cmake_command(args: &[Arg]) -> Vec<Arg> {
    let mut words: Vec<Arg> = args.to_vec();
    let plain: &[&str] = match args.first().map_or("", |arg| arg.text.as_str()) {
        "remove" => &["rm"],
        "remove_directory" => &["rm", "-r"],
        "copy" | "copy_if_different" => &["cp"],
        "copy_directory" | "copy_directory_if_different" => &["cp", "-r"],
        "rename" => &["mv"],
        "make_directory" => &["mkdir"],
        "create_symlink" | "create_hardlink" => &["ln"],
        _ => return words,
    };
    words.splice(..1, plain.iter().map(|word| Arg::literal(word)));
    words
}
