//! `git`: options that run commands, then the table of subcommands.

use super::files::option_value;
use super::tools::Words;
use super::{Facts, Finding};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::shell::Source;

/// Configuration keys whose value is a command or a file that holds some.
const RUNS: &[&str] = &[
    "core.pager",
    "core.editor",
    "core.sshcommand",
    "core.fsmonitor",
    "core.hookspath",
    "core.askpass",
    "core.gitproxy",
    "core.alternaterefscommand",
    "sequence.editor",
    "credential.helper",
    "diff.external",
    "gpg.program",
    "gpg.ssh.program",
    "uploadpack.packobjectshook",
    "protocol.ext.allow",
    "include.path",
    "sendemail.smtpserver",
    "core.attributesfile",
    "core.worktree",
    "init.templatedir",
    "web.browser",
    "http.proxy",
];

impl Engine<'_> {
    /// Facts of `git`.
    pub(super) fn git(&mut self, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let mut at = 1;
        let mut finding = Finding::ALLOW;
        let mut plain = true;
        let mut tree = self.work_tree();
        while let Some(arg) = args.get(at).filter(|arg| arg.text.starts_with('-')) {
            at += 1;
            match arg.text.as_str() {
                "-c" | "--config-env" => {
                    let pair = args.get(at).map_or("\0", |arg| arg.text.as_str()).to_owned();
                    at += 1;
                    let (key, value) = pair.split_once('=').unwrap_or((&pair, ""));
                    let found = self.git_setting(key, value, source, span);
                    plain &= found == Finding::ALLOW && !key_runs(key);
                    finding = finding.strictest(found);
                }
                "-C" | "--work-tree" => {
                    tree = args.get(at).cloned().unwrap_or(tree);
                    at += 1;
                }
                "--git-dir" | "--namespace" | "--super-prefix" => at += 1,
                text if text.starts_with("--exec-path=") || text.starts_with("--config-env=") => {
                    finding = finding.strictest(Finding::confirm("runs-option"))
                }
                "-p"
                | "--paginate"
                | "--no-pager"
                | "-P"
                | "--bare"
                | "--no-replace-objects"
                | "--literal-pathspecs"
                | "--no-optional-locks"
                | "--version"
                | "--help"
                | "-h"
                | "-v" => {}
                text if text.starts_with("--work-tree=") => {
                    tree = Arg { text: text["--work-tree=".len()..].to_owned(), ..arg.clone() };
                }
                text if text.starts_with("--git-dir=") => {}
                _ => plain = false,
            }
        }
        let Some(sub) = args.get(at) else { return Facts::of(finding).reading(plain) };
        if sub.is_unknown() || sub.open {
            return Facts::confirm("runtime-command");
        }
        let mut words = vec![args[0].clone()];
        words.extend_from_slice(&args[at..]);
        finding = finding.strictest(self.git_runs(&sub.text.clone(), &words, source, span));
        finding = finding.strictest(self.git_writes(&sub.text, &words));
        let facts = self.tool("git", &words);
        if sub.text == "clean"
            && facts.finding.verdict == crate::verdict::Verdict::Confirm
            && (self.is_root_tree(&tree) || words[2..].iter().any(|arg| self.is_root_tree(arg)))
        {
            return Facts::block("root-delete");
        }
        let proven = facts.reads == super::Reads::Proven && plain && finding == Finding::ALLOW;
        Facts::of(finding.strictest(facts.finding)).reading(proven)
    }

    /// The directory whose files git works on, before its options say otherwise.
    fn work_tree(&self) -> Arg {
        match self.shell.variables.get("GIT_WORK_TREE") {
            Some(crate::state::Var::Text(path)) => Arg { text: path.clone(), ..Arg::literal("") },
            _ => Arg::literal("."),
        }
    }

    /// Files and directories that a subcommand makes where its arguments say.
    fn git_writes(&self, sub: &str, words: &[Arg]) -> Finding {
        let plain: Vec<&Arg> = words[2..].iter().filter(|arg| !arg.text.starts_with('-')).collect();
        let target = match sub {
            "format-patch" => option_value(words, 'o', "--output-directory"),
            "archive" => option_value(words, 'o', "--output"),
            "config" => option_value(words, 'f', "--file").filter(|_| plain.len() > 2),
            "bundle" if plain.first().is_some_and(|arg| arg.text == "create") => {
                plain.get(1).map(|arg| (*arg).clone())
            }
            "worktree" if plain.first().is_some_and(|arg| arg.text == "add") => {
                plain.get(1).map(|arg| (*arg).clone())
            }
            "init" => plain.last().map(|arg| (*arg).clone()),
            "clone" if plain.len() > 1 => plain.last().map(|arg| (*arg).clone()),
            _ => None,
        };
        target.filter(|target| !target.is_unknown()).map_or(Finding::ALLOW, |target| self.write_to(&target))
    }

    /// Subcommands that run what their arguments say.
    fn git_runs(&mut self, sub: &str, words: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Finding {
        let rest = &words[2..];
        let value = |option: &str| {
            rest.iter().enumerate().find_map(|(at, arg)| {
                if arg.text == option {
                    return rest.get(at + 1).cloned();
                }
                arg.text
                    .strip_prefix(option)
                    .and_then(|rest| rest.strip_prefix('='))
                    .map(|value| Arg { text: value.to_owned(), ..arg.clone() })
            })
        };
        match sub {
            "bisect" if rest.first().is_some_and(|arg| arg.text == "run") => {
                self.inner(rest[1..].to_vec(), source, span);
                Finding::ALLOW
            }
            "submodule" if rest.first().is_some_and(|arg| arg.text == "foreach") => {
                let command: Vec<Arg> =
                    rest[1..].iter().filter(|arg| arg.text != "--recursive").cloned().collect();
                self.joined(&command, source, span);
                Finding::ALLOW
            }
            "init" if rest.iter().any(|arg| arg.text.starts_with("--template")) => {
                Finding::confirm("runs-option")
            }
            "hook" => Finding::confirm("runs-option"),
            "maintenance" if rest.iter().any(|arg| arg.text == "start") => Finding::confirm("scheduled"),
            "checkout" if rest.iter().any(|arg| arg.text == "-B") => Finding::confirm("git-discard"),
            "switch" if rest.iter().any(|arg| matches!(arg.text.as_str(), "-C" | "--force-create")) => {
                Finding::confirm("git-discard")
            }
            "rebase" => match value("--exec").or_else(|| value("-x")) {
                Some(code) => {
                    self.code_argument(&code, source, span);
                    Finding::ALLOW
                }
                None => Finding::ALLOW,
            },
            "grep"
                if rest
                    .iter()
                    .any(|arg| arg.text.starts_with("-O") || arg.text.starts_with("--open-files")) =>
            {
                for arg in
                    rest.iter().filter(|arg| arg.text.starts_with("-O") || arg.text.starts_with("--open"))
                {
                    let code =
                        arg.text.split_once('=').map_or_else(|| arg.text.get(2..), |(_, code)| Some(code));
                    let code = code.unwrap_or_default().to_owned();
                    self.code_argument(&Arg::literal(&code), source, span);
                }
                Finding::confirm("runs-option")
            }
            "difftool" | "mergetool" => match value("--extcmd").or_else(|| value("-x")) {
                Some(code) => {
                    self.code_argument(&code, source, span);
                    Finding::confirm("runs-option")
                }
                None => Finding::ALLOW,
            },
            "filter-branch" => {
                for arg in rest.iter().filter(|arg| arg.text.contains(' ')) {
                    self.code_argument(arg, source, span);
                }
                Finding::confirm("git-rewrite")
            }
            "clone" | "fetch" | "pull" | "push" | "ls-remote" | "archive" => {
                let runs = value("--upload-pack")
                    .or_else(|| value("-u").filter(|_| sub == "clone"))
                    .or_else(|| value("--receive-pack"))
                    .or_else(|| value("--exec"));
                let transport =
                    rest.iter().any(|arg| arg.text.starts_with("ext::") || arg.text.starts_with("fd::"));
                for arg in rest.iter().filter(|arg| arg.text.starts_with("ext::")) {
                    let words = arg.text[5..].replace("% ", "\u{1}");
                    let inner =
                        words.split_whitespace().map(|word| Arg::literal(&word.replace('\u{1}', " ")));
                    self.inner(inner.collect(), source, span);
                }
                if sub == "clone" {
                    self.keep_clone(&words[1..]);
                }
                if runs.is_some()
                    || transport
                    || value("--template").is_some()
                    || (sub == "clone"
                        && (value("-c").or_else(|| value("--config")))
                            .is_some_and(|pair| key_runs(&pair.text)))
                {
                    Finding::confirm("runs-option")
                } else {
                    Finding::ALLOW
                }
            }
            "config" => {
                let pair: Vec<&Arg> =
                    rest.iter().filter(|arg| !arg.text.starts_with("--") && arg.text != "set").collect();
                match pair[..] {
                    [key, value, ..] => {
                        let (key, value) = (key.text.clone(), value.text.clone());
                        self.git_setting(&key, &value, source, span)
                    }
                    _ => Finding::ALLOW,
                }
            }
            _ => Finding::ALLOW,
        }
    }

    /// A clone: its directory is named, or follows from the address.
    pub(super) fn keep_clone(&mut self, rest: &[Arg]) {
        let words =
            Words::new(rest, "-b -o -c -j --branch --origin --depth --config --jobs --reference --filter");
        if let [address, folder @ ..] = &words.operands[..] {
            let name = address.text.trim_end_matches('/').trim_end_matches(".git");
            let name = name.rsplit(['/', ':']).next().unwrap_or_default();
            self.keep_tree(folder.first().map_or(name, |arg| &arg.text));
        }
    }

    /// A setting whose value git runs.
    fn git_setting(&mut self, key: &str, value: &str, source: &Source<'_>, span: (usize, usize)) -> Finding {
        if key.starts_with("alias.") || key.contains('\0') {
            if let Some(code) = value.strip_prefix('!') {
                self.code_argument(&Arg::literal(code), source, span);
                return Finding::confirm("runs-option");
            }
            let words: Vec<Arg> = value.split_whitespace().map(Arg::literal).collect();
            let mut inner = vec![Arg::literal("git")];
            inner.extend(words);
            self.inner(inner, source, span);
            return if key.contains('\0') { Finding::confirm("runs-option") } else { Finding::ALLOW };
        }
        if !key_runs(key)
            || matches!(
                value,
                "cat"
                    | "less"
                    | ""
                    | "true"
                    | "vim"
                    | "vi"
                    | "nano"
                    | "store"
                    | "cache"
                    | "false"
                    | "more"
                    | "less -R"
                    | "less -F"
                    | "delta"
                    | ":"
                    | "code --wait"
                    | "osxkeychain"
            )
        {
            return Finding::ALLOW;
        }
        self.code_argument(&Arg::literal(value.trim_start_matches('!')), source, span);
        Finding::confirm("runs-option")
    }
}

fn key_runs(key: &str) -> bool {
    let key = key.split('=').next().unwrap_or(key).to_ascii_lowercase();
    RUNS.contains(&key.as_str())
        || key.starts_with("pager.")
        || key.starts_with("alias.")
        || key.starts_with("includeif.")
        || [
            ".textconv",
            ".command",
            ".cmd",
            ".path",
            ".clean",
            ".smudge",
            ".process",
            ".driver",
            ".helper",
            ".proxy",
            ".program",
            ".uploadpack",
            ".receivepack",
            ".insteadof",
            ".update",
        ]
        .iter()
        .any(|tail| key.ends_with(tail))
}
