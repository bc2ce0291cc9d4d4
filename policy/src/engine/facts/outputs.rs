//! Options and operands that name a file to write, of programs that otherwise only read or build.

use super::files::option_value;
use super::tools::Words;
use super::{Facts, Finding, Reads};
use crate::engine::Engine;
use crate::engine::arg::{Arg, HOME};
use crate::state::Cwd;

/// Programs, and their options that name an output file.
const OPTIONS: &[(&str, &[&str])] = &[
    ("sort shuf iconv", &["-o", "--output"]),
    ("git", &["--output", "--output-directory"]),
    ("gcc cc g++ c++ clang clang++ ld as rustc objcopy go dot tree ncdu age tcc", &["-o"]),
    ("pandoc gpg gpg2 xmllint yq", &["-o", "--output"]),
    ("openssl", &["-out", "-keyout", "-CAserial"]),
    ("csplit", &["-f", "--prefix"]),
    ("cmake", &["--prefix"]),
    ("7z 7za 7zz", &["-o"]),
    ("tcpdump tshark", &["-w"]),
    ("strace ltrace perf", &["-o", "--output"]),
    ("pg_dump pg_dumpall", &["-f", "--file"]),
    ("pv dc3dd", &["-o", "--output"]),
    ("mysqldump", &["-r", "--result-file"]),
    ("nmap", &["-oN", "-oX", "-oG", "-oA"]),
];

/// Options that name an output file in most programs that have them.
const USUAL: &[&str] = &[
    "-o",
    "-O",
    "--output",
    "--output-file",
    "--out",
    "--outfile",
    "--outDir",
    "--out-dir",
    "--outdir",
    "--output-dir",
    "--output-directory",
];

/// Programs whose second operand is an output file.
const SECOND_OPERAND: &[&str] = &["uniq", "xxd"];

/// Programs whose last operand is an output file or device.
const LAST_OPERAND: &[&str] =
    &["qemu-img", "ddrescue", "dd_rescue", "e2image", "xfs_copy", "objcopy", "strip", "etcher", "bmaptool"];

/// Programs that write every file they are given.
const IN_PLACE: &[&str] =
    &["dos2unix", "unix2dos", "mac2unix", "unix2mac", "fromdos", "todos", "jpegoptim", "optipng", "exiftran"];

impl Engine<'_> {
    /// What writing the output file that an option names means.
    pub(super) fn named_output(&self, name: &str, args: &[Arg], reads: Reads) -> Finding {
        if SECOND_OPERAND.contains(&name) {
            let words = Words::new(args, if name == "xxd" { "-l -s -c -g -o -n -m" } else { "-f -s -w" });
            let mut operands = words.operands.iter();
            return match (operands.next(), operands.next_back()) {
                (Some(_), Some(file)) => self.output_file(file),
                _ => Finding::ALLOW,
            };
        }
        // The other forms of ssh-keygen read the file they name.
        if name == "ssh-keygen"
            && !args.iter().any(|arg| {
                matches!(
                    arg.text.as_str(),
                    "-y" | "-l" | "-lf" | "-B" | "-F" | "-i" | "-e" | "-Y" | "-yf" | "-L"
                )
            })
            && let Some(file) = option_value(args, 'f', "--file")
        {
            return self.output_file(&file);
        }
        if name == "aws"
            && args.get(1).is_some_and(|arg| arg.text == "s3")
            && let Some(file) =
                args.get(3..).and_then(|rest| rest.iter().rfind(|arg| !arg.text.starts_with('-')))
            && !file.text.starts_with("s3:")
        {
            return self.output_file(file);
        }
        if LAST_OPERAND.contains(&name)
            && args.len() > 2 - usize::from(name == "strip")
            && let Some(file) = args.last().filter(|arg| !arg.text.starts_with('-'))
            && !(name == "qemu-img" && args[1].text != "convert" && args[1].text != "dd")
        {
            return self.output_file(file);
        }
        if name.starts_with("partclone.") || name == "ntfsclone" {
            return args
                .iter()
                .skip(1)
                .map(|arg| {
                    self.output_file(&Arg {
                        text: arg.text.trim_start_matches("of=").to_owned(),
                        ..arg.clone()
                    })
                })
                .filter(|found| {
                    found.rule == Some("raw-device")
                        && args.iter().any(|arg| {
                            arg.text.starts_with("-r")
                                || arg.text.starts_with("--re")
                                || arg.text.starts_with("-O")
                                || arg.text.starts_with("--over")
                        })
                })
                .fold(Finding::ALLOW, Finding::strictest);
        }
        if IN_PLACE.contains(&name) {
            let files = args.iter().skip(1).filter(|arg| !arg.text.starts_with('-'));
            return files.map(|file| self.output_file(file)).fold(Finding::ALLOW, Finding::strictest);
        }
        let known = OPTIONS.iter().find(|(names, _)| names.split(' ').any(|known| known == name));
        if known.is_none() && reads == Reads::Proven {
            return Finding::ALLOW;
        }
        let options = known.map_or(USUAL, |(_, options)| *options);
        let mut finding = Finding::ALLOW;
        for (at, arg) in args.iter().enumerate().skip(1) {
            for option in options {
                let Some(rest) = arg.text.strip_prefix(*option) else { continue };
                let file = match rest.strip_prefix('=') {
                    Some(value) => Some(Arg { text: value.to_owned(), ..arg.clone() }),
                    None if rest.is_empty() => args.get(at + 1).cloned(),
                    None if option.len() == 2 => Some(Arg { text: rest.to_owned(), ..arg.clone() }),
                    None => None,
                };
                // What an unknown program's option is followed by is a file only where it is written like one.
                let written = |file: &Arg| known.is_some() || file.text.starts_with(['/', HOME]);
                if let Some(file) = file.filter(written) {
                    finding = finding.strictest(self.output_file(&file));
                }
            }
        }
        finding
    }

    /// A build's own `bin/x` is no program directory, as long as no `cd` has said where it lies.
    pub(super) fn output_file(&self, file: &Arg) -> Finding {
        let finding = self.write_to(file);
        let own = finding.rule == Some("path-directory")
            && !file.text.starts_with(['/', HOME])
            && self.shell.cwd == Cwd::Start;
        if own { Finding::ALLOW } else { finding }
    }
}

/// `exiftool`: options with a value are tags that are written.
pub(super) fn exiftool(args: &[Arg]) -> Facts {
    let told = |starts: &str| args.iter().any(|arg| arg.text.to_ascii_lowercase().starts_with(starts));
    let writes = args.iter().skip(1).any(|arg| arg.text.starts_with('-') && arg.text.contains(['=', '<']))
        || ["-tagsfromfile", "-restore_original", "-execute", "-config", "-@", "-geotag", "-csv", "-json="]
            .iter()
            .any(|word| told(word))
        || args.iter().any(|arg| matches!(arg.text.as_str(), "-o" | "-w" | "-W" | "-if"));
    if told("-overwrite_original") || told("-delete_original") {
        return Facts::confirm("overwrite");
    }
    Facts::ORDINARY.reading(!writes && !args.iter().any(Arg::is_unknown))
}
