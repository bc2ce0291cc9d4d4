//! `sallyport completions`, from the same definitions as the command line itself.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::output::{Problem, unwritable};

/// Print a completion script for a shell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which shell.
    shell: Shell,
}

impl Args {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode, Problem> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut super::Cli::command(), "sallyport", &mut script);
        std::io::Write::write_all(&mut std::io::stdout(), &script).map_err(|error| unwritable(&error))?;
        Ok(ExitCode::SUCCESS)
    }
}
