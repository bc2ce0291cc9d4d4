//! The command line people use, one file a command group.
//!
//! Commands for people speak on the admin socket; `serve` and `exec`, which
//! agents run, speak on the broker socket and never touch the other one. No
//! secret is ever taken from an argument, and none is printed.
//!
//! | module | commands |
//! |---|---|
//! | [`serve`] | `serve` |
//! | [`exec`] | `exec` |
//! | [`file`] | `cat`, `ls` |
//! | [`transfer`] | `get`, `put` |
//! | [`credential`] | `credential` |
//! | [`unlock`] | `unlock`, `lock` |
//! | [`status`] | `status` |
//! | [`approve`] | `approve` |
//! | [`host`], [`hosts_file`] | `host`, and the file behind it |
//! | [`hostkey`], [`scan`] | `hostkey`, and deciding about a key |
//! | [`session`], [`transcript`] | `session`, `transcript` |
//! | [`install`] | `install` |
//! | [`doctor`] | `doctor` |
//! | [`ssh_config`] | reading ssh_config files for `host import-ssh-config` |
//! | [`policy`] | `policy` |
//! | [`audit`] | `audit` |
//! | [`admin`] | asking the helper on a person's behalf |
//! | [`completions`] | `completions`, and the manual pages |
//! | [`token`] | `token` |
//! | [`secret`] | taking a secret from a person |
//! | [`git`] | committing a change of the store |
//! | [`output`] | how results, questions and errors are printed |

mod admin;
mod approve;
mod audit;
mod completions;
mod credential;
mod doctor;
mod exec;
mod file;
mod git;
mod host;
mod hostkey;
mod hosts_file;
mod install;
mod output;
mod policy;
mod scan;
mod secret;
mod serve;
mod session;
mod ssh_config;
mod status;
mod token;
mod transcript;
mod transfer;
mod unlock;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use output::Problem;
use sallyport_protocol::envelope::Caller;
use sallyport_protocol::text::PrincipalName;
use sallyport_protocol::{ErrorCode, Failure};
use tracing_subscriber::EnvFilter;

use crate::config::Config;
use crate::link::{Link, Place, Side, Trust};

/// SSH for agents: they run commands, and never see a credential.
#[derive(Debug, Parser)]
#[command(name = "sallyport", version, propagate_version = true, disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve MCP on stdin and stdout; started by an MCP client.
    Serve(serve::Args),
    /// Run a command on a host, as an agent would.
    Exec(exec::Args),
    Cat(file::CatArgs),
    Ls(file::LsArgs),
    /// Bring a file or directory from a host.
    Get(transfer::GetArgs),
    /// Send a file or directory to a host.
    Put(transfer::PutArgs),
    Credential(credential::Args),
    Unlock(unlock::UnlockArgs),
    Lock(unlock::LockArgs),
    Status(status::Args),
    Approve(approve::Args),
    Host(host::Args),
    Hostkey(hostkey::Args),
    Doctor(doctor::Args),
    Install(install::Args),
    Policy(policy::Args),
    Audit(audit::Args),
    Session(session::Args),
    Transcript(transcript::Args),
    Token(token::Args),
    /// Connect and start helpers for a locked-in broker.
    #[command(hide = true)]
    Porter {
        /// Below which directories it makes Unix sockets.
        roots: Vec<std::path::PathBuf>,
    },
    Completions(completions::Args),
}

/// Parses the command line and runs it.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error),
    };
    start_log();
    match run(cli.command) {
        Ok(code) => code,
        Err(problem) => problem.report(),
    }
}

