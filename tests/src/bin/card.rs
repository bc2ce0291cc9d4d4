//! What gpg-agent starts as its scdaemon where a test's key is on a card. See [`sallyport_tests::world::card`].

use std::io;
use std::path::Path;
use std::process::ExitCode;

use sallyport_tests::world::card::{Card, Daemon};

fn main() -> ExitCode {
    let Some(home) = std::env::var_os("GNUPGHOME") else {
        eprintln!("gpg-agent starts this, with GNUPGHOME set");
        return ExitCode::from(2);
    };
    let daemon = Daemon::new(Card::at(Path::new(&home)), io::stdin().lock(), io::stdout().lock());
    match daemon.serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
