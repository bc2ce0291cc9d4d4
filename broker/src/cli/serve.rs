//! `sallyport serve`.

use std::process::ExitCode;

use super::output::Problem;
use crate::config::Config;
use crate::link::Broker;
use crate::mcp::{self, Toolset};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which tools to offer.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "core,sessions,files,forward")]
    toolsets: Vec<Toolset>,
}

impl Args {
    /// Serves until the client is gone.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let answer_chars = Config::load()?.max_answer_chars;
        mcp::serve(super::link::<Broker>()?, &self.toolsets, answer_chars).await?;
        Ok(ExitCode::SUCCESS)
    }
}
