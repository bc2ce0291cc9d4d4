//! What a command does, by its name and arguments.
//!
//! A name is looked up in this order: shell builtins, wrappers, interpreters, special readers, then the tables of
//! tools. A name in none of them is never proven to read only, and asked for in guarded unless it is among the programs
//! of everyday work, or lies in the project at hand.

mod builtins;
mod code;
mod containers;
mod database;
mod disks;
mod editors;
mod environment;
mod files;
mod find;
mod git;
mod interpreters;
mod network;
mod outputs;
mod remote;
mod repeat;
mod runners;
mod scripts;
mod text;
mod tools;
mod unfamiliar;
mod vital;
mod wrappers;

use super::arg::Arg;
use super::shell::Source;
use super::{Engine, Output};
use crate::tables;
use crate::verdict::Verdict;
use files::option_value;

/// What was found about a command, before operator rules and mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) verdict: Verdict,
    pub(super) rule: Option<&'static str>,
}

/// Whether a command was proven to read only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    Proven,
    Unproven,
}

/// All that is known about one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) finding: Finding,
    pub(super) reads: Reads,
    /// What it prints, when a reader worked it out.
    pub(super) output: Output,
}

impl Finding {
    pub(super) const ALLOW: Self = Self { verdict: Verdict::Allow, rule: None };

    pub(super) const fn confirm(rule: &'static str) -> Self {
        Self { verdict: Verdict::Confirm, rule: Some(rule) }
    }

    pub(super) const fn block(rule: &'static str) -> Self {
        Self { verdict: Verdict::Block, rule: Some(rule) }
    }

    /// Allowed, and worth a name in the verdict.
    pub(super) const fn note(rule: &'static str) -> Self {
        Self { verdict: Verdict::Allow, rule: Some(rule) }
    }

    pub(super) fn strictest(self, other: Self) -> Self {
        if other.verdict > self.verdict || (other.verdict == self.verdict && self.rule.is_none()) {
            other
        } else {
            self
        }
    }
}

impl Facts {
    /// Proven to read only.
    pub(super) const READS: Self = Self { finding: Finding::ALLOW, reads: Reads::Proven, output: None };
    /// An ordinary program or change.
    pub(super) const ORDINARY: Self = Self { finding: Finding::ALLOW, reads: Reads::Unproven, output: None };

    pub(super) const fn of(finding: Finding) -> Self {
        Self { finding, reads: Reads::Unproven, output: None }
    }

    pub(super) const fn confirm(rule: &'static str) -> Self {
        Self::of(Finding::confirm(rule))
    }

    pub(super) const fn block(rule: &'static str) -> Self {
        Self::of(Finding::block(rule))
    }

    /// Sets whether it was proven to read only.
    pub(super) fn reading(self, proven: bool) -> Self {
        Self { reads: if proven { Reads::Proven } else { Reads::Unproven }, ..self }
    }
}