fn run(command: Command) -> Result<ExitCode, Problem> {
    match command {
        Command::Serve(args) => in_runtime(args.run()),
        Command::Exec(args) => in_runtime(args.run()),
        Command::Cat(args) => in_runtime(args.run()),
        Command::Ls(args) => in_runtime(args.run()),
        Command::Get(args) => in_runtime(args.run()),
        Command::Put(args) => in_runtime(args.run()),
        Command::Credential(args) => in_runtime(args.run()),
        Command::Unlock(args) => in_runtime(args.run()),
        Command::Lock(args) => in_runtime(args.run()),
        Command::Status(args) => in_runtime(args.run()),
        Command::Approve(args) => in_runtime(args.run()),
        Command::Host(args) => in_runtime(args.run()),
        Command::Hostkey(args) => in_runtime(args.run()),
        Command::Doctor(args) => in_runtime(args.run()),
        Command::Install(args) => args.run(),
        Command::Policy(args) => args.run(),
        Command::Audit(args) => in_runtime(args.run()),
        Command::Session(args) => in_runtime(args.run()),
        Command::Transcript(args) => in_runtime(args.run()),
        Command::Token(args) => args.run(),
        Command::Porter { roots } => in_runtime(async {
            crate::link::porter::serve(place()?, roots).await?;
            Ok(ExitCode::SUCCESS)
        }),
        Command::Completions(args) => args.run(),
    }
}

/// Runs a command that talks to the helper. One thread does: it only waits.
fn in_runtime(future: impl Future<Output = Result<ExitCode, Problem>>) -> Result<ExitCode, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(
            ErrorCode::InternalError,
            format!("the runtime cannot start: {error}"),
            "check the system's limits",
        )
    })?;
    let result = runtime.block_on(future);
    // A thread may still sit in a read of the terminal; it must not hold us up.
    runtime.shutdown_background();
    result
}

/// A link to the helper for this process.
fn link<S: Side>() -> Result<Link<S>, Failure> {
    Ok(Link::new(place()?, caller(local()?)?))
}

/// The principal of whoever asks without a token.
fn local() -> Result<PrincipalName, Failure> {
    PrincipalName::new("local").map_err(|error| Failure::new(ErrorCode::InternalError, error.to_string(), ""))
}

/// Where the helper is, and who may sit there.
fn place() -> Result<Place, Failure> {
    Ok(Place::from_env(Trust::new(Config::load()?.helper_user.as_deref())))
}

/// A link to the helper that is there, for what is not worth starting one.
fn link_if_running<S: Side>() -> Result<Link<S>, Failure> {
    Ok(Link::new(Place { autostart: false, ..place()? }, caller(local()?)?))
}

/// This process as the helper's client, in a principal's name. What it opens without a name ends with it, so its
/// number must not be another's.
fn caller(principal: PrincipalName) -> Result<Caller, Failure> {
    let mut number = [0; 8];
    getrandom::fill(&mut number).map_err(|error| {
        Failure::new(
            ErrorCode::InternalError,
            format!("no random number can be had: {error}"),
            "check the system's random source",
        )
    })?;
    Ok(Caller { principal, client: u64::from_le_bytes(number) })
}

/// Logs to stderr what `SALLYPORT_LOG` asks for; nothing without it. The MCP
/// library prints whole messages, so it is kept silent.
fn start_log() {
    let Ok(wish) = std::env::var("SALLYPORT_LOG") else { return };
    let filter = EnvFilter::builder().parse_lossy(wish);
    let filter = match "rmcp=off".parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => EnvFilter::new("off"),
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }

    /// `UPDATE_MAN=1 cargo test -p sallyport-broker manual` writes them anew.
    #[test]
    fn the_manual_pages_say_what_the_command_line_does() {
        let pages = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/man"));
        let fresh = tempfile::tempdir().unwrap();
        clap_mangen::generate_to(super::Cli::command(), fresh.path()).unwrap();
        for entry in std::fs::read_dir(fresh.path()).unwrap() {
            let page = entry.unwrap();
            let (made, kept) = (std::fs::read(page.path()).unwrap(), pages.join(page.file_name()));
            if std::env::var_os("UPDATE_MAN").is_some() {
                std::fs::create_dir_all(pages).unwrap();
                std::fs::write(&kept, made).unwrap();
            } else {
                let same = std::fs::read(&kept).is_ok_and(|kept| kept == made);
                assert!(
                    same,
                    "{} is old: UPDATE_MAN=1 cargo test -p sallyport-broker manual",
                    kept.display()
                );
            }
        }
    }
}
