//! `sallyport install`: registering the MCP server with a client.
//!
//! Each client keeps a file of servers; this adds ours and leaves the rest of
//! the file as it is. What cannot be read for certain is not written.

mod json;
mod toml;
mod yaml;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::{Map, Value};

use super::output::{Problem, line};

/// The name our server goes by.
const NAME: &str = "sallyport";
/// What our program is started with.
const ARGUMENTS: [&str; 1] = ["serve"];
/// What the server must find as the person does. Clients start servers with an environment of their own (the MCP
/// libraries pass on `HOME` and `PATH` and little else), so those that are set here go into the client's file.
const VARIABLES: [&str; 9] = [
    "HOME",
    "GNUPGHOME",
    "PASSWORD_STORE_DIR",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "SALLYPORT_RUNTIME_DIR",
    "SALLYPORT_CONFIG_DIR",
    "SALLYPORT_STATE_DIR",
];

/// Register the MCP server with a client.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The client.
    #[arg(value_enum)]
    client: Client,
    /// Show what would be written (and, on stderr, where), and write nothing.
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
    Hermes,
    Zed,
}

/// How a client's file is written, and the key its servers are under.
#[derive(Debug, Clone, Copy)]
enum Form {
    Json(&'static str),
    Toml(&'static str),
    Yaml(&'static str),
}

/// Where a client keeps its servers, and how. The folder is below the home directory, unless the variable names
/// another one. Sources: each client's documentation of its MCP configuration.
struct Home {
    client: Client,
    folder: &'static str,
    variable: &'static str,
    file: &'static str,
    form: Form,
}

const fn home(
    client: Client,
    (folder, variable): (&'static str, &'static str),
    file: &'static str,
    form: Form,
) -> Home {
    Home { client, folder, variable, file, form }
}

const CONFIG: (&str, &str) = (".config", "XDG_CONFIG_HOME");

const HOMES: &[Home] = &[
    home(Client::ClaudeCode, ("", "CLAUDE_CONFIG_DIR"), ".claude.json", Form::Json("mcpServers")),
    home(Client::ClaudeDesktop, CONFIG, "Claude/claude_desktop_config.json", Form::Json("mcpServers")),
    home(Client::Codex, (".codex", "CODEX_HOME"), "config.toml", Form::Toml("mcp_servers")),
    home(Client::Cursor, (".cursor", ""), "mcp.json", Form::Json("mcpServers")),
    home(Client::Vscode, CONFIG, "Code/User/mcp.json", Form::Json("servers")),
    home(Client::Copilot, (".copilot", ""), "mcp-config.json", Form::Json("mcpServers")),
    home(Client::Hermes, (".hermes", "HERMES_HOME"), "config.yaml", Form::Yaml("mcp_servers")),
    home(Client::Zed, CONFIG, "zed/settings.json", Form::Json("context_servers")),
];

impl Home {
    fn path(&self, set: &dyn Fn(&str) -> Option<String>) -> PathBuf {
        match set(self.variable) {
            Some(folder) => Path::new(&folder).join(self.file),
            None => Path::new(&set("HOME").unwrap_or_default()).join(self.folder).join(self.file),
        }
    }
}

/// Our server, as a client is to start it.
#[derive(Debug, Clone)]
struct Server {
    program: String,
    environment: Vec<(String, String)>,
}

impl Server {
    /// This very program, with what is set here.
    fn own() -> Result<Self, Problem> {
        let program = std::env::current_exe().map_err(|error| {
            Problem::usage(format!("our own place is not known: {error}"), "call it by its full path")
        })?;
        let Some(program) = program.to_str().map(str::to_owned) else {
            return Err(Problem::usage("our own path is not UTF-8", "install sallyport elsewhere"));
        };
        let environment = VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), set(name)?)));
        Ok(Self { program, environment: environment.collect() })
    }
}

