//! Programs in no table: what their words say, and whether anything is known of them.

use super::disks::is_disk_tool;
use super::interpreters::is_interpreter;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::invoke::base_name;
use crate::engine::shell::Source;
use crate::tables::{self, verbs};

/// Beginnings of names and verbs of programs that make or wipe what a disk holds.
const REMAKES: &[&str] = &[
    "mk", "make", "format", "wipe", "erase", "zero", "sanitize", "init", "restore", "write", "burn", "flash",
    "create",
];

/// Options and keys before the file or device that a program writes.
const OUTPUTS: &[&str] =
    &["-o", "-O", "--output", "--overwrite", "--target", "--dest", "--destination", "--of", "--write"];

/// Commands that an unfamiliar program's words are searched for.
const RUN: &[&str] = &[
    "rm",
    "shred",
    "dd",
    "mkfs",
    "wipefs",
    "blkdiscard",
    "chmod",
    "chown",
    "truncate",
    "sudo",
    "doas",
    "su",
    "reboot",
    "shutdown",
    "poweroff",
    "halt",
    "sh",
    "bash",
    "dash",
    "zsh",
    "ash",
    "ksh",
];

/// The name by which a program is described: `php8.2` is `php`.
pub(super) fn described(name: &str) -> &str {
    if is_described(name) {
        return name;
    }
    tables::spellings(name).find(|plain| is_described(plain)).unwrap_or(name)
}

fn is_described(name: &str) -> bool {
    tables::is_known(name) || tables::is_ordinary(name) || is_interpreter(name) || is_disk_tool(name)
}

impl Engine<'_> {
    /// `newtool --option rm -rf x`: taken for a wrapper from the first such name on.
    pub(super) fn unfamiliar(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        let runs = |arg: &Arg| {
            let base = base_name(&arg.text);
            RUN.contains(&base) || base.starts_with("mkfs.")
        };
        if let Some(at) = args.iter().skip(1).position(runs).map(|at| at + 1)
            && at + 1 < args.len()
        {
            self.inner(args[at..].to_vec(), source, span);
        }
        if name.starts_with("ld-linux") || name.starts_with("ld-musl") || name.starts_with("ld.so") {
            self.inner(args[1..].to_vec(), source, span);
        }
        // A whole command in one word: `hyperfine 'rm -rf x'`.
        let commands = args.iter().skip(1).filter(|arg| {
            arg.text.split_once(' ').is_some_and(|(first, _)| RUN.contains(&base_name(first)))
                && !verbs::only_talks(name)
        });
        for command in commands.cloned().collect::<Vec<_>>() {
            self.code_argument(&command, source, span);
        }
        let words = args.iter().skip(1).map(|arg| arg.text.as_str());
        let told = words.clone().any(verbs::hands_code) && !verbs::only_talks(name);
        let said = if verbs::destroys(name, words) || verbs::named_to_destroy(name) {
            Finding::confirm("destroys")
        } else if told {
            Finding::confirm("runs-code")
        } else if self.more_rights && !tables::is_known(name) && !is_disk_tool(name) {
            Finding::confirm("unknown-as-root")
        } else if self.is_unknown(name, args) {
            Finding::confirm("unknown-program")
        } else {
            Finding::ALLOW
        };
        let described = self.tool(name, args);
        let finding = said.strictest(self.device_operand(name, args)).strictest(described.finding);
        Facts { finding, ..described }
    }

    /// Whether nothing is known of a program. One named by a path is a file that somebody chose, as is one of an
    /// environment of the project's own.
    fn is_unknown(&self, name: &str, args: &[Arg]) -> bool {
        let path = args[0].text.rsplit_once('/').is_some_and(|(dir, _)| !tables::is_program_directory(dir));
        let words = args.iter().skip(1).map(|arg| arg.text.as_str());
        !(path || self.at_home || is_described(name) || verbs::looks(words))
    }

    /// A disk among the words of a program nobody described: asked for, and a catastrophe where it is plainly written.
    fn device_operand(&self, name: &str, args: &[Arg]) -> Finding {
        let mut finding = Finding::ALLOW;
        let remakes = |word: &str| REMAKES.iter().any(|verb| word.trim_start_matches('-').starts_with(verb));
        let remade = remakes(name) || args.iter().take(4).any(|arg| remakes(&arg.text));
        for (at, arg) in args.iter().enumerate().skip(1) {
            let (key, value) = arg.text.rsplit_once(['=', ':', ',']).unwrap_or(("", &arg.text));
            if !value.starts_with("/dev/") || self.write_to(&Arg::literal(value)).rule != Some("raw-device") {
                continue;
            }
            let key = key.rsplit(',').next().unwrap_or(key);
            let output = OUTPUTS.contains(&args[at - 1].text.as_str())
                || OUTPUTS.contains(&key)
                || matches!(key, "of" | "dest" | "wipe" | "OPEN" | "FILE" | "CREATE" | "hof" | "ofs");
            let found =
                if output || remade { Finding::block("raw-device") } else { Finding::confirm("device") };
            finding = finding.strictest(found);
        }
        finding
    }
}
