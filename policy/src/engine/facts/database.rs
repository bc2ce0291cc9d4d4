//! Database clients: the statements given to them, where they are given.

mod statement;

use super::files::option_value;
use super::{Facts, Reads};
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::shell::{Source, Stdin};
use crate::tables::statements::{REDIS_READS, client_reads};
use statement::Kind;

impl Engine<'_> {
    /// Facts of a database client.
    pub(super) fn database(
        &mut self,
        name: &str,
        args: &[Arg],
        source: &Source<'_>,
        span: (usize, usize),
    ) -> Facts {
        match name {
            "redis-cli" => self.redis(args),
            "mongosh" | "mongo" => self.mongo(args),
            _ => self.sql(name, args, source, span),
        }
    }

    fn sql(&mut self, name: &str, args: &[Arg], source: &Source<'_>, span: (usize, usize)) -> Facts {
        let (option, long) = match name {
            "psql" => ('c', "--command"),
            "duckdb" => ('c', "-c"),
            "influx" => ('e', "-execute"),
            "sqlcmd" => ('Q', "--query"),
            "clickhouse-client" => ('q', "--query"),
            "snowsql" | "impala-shell" => ('q', "--query"),
            "vsql" => ('c', "--command"),
            _ => ('e', "--execute"),
        };
        let mut statements: Vec<String> = Vec::new();
        // Flux writes by `to()` only.
        if let [_, query, flux] = args
            && name == "influx"
            && query.text == "query"
            && flux.text.trim_start().starts_with("from(")
            && !flux.text.contains("to(")
            && !flux.text.contains("import")
        {
            return Facts::ORDINARY;
        }
        let mut facts =
            Facts::READS.reading(client_reads(name, args.iter().skip(1).map(|arg| arg.text.as_str())));
        let mut operands = 0;
        let mut skip = false;
        for (at, arg) in args.iter().enumerate().skip(1) {
            let text = arg.text.as_str();
            if skip {
                skip = false;
                continue;
            }
            let next = || args.get(at + 1).map_or("\0".to_owned(), |arg| arg.text.clone());
            let short = format!("-{option}");
            if text == long || text == short || (name == "sqlite3" && matches!(text, "-cmd")) {
                statements.push(next());
                skip = true;
            } else if let Some(value) = text.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
                statements.push(value.to_owned());
            } else if text.starts_with('-')
                && !text.starts_with("--")
                && name != "sqlite3"
                && text.contains(option)
                && !text.starts_with("-p")
                && !text.starts_with("-h")
                && !text.starts_with("-u")
                && !text.starts_with("-U")
                && !text.starts_with("-d")
            {
                let attached = &text[text.find(option).unwrap_or(0) + 1..];
                skip = attached.is_empty();
                statements.push(if attached.is_empty() { next() } else { attached.to_owned() });
            } else if matches!(
                text,
                "-f" | "-i" | "--file" | "--init-command" | "-init" | "-o" | "--output" | "-L" | "--log-file"
            ) && name != "mysql"
                && name != "mariadb"
                || text.starts_with("--file=")
                || text.starts_with("--output=")
                || text.starts_with("--log-file=")
                || text.starts_with("--init-command")
            {
                facts = Facts::confirm("database-script");
                skip = !text.contains('=');
            } else if text.starts_with("--tee") || text.starts_with("--pager") {
                facts = Facts::confirm("database-script");
            } else if matches!(text, "-l" | "--list" | "-V" | "--version") && name == "psql" {
                return Facts::READS;
            } else if matches!(
                text,
                "-h" | "-U"
                    | "-p"
                    | "-d"
                    | "-u"
                    | "-P"
                    | "-D"
                    | "-v"
                    | "-S"
                    | "-H"
                    | "--host"
                    | "--port"
                    | "--user"
                    | "--username"
                    | "--dbname"
                    | "--database"
                    | "-separator"
                    | "-F"
                    | "-R"
            ) && !(matches!(text, "-H" | "-S") && name != "sqlcmd")
                && !(text == "-p" && matches!(name, "mysql" | "mariadb"))
            {
                skip = true;
            } else if !text.starts_with('-') {
                operands += 1;
                if matches!(name, "sqlite3" | "duckdb") && operands > 1 {
                    statements.push(text.to_owned());
                }
            } else if text.starts_with('\0') {
                facts = Facts::of(facts.finding).reading(false);
            }
        }
        if statements.is_empty() {
            match self.stdin.clone() {
                Stdin::Known(text) if name == "sqlplus" => statements.push(without_settings(&text)),
                Stdin::Known(text) => statements.push(text),
                Stdin::Null => {}
                _ => return Facts::confirm("database-script"),
            }
        }
        for statement in &statements {
            if let Some(code) = statement
                .split("\\!")
                .nth(1)
                .or_else(|| statement.contains("\\g").then(|| statement.split('|').nth(1)).flatten())
                .or_else(|| statement.trim().strip_prefix(".shell "))
                .or_else(|| statement.trim().strip_prefix(".system "))
                .or_else(|| statement.trim().strip_prefix("system "))
            {
                self.code_argument(&Arg::literal(code.trim()), source, span);
                facts = Facts::confirm("database-change");
            }
            match statement::read(statement) {
                Kind::Reads => {}
                Kind::Ordinary => facts.reads = Reads::Unproven,
                Kind::Changes => facts = Facts::confirm("database-change"),
            }
        }
        facts
    }

    fn redis(&mut self, args: &[Arg]) -> Facts {
        let values = ["-h", "-p", "-a", "-n", "-u", "-s", "-r", "-i", "--user", "--pass", "-t"];
        let mut at = 1;
        while let Some(arg) = args.get(at).filter(|arg| arg.text.starts_with('-')) {
            if matches!(
                arg.text.as_str(),
                "--eval" | "--pipe" | "--rdb" | "--cluster" | "-x" | "--ldb" | "--functions-rdb"
            ) {
                return Facts::confirm("database-script");
            }
            if matches!(
                arg.text.as_str(),
                "--bigkeys"
                    | "--stat"
                    | "--latency"
                    | "--memkeys"
                    | "--hotkeys"
                    | "--scan"
                    | "--version"
                    | "-v"
            ) {
                return Facts::READS;
            }
            at += if values.contains(&arg.text.as_str()) { 2 } else { 1 };
        }
        let word = |index: usize| args.get(at + index).map_or(String::new(), |arg| arg.text.to_lowercase());
        let command = word(0);
        if command.is_empty() {
            return match &self.stdin {
                Stdin::Null => Facts::READS,
                _ => Facts::confirm("database-script"),
            };
        }
        let sub = word(1);
        let changes = match command.as_str() {
            "config" => sub != "get",
            "client" => !matches!(sub.as_str(), "list" | "info" | "id" | "getname"),
            "slowlog" => !matches!(sub.as_str(), "get" | "len"),
            "memory" => !matches!(sub.as_str(), "usage" | "stats" | "doctor"),
            "cluster" => !matches!(sub.as_str(), "info" | "nodes" | "slots" | "shards" | "myid"),
            "latency" => sub == "reset",
            "acl" => !matches!(sub.as_str(), "list" | "whoami" | "users" | "getuser" | "cat"),
            "module" => sub != "list",
            "object" => !matches!(sub.as_str(), "encoding" | "freq" | "idletime" | "refcount" | "help"),
            "pubsub" => !matches!(sub.as_str(), "channels" | "numsub" | "numpat"),
            "script" => sub != "exists",
            "function" => !matches!(sub.as_str(), "list" | "stats"),
            "sentinel" => !matches!(
                sub.as_str(),
                "masters"
                    | "master"
                    | "slaves"
                    | "replicas"
                    | "sentinels"
                    | "get-master-addr-by-name"
                    | "ckquorum"
            ),
            other => !REDIS_READS.contains(&other),
        };
        if changes { Facts::confirm("database-change") } else { Facts::READS }
    }

    fn mongo(&mut self, args: &[Arg]) -> Facts {
        let Some(code) = option_value(args, '\u{1}', "--eval") else {
            return Facts::confirm("database-script");
        };
        let text = code.text.replace(' ', "");
        let changing = [
            "drop",
            "remove",
            "delete",
            "insert",
            "update",
            "replace",
            "rename",
            "create",
            "save(",
            "shutdown",
            "reconfig",
            "rs.add",
            "stepDown",
            "rs.freeze",
            "Profiling",
            "fsync",
            "kill",
            "bulkWrite",
            "findAndModify",
            "findOneAnd",
            "load(",
            "run(",
            "exec",
            "require",
            "setParameter",
            "grant",
            "revoke",
            "eval",
            "fs.",
            "$out",
            "$merge",
            "process",
            "adminCommand",
            "runCommand",
            "set",
        ];
        if text.contains('\0') || changing.iter().any(|word| text.contains(word)) {
            return Facts::confirm("database-change");
        }
        Facts::READS
    }
}

/// A script without what only tells sqlplus how to show answers, and when to end.
fn without_settings(text: &str) -> String {
    const SETTINGS: &[&str] =
        &["set", "col", "column", "exit", "quit", "prompt", "whenever", "break", "ttitle"];
    let kept = |line: &&str| {
        let first = line.split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
        !SETTINGS.contains(&first.as_str())
    };
    text.lines().filter(kept).collect::<Vec<_>>().join("\n")
}
