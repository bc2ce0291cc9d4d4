//! The warden's program: `sallyport-test-warden DIR`. See [`sallyport_tests::world::warden`].

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(dir) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: sallyport-test-warden DIR");
        return ExitCode::from(2);
    };
    let left = sallyport_tests::world::warden::keep(&dir, std::io::stdin().lock());
    left.iter().for_each(|sentence| eprintln!("{sentence}"));
    if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
