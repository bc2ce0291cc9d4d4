//! Files in TOML: comments and order stay.

use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TomlError, value};

use super::{ARGUMENTS, NAME, Server};

/// The file with our server among the tables under `key`.
///
/// # Errors
/// With what is odd about it.
pub fn with(before: &str, key: &str, server: &Server) -> Result<String, String> {
    let mut document: DocumentMut = before.parse().map_err(|error: TomlError| error.message().to_owned())?;
    let servers = document.entry(key).or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let Some(servers) = servers.as_table_like_mut() else {
        return Err(format!("its `{key}` is not a table"));
    };
    let mut entry = Table::new();
    entry["command"] = value(server.program.as_str());
    entry["args"] = value(Array::from_iter(ARGUMENTS));
    let environment = server.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    entry["env"] = value(InlineTable::from_iter(environment));
    servers.insert(NAME, Item::Table(entry));
    Ok(document.to_string())
}