/// A variable of our environment; an empty one is none.
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode, Problem> {
        let server = Server::own()?;
        let Some(home) = HOMES.iter().find(|home| home.client == self.client) else {
            return Err(Problem::usage("this client is not known", "see `sallyport install --help`"));
        };
        let path = home.path(&set);
        if !path.is_absolute() {
            return Err(Problem::usage("HOME is not set", "set it, or `--print` shows what to add by hand"));
        }
        if self.print {
            eprintln!("This goes into {}:", path.display());
            line(added(home, "", &server).map_err(|what| unusable(&path, &what))?.trim_end())?;
            return Ok(ExitCode::SUCCESS);
        }
        let before = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(unusable(&path, &error.to_string())),
        };
        let after = added(home, &before, &server).map_err(|what| unusable(&path, &what))?;
        replace(&path, &after).map_err(|error| unusable(&path, &error.to_string()))?;
        line(&format!("Registered {NAME} in {}. Restart the client to use it.", path.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A client's file with our server in it.
fn added(home: &Home, before: &str, server: &Server) -> Result<String, String> {
    match home.form {
        Form::Json(key) => json::with(before, key, &entry(home.client, server)),
        Form::Toml(key) => toml::with(before, key, server),
        Form::Yaml(key) => yaml::with(before, key, server),
    }
}

/// Our server as a JSON client describes servers.
fn entry(client: Client, server: &Server) -> Value {
    let environment: Map<String, Value> =
        server.environment.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let mut entry = serde_json::json!({ "command": server.program, "args": ARGUMENTS, "env": environment });
    match client {
        Client::ClaudeCode | Client::Vscode => entry["type"] = "stdio".into(),
        Client::Copilot => {
            entry["type"] = "local".into();
            entry["tools"] = serde_json::json!(["*"]);
        }
        Client::Zed => entry["source"] = "custom".into(),
        Client::ClaudeDesktop | Client::Codex | Client::Cursor | Client::Hermes => {}
    }
    entry
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

/// The clients of this person that start our server. A file that is not understood is passed over.
pub fn registered() -> Vec<Registered> {
    HOMES.iter().filter_map(|home| found(home, home.path(&set))).collect()
}

fn found(home: &Home, file: PathBuf) -> Option<Registered> {
    let text = fs::read_to_string(&file).ok()?;
    let (command, environment) = match home.form {
        Form::Json(key) => described(&serde_json::from_str(&text).ok()?, key)?,
        Form::Toml(key) => described(&::toml::from_str(&text).ok()?, key)?,
        Form::Yaml(key) => yaml::registered(&text, key)?,
    };
    let client = home.client.to_possible_value()?.get_name().to_owned();
    Some(Registered { client, file, command, environment })
}

/// What a client's entry of ours says: the program, when it names one, and the variables it is given.
type Entry = (Option<String>, Vec<(String, String)>);

/// Our entry in a file that was read.
fn described(whole: &Value, key: &str) -> Option<Entry> {
    let entry = whole.get(key)?.get(NAME)?;
    let variables = entry.get("env").and_then(Value::as_object).into_iter().flatten();
    let variables = variables.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    Some((entry.get("command").and_then(Value::as_str).map(str::to_owned), variables.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn server() -> Server {
        let environment =
            vec![("HOME".into(), "/home/me".into()), ("GNUPGHOME".into(), "/home/me/gpg".into())];
        Server { program: "/usr/bin/sallyport".into(), environment }
    }

    fn home_of(client: Client) -> &'static Home {
        HOMES.iter().find(|home| home.client == client).unwrap()
    }

    fn with(client: Client, before: &str) -> Result<String, String> {
        added(home_of(client), before, &server())
    }

    /// A client without a line here is a client nobody has seen the text of.
    #[test]
    fn every_client_gets_what_its_documentation_asks_for() {
        let mut all = String::new();
        for client in Client::value_variants() {
            let set = |name: &str| (name == "HOME").then(|| "~".to_owned());
            let (path, text) = (home_of(*client).path(&set), with(*client, "").unwrap());
            all.push_str(&format!("{}\n{text}\n", path.display()));
        }
        insta::assert_snapshot!(all, @r#"
        ~/.claude.json
        {
          "mcpServers": {"sallyport":{"args":["serve"],"command":"/usr/bin/sallyport","env":{"GNUPGHOME":"/home/me/gpg","HOME":"/home/me"},"type":"stdio"}}
        }

        ~/.config/Claude/claude_desktop_config.json
        {
          "mcpServers": {"sallyport":{"args":["serve"],"command":"/usr/bin/sallyport","env":{"GNUPGHOME":"/home/me/gpg","HOME":"/home/me"}}}
        }

        ~/.codex/config.toml
        [mcp_servers.sallyport]
        command = "/usr/bin/sallyport"
        args = ["serve"]
        env = { HOME = "/home/me", GNUPGHOME = "/home/me/gpg" }

        ~/.cursor/mcp.json
        {
          "mcpServers": {"sallyport":{"args":["serve"],"command":"/usr/bin/sallyport","env":{"GNUPGHOME":"/home/me/gpg","HOME":"/home/me"}}}
        }

        ~/.config/Code/User/mcp.json
        {
          "servers": {"sallyport":{"args":["serve"],"command":"/usr/bin/sallyport","env":{"GNUPGHOME":"/home/me/gpg","HOME":"/home/me"},"type":"stdio"}}
        }

        ~/.copilot/mcp-config.json
        {
          "mcpServers": {"sallyport":{"args":["serve"],"command":"/usr/bin/sallyport","env":{"GNUPGHOME":"/home/me/gpg","HOME":"/home/me"},"tools":["*"],"type":"local"}}
        }

        ~/.hermes/config.yaml
        mcp_servers:
          sallyport:
            command: "/usr/bin/sallyport"
            args: ["serve"]
            env:
              HOME: "/home/me"
              GNUPGHOME: "/home/me/gpg"

        ~/.config/zed/settings.json
        {
          "context_servers": {"sallyport":{"args":["serve"],"command":"/usr/bin/sallyport","env":{"GNUPGHOME":"/home/me/gpg","HOME":"/home/me"},"source":"custom"}}
        }
        "#);
    }

    #[test]
    fn a_folder_that_is_elsewhere_is_followed() {
        let set = |name: &str| {
            let all = [("HOME", "/h"), ("HERMES_HOME", "/h/profiles/work"), ("XDG_CONFIG_HOME", "/x")];
            all.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let path = |client| home_of(client).path(&set).display().to_string();
        assert_eq!(path(Client::Hermes), "/h/profiles/work/config.yaml");
        assert_eq!(path(Client::Zed), "/x/zed/settings.json");
        assert_eq!(path(Client::Cursor), "/h/.cursor/mcp.json");
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
        let dir = tempfile::tempdir().unwrap();
        for client in Client::value_variants() {
            let file = dir.path().join("file");
            fs::write(&file, with(*client, "").unwrap()).unwrap();
            let found = found(home_of(*client), file).unwrap();
            assert_eq!(found.command.as_deref(), Some("/usr/bin/sallyport"), "{client:?}");
            let mut environment = found.environment;
            environment.sort_by(|a, b| b.cmp(a));
            assert_eq!(environment, server().environment, "{client:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_understood_is_not_written() {
        for (client, odd) in [
            (Client::Zed, "{ // a comment\n}"),
            (Client::Cursor, "[]"),
            (Client::Cursor, r#"{"mcpServers": []}"#),
            (Client::Codex, "mcp_servers = 1"),
            (Client::Codex, "= ="),
            (Client::Hermes, "mcp_servers: [a]"),
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
