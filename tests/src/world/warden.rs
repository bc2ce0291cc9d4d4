//! The warden: a process beside every world that removes it, whatever becomes of the test.
//!
//! The world holds the writing end of the warden's standard input and nothing else; when the test ends, panics, is
//! killed or interrupted, the kernel closes that end, and the warden kills every process that carries the world's
//! mark, removes its accounts, and removes its directory. Dropping a world is closing the pipe and waiting.

use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::{account, process};

/// The name of the warden's binary.
pub const PROGRAM: &str = "sallyport-test-warden";

/// The world's end of the pipe.
#[derive(Debug)]
pub struct Warden {
    child: Child,
    pipe: Option<ChildStdin>,
}

impl Warden {
    /// Starts the warden of the world in `dir`, in a process group of its own so that an interrupt does not reach it.
    pub fn start(dir: &Path) -> Self {
        let mut child = process::bare(process::built(PROGRAM))
            .arg(dir)
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("the warden starts");
        let pipe = child.stdin.take();
        Self { child, pipe }
    }

    /// Tells the warden of an account to remove at the end. Told before the account is made.
    pub fn account(&mut self, name: &str) {
        let pipe = self.pipe.as_mut().expect("open until dropped");
        writeln!(pipe, "{name}").expect("the warden listens");
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // No panic here: a second one while a test's own unwinds would abort and hide it.
        match self.child.wait() {
            Ok(status) if status.success() => {}
            other => eprintln!("the warden could not remove its world: {other:?}"),
        }
    }
}

/// The warden's life: waits for the end of its input, then removes the world in `dir`.
/// Returns what could not be removed, one sentence each.
pub fn keep(dir: &Path, input: impl BufRead) -> Vec<String> {
    let accounts: Vec<String> = input.lines().map_while(Result::ok).collect();
    let mut left = Vec::new();
    if let Err(sentence) = sweep(dir) {
        left.push(sentence);
    }
    end_agent(&dir.join("gpg"));
    left.extend(accounts.iter().filter_map(|name| account::remove(name).err()));
    if let Err(error) = remove(dir) {
        left.push(format!("cannot remove {}: {error}", dir.display()));
    }
    left
}

/// Kills all that carries the mark until nothing does. A process may start another while it is being killed.
fn sweep(dir: &Path) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let mut rest = process::marked(dir);
        rest.extend(unreadable_helper(dir));
        rest.extend(retitled(dir));
        if rest.is_empty() {
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(20) {
            return Err(format!("still alive: {rest:?}"));
        }
        rest.iter().for_each(|process| process::signal(process.pid, Signal::SIGKILL));
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The helper hides its environment from its own user (it is not dumpable), but its sockets say who it is.
fn unreadable_helper(dir: &Path) -> Option<process::Process> {
    let pid =
        socket_owner(&dir.join("run/admin.sock")).or_else(|| socket_owner(&dir.join("run/broker.sock")))?;
    let command = process::command_line(pid);
    // A test that plays the helper listens itself, and is not to be killed for it.
    let helper = process::alive(pid) && command.contains("sallyport-vault-helper");
    helper.then_some(process::Process { pid, command })
}

/// `sshd`, and `ssh` as a master, write a title over their environment and so lose the mark; but it names their files.
fn retitled(dir: &Path) -> Vec<process::Process> {
    let files = format!("{}/", dir.display());
    let named: Vec<_> = process::all()
        .filter(|pid| {
            let title = process::command_line(*pid);
            title.contains("ssh") && title.contains(&files)
        })
        .collect();
    let theirs = named.iter().flat_map(|pid| process::descendants(*pid));
    let shown = |pid| process::Process { pid, command: process::command_line(pid) };
    named.iter().copied().chain(theirs).filter(|pid| process::alive(*pid)).map(shown).collect()
}

/// The process that listens on the Unix socket at `path`, as the kernel tells who connects to it.
pub fn socket_owner(path: &Path) -> Option<i32> {
    let stream = std::os::unix::net::UnixStream::connect(path).ok()?;
    getsockopt(&stream, PeerCredentials).ok().map(|peer| peer.pid())
}

/// gpg-agent and its kin are told to end through their sockets, wherever gpg put these.
fn end_agent(home: &Path) {
    for arguments in [["--kill", "all"].as_slice(), &["--remove-socketdir"]] {
        let mut command = Command::new("gpgconf");
        command.args(arguments).env("GNUPGHOME", home).stdout(Stdio::null()).stderr(Stdio::null());
        // Without gpg there is no agent to end.
        drop(command.status());
    }
}

/// Removes the directory; processes that were killed a moment ago may still have made files in it.
fn remove(dir: &Path) -> std::io::Result<()> {
    for _ in 0..5 {
        match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => return other,
        }
    }
    std::fs::remove_dir_all(PathBuf::from(dir))
}
