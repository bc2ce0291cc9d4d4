//! Programs in no table: ordinary, but for those that may run a command given in their words.

use super::Facts;
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::invoke::base_name;
use crate::engine::shell::Source;

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
        self.tool(name, args)
    }
}
