//! `sallyport install`: registering the MCP server with a client.
//!
//! Each client keeps a file of servers; this adds ours and leaves the rest of
//! the file as it is. What cannot be read for certain is not written.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use toml_edit::{DocumentMut, Item, Table, value};

use super::output::{Problem, line};

/// The name our server goes by.
const NAME: &str = "sallyport";

/// Register the MCP server with a client.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The client.
    #[arg(value_enum)]
    client: Client,
    /// Show what would be written and where, and write nothing.
    #[arg(long)]
    print: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Client {
    ClaudeCode,
    ClaudeDesktop,
    Codex,
    Cursor,
    Vscode,
    Copilot,
    Zed,
}

/// How a client's file is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// JSON; the servers are an object under this key.
    Json(&'static str),
    /// TOML; the servers are tables under this key.
    Toml(&'static str),
}

/// Where a client keeps its servers, below the home directory, and how.
/// Sources: each client's documentation of its MCP configuration.
const FILES: &[(Client, &str, Form)] = &[
    (Client::ClaudeCode, ".claude.json", Form::Json("mcpServers")),
    (Client::ClaudeDesktop, ".config/Claude/claude_desktop_config.json", Form::Json("mcpServers")),
    (Client::Codex, ".codex/config.toml", Form::Toml("mcp_servers")),
    (Client::Cursor, ".cursor/mcp.json", Form::Json("mcpServers")),
    (Client::Vscode, ".config/Code/User/mcp.json", Form::Json("servers")),
    (Client::Copilot, ".copilot/mcp-config.json", Form::Json("mcpServers")),
    (Client::Zed, ".config/zed/settings.json", Form::Json("context_servers")),
];

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode, Problem> {
        let program = std::env::current_exe().map_err(|error| {
            Problem::usage(format!("our own place is not known: {error}"), "call it by its full path")
        })?;
        let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        let Some((_, file, form)) = FILES.iter().find(|(client, ..)| *client == self.client) else {
            return Err(Problem::usage("this client is not known", "see `sallyport install --help`"));
        };
        let path = home.join(file);
        if self.print {
            line(&format!("# {}", path.display()))?;
            line(added(self.client, *form, "", &program)?.trim_end())?;
            return Ok(ExitCode::SUCCESS);
        }
        let before = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(unusable(&path, &error.to_string())),
        };
        let after = added(self.client, *form, &before, &program)
            .map_err(|problem| unusable(&path, problem.failure.message.as_str()))?;
        replace(&path, &after).map_err(|error| unusable(&path, &error.to_string()))?;
        line(&format!("Registered {NAME} in {}. Restart the client to use it.", path.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A client's file with our server in it.
fn added(client: Client, form: Form, before: &str, program: &Path) -> Result<String, Problem> {
    let Some(program) = program.to_str() else {
        return Err(Problem::usage("our own path is not UTF-8", "install sallyport elsewhere"));
    };
    match form {
        Form::Json(key) => in_json(before, key, entry(client, program)),
        Form::Toml(key) => in_toml(before, key, program),
    }
}

/// Our server as a JSON client describes servers.
fn entry(client: Client, program: &str) -> Value {
    let mut entry = json!({ "command": program, "args": ["serve"] });
    match client {
        Client::ClaudeCode | Client::Vscode => entry["type"] = "stdio".into(),
        Client::Copilot => {
            entry["type"] = "local".into();
            entry["tools"] = json!(["*"]);
        }
        Client::Zed => entry["source"] = "custom".into(),
        Client::ClaudeDesktop | Client::Codex | Client::Cursor => {}
    }
    entry
}

fn in_json(before: &str, key: &str, entry: Value) -> Result<String, Problem> {
    let odd = |what: String| Problem::usage(what, "");
    let parsed = |text: &str| serde_json::from_str::<Entries>(text);
    let raw = |value: &dyn Fn() -> serde_json::Result<Box<RawValue>>| {
        value().map_err(|error| odd(error.to_string()))
    };
    // Comments, for one, would be lost.
    let text = if before.trim().is_empty() { "{}" } else { before };
    let mut file = parsed(text).map_err(|error| odd(format!("it is not a plain JSON object: {error}")))?;
    let mut servers = match file.get(key) {
        Some(servers) => {
            parsed(servers.get()).map_err(|error| odd(format!("its `{key}` is not an object: {error}")))?
        }
        None => Entries::default(),
    };
    servers.set(NAME, raw(&|| to_raw_value(&entry))?);
    file.set(key, raw(&|| to_raw_value(&servers))?);
    let text = serde_json::to_string_pretty(&file).map_err(|error| odd(error.to_string()))?;
    Ok(text + "\n")
}

/// An object whose members keep their order and their very text.
#[derive(Debug, Default)]
struct Entries(Vec<(String, Box<RawValue>)>);

impl Entries {
    fn get(&self, key: &str) -> Option<&RawValue> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_ref())
    }

    fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }
}

impl Serialize for Entries {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Entries::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    entries.set(&name, value);
                }
                Ok(entries)
            }
        }
        d.deserialize_map(InOrder)
    }
}

fn in_toml(before: &str, key: &str, program: &str) -> Result<String, Problem> {
    let mut document: DocumentMut =
        before.parse().map_err(|error: toml_edit::TomlError| Problem::usage(error.message(), ""))?;
    let servers = document.entry(key).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let Some(servers) = servers.as_table_like_mut() else {
        return Err(Problem::usage(format!("its `{key}` is not a table"), ""));
    };
    let mut entry = Table::new();
    entry["command"] = value(program);
    entry["args"] = value(toml_edit::Array::from_iter(["serve"]));
    servers.insert(NAME, Item::Table(entry));
    Ok(document.to_string())
}

