//! `find` and `fd`: what their actions run, delete and write.

use super::{Facts, Finding, Reads};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::shell::Source;
use crate::verdict::{Mode, Verdict};

/// Tests that take no filter off: with only these, an action reaches everything below the start.
const NO_FILTER: &[&str] = &[
    "-delete",
    "-exec",
    "-execdir",
    "-depth",
    "-xdev",
    "-mount",
    "-print",
    "-print0",
    "-maxdepth",
    "-mindepth",
    "-type",
    "-H",
    "-L",
    "-P",
    "-o",
    "-true",
    "-ignore_readdir_race",
    "-ls",
    "-ok",
];

impl Engine<'_> {
    /// Facts of `find` and `fd`.
    pub(super) fn find(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        if matches!(name, "fd" | "fdfind") {
            return self.fd(args, source, span);
        }
        let starts: Vec<Arg> = args[1..]
            .iter()
            .skip_while(|arg| matches!(arg.text.as_str(), "-H" | "-L" | "-P"))
            .take_while(|arg| !arg.text.starts_with(['-', '(', '!']))
            .cloned()
            .collect();
        let root = starts.iter().any(|arg| self.is_root_tree(arg));
        let filtered = filters(args);
        let mut facts = Facts::READS;
        let mut at = 1;
        while let Some(arg) = args.get(at) {
            at += 1;
            match arg.text.as_str() {
                "-delete" => {
                    let finding = if root && !filtered {
                        Finding::block("root-delete")
                    } else {
                        Finding::confirm("delete")
                    };
                    facts = Facts::of(facts.finding.strictest(finding));
                }
                "-exec" | "-execdir" | "-ok" | "-okdir" => {
                    let end = args[at..]
                        .iter()
                        .position(|arg| arg.text == ";" || arg.text == "+")
                        .unwrap_or(args.len() - at);
                    let inner: Vec<Arg> = args[at..at + end].to_vec();
                    at += end + 1;
                    let target = if root && !filtered { starts[0].clone() } else { Arg::some_file() };
                    let placed = inner.into_iter().map(|arg| place_file(arg, &target)).collect();
                    self.inner(placed, source, span);
                }
                "-fprint" | "-fprint0" | "-fls" | "-fprintf" => {
                    let target = args.get(at).cloned().unwrap_or_else(Arg::unknown);
                    facts = Facts::of(facts.finding.strictest(self.write_to(&target)));
                }
                text if text.starts_with('\0') && self.mode == Mode::Readonly => {
                    facts.reads = Reads::Unproven
                }
                _ => {}
            }
        }
        if facts.reads == Reads::Proven && self.wanted && !filtered {
            let text: Vec<String> = starts.iter().map(|arg| format!("{}\n", arg.text)).collect();
            facts.output = Some(text.concat());
        }
        facts
    }

    fn fd(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let action =
            args.iter().position(|arg| matches!(arg.text.as_str(), "-x" | "-X" | "--exec" | "--exec-batch"));
        match action {
            None => Facts::READS.reading(!args.iter().any(|arg| arg.text.starts_with('\0'))),
            Some(at) => {
                let end = args[at + 1..]
                    .iter()
                    .position(|arg| arg.text == ";")
                    .map_or(args.len(), |end| at + 1 + end);
                let mut inner: Vec<Arg> =
                    args[at + 1..end].iter().map(|arg| place_file(arg.clone(), &Arg::some_file())).collect();
                inner.push(Arg::some_file());
                self.inner(inner, source, span);
                Facts::READS
            }
        }
    }
}

/// Puts a found file's name where `{}` stands. Inside code it is text that the code's author does not control.
pub(super) fn place_file(arg: Arg, file: &Arg) -> Arg {
    if arg.text == "{}" {
        return file.clone();
    }
    if !arg.text.contains("{}") {
        return arg;
    }
    let code = arg.text.contains([' ', ';', '|', '&']);
    Arg { text: arg.text.replace("{}", if code { "./found" } else { &file.text }), ..arg }
}

/// Whether any test outside the actions' own commands narrows what is found.
fn filters(args: &[Arg]) -> bool {
    let mut inside = false;
    args[1..].iter().any(|arg| {
        let text = arg.text.as_str();
        if inside {
            inside = !matches!(text, ";" | "+");
            return false;
        }
        inside = matches!(text, "-exec" | "-execdir" | "-ok" | "-okdir");
        text.starts_with('-') && !NO_FILTER.contains(&text)
    })
}

/// Whether a finding stops a command.
pub(super) fn stops(finding: Finding) -> bool {
    finding.verdict != Verdict::Allow
}
