//! `sallyport token`.

use std::path::PathBuf;
use std::process::ExitCode;

use super::output::{Problem, json, line};
use crate::format::one_line;
use crate::http::tokens::{Entry, TokenFile};

/// Make and remove the tokens that MCP clients show over HTTP.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The token file; tokens.toml in the state directory by default.
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make a token and print it, this once. NAME is its principal in policy.toml.
    Add {
        /// The name of the principal.
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the tokens' names.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Remove a token; a server that runs refuses it from then on.
    Remove {
        /// Its name.
        name: String,
    },
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode, Problem> {
        let file = TokenFile::new(self.token_file);
        match self.command {
            Command::Add { name, json: as_json } => {
                let token = file.add(&name)?;
                if as_json {
                    json(&serde_json::json!({ "name": name, "token": token }))?;
                } else {
                    line(&token)?;
                    eprintln!(
                        "Keep it now: it is not shown again. Clients send it as `Authorization: Bearer TOKEN`."
                    );
                }
            }
            Command::List { json: as_json } => {
                let entries = file.read()?;
                let public =
                    |entry: &Entry| serde_json::json!({ "name": entry.name, "created": entry.created });
                if as_json {
                    json(&entries.iter().map(public).collect::<Vec<_>>())?;
                } else {
                    if entries.is_empty() {
                        line("There are no tokens; `sallyport token add NAME` makes one.")?;
                    }
                    for entry in entries {
                        line(&format!("{}  made {}", one_line(&entry.name), one_line(&entry.created)))?;
                    }
                }
            }
            Command::Remove { name } => {
                file.remove(&name)?;
                line(&format!("Removed the token {}.", one_line(&name)))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
