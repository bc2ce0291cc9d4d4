//! `ssh_db`: a query by the host's own client.
//!
//! No password is ever an argument. Peer authentication (`run_as`), the client's own configuration on the host
//! (`~/.pgpass`, `~/.my.cnf`), or an `env://` record that holds `PGPASSWORD` or `MYSQL_PWD` does it.

use sallyport_protocol::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::line::{Line, name, plain, plain_if};
use super::run::{Ran, Tool};
use crate::mcp::call::invalid;
use crate::mcp::exec::Asked;

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where the client runs: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    engine: Engine,
    /// query (default). tables: tables and their columns. databases: their names.
    #[serde(default)]
    action: Action,
    /// The database's name; for sqlite its file.
    database: Option<String>,
    /// query: the SQL.
    query: Option<String>,
    /// The database is opened for reading alone unless this is set; what would change it asks, as in a shell.
    #[serde(default)]
    write: bool,
    /// The database account.
    user: Option<String>,
    /// The server, as the target sees it. Default: the socket there.
    host: Option<String>,
    /// Its port.
    #[schemars(range(min = 1))]
    port: Option<u16>,
    /// The client is in this docker container on the target.
    container: Option<String>,
    /// The env:// record with PGPASSWORD or MYSQL_PWD.
    secret: Option<String>,
    /// Run the client as this user of the target, through sudo: for peer authentication.
    run_as: Option<String>,
    /// Rows in the answer. Default 100.
    #[schemars(range(min = 1, max = 5000), extend("default" = 100))]
    limit: Option<usize>,
    /// Seconds until the call is answered with status timeout while the command goes on as a job. Default 60.
    #[schemars(range(min = 1, max = 604_800))]
    timeout_s: Option<u32>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Engine {
    Postgres,
    Mysql,
    Sqlite,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    #[default]
    Query,
    Tables,
    Databases,
}

/// What an engine is asked for its tables and databases, and the variable its client takes a password from.
struct Dialect {
    client: &'static str,
    tables: &'static str,
    databases: Option<&'static str>,
    password: Option<&'static str>,
}

const POSTGRES: Dialect = Dialect {
    client: "psql",
    tables: "select table_schema, table_name, column_name, data_type from information_schema.columns \
        where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2, ordinal_position",
    databases: Some("select datname from pg_database where not datistemplate order by 1"),
    password: Some("-e PGPASSWORD"),
};
const MYSQL: Dialect = Dialect {
    client: "mysql",
    tables: "select table_schema, table_name, column_name, data_type from information_schema.columns \
        where table_schema = database() order by 1, 2, ordinal_position",
    databases: Some("show databases"),
    password: Some("-e MYSQL_PWD"),
};
const SQLITE: Dialect = Dialect {
    client: "sqlite3",
    tables: "select name, sql from sqlite_master where type = 'table' order by name",
    databases: None,
    password: None,
};

/// The answer's own fields.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fields {
    /// The names of the columns.
    columns: Vec<String>,
    /// The rows, as text. The clients of postgres and sqlite tell NULL as nothing, that of mysql as NULL.
    rows: Vec<Vec<String>>,
    /// How many rows there are; the answer may hold fewer.
    total: usize,
    #[serde(flatten)]
    ran: Ran,
}

impl Args {
    fn dialect(&self) -> &'static Dialect {
        match self.engine {
            Engine::Postgres => &POSTGRES,
            Engine::Mysql => &MYSQL,
            Engine::Sqlite => &SQLITE,
        }
    }

    fn query(&self) -> Result<&str, Failure> {
        match (self.action, &self.query) {
            // A query that begins with a dash would be an option of sqlite3.
            (Action::Query, Some(query)) if !query.trim().is_empty() && !query.starts_with('-') => Ok(query),
            (Action::Query, _) => Err(invalid("query is the SQL, and does not begin with a dash")),
            (_, Some(_)) => Err(invalid("query is for action = query")),
            (Action::Tables, None) => Ok(self.dialect().tables),
            (Action::Databases, None) => {
                self.dialect().databases.ok_or_else(|| invalid("a file of sqlite is one database"))
            }
        }
    }

    /// The client, where it runs.
    fn client(&self) -> Result<Line, Failure> {
        let Some(container) = &self.container else { return Ok(Line::of(self.dialect().client)) };
        let password = self.secret.as_ref().and(self.dialect().password);
        let line = match password {
            Some(password) => Line::of("docker exec").and(password),
            None => Line::of("docker exec"),
        };
        Ok(line.word(name("container", container)?).and(self.dialect().client))
    }
}

impl Tool for Args {
    type Fields = Fields;

    fn asked(&self) -> Asked {
        Asked {
            target: self.target.clone(),
            run_as: self.run_as.clone(),
            secrets: self.secret.clone().into_iter().collect(),
            timeout_s: self.timeout_s,
            confirm: self.confirm,
            confirmation_id: self.confirmation_id.clone(),
        }
    }

