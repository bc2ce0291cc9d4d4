//! Database clients: the statements given to them, where they are given.

use super::Facts;
use super::files::option_value;
use crate::engine::Engine;
use crate::engine::arg::Arg;
use crate::engine::shell::{Source, Stdin};

/// First words of statements that only read.
const READING: &[&str] = &[
    "select",
    "show",
    "explain",
    "describe",
    "desc",
    "values",
    "table",
    "with",
    "use",
    "pragma",
    "analyze",
    "begin",
    "commit",
    "rollback",
    "start",
    "set",
    "help",
    "status",
    "print",
    "fetch",
    "list",
    "go",
    "end",
    "from",
    ".tables",
    ".schema",
    ".databases",
    ".indexes",
    ".indices",
    ".headers",
    ".mode",
    ".stats",
    ".show",
    ".dump",
    ".width",
    ".timer",
    ".fullschema",
    ".quit",
    ".exit",
    ".version",
    ".help",
    ".nullvalue",
    ".separator",
];

/// Words inside a statement that change something or reach outside.
const CHANGING: &[&str] = &[
    "insert",
    "update",
    "delete",
    "drop",
    "truncate",
    "alter",
    "create",
    "grant",
    "revoke",
    "copy",
    "vacuum",
    "reindex",
    "call",
    "do",
    "lock",
    "into",
    "outfile",
    "dumpfile",
    "merge",
    "replace",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_reload_conf",
    "pg_read_file",
    "lo_import",
    "lo_export",
    "lo_unlink",
    "dblink",
    "setval",
    "nextval",
    "pg_drop_replication_slot",
    "pg_switch_wal",
    "load_file",
    "load_extension",
    "xp_cmdshell",
    "attach",
    "detach",
    "kill",
    "flush",
    "reset",
    "purge",
    "shutdown",
    "set_config",
    "refresh",
    "cluster",
    "comment",
    "security",
    "import",
    "restore",
    "rename",
    "sys_exec",
    "writefile",
    "edit",
    "pg_promote",
    "readfile",
    "exec",
    "execute",
    "prepare",
    "global",
    "persist",
    "writable_schema",
    "journal_mode",
];

/// Redis commands that only read.
const REDIS_READS: &[&str] = &[
    "get",
    "mget",
    "info",
    "ping",
    "keys",
    "scan",
    "exists",
    "ttl",
    "pttl",
    "type",
    "strlen",
    "llen",
    "lrange",
    "lindex",
    "hget",
    "hgetall",
    "hkeys",
    "hvals",
    "hlen",
    "hmget",
    "smembers",
    "scard",
    "sismember",
    "zrange",
    "zcard",
    "zscore",
    "zrangebyscore",
    "dbsize",
    "memory",
    "client",
    "slowlog",
    "config",
    "cluster",
    "command",
    "time",
    "lastsave",
    "role",
    "latency",
    "xlen",
    "xrange",
    "xinfo",
    "object",
    "randomkey",
    "echo",
    "getrange",
    "bitcount",
    "hscan",
    "sscan",
    "zscan",
    "zrevrange",
    "zrank",
    "hexists",
    "pfcount",
    "monitor",
    "dump",
    "acl",
    "module",
    "select",
    "auth",
    "hello",
];

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
            "sqlcmd" => ('Q', "--query"),
            "clickhouse-client" => ('q', "--query"),
            _ => ('e', "--execute"),
        };
        let mut statements: Vec<String> = Vec::new();
        let mut facts = Facts::READS;
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
            if !reads_sql(statement) {
                facts = Facts::confirm("database-change");
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

/// Whether every statement of a text only reads. Strings and comments do not count as words.
fn reads_sql(text: &str) -> bool {
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                while chars.next().is_some_and(|next| next != '\'') {}
                plain.push_str(" '' ");
            }
            '-' if chars.peek() == Some(&'-') => while chars.next().is_some_and(|next| next != '\n') {},
            c => plain.extend(c.to_lowercase()),
        }
    }
    if plain.contains("/*") || plain.contains('\0') || plain.contains("$$") {
        return false;
    }
    plain.split(';').all(|statement| {
        let statement = statement.trim();
        if statement.is_empty() {
            return true;
        }
        if let Some(meta) = statement.strip_prefix('\\') {
            return meta.starts_with(['d', 'l', 'z', 'q', 'x', '?', 't', 'a'])
                || meta.starts_with("conninfo")
                || meta.starts_with("pset")
                || meta.starts_with("timing")
                || meta.starts_with("sf")
                || meta.starts_with("sv");
        }
        let words: Vec<&str> = statement
            .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'))
            .filter(|word| !word.is_empty())
            .collect();
        let first = words.first().copied().unwrap_or("");
        let show = first == "show" || first == "describe" || first == "desc";
        let assigns = first == "pragma" && statement.contains('=');
        READING.contains(&first)
            && !assigns
            && (show || !words.iter().skip(1).any(|word| CHANGING.contains(word)))
    })
}

#[cfg(test)]
mod tests {
    use super::reads_sql;

    #[test]
    fn reading_statements_are_told_from_changing_ones() {
        for text in [
            "select 1",
            "SELECT 'drop table x' FROM t;",
            "\\dt",
            "show create table x",
            "explain select 1; select 2",
            "with a as (select 1) select * from a",
        ] {
            assert!(reads_sql(text), "{text}");
        }
        for text in [
            "drop table x",
            "select 1; delete from t",
            "with a as (delete from t returning *) select * from a",
            "select * into x from y",
            "copy t to program 'sh'",
            "\\copy t to 'f'",
            "\\! sh",
            "pragma journal_mode=off",
            "/* x */ select 1",
        ] {
            assert!(!reads_sql(text), "{text}");
        }
    }
}
