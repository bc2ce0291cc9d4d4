//! `sallyport serve`.

use std::process::ExitCode;

use super::output::Problem;
use crate::link::Broker;
use crate::mcp::{self, Toolset};

/// The arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which tools to offer.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "core,sessions")]
    toolsets: Vec<Toolset>,
}

impl Args {
    /// Serves until the client is gone.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        mcp::serve(super::link::<Broker>()?, &self.toolsets).await?;
        Ok(ExitCode::SUCCESS)
    }
}