    fn needs(&self) -> &'static str {
        self.dialect().client
    }

    fn command(&self) -> Result<String, Failure> {
        let query = self.query()?;
        let user = self.user.as_deref().map(|user| name("user", user)).transpose()?;
        let host = plain_if("host", &self.host)?;
        let port = self.port.map(|port| port.to_string());
        if self.engine == Engine::Sqlite {
            if user.is_some() || host.is_some() || port.is_some() || self.secret.is_some() {
                return Err(invalid("sqlite has a database and nothing else"));
            }
            let file = plain("database", self.database.as_deref().unwrap_or_default())?;
            let line = if self.write { self.client()? } else { self.client()?.and("-readonly") };
            return Ok(line.and("-csv -header").word(file).word(query).finish());
        }
        // A connection string would be a database's name for psql, with whatever is in it.
        let database = self.database.as_deref().map(|database| name("database", database)).transpose()?;
        let line = match self.engine {
            Engine::Postgres => {
                let line = self.client()?.and("-X -q -w --csv -v ON_ERROR_STOP=1").option("-h", host);
                let line = line.option("-p", port.as_deref()).option("-U", user).option("-d", database);
                let line =
                    if self.write { line } else { line.and("-c 'set default_transaction_read_only = on'") };
                line.and("-c").word(query)
            }
            _ => {
                let line = self.client()?.and("--batch --no-auto-rehash").option("-h", host);
                let line = line.option("-P", port.as_deref()).option("-u", user).option("-D", database);
                match self.write {
                    true => line.and("-e").word(query),
                    false => line.and("-e").word(&format!("start transaction read only; {query}")),
                }
            }
        };
        Ok(line.finish())
    }

    fn read(&self, out: &str, ran: Ran) -> Fields {
        let mut rows = match self.engine {
            Engine::Postgres | Engine::Sqlite => csv(out),
            Engine::Mysql => tabs(out),
        };
        let columns = if rows.is_empty() { Vec::new() } else { rows.remove(0) };
        let total = rows.len();
        rows.truncate(self.limit.unwrap_or(100));
        Fields { columns, rows, total, ran }
    }
}

/// Comma-separated values (RFC 4180): in quotes, commas and line ends are text and two quotes one.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && characters.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            other => field.push(other),
        }
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

/// As `mysql --batch` prints: tabs between fields; tabs, line ends, NULs and backslashes in them escaped.
fn tabs(text: &str) -> Vec<Vec<String>> {
    let field = |field: &str| {
        let mut plain = String::with_capacity(field.len());
        let mut characters = field.chars();
        while let Some(character) = characters.next() {
            plain.push(match character {
                '\\' => match characters.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('0') => '\0',
                    Some(other) => other,
                    None => '\\',
                },
                other => other,
            });
        }
        plain
    };
    text.lines().map(|line| line.split('\t').map(field).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::arguments;
    use super::*;
    use serde_json::{Value, json};

    fn args(more: Value) -> Args {
        arguments(json!({ "engine": "postgres" }), more)
    }

    #[test]
    fn a_query_is_one_word_and_reads_unless_it_may_write() {
        let command = |more: Value| args(more).command();
        assert_eq!(
            command(
                json!({ "database": "app", "user": "web", "host": "db", "port": 5433, "query": "select 'a'" })
            )
            .unwrap(),
            "psql -X -q -w --csv -v ON_ERROR_STOP=1 -h 'db' -p '5433' -U 'web' -d 'app' \
             -c 'set default_transaction_read_only = on' -c 'select '\\''a'\\'''"
        );
        let write = json!({ "engine": "mysql", "database": "app", "query": "delete from t", "write": true });
        assert_eq!(command(write).unwrap(), "mysql --batch --no-auto-rehash -D 'app' -e 'delete from t'");
        let inside = json!({ "container": "pg", "secret": "db", "action": "databases", "write": true });
        assert!(command(inside).unwrap().starts_with("docker exec -e PGPASSWORD 'pg' psql -X"));
        let file = json!({ "engine": "sqlite", "database": "/srv/a b.db", "query": "select 1" });
        assert_eq!(command(file).unwrap(), "sqlite3 -readonly -csv -header '/srv/a b.db' 'select 1'");
    }

    #[test]
    fn what_could_be_more_than_a_name_or_a_query_is_refused() {
        for bad in [
            json!({}),
            json!({ "query": "-- x" }),
            json!({ "query": "select 1", "action": "tables" }),
            json!({ "query": "select 1", "database": "postgresql://u:secret@h/db" }),
            json!({ "query": "select 1", "database": "dbname=x host=evil" }),
            json!({ "query": "select 1", "user": "-c" }),
            json!({ "engine": "sqlite", "query": "select 1" }),
            json!({ "engine": "sqlite", "database": "/x", "query": "select 1", "secret": "db" }),
            json!({ "engine": "sqlite", "database": "/x", "action": "databases" }),
        ] {
            assert!(args(bad.clone()).command().is_err(), "{bad}");
        }
    }

    #[test]
    fn rows_are_read_whatever_is_in_them() {
        let told = args(json!({})).read("id,name\n1,\"a, \"\"b\"\"\nc\"\r\n2,\n", Ran::default());
        assert_eq!(told.columns, ["id", "name"]);
        assert_eq!(told.rows, [["1", "a, \"b\"\nc"], ["2", ""]]);
        let told = args(json!({ "engine": "mysql", "limit": 1 }))
            .read("id\tx\n1\ta\\tb\\\\\n2\tNULL\n", Ran::default());
        assert_eq!((told.rows, told.total), (vec![vec!["1".to_owned(), "a\tb\\".into()]], 2));
    }
}