fn unusable(path: &Path, what: &str) -> Problem {
    Problem::usage(
        format!("{} cannot be changed: {what}", path.display()),
        "`--print` shows what to add; add it by hand",
    )
}

/// Replaces a file in one step, keeping its mode and a link to it.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut temporary = path.clone().into_os_string();
    temporary.push(format!(".{}", std::process::id()));
    let temporary = PathBuf::from(temporary);
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        if let Ok(old) = fs::metadata(&path) {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    };
    let written = write();
    if written.is_err() {
        // The error tells; a leftover that cannot be removed adds nothing.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// A client in whose file our server stands.
pub struct Registered {
    /// The client, as `install` names it.
    pub client: String,
    /// Its file.
    pub file: PathBuf,
    /// The program it starts.
    pub command: Option<String>,
    /// The variables it gives the server.
    pub environment: Vec<(String, String)>,
}

/// The clients of this home that start our server. A file that is not understood is passed over.
pub fn registered(home: &Path) -> Vec<Registered> {
    FILES.iter().filter_map(|(client, file, form)| found(*client, &home.join(file), *form)).collect()
}

fn found(client: Client, file: &Path, form: Form) -> Option<Registered> {
    let text = fs::read_to_string(file).ok()?;
    let whole: Value = match form {
        Form::Json(_) => serde_json::from_str(&text).ok()?,
        Form::Toml(_) => toml::from_str(&text).ok()?,
    };
    let (Form::Json(key) | Form::Toml(key)) = form;
    let entry = whole.get(key)?.get(NAME)?;
    let variables = entry.get("env").and_then(Value::as_object).into_iter().flatten();
    Some(Registered {
        client: client.to_possible_value()?.get_name().to_owned(),
        file: file.to_owned(),
        command: entry.get("command").and_then(Value::as_str).map(str::to_owned),
        environment: variables
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(client: Client, before: &str) -> Result<String, Problem> {
        let (_, _, form) = FILES.iter().find(|(c, ..)| *c == client).unwrap();
        added(client, *form, before, Path::new("/usr/bin/sallyport"))
    }

    #[test]
    fn every_client_has_a_file() {
        for client in Client::value_variants() {
            assert!(with(*client, "").unwrap().contains("/usr/bin/sallyport"), "{client:?}");
        }
    }

    #[test]
    fn claude_code_and_codex_get_what_their_documentation_asks_for() {
        insta::assert_snapshot!(with(Client::ClaudeCode, "").unwrap(), @r#"
        {
          "mcpServers": {"sallyport":{"args":["serve"],"command":"/usr/bin/sallyport","type":"stdio"}}
        }
        "#);
        insta::assert_snapshot!(with(Client::Codex, "").unwrap(), @r#"
        [mcp_servers.sallyport]
        command = "/usr/bin/sallyport"
        args = ["serve"]
        "#);
    }

    #[test]
    fn other_servers_and_settings_stay() {
        let json =
            with(Client::Cursor, r#"{"a": 1, "mcpServers": {"x": {}, "sallyport": {"old": true}}}"#).unwrap();
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&json["a"], &json["mcpServers"]["x"]), (&json!(1), &json!({})));
        assert_eq!(json["mcpServers"]["sallyport"]["old"], Value::Null);
        let odd_spacing = "{\"z\": {\"b\":1,  \"a\":2}, \"mcpServers\": {}}";
        assert!(
            with(Client::Cursor, odd_spacing).unwrap().starts_with("{\n  \"z\": {\"b\":1,  \"a\":2},"),
            "to the letter"
        );
        let toml = with(Client::Codex, "# mine\nmodel = \"m\"\n[mcp_servers.x]\ncommand = \"y\"\n").unwrap();
        assert!(toml.starts_with("# mine\nmodel = \"m\"\n[mcp_servers.x]\ncommand = \"y\"\n"), "{toml}");
        assert_eq!(with(Client::Codex, &toml).unwrap(), toml, "a second time changes nothing");
    }

    #[test]
    fn what_was_registered_is_found_again() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".claude.json"), with(Client::ClaudeCode, "").unwrap()).unwrap();
        fs::create_dir(home.path().join(".codex")).unwrap();
        let codex = with(Client::Codex, "").unwrap() + "[mcp_servers.sallyport.env]\nHOME = \"/x\"\n";
        fs::write(home.path().join(".codex/config.toml"), codex).unwrap();
        let found = registered(home.path());
        let names: Vec<_> =
            found.iter().map(|found| (found.client.as_str(), found.command.as_deref())).collect();
        let program = Some("/usr/bin/sallyport");
        assert_eq!(names, [("claude-code", program), ("codex", program)]);
        assert_eq!(found[1].environment, [("HOME".to_owned(), "/x".to_owned())]);
    }

    #[test]
    fn a_file_that_is_not_understood_is_not_written() {
        for (client, odd) in [
            (Client::Zed, "{ // a comment\n}"),
            (Client::Cursor, "[]"),
            (Client::Cursor, r#"{"mcpServers": []}"#),
            (Client::Codex, "mcp_servers = 1"),
            (Client::Codex, "= ="),
        ] {
            assert!(with(client, odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_replaced_file_keeps_its_mode() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.json");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        replace(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
