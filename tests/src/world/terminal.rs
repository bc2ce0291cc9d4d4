//! A person at a terminal: a command on a pseudo-terminal of its own, typed at when it asks.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};

use super::process::{self, Finished, PATIENCE};

/// Runs `command` on a terminal. Whenever its screen shows the next of `answers`' prompts, the answer is typed (put
/// the line end into it). What it showed is the result's `stdout`; a terminal keeps no streams apart.
///
/// `setsid(1)` makes the terminal the controlling one, so that what opens `/dev/tty` finds it.
#[track_caller]
pub fn run(command: &Command, answers: &[(&str, &str)]) -> Finished {
    let (mut typist, line) = pseudo_terminal();
    let mut screen = typist.try_clone().expect("a descriptor can be duplicated");
    let slave = |side: &File| Stdio::from(side.try_clone().expect("a descriptor can be duplicated"));
    let mut wrapped = process::bare("setsid");
    wrapped.arg("--ctty").arg(command.get_program()).args(command.get_args());
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
    if let Some(dir) = command.get_current_dir() {
        wrapped.current_dir(dir);
    }
    wrapped.stdin(slave(&line)).stdout(slave(&line)).stderr(Stdio::from(line));
    let mut child = wrapped.spawn().expect("setsid is installed");
    // The command's descriptors of the terminal are the last ones now: its end is the screen's end.
    drop(wrapped);
    let (sender, shown) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        // A terminal whose other side is closed reads as an error (EIO), not as an end.
        while let Ok(count @ 1..) = screen.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                return;
            }
        }
    });
    let (start, mut text, mut seen, mut answers) = (Instant::now(), Vec::new(), 0, answers.iter());
    let mut next = answers.next();
    loop {
        match shown.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
            Ok(bytes) => text.extend(bytes),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                child.kill().expect("a child of ours can be killed");
                panic!("waited too long at the terminal for {next:?}: {}", String::from_utf8_lossy(&text));
            }
        }
        while let Some((prompt, answer)) = next {
            let Some(at) = find(&text[seen..], prompt.as_bytes()) else { break };
            seen += at + prompt.len();
            typist.write_all(answer.as_bytes()).expect("the terminal takes what is typed");
            next = answers.next();
        }
    }
    let status = process::wait(&mut child).expect("a command without a terminal ends");
    Finished { status, stdout: String::from_utf8_lossy(&text).into_owned(), stderr: String::new() }
}

/// Both ends of a terminal, neither of which a program started meanwhile inherits (openpty(3) would let it).
fn pseudo_terminal() -> (File, File) {
    let flags = OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let master = posix_openpt(flags).expect("the system has pseudo-terminals");
    grantpt(&master).and_then(|()| unlockpt(&master)).expect("a fresh terminal is ours");
    let name = ptsname_r(&master).expect("a terminal has a name");
    let line = File::options()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(name)
        .expect("its other end opens");
    (File::from(std::os::fd::OwnedFd::from(master)), line)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
