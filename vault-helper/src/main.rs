//! The vault helper's program: arguments, start order, log.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use sallyport_vault_helper::carrier;
use sallyport_vault_helper::config::Paths;
use sallyport_vault_helper::harden::Hardening;
use sallyport_vault_helper::harden::memory::Allocator;
use sallyport_vault_helper::redact::Redactor;
use sallyport_vault_helper::serve::listen::ListenError;
use sallyport_vault_helper::serve::{detach, run};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Wipes all memory when it is freed, also what libraries held: russh's copy of a password, a parser's buffer. Serves
/// what is to be secret from memory that nobody else can read.
#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Holds the secrets: decrypts records, opens SSH connections, enforces the
/// policy, redacts, and writes the audit log. Started by `sallyport` when needed.
#[derive(Parser)]
#[command(name = "sallyport-vault-helper", version)]
struct Arguments {
    /// Start in the background and return once it serves.
    #[arg(long, conflicts_with = "daemon")]
    detach: bool,
    /// Be the process in the background (used by --detach).
    #[arg(long, hide = true)]
    daemon: bool,
    /// Be a process that speaks SSH with one host (used by the helper).
    #[arg(long, hide = true, conflicts_with_all = ["detach", "daemon"])]
    carrier: bool,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    if arguments.carrier {
        return carrier::program::run();
    }
    let paths = Paths::from_env();
    if arguments.detach {
        return detach::start(&paths.state.join("helper.log"));
    }
    if arguments.daemon {
        detach::settle();
    }
    let redactor = Redactor::new();
    start_log(&redactor);
    let hardening = Hardening::begin();
    match serve(paths, hardening, redactor, arguments.daemon) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let message = complaint(&error.to_string(), way_out(&error));
            if arguments.daemon {
                detach::failed(&message);
            }
            complain(&message);
            ExitCode::FAILURE
        }
    }
}

/// Bad usage, as clap exits.
const USAGE: u8 = 2;

/// What the command line made of its arguments: help and version as they are, a mistake as one sentence and a hint.
fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // Nothing can be told to who closed our output.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let said = error.to_string();
    let wrong = said.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    complain(&complaint(wrong, "`sallyport` starts it by itself; by hand it takes nothing, or --detach"));
    ExitCode::from(USAGE)
}

/// What to do about what kept it from starting.
fn way_out(error: &run::StartError) -> &'static str {
    match error.downcast_ref() {
        // So it is for a new user without a login session (su, cron, a container).
        Some(ListenError::Io(..)) => {
            "the sockets' folder is SALLYPORT_RUNTIME_DIR, or `sallyport` in XDG_RUNTIME_DIR, or /run/sallyport: set one of \
             the two to a folder of your own, such as SALLYPORT_RUNTIME_DIR=~/.cache/sallyport; it is made when it is missing"
        }
        _ => "correct that and start it again; the manual page says what it reads",
    }
}

/// One sentence, and what to do next.
fn complaint(wrong: &str, hint: &str) -> String {
    let wrong = wrong.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("sallyport-vault-helper: {wrong}\nhint: {hint}")
}

fn complain(message: &str) {
    // Nothing is left to do when even this cannot be written.
    let _ = writeln!(io::stderr(), "{message}");
}

fn serve(
    paths: Paths,
    hardening: Hardening,
    redactor: Redactor,
    daemon: bool,
) -> Result<(), run::StartError> {
    // One thread: a command in an open shell passes a dozen tasks, and waking another thread for each costs more
    // than a second core gives. What blocks (gpg, the disk) has threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ready = move || {
        if daemon && let Err(error) = detach::ready() {
            tracing::warn!(%error, "the starting process was not told");
        }
    };
    runtime.block_on(run::run(paths, hardening, redactor, ready))
}

/// Logs to stderr, through the redactor.
fn start_log(redactor: &Redactor) {
    let filter = EnvFilter::try_from_env("SALLYPORT_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(CleanLog(redactor.clone()))
        .init();
}

/// Masks secrets in log lines: the formatter writes whole lines.
#[derive(Clone)]
struct CleanLog(Redactor);

impl Write for CleanLog {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        io::stderr().write_all(self.0.bytes(line).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for CleanLog {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    /// `UPDATE_MAN=1 cargo test -p sallyport-vault-helper manual` writes it anew.
    #[test]
    fn the_manual_page_says_what_the_command_line_does() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/man/sallyport-vault-helper.1");
        let mut made = Vec::new();
        clap_mangen::Man::new(super::Arguments::command()).render(&mut made).unwrap();
        if std::env::var_os("UPDATE_MAN").is_some() {
            std::fs::create_dir_all(std::path::Path::new(page).parent().unwrap()).unwrap();
            std::fs::write(page, made).unwrap();
        } else {
            let same = std::fs::read(page).is_ok_and(|kept| kept == made);
            assert!(same, "{page} is old: UPDATE_MAN=1 cargo test -p sallyport-vault-helper manual");
        }
    }
}
