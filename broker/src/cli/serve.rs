//! `sallyport serve`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use rmcp::ErrorData;
use sallyport_protocol::Failure;

use super::output::Problem;
use crate::config::{Config, config_directory};
use crate::harden::{Needs, lock_in};
use crate::http::tokens::TokenFile;
use crate::http::{self, Address};
use crate::link::{Broker, Link, Place, Porter};
use crate::mcp::{self, Toolset};
use crate::transfer::Roots;

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which tools to offer.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "core,sessions,files,forward")]
    toolsets: Vec<Toolset>,
    /// Serve over HTTP at /mcp: 127.0.0.1:8000, unix:PATH, or systemd for the socket it passes.
    #[arg(long, value_name = "ADDRESS")]
    http: Option<Address>,
    /// The token file; tokens.toml in the state directory by default.
    #[arg(long, value_name = "FILE", requires = "http")]
    token_file: Option<PathBuf>,
    /// A further name clients know this server by, with its port (the `Host` header).
    #[arg(long, value_name = "HOST:PORT", requires = "http")]
    allow_host: Vec<String>,
    /// A web page's origin that may ask, such as https://app.example.org:443 (the `Origin` header).
    #[arg(long, value_name = "ORIGIN", requires = "http")]
    allow_origin: Vec<String>,
}

impl Args {
    /// Serves until the client is gone, or until told to stop.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let config = Config::load()?;
        let roots = roots(&config);
        let place = with_porter(super::place()?, &roots);
        match self.http {
            None => {
                let link = Link::<Broker>::new(place, super::caller(super::local()?)?);
                lock_in(&needs(roots, None));
                mcp::serve(link, &self.toolsets, config.max_answer_chars).await?;
            }
            Some(address) => {
                let dial = move |principal: &_| {
                    let caller = super::caller(Clone::clone(principal)).map_err(internal)?;
                    Ok(Link::new(place.clone(), caller))
                };
                let tokens = TokenFile::new(self.token_file);
                let needs = needs(roots, tokens.path().parent().map(Into::into));
                let options = http::Options {
                    address,
                    tokens,
                    hosts: self.allow_host,
                    origins: self.allow_origin,
                    toolsets: self.toolsets,
                    answer_chars: config.max_answer_chars,
                };
                http::serve(options, Arc::new(dial), || lock_in(&needs)).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn internal(failure: Failure) -> ErrorData {
    ErrorData::internal_error(failure.message.into_string(), None)
}

/// A broker that is locked in has others connect and start helpers. Without a porter it cannot be locked in to the
/// full, but it can serve.
fn with_porter(place: Place, roots: &[PathBuf]) -> Place {
    match Porter::start(roots) {
        Ok(porter) => Place { porter: Some(Arc::new(porter)), ..place },
        Err(error) => {
            tracing::warn!(%error, "there is no porter: a helper that goes away is not reached again");
            place
        }
    }
}

fn needs(roots: Vec<PathBuf>, tokens: Option<PathBuf>) -> Needs {
    let mut read = vec![config_directory()];
    read.extend(tokens);
    Needs { read, roots }
}

fn roots(config: &Config) -> Vec<PathBuf> {
    Roots::directories(config).unwrap_or_else(|failure| {
        tracing::warn!(reason = %failure.message, "no files can be transferred");
        Vec::new()
    })
}
