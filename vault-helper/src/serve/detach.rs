//! Starting as a daemon, the way `gpg-agent` does: the program that was started
//! waits until the sockets listen, then goes away and leaves the helper behind.
//!
//! The helper proper is a fresh process with a fresh environment, so nothing that
//! a client put into its own (loader variables, tracing, proxies) reaches it.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// What the started process prints on its pipe once both sockets listen.
const READY: &[u8] = b"ready\n";

/// Variables the helper needs; everything else is dropped.
const KEPT: &[&str] = &[
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "GNUPGHOME",
    "PASSWORD_STORE_DIR",
    "GOPASS_CONFIG",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "SSH_AUTH_SOCK",
    "SALLYPORT_CONFIG_DIR",
    "SALLYPORT_STATE_DIR",
    "SALLYPORT_RUNTIME_DIR",
    "SALLYPORT_LOG",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "CREDENTIALS_DIRECTORY",
];

/// Where programs are looked for: gpg must not come from a directory a client chose.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment a helper should run in.
pub fn clean_environment() -> Vec<(OsString, OsString)> {
    let kept = KEPT.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
    kept.chain([(OsString::from("PATH"), OsString::from(PATH))]).collect()
}

/// Starts the helper in the background and waits until it serves.
pub fn start(log: &Path) -> ExitCode {
    match try_start(log) {
        Ok(code) => code,
        Err(error) => {
            let _ = writeln!(io::stderr(), "sallyport-vault-helper: cannot start in the background: {error}");
            ExitCode::FAILURE
        }
    }
}

fn try_start(log: &Path) -> io::Result<ExitCode> {
    if let Some(folder) = log.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(log)?;
    // What the client left open (a terminal, a pipe somebody waits on) must not live on in the helper.
    close_fds::set_fds_cloexec(3, &[]);
    let mut child = Command::new(std::env::current_exe()?)
        .arg("--daemon")
        .env_clear()
        .envs(clean_environment())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    let mut said = Vec::new();
    if let Some(pipe) = child.stdout.as_mut() {
        // Bounded by what the child writes before it closes the pipe: one short line.
        pipe.take(4096).read_to_end(&mut said)?;
    }
    if said == READY {
        return Ok(ExitCode::SUCCESS);
    }
    let status = child.wait()?;
    io::stderr().write_all(&said)?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// In the started process: become a session of one's own.
pub fn settle() {
    // Fails only for a process group leader, which then has no terminal to leave.
    let _ = nix::unistd::setsid();
}

/// In the started process: say that the sockets listen, and let go of the pipe.
pub fn ready() -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(READY)?;
    release(out)
}

/// In the started process: say why it will not serve.
pub fn failed(message: &str) {
    let _ = writeln!(io::stdout(), "{message}");
}

fn release(mut out: io::Stdout) -> io::Result<()> {
    out.flush()?;
    let null = OpenOptions::new().write(true).open("/dev/null")?;
    nix::unistd::dup2_stdout(null.as_fd())?;
    Ok(())
}
