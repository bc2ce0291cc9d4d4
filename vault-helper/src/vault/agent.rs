//! gpg-agent as it looks from outside. It keeps the keys and asks for passphrases; gpg starts it when it needs it, and
//! says "no secret key" when it cannot.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};

use super::gpg::GpgHome;

/// How long gpg-agent may take to greet.
const GREETING: Duration = Duration::from_secs(3);
/// Most of its greeting that is read, in bytes.
const MAX_GREETING: u64 = 1024;

/// How gpg-agent is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Agent {
    /// It answers, at this socket.
    Answers(PathBuf),
    /// It holds its socket and says nothing.
    Silent {
        /// Where.
        socket: PathBuf,
        /// Its process.
        pid: i32,
    },
    /// It does not run, or not where gpg looks for it.
    Absent(PathBuf),
    /// gpg cannot say where it would be.
    Unknown,
}

impl GpgHome {
    /// Looks at gpg-agent, without starting it. Blocking, for three seconds at most.
    pub fn agent(&self) -> Agent {
        let Some(socket) = self.agent_socket() else { return Agent::Unknown };
        let Ok(stream) = UnixStream::connect(&socket) else { return Agent::Absent(socket) };
        let greeted = stream.set_read_timeout(Some(GREETING)).and_then(|()| {
            let mut line = Vec::new();
            BufReader::new((&stream).take(MAX_GREETING)).read_until(b'\n', &mut line)?;
            Ok(line)
        });
        match greeted {
            Ok(line) if line.starts_with(b"OK") => Agent::Answers(socket),
            _ => {
                let pid = getsockopt(&stream, PeerCredentials).map_or(0, |peer| peer.pid());
                Agent::Silent { socket, pid }
            }
        }
    }

    /// The same, and starts it where it does not run: gpg does so itself only for a key that it has. Blocking.
    pub fn started_agent(&self) -> Agent {
        match self.agent() {
            Agent::Absent(_) => {
                // gpgconf tells no more than that it failed.
                let _ = self.gpgconf(&["--launch", "gpg-agent"]);
                self.agent()
            }
            seen => seen,
        }
    }

    /// Whether gpg knows of no secret key because gpg-agent, which keeps them, does not start. Blocking.
    pub(super) fn lacks_agent(&self) -> bool {
        matches!(self.started_agent(), Agent::Absent(_))
    }

    fn agent_socket(&self) -> Option<PathBuf> {
        let said = self.gpgconf(&["--list-dirs", "agent-socket"]).ok()?;
        let path = String::from_utf8(said.stdout).ok()?;
        // gpgconf escapes what is special in its own output (gpgconf(1)).
        let path = path.trim().replace("%3a", ":").replace("%25", "%");
        (said.status.success() && !path.is_empty()).then(|| path.into())
    }

    fn gpgconf(&self, arguments: &[&str]) -> std::io::Result<std::process::Output> {
        let mut command = Command::new("gpgconf");
        if let Some(home) = &self.0 {
            command.arg("--homedir").arg(home);
        }
        command.args(arguments).stdin(Stdio::null()).output()
    }
}