impl Engine<'_> {
    /// What the command does.
    pub(super) fn facts(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        let name = unfamiliar::described(name);
        if let [_, only] = args
            && matches!(only.text.as_str(), "--help" | "--version")
        {
            return Facts::ORDINARY.reading(tables::is_known(name));
        }
        if name == "--" {
            // `time -- command`, which the grammar takes for a command named `--`.
            return Facts { output: self.inner(args[1..].to_vec(), source, span), ..Facts::ORDINARY };
        }
        if let Some(facts) = self.builtin(name, args, source, span) {
            return facts;
        }
        if let Some(facts) = self.wrapper(name, args, source, span) {
            return facts;
        }
        if let Some(facts) = self.interpreter(name, args, source, span) {
            return facts;
        }
        self.runner(name, args, source, span);
        let mut facts = self.external(name, args, source, span);
        let output = self.named_output(name, args, facts.reads);
        facts.finding = facts.finding.strictest(output);
        if self.loads_library(name, args) {
            facts.finding = facts.finding.strictest(Finding::confirm("runs-option"));
        }
        facts
    }

    /// Facts of a program that is no builtin, wrapper or interpreter.
    fn external(&mut self, name: &str, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        match name {
            "rm" | "rmdir" | "unlink" | "shred" | "srm" | "wipe" | "trash" | "rimraf" => {
                self.remove(name, args)
            }
            "mv" | "cp" | "install" | "ln" | "rename" | "link" => self.transfer(name, args),
            "tee" | "touch" | "mkdir" | "truncate" | "mkfifo" | "mknod" | "sponge" | "fallocate"
            | "split" | "csplit" => self.create(name, args),
            "chmod" | "chown" | "chgrp" | "chattr" | "setfacl" | "chcon" | "restorecon" | "setfattr"
            | "setcap" => self.permissions(name, args),
            "dd" | "ddrescue" | "dcfldd" | "dc3dd" => self.copy_blocks(args),
            "rsync" => self.rsync(args, source, span),
            "tar" | "bsdtar" | "gtar" => self.tar(args, source, span),
            "7z" | "7za"
                if args.iter().any(|arg| arg.text == "-sdel")
                    && args.iter().skip(2).any(|arg| self.is_root_tree(arg)) =>
            {
                Facts::block("root-delete")
            }
            "7z" | "7za" if args.get(1).is_some_and(|arg| arg.text == "d") => Facts::confirm("delete"),
            "unzip" | "zip" | "7z" | "7za" | "cpio" | "gzip" | "gunzip" | "bzip2" | "bunzip2" | "xz"
            | "unxz" | "zstd" | "unzstd" | "patch" | "pax" | "ar" | "unrar" | "rar" => {
                self.archive(name, args)
            }
            "btrfs"
                if args.iter().any(|arg| arg.text.starts_with("del"))
                    && args[1..].iter().any(|arg| self.is_root_tree(arg)) =>
            {
                Facts::block("root-delete")
            }
            "dotnet" if args.get(1).is_some_and(|arg| arg.text == "fsi") => {
                self.interpreter("fsi", &args[1..], source, span).unwrap_or(Facts::confirm("runs-code"))
            }
            "cmake" if args.get(1).is_some_and(|arg| arg.text == "-E") => {
                self.inner(runners::cmake_command(&args[2..]), source, span);
                Facts::ORDINARY
            }
            // A script, an archive of a program: told by its name and by where it lies.
            "cmake" | "java" | "tcc" | "make" | "gmake" | "ninja" | "just" | "rake" | "ant" | "mvn"
            | "gradle"
                if self.runs_unseen(args) != Finding::ALLOW =>
            {
                Facts::of(self.runs_unseen(args))
            }
            "ffmpeg"
                if args.iter().any(|arg| arg.text == "-y")
                    && args
                        .last()
                        .is_some_and(|out| out.text.starts_with('/') && !self.is_scratch(&out.text)) =>
            {
                let found = self.unfamiliar(name, args, source, span);
                Facts::of(found.finding.strictest(Finding::confirm("overwrite")))
            }
            "exiftool" => outputs::exiftool(args),
            "needrestart" => match option_value(args, 'r', "--restart") {
                Some(mode) if mode.text != "l" => Facts::confirm("service-change"),
                _ => Facts::ORDINARY,
            },
            // A line of one's own is none; one of the log of logins would be taken for a login.
            "logger" => match option_value(args, 'p', "--priority") {
                Some(priority) if priority.text.starts_with("auth") || priority.is_unknown() => {
                    Facts::confirm("logs")
                }
                _ => Facts::ORDINARY,
            },
            "dc" => self.dc(args, source, span),
            "find" | "gfind" | "fd" | "fdfind" | "bfs" => self.find(name, args, source, span),
            "xargs" | "gxargs" => self.xargs(args, source, span),
            "parallel" => self.parallel(args, source, span),
            "sed" | "gsed" => self.sed(args, source, span),
            "awk" | "gawk" | "mawk" | "nawk" => self.awk(args, source, span),
            "curl" => self.curl(args),
            "wget" | "wget2" => self.wget(args),
            "ssh" | "autossh" | "sshpass" | "mosh" | "rsh" => self.ssh(name, args, source, span),
            "scp" | "sftp" | "rcp" => self.scp(name, args, source, span),
            "nc" | "ncat" | "netcat" | "socat" | "telnet" => self.sockets(name, args, source, span),
            // What stands after the program's name is that program's own.
            "npx" | "bunx" | "pnpx" if args.get(1).is_some_and(|arg| tables::is_listed(&arg.text)) => {
                Facts::ORDINARY
            }
            "npx" | "bunx" | "pnpx" if args.get(1).is_some_and(|arg| !arg.may_be_option()) => {
                self.tool(name, &args[..2])
            }
            // A dependency of the project at hand.
            "yarn" | "pnpm"
                if args.get(1).is_some_and(|arg| arg.text == "add")
                    && !args
                        .iter()
                        .any(|arg| matches!(arg.text.as_str(), "-g" | "--global") || arg.is_unknown()) =>
            {
                Facts::ORDINARY
            }
            "ansible"
                if !args.iter().any(Arg::is_unknown)
                    && option_value(args, 'm', "--module-name").is_some_and(|module| {
                        matches!(
                            module.text.as_str(),
                            "ping"
                                | "setup"
                                | "debug"
                                | "gather_facts"
                                | "ansible.builtin.ping"
                                | "ansible.builtin.setup"
                        )
                    }) =>
            {
                Facts::ORDINARY
            }
            "make" | "gmake"
                if args.iter().any(|arg| matches!(arg.text.as_str(), "-" | "/dev/stdin" | "-f-")) =>
            {
                Facts::confirm("shell-on-stdin")
            }
            "git" => self.git(args, source, span),
            "docker" | "podman" | "nerdctl" | "docker-compose" | "podman-compose" => {
                self.docker(name, args, source, span)
            }
            "kubectl" | "oc" | "k3s" | "microk8s" => self.kubectl(args, source, span),
            "tmux" | "screen" | "byobu" => self.multiplexer(name, args, source, span),
            "at" | "batch" => self.at(args, source, span),
            "crontab" => self.crontab(args, source, span),
            "psql" | "mysql" | "mariadb" | "sqlite3" | "mongosh" | "mongo" | "redis-cli"
            | "clickhouse-client" | "cqlsh" | "sqlcmd" | "influx" | "duckdb" | "sqlplus" | "snowsql"
            | "trino" | "presto" | "beeline" | "hive" | "impala-shell" | "vsql" => {
                self.database(name, args, source, span)
            }
            "zless" | "bzless" | "xzless" | "zstdless" | "lzless" | "zmore" | "bzmore" | "xzmore" => {
                self.pager("less", args, source, span)
            }
            "vim" | "vi" | "nvim" | "view" | "vimdiff" | "rview" | "rvim" | "gvim" | "gview" | "gvimdiff"
            | "ex" | "ed" | "emacs" | "nano" | "less" | "more" | "most" | "man" => {
                self.pager(name, args, source, span)
            }
            _ if name.starts_with("mkfs") || name.starts_with("mke2fs") || disks::is_disk_tool(name) => {
                self.disk(name, args)
            }
            "kill" | "pkill" | "killall" | "killall5" | "skill" | "xkill" => self.kill(name, args),
            "make" | "gmake" if args.iter().any(|arg| arg.text.starts_with("SHELL=")) => {
                Facts::confirm("runs-option")
            }
            "rake"
                if args.iter().any(|arg| {
                    matches!(
                        arg.text.as_str(),
                        "-e" | "-p"
                            | "-E"
                            | "-r"
                            | "-f"
                            | "--execute"
                            | "--execute-print"
                            | "--execute-continue"
                    )
                }) =>
            {
                Facts::confirm("runs-code")
            }
            "rails"
                if args.len() > 2
                    && matches!(args[1].text.as_str(), "runner" | "r")
                    && !args[2].text.ends_with(".rb") =>
            {
                let found = self.language_code(code::Language::Ruby, &args[2].clone(), source, span);
                Facts::of(found)
            }
            "lvm" if args.len() == 1 => {
                // Without words it reads its commands, one a line.
                let found = self.shell_on_stdin(source, span).unwrap_or(Finding::confirm("volume-change"));
                Facts::of(found.strictest(Finding::confirm("volume-change")))
            }
            "make" | "gmake"
                if args.iter().any(|arg| {
                    wrappers::assignment(&arg.text).is_some_and(|(name, value)| {
                        let mut words = value.split_whitespace();
                        name.chars().all(|c| c.is_ascii_uppercase())
                            && words.next().is_some_and(interpreters::is_interpreter)
                            && words.next().is_some()
                    })
                }) =>
            {
                Facts::confirm("runs-option")
            }
            "svn" | "hg"
                if args
                    .get(1)
                    .is_some_and(|arg| matches!(arg.text.as_str(), "co" | "checkout" | "clone")) =>
            {
                self.keep_clone(&args[1..]);
                self.tool(name, args)
            }
            "sort" if args.iter().any(|arg| arg.text.starts_with("--comp")) => Facts::confirm("runs-option"),
            "perf" | "valgrind" | "qemu-img" => self.unfamiliar(name, args, source, span),
            _ if !tables::is_known(name) => self.unfamiliar(name, args, source, span),
            _ => self.tool(name, args),
        }
    }
}
