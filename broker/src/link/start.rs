//! Starting the helper, as `gpg-agent` is started by those who need it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sallyport_protocol::Failure;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::{Place, unavailable};

const HELPER: &str = "sallyport-vault-helper";
/// A helper that has not settled by then never will.
const PATIENCE: Duration = Duration::from_secs(15);
/// More of an error text than this helps nobody.
const ERROR_BYTES: u64 = 4096;

/// Starts a helper that serves `place`, and returns once it listens.
///
/// `--detach` makes the started process leave a daemon behind and exit: 0 when
/// both sockets listen, otherwise with its reason on stderr. Waiting for that
/// exit is waiting for the sockets.
///
/// # Errors
/// `helper_unavailable` when it is not installed, or with its own reason.
pub async fn start(place: &Place) -> Result<(), Failure> {
    let program = find().ok_or_else(|| {
        unavailable(
            format!("{HELPER} was found neither beside sallyport nor on PATH"),
            format!("install both programs from one release, or start {HELPER} yourself"),
        )
    })?;
    let failed = |error: std::io::Error| {
        unavailable(
            format!("{} cannot be started: {error}", program.display()),
            "check that the file is there and executable",
        )
    };
    let mut child = Command::new(&program)
        .arg("--detach")
        .env("SALLYPORT_RUNTIME_DIR", &place.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .current_dir("/")
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let status = match tokio::time::timeout(PATIENCE, child.wait()).await {
        Ok(status) => status.map_err(failed)?,
        Err(_) => {
            return Err(unavailable(
                format!("{HELPER} was started but did not come up within {} s", PATIENCE.as_secs()),
                format!("run `{HELPER}` in a terminal to see why"),
            ));
        }
    };
    if status.success() {
        return Ok(());
    }
    let mut text = Vec::new();
    if let Some(stderr) = child.stderr.take() {
        // The process is gone, so this ends; what cannot be read is not missed.
        let _ = stderr.take(ERROR_BYTES).read_to_end(&mut text).await;
    }
    let text = String::from_utf8_lossy(&text);
    let (sentence, hint) = split_error(&text);
    Err(unavailable(
        format!("{HELPER} could not start: {}", sentence.as_deref().unwrap_or("it gave no reason")),
        hint.unwrap_or("correct that, then try again"),
    ))
}

/// The sentence and the hint of an error both programs write in the same form.
fn split_error(text: &str) -> (Option<String>, Option<&str>) {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
    let hint = lines().find_map(|line| line.strip_prefix("hint:")).map(str::trim);
    let sentence: Vec<&str> = lines().filter(|line| !line.starts_with("hint:")).collect();
    let sentence = sentence.join(" ");
    let sentence = sentence.strip_prefix("sallyport-vault-helper: ").unwrap_or(&sentence);
    (Some(sentence.to_owned()).filter(|sentence| !sentence.is_empty()), hint)
}

/// The helper beside our own executable, else on `PATH`.
fn find() -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(|dir| dir.join(HELPER)));
    beside.filter(|path| path.is_file()).or_else(|| on_path(std::env::var_os("PATH")?.as_ref()))
}

fn on_path(path: &std::ffi::OsStr) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(HELPER))
        .find(|p| is_program(p))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_helpers_own_error_is_passed_on_with_its_hint() {
        let text = "sallyport-vault-helper: policy.toml:\n  unknown key `mod`\nhint: did you mean `mode`?\n";
        let expected = Some("policy.toml: unknown key `mod`".to_owned());
        assert_eq!(split_error(text), (expected, Some("did you mean `mode`?")));
        assert_eq!(split_error("\n"), (None, None));
    }

    #[test]
    fn a_relative_directory_on_path_and_a_file_that_is_no_program_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(HELPER), "not a program").unwrap();
        let path = std::env::join_paths([std::path::Path::new("."), dir.path()]).unwrap();
        assert_eq!(on_path(&path), None);
    }
}
