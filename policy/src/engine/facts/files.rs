//! Tools that make, change, move and delete files.

use super::tools::Words;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::shell::{Source, Stdin};

impl Engine<'_> {
    /// `rm` and its kin: always asked for; a catastrophe when a root goes with it.
    pub(super) fn remove(&mut self, name: &str, args: &[Arg]) -> Facts {
        let words = Words::new(args, "");
        let recursive = name == "rm" && (words.has("-r|-R|--recursive") || words.uncertain)
            || matches!(name, "srm" | "wipe" | "rimraf");
        if name == "rmdir" {
            // Only what is empty goes.
            let into =
                words.operands.iter().fold(Finding::ALLOW, |found, arg| found.strictest(self.write_to(arg)));
            return Facts::of(into);
        }
        if words.operands.iter().any(|arg| self.is_vital(arg)) {
            return Facts::block("vital-file");
        }
        let device = words.operands.iter().any(|arg| self.write_to(arg).rule == Some("raw-device"));
        if device && name != "unlink" {
            return Facts::block("raw-device");
        }
        // Any operand counts, also one that could be read as an option's value.
        let root = args.iter().skip(1).any(|arg| !arg.text.starts_with('-') && self.is_root_tree(arg));
        let force = words.has("-f|--force|--no-preserve-root");
        let many = args
            .iter()
            .skip(1)
            .any(|arg| arg.text.contains(['*', '?', '[']) && self.path(&arg.text).is_system_tree());
        if many || root && (recursive || (name == "rm" && force) || name == "shred") {
            return Facts::block("root-delete");
        }
        Facts::confirm("delete")
    }

    /// `cp`, `mv`, `install`, `ln`: the last operand is written, sources of `mv` are removed.
    pub(super) fn transfer(&mut self, name: &str, args: &[Arg]) -> Facts {
        let values = match name {
            "install" => "-m -o -g -t -S --mode --owner --group --target-directory --suffix",
            _ => "-t -S --target-directory --suffix",
        };
        let words = Words::new(args, values);
        let target = option_value(args, 't', "--target-directory");
        let mut operands: Vec<&Arg> = words.operands.clone();
        let target = match target {
            Some(target) => target,
            None if name == "install" && words.has("-d|--directory") => Arg::literal("."),
            None => match operands.pop() {
                Some(last) => last.clone(),
                None => return Facts::ORDINARY,
            },
        };
        if name == "mv" {
            if operands.iter().any(|arg| self.is_root_tree(arg)) || self.path_is_top(&target) {
                return Facts::block("root-move");
            }
            if operands.iter().any(|arg| self.is_vital(arg)) {
                return Facts::block("vital-file");
            }
            if target.text == "/dev/null" {
                return Facts::confirm("delete");
            }
        }
        let mut finding = self.write_tree(&target);
        if name == "install"
            && option_value(args, 'm', "--mode").is_some_and(|mode| {
                let octal = mode.text.bytes().all(|b| b.is_ascii_digit());
                mode.text.contains('s') || octal && mode.text.len() > 3 && !mode.text.starts_with('0')
            })
        {
            finding = finding.strictest(Finding::confirm("permissions"));
        }
        for source in &operands {
            if name == "mv" || (name == "install" && words.has("-d|--directory")) {
                finding = finding.strictest(self.write_to(source));
            } else {
                finding = finding.strictest(self.read_from(source));
            }
            // A copy or link into a sensitive directory is named like the file it becomes.
            let base = source.text.rsplit('/').next().unwrap_or_default();
            let inside = Arg::literal(&format!("{}/{base}", target.shown()));
            finding = finding.strictest(self.output_file(&Arg {
                text: inside.text.replacen('~', "\u{2}", usize::from(target.text.starts_with('\u{2}'))),
                ..inside
            }));
        }
        if name == "cp"
            && operands.iter().any(|arg| arg.text == "/dev/null" || arg.text.starts_with("/dev/zero"))
        {
            finding = finding.strictest(Finding::confirm("truncate"));
            if self.is_vital(&target) {
                finding = Finding::block("vital-file");
            }
        }
        if operands.iter().any(|source| self.replaces_vital(source, &target)) {
            finding = Finding::block("vital-file");
        }
        if name == "ln"
            && let [source] = &operands[..]
        {
            self.link(&target.text.clone(), source);
        }
        // A program under another name: what it is called later says nothing of what it does.
        if let [source] = &operands[..]
            && (source.is_unknown()
                || source
                    .text
                    .rsplit_once('/')
                    .is_some_and(|(folder, _)| crate::tables::is_program_directory(folder)))
            && !target.is_unknown()
        {
            self.keep_file(&target.text, None, false);
        }
        if name == "rename" {
            finding = finding.strictest(Finding::confirm("delete"));
        }
        for source in &operands {
            if self.wrote(&source.text) && name != "ln" {
                let content = self.file_content(&source.text);
                self.keep_file(&target.text, content, false);
            }
        }
        Facts::of(finding)
    }

    /// Whether a move's target is the root itself or a device.
    fn path_is_top(&self, target: &Arg) -> bool {
        self.write_to(target).rule == Some("raw-device")
    }

    fn write_tree(&self, target: &Arg) -> Finding {
        if target.text == "/" {
            return Finding::confirm("system-path");
        }
        self.output_file(target)
    }

    /// Tools whose operands are files they create or write.
    pub(super) fn create(&mut self, name: &str, args: &[Arg]) -> Facts {
        let values = match name {
            "truncate" => "-s -r --size --reference",
            "mkdir" | "mkfifo" | "mknod" => "-m --mode",
            "touch" => "-d -t -r --date --reference",
            "fallocate" => "-l -o --length --offset",
            "split" | "csplit" => "-b -C -l -n -a -t -f --bytes --lines --number --suffix-length --prefix",
            _ => "",
        };
        let words = Words::new(args, values);
        let mut finding = Finding::ALLOW;
        for arg in &words.operands {
            finding = finding.strictest(self.write_to(arg));
            let replaced = matches!(name, "tee" | "sponge") && !words.has("-a|--append");
            // Over a file that nothing works without, other content is as bad as none.
            if replaced && (self.stdin == Stdin::Null || self.is_vital(arg)) {
                finding = finding.strictest(self.emptied(arg));
            }
        }
        if name == "truncate"
            || (name == "fallocate" && words.has("-p|-c|-z|--punch-hole|--collapse-range|--zero-range"))
        {
            let vital = words.operands.iter().any(|arg| self.is_vital(arg));
            finding = finding.strictest(if vital {
                Finding::block("vital-file")
            } else {
                Finding::confirm("truncate")
            });
        }
        if name == "mknod" && args.iter().any(|arg| arg.text == "b") {
            finding = finding.strictest(Finding::confirm("device"));
        }
        if matches!(name, "split" | "csplit") && words.has("--filter") {
            finding = finding.strictest(Finding::confirm("opaque"));
        }
        let only_looks =
            name == "tee" && words.operands.iter().all(|arg| crate::engine::place::is_sink(&arg.text));
        if matches!(name, "tee" | "sponge") {
            let content = match &self.stdin {
                crate::engine::shell::Stdin::Known(text) => Some(text.clone()),
                _ => None,
            };
            for arg in &words.operands {
                if !crate::engine::place::is_sink(&arg.text) {
                    self.keep_file(&arg.text.clone(), content.clone(), words.has("-a|--append"));
                }
            }
        }
        Facts::of(finding).reading(only_looks)
    }

    /// Permissions and ownership: a catastrophe on a root tree, asked for where it opens or reaches far.
    pub(super) fn permissions(&mut self, name: &str, args: &[Arg]) -> Facts {
        let words = Words::new(args, "--reference --from");
        let recursive = words.has("-R|--recursive");
        // `-x` is a mode that takes away.
        let taken = args.get(1).is_some_and(|arg| {
            let mode = arg.text.strip_prefix('-').unwrap_or_default();
            name == "chmod" && !mode.is_empty() && mode.chars().all(|c| "rwxXst".contains(c))
        });
        let skipped = usize::from(name != "restorecon" && !taken);
        let targets: Vec<&Arg> = words.operands.iter().copied().skip(skipped).collect();
        let root = words.operands.iter().any(|arg| self.is_root_tree(arg));
        if root && (recursive || words.operands.iter().any(|arg| arg.text == "/")) && name != "restorecon" {
            return Facts::block("root-permissions");
        }
        let mut finding = Finding::ALLOW;
        for target in &targets {
            // A project's own `bin/x` is no program directory.
            finding = finding.strictest(if name == "chmod" {
                self.output_file(target)
            } else {
                self.write_to(target)
            });
        }
        let mode = words.operands.first().map_or("", |arg| arg.text.as_str());
        let strict = match name {
            "chmod" => {
                recursive
                    || chmod_is_risky(mode)
                    || args.get(1).is_none_or(|arg| arg.may_be_option() && chmod_is_risky(&arg.text))
            }
            _ => true,
        };
        if strict {
            finding = finding.strictest(Finding::confirm("permissions"));
        }
        Facts::of(finding)
    }

    /// `tar`: extraction writes, some options run commands.
    pub(super) fn tar(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let values = "-f -C -T -X -I -b -H -g -K -N -V -L -F --file --directory --files-from --exclude-from --use-compress-program \
            --to-command --checkpoint-action --exclude --transform --info-script --new-volume-script --rsh-command --rmt-command --owner --group --mode";
        let words = Words::new(args, values);
        for long in [
            "--to-command",
            "--checkpoint-action",
            "--use-compress-program",
            "--info-script",
            "--new-volume-script",
            "--rsh-command",
            "--rmt-command",
        ] {
            if let Some(code) = long_value(args, long) {
                let code = Arg { text: code.text.trim_start_matches("exec=").to_owned(), ..code };
                if !matches!(code.text.as_str(), "dot" | "echo" | "bell" | "ttyout")
                    && !is_compressor(&code.text)
                {
                    self.code_argument(&code, source, span);
                    return Facts::confirm("runs-option");
                }
            }
        }
        let bundle = args.get(1).map_or("", |arg| arg.text.trim_start_matches('-'));
        let bundled = args.get(1).is_some_and(|arg| !arg.text.starts_with("--")) && !bundle.is_empty();
        let letter = |wanted: char, long: &str| {
            (bundled && bundle.contains(wanted)) || words.has(&format!("-{wanted}|{long}"))
        };
        if letter('I', "--use-compress-program") || letter('F', "--info-script") {
            let known = args.iter().any(|arg| is_compressor(&arg.text));
            if !known {
                return Facts::confirm("runs-option");
            }
        }
        let directory = option_value(args, 'C', "--directory").filter(|_| letter('C', "--directory"));
        let archive = option_value(args, 'f', "--file")
            .or_else(|| (bundled && bundle.contains('f')).then(|| args.get(2).cloned()).flatten());
        let mut finding = Finding::ALLOW;
        let lists = (letter('t', "--list") || letter('d', "--diff") || words.has("--compare"))
            && !letter('x', "--extract")
            && !letter('c', "--create");
        let prints =
            letter('x', "--extract") && (bundled && bundle.contains('O') || words.has("-O|--to-stdout"));
        if lists || prints {
            let writes = words.has("--index-file|--volno-file|-g|--checkpoint-action|--remove-files")
                || args.iter().any(|arg| arg.text.starts_with("--listed"));
            let far = archive.as_ref().is_some_and(|file| file.text.contains(':'));
            return Facts::of(finding).reading(!writes && !far && !words.uncertain);
        }
        if let Some(directory) = &directory
            && (letter('x', "--extract") || words.has("--get"))
        {
            finding = finding.strictest(self.write_to(directory));
            if directory.text == "/" {
                finding = finding.strictest(Finding::confirm("system-path"));
            }
        }
        if (letter('x', "--extract") || words.has("--get"))
            && (archive.as_ref().is_some_and(|file| self.wrote(&file.text))
                || matches!(self.stdin, Stdin::Pipe { fetched: true }))
        {
            // What was downloaded is unpacked: nobody has seen what lies there now.
            self.keep_tree(directory.as_ref().map_or(".", |arg| &arg.text));
        }
        if letter('P', "--absolute-names") && letter('x', "--extract") {
            finding = finding.strictest(Finding::confirm("system-path"));
        }
        if let Some(archive) = archive.filter(|_| !letter('x', "--extract")) {
            finding = finding.strictest(self.write_to(&archive));
        }
        if words.has("--remove-files|--delete|--recursive-unlink|--unlink-first|--overwrite-dir") {
            let inside = |arg: &Arg| match &directory {
                Some(folder) => Arg::literal(&format!("{}/{}", folder.text, arg.text)),
                None => arg.clone(),
            };
            let root = words.operands.iter().any(|arg| self.is_root_tree(&inside(arg)));
            finding = finding.strictest(if root {
                Finding::block("root-delete")
            } else {
                Finding::confirm("delete")
            });
        }
        Facts::of(finding)
    }

    /// Archive and compression tools: they replace what they work on.
    pub(super) fn archive(&mut self, name: &str, args: &[Arg]) -> Facts {
        let values = match name {
            "unzip" => "-d -x -P",
            "zip" => "-b -i -n -P -t -tt -x",
            "gzip" | "gunzip" | "bzip2" | "bunzip2" => "-S --suffix",
            "xz" | "unxz" => "-S -F -C -T -M",
            "zstd" | "unzstd" => "-o -D -T -M --output-dir-flat",
            "cpio" => "-F -O -I -E -C -H -M -R",
            _ => "-d -o -p -i -D",
        };
        let words = Words::new(args, values);
        let reads = match name {
            "unzip" => words.has("-l|-t|-v|-Z|-p|-c") && !words.has("-o"),
            "zip" => {
                words.has("-sf")
                    && !args
                        .iter()
                        .any(|arg| matches!(arg.text.as_str(), "-d" | "-m" | "-u" | "-f" | "--delete"))
            }
            "7z" | "7za" => {
                matches!(words.operands.first().map(|arg| arg.text.as_str()), Some("l" | "t" | "i"))
            }
            "gzip" | "bzip2" | "xz" | "zstd" | "gunzip" | "bunzip2" | "unxz" | "unzstd" => {
                words.has("-c|--stdout|--to-stdout|-l|--list|-t|--test")
                    && !words.has("-o|--rm|--output-dir-flat|--output-dir-mirror")
            }
            "cpio" => words.has("-t|--list") && !words.has("-o|-p|-O|--create|--pass-through|--rsh-command"),
            "unrar" | "rar" => matches!(
                words.operands.first().map(|arg| arg.text.as_str()),
                Some("l" | "lb" | "lt" | "la" | "v" | "vb" | "vt" | "t" | "p")
            ),
            "ar" => matches!(args.get(1).map(|arg| arg.text.trim_start_matches('-')), Some("t" | "tv" | "p")),
            _ => false,
        };
        let mut finding = Finding::ALLOW;
        if name == "ar" && args.get(1).is_some_and(|arg| arg.text.trim_start_matches('-').starts_with('d')) {
            finding = Finding::confirm("delete");
        }
        if name == "cpio" && words.has("-i|--extract") && words.has("-u|--unconditional") {
            finding = Finding::confirm("overwrite");
        }
        if name == "cpio" && words.has("--rsh-command") {
            finding = Finding::confirm("runs-option");
        }
        if !reads
            && matches!(name, "unzip" | "7z" | "7za" | "unrar" | "rar")
            && words.operands.iter().any(|arg| self.wrote(&arg.text))
        {
            let into = option_value(args, 'd', "--directory").filter(|_| name == "unzip");
            self.keep_tree(into.as_ref().map_or(".", |arg| &arg.text));
        }
        if !reads {
            for arg in args.iter().skip(1).filter(|arg| !arg.text.starts_with('-')) {
                let into = self.write_to(arg);
                if into.verdict != crate::verdict::Verdict::Allow && into.rule != Some("unknown-path") {
                    finding = finding.strictest(into);
                }
            }
            if matches!(name, "zip") && words.has("-m|--move|-T|-TT|--unzip-command|-d|--delete") {
                let root =
                    words.has("-m|--move") && words.operands.iter().skip(1).any(|arg| self.is_root_tree(arg));
                finding = finding.strictest(if root {
                    Finding::block("root-delete")
                } else {
                    Finding::confirm("delete")
                });
            }
            if name == "patch" && words.has("-d") {
                finding = finding.strictest(Finding::ALLOW);
            }
        }
        Facts::of(finding).reading(reads && !words.uncertain)
    }

    /// `rsync`: writes its last operand; `--delete` and `-e` reach further.
    pub(super) fn rsync(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let values = "-e -f -M -B -T --rsh --filter --exclude --include --rsync-path --files-from --exclude-from --include-from --bwlimit --timeout --port";
        let words = Words::new(args, values);
        for long in ["--rsh", "--rsync-path"] {
            if let Some(code) = long_value(args, long) {
                self.code_argument(&code, source, span);
            }
        }
        if let Some(code) = option_value(args, 'e', "--rsh") {
            self.code_argument(&code, source, span);
        }
        let Some((target, sources)) = words.operands.split_last() else { return Facts::ORDINARY };
        if sources.is_empty() || words.has("-n|--dry-run|--list-only") {
            return Facts::ORDINARY.reading(
                !words.uncertain
                    && !words
                        .has("-e|--rsh|--rsync-path|--log-file|--write-batch|--only-write-batch|--daemon"),
            );
        }
        let remote = |arg: &Arg| arg.text.contains(':') && !arg.text.starts_with(['/', '.']);
        let deletes = words.has("--delete|--delete-before|--delete-after|--delete-during|--delete-excluded|--del|--remove-source-files|--delete-delay");
        let path = target.text.rsplit(':').next().unwrap_or_default();
        if deletes && self.path(path).is_root_tree() {
            return Facts::block("root-delete");
        }
        let mut finding =
            if remote(target) { Finding::confirm("remote-write") } else { self.write_tree(target) };
        for from in sources.iter().filter(|arg| !remote(target) && remote(arg)) {
            self.keep_copy(from, target);
        }
        if deletes {
            finding = finding.strictest(Finding::confirm("delete"));
        }
        Facts::of(finding)
    }
}

