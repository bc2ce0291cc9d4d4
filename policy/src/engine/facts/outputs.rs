//! Options and operands that name a file to write, of programs that otherwise only read or build.

use super::Finding;
use crate::engine::Engine;
use crate::engine::arg::{Arg, HOME};

/// Programs, and their options that name an output file.
const OPTIONS: &[(&str, &[&str])] = &[
    ("sort shuf iconv", &["-o", "--output"]),
    ("git", &["--output", "--output-directory"]),
    ("gcc cc g++ c++ clang clang++ ld as rustc objcopy go dot tree ncdu age tcc", &["-o"]),
    ("pandoc gpg gpg2 xmllint yq", &["-o", "--output"]),
    ("openssl", &["-out"]),
    ("tcpdump tshark", &["-w"]),
    ("strace ltrace perf", &["-o", "--output"]),
    ("pg_dump pg_dumpall", &["-f", "--file"]),
    ("mysqldump", &["-r", "--result-file"]),
    ("nmap", &["-oN", "-oX", "-oG", "-oA"]),
];

/// Programs whose second operand is an output file.
const SECOND_OPERAND: &[&str] = &["uniq", "xxd"];

impl Engine<'_> {
    /// What writing the output file that an option names means.
    pub(super) fn named_output(&self, name: &str, args: &[Arg]) -> Finding {
        if SECOND_OPERAND.contains(&name) {
            let mut operands = args.iter().skip(1).filter(|arg| !arg.text.starts_with('-'));
            return match (operands.next(), operands.next_back()) {
                (Some(_), Some(file)) => self.output_file(file),
                _ => Finding::ALLOW,
            };
        }
        let Some((_, options)) =
            OPTIONS.iter().find(|(names, _)| names.split(' ').any(|known| known == name))
        else {
            return Finding::ALLOW;
        };
        let mut finding = Finding::ALLOW;
        for (at, arg) in args.iter().enumerate().skip(1) {
            for option in *options {
                let Some(rest) = arg.text.strip_prefix(option) else { continue };
                let file = match rest.strip_prefix('=') {
                    Some(value) => Some(Arg { text: value.to_owned(), ..arg.clone() }),
                    None if rest.is_empty() => args.get(at + 1).cloned(),
                    None if option.len() == 2 => Some(Arg { text: rest.to_owned(), ..arg.clone() }),
                    None => None,
                };
                if let Some(file) = file {
                    finding = finding.strictest(self.output_file(&file));
                }
            }
        }
        finding
    }

    /// A build's own `bin/x` is no program directory.
    fn output_file(&self, file: &Arg) -> Finding {
        let finding = self.write_to(file);
        let own = finding.rule == Some("path-directory") && !file.text.starts_with(['/', HOME]);
        if own { Finding::ALLOW } else { finding }
    }
}
