//! Processes: waiting for a condition, feeding and limiting a command, finding and ending what carries a world's mark.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The environment variable every process of a world carries; its value is the world's directory.
pub const MARK: &str = "SALLYPORT_WORLD";

/// How long anything in a world may take before the test that waits for it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Polls `condition` until it yields something; panics with `what` when [`PATIENCE`] is over.
#[track_caller]
pub fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "gave up waiting: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What a finished command left behind.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Everything it wrote to standard output.
    pub stdout: String,
    /// Everything it wrote to standard error.
    pub stderr: String,
}

impl Finished {
    /// The exit code, or 128 plus the signal as shells count it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    /// Standard output of a command that had to succeed; panics with all it said when it did not.
    #[track_caller]
    pub fn expect_success(self) -> String {
        assert!(self.status.success(), "command failed: {self:#?}");
        self.stdout
    }
}

/// Runs `command` to its end with `input` on standard input. Killed, and the test failed, after [`PATIENCE`].
#[track_caller]
pub fn run(command: &mut Command, input: &[u8]) -> Finished {
    let shown = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("cannot start {shown}: {e}"));
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = input.to_vec();
    // A command that does not read all of its input closes the pipe: no failure of ours.
    let feeder = thread::spawn(move || drop(stdin.write_all(&input)));
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let status = wait(&mut child).unwrap_or_else(|| {
        child.kill().expect("a child of ours can be killed");
        panic!("{shown} did not end within {PATIENCE:?}")
    });
    feeder.join().expect("the feeder does not panic");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let (stdout, stderr) = (stdout.join().expect("reader"), stderr.join().expect("reader"));
    Finished { status, stdout: text(stdout), stderr: text(stderr) }
}

fn drain(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    let mut stream = stream.expect("the stream is piped");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// Waits for a child's end; `None` after [`PATIENCE`].
pub fn wait(child: &mut Child) -> Option<ExitStatus> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("a child of ours can be waited for") {
            return Some(status);
        }
        thread::sleep(Duration::from_millis(2));
    }
    None
}

/// A command with nothing of the caller's environment but what programs need to be found and to speak English.
pub fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LANG", "C.UTF-8").env("LC_ALL", "C.UTF-8");
    command.env("PATH", search_path());
    command
}

/// The caller's `PATH` and the directories of `sshd` and `useradd`, which ordinary users often lack.
pub fn search_path() -> String {
    format!(
        "{}:/usr/local/sbin:/usr/sbin:/sbin",
        std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".into())
    )
}

/// The binary `name` that cargo built beside the running one; panics saying how to build it.
pub fn built(name: &str) -> PathBuf {
    let exe = std::env::current_exe().expect("a running program knows its path");
    exe.ancestors().skip(1).take(3).map(|dir| dir.join(name)).find(|path| path.is_file()).unwrap_or_else(
        || panic!("`{name}` is not built: run `cargo build --workspace --bins`, or scripts/test"),
    )
}

/// A process as `/proc` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its argument vector, joined by blanks.
    pub command: String,
}

/// The living processes that carry `world`'s mark in their environment, the caller left out. Zombies are not alive.
pub fn marked(world: &Path) -> Vec<Process> {
    let own = std::process::id() as i32;
    let mark = [MARK.as_bytes(), b"=", world.as_os_str().as_encoded_bytes()].concat();
    all()
        .filter(|pid| *pid != own)
        .filter(|pid| {
            let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environ.split(|byte| *byte == 0).any(|variable| variable == mark)
        })
        .map(|pid| Process { pid, command: command_line(pid) })
        .collect()
}

/// The processes that `ancestor` started, and theirs.
pub fn descendants(ancestor: i32) -> Vec<i32> {
    let parent = |pid: i32| -> Option<i32> {
        // proc(5): pid (name) state parent ...
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split_whitespace().nth(1)?.parse().ok()
    };
    all()
        .filter(|pid| std::iter::successors(parent(*pid), |pid| parent(*pid)).any(|pid| pid == ancestor))
        .collect()
}

/// The ids of all processes.
pub fn all() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").expect("/proc is mounted");
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// The argument vector of `pid`, joined by blanks; empty when it is gone.
pub fn command_line(pid: i32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}

/// Kills everything that descends from a process, that itself not. All of it stands still first, so that nothing started
/// at the last moment is missed and lives on without its parent.
pub fn kill_descendants(ancestor: i32) {
    let mut still: Vec<i32> = Vec::new();
    loop {
        let fresh: Vec<i32> = descendants(ancestor).into_iter().filter(|pid| !still.contains(pid)).collect();
        if fresh.is_empty() {
            break;
        }
        fresh.iter().for_each(|pid| signal(*pid, Signal::SIGSTOP));
        still.extend(fresh);
    }
    still.into_iter().for_each(|pid| signal(pid, Signal::SIGKILL));
}

/// Sends `signal` to `pid`; a process that is gone already is no failure.
pub fn signal(pid: i32, signal: Signal) {
    if let Err(error) = kill(Pid::from_raw(pid), signal) {
        assert_eq!(error, nix::Error::ESRCH, "cannot send {signal} to {pid}: {error}");
    }
}

/// Whether `pid` lives (a zombie does not).
pub fn alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

/// Resident memory of `pid` in bytes; panics when it is gone.
#[track_caller]
pub fn resident(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the process lives");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS is listed");
    let kib: u64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("VmRSS is a number");
    kib * 1024
}

/// Memory of `pid` in bytes, pages that several processes have counted by their share (proc(5), `Pss`); 0 when it is gone.
pub fn proportional(pid: i32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1024
}