/// Modes that take everything away or open to all, and special bits.
fn chmod_is_risky(mode: &str) -> bool {
    let digits = mode.trim_start_matches('-');
    let octal = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if octal {
        let special = digits.len() > 3 && !digits.starts_with('0');
        let low = &digits[digits.len().saturating_sub(3)..];
        return special || low.ends_with(['2', '3', '6', '7']) || low.trim_start_matches('0').is_empty();
    }
    mode.contains('\0')
        || mode.split(',').any(|clause| {
            let who = clause.split(['+', '-', '=']).next().unwrap_or("");
            let what = &clause[who.len()..];
            what.contains('s')
                || (what.starts_with(['+', '='])
                    && what.contains('w')
                    && (who.contains(['o', 'a']) || who.is_empty() && what.contains('=')))
                || (what.starts_with('-') && who.contains('a'))
                || what == "="
        })
}

fn is_compressor(text: &str) -> bool {
    let name = text.split(' ').next().unwrap_or(text);
    matches!(
        name,
        "gzip" | "pigz" | "bzip2" | "pbzip2" | "xz" | "zstd" | "lz4" | "lzop" | "lzma" | "zstdmt" | "brotli"
    )
}

/// The value of a short option (alone, at the end of a cluster, or attached) or of its long form.
pub(super) fn option_value(args: &[Arg], letter: char, long: &str) -> Option<Arg> {
    if let Some(value) = long_value(args, long) {
        return Some(value);
    }
    for (at, arg) in args.iter().enumerate().skip(1) {
        let Some(cluster) = arg.text.strip_prefix('-').filter(|rest| !rest.starts_with('-')) else {
            continue;
        };
        if let Some(found) = cluster.find(letter) {
            let attached = &cluster[found + letter.len_utf8()..];
            return match attached {
                "" => args.get(at + 1).cloned(),
                text => Some(Arg { text: text.to_owned(), ..arg.clone() }),
            };
        }
    }
    None
}

/// The value of a long option, attached or in the next word; abbreviations count.
pub(super) fn long_value(args: &[Arg], long: &str) -> Option<Arg> {
    for (at, arg) in args.iter().enumerate().skip(1) {
        let (name, value) =
            arg.text.split_once('=').map_or((arg.text.as_str(), None), |(name, value)| (name, Some(value)));
        if name.len() > 3 && name.starts_with("--") && long.starts_with(name) {
            return match value {
                Some(value) => Some(Arg { text: value.to_owned(), ..arg.clone() }),
                None => args.get(at + 1).cloned(),
            };
        }
    }
    None
}
