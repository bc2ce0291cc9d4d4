//! A real OpenSSH `sshd` on a free port of loopback, with host keys, authorised keys and a log of its own.
//!
//! Started as root it takes logins of any account; as an ordinary user, logins of that user by key.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::process::{self, MARK, eventually};
use super::{Account, KeyPair, account};

/// What a server is to be like; the defaults are OpenSSH's own, password logins aside.
#[derive(Debug, Clone, Default)]
pub struct SshdOptions {
    /// Takes password logins too (only useful when started as root).
    pub passwords: bool,
    /// Writes no debug log: for measurements. The counts of attempts stay at zero then.
    pub quiet: bool,
    /// Lines put before all others of the configuration (the first value of a keyword wins).
    pub extra: String,
    /// Shell commands that prepare a view of the file system that the server alone has (a mount namespace, which only
    /// root can make); none when empty.
    pub stage: String,
}

/// A running server. Its connections' processes carry the world's mark; the warden ends them.
#[derive(Debug)]
pub struct Sshd {
    dir: PathBuf,
    port: u16,
    host_key: KeyPair,
    stage: String,
    child: Child,
}

impl Sshd {
    /// Starts a server whose files lie in `dir`, which is made.
    pub fn start(dir: &Path, options: &SshdOptions) -> Self {
        fs::create_dir(dir).expect("a fresh directory");
        let host_key = KeyPair::make(&dir.join("host_ed25519"), "ed25519", None);
        fs::write(dir.join("authorized_keys"), "").expect("authorised keys");
        // What shells read at their start is the caller's otherwise, and may wait, fail or print.
        fs::create_dir(dir.join("home")).expect("a home without start-up files");
        if account::possible() {
            // Where sshd started as root jails its parser; the system makes it when the service starts.
            fs::create_dir_all("/run/sshd").expect("the privilege separation directory");
        }
        let (port, child) = eventually("sshd finds a free port", || listen(dir, options));
        Self { dir: dir.to_owned(), port, host_key, stage: options.stage.clone(), child }
    }

    /// The listening server's process; its connections' descend from it.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// The home directory of whoever logs in, as their shells are told.
    pub fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as slugs and targets name them.
    pub fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The pair behind its host key.
    pub fn host_key(&self) -> &KeyPair {
        &self.host_key
    }

    /// The line of `known_hosts` that vouches for this server with `key`.
    pub fn known_hosts_line(&self, key: &KeyPair) -> String {
        format!("[127.0.0.1]:{} {}\n", self.port, key.public())
    }

    /// Lets in whoever has the private half of `key`.
    pub fn authorize(&self, key: &KeyPair) {
        let path = self.dir.join("authorized_keys");
        let mut lines = fs::read_to_string(&path).expect("authorised keys");
        lines.push_str(&key.public());
        lines.push('\n');
        fs::write(path, lines).expect("authorised keys");
    }

    /// Connections it accepted so far.
    pub fn connections(&self) -> usize {
        self.log().lines().filter(|line| line.starts_with("Connection from ")).count()
    }

    /// Requests to be let in that it saw so far (`none` probes counted), as `user method` each.
    pub fn attempts(&self) -> Vec<String> {
        self.log()
            .lines()
            .filter_map(|line| {
                // debug1: userauth-request for user NAME service ssh-connection method METHOD [preauth]
                let words: Vec<&str> =
                    line.split_once("userauth-request for user ")?.1.split_whitespace().collect();
                Some(format!("{} {}", words.first()?, words.get(4)?))
            })
            .collect()
    }

    /// Logins it granted so far, as `user method` each.
    pub fn logins(&self) -> Vec<String> {
        self.log()
            .lines()
            .filter_map(|line| {
                // Accepted METHOD for NAME from ADDRESS port PORT ssh2
                let words: Vec<&str> = line.strip_prefix("Accepted ")?.split_whitespace().collect();
                (words.get(1) == Some(&"for")).then_some(())?;
                Some(format!("{} {}", words.get(2)?, words.first()?))
            })
            .collect()
    }

    /// Everything it logged so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).expect("the log")
    }

    /// Ends its connections; the server itself goes on.
    pub fn cut(&self) {
        // By descent, not by mark: sshd hides its environment from an ordinary user.
        process::kill_descendants(self.child.id() as i32);
    }

    /// Ends the server and its connections, as a machine that goes down.
    pub fn stop(&mut self) {
        // It takes no new connection while its connections end: an orphan could not be told from another server's.
        process::signal(self.child.id() as i32, nix::sys::signal::Signal::SIGSTOP);
        self.cut();
        // Killed a moment ago or not, it must be waited for.
        drop(self.child.kill());
        self.child.wait().expect("a child of ours can be waited for");
    }
}

impl Sshd {
    /// Starts it again where it was, after [`Sshd::stop`].
    pub fn start_again(&mut self) {
        self.child = spawn(&self.dir, &self.stage);
        eventually("sshd listens again", || listening(self.port).then_some(()));
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The login name of whoever runs this.
pub fn own_name() -> String {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
    user.expect("the user database can be read").expect("we are in it").name
}

/// One try: a free port, and a server that listens on it. Another process may take the port in between.
fn listen(dir: &Path, options: &SshdOptions) -> Option<(u16, Child)> {
    let probe = TcpListener::bind(("127.0.0.1", 0)).expect("loopback has free ports");
    let port = probe.local_addr().expect("a bound socket has an address").port();
    drop(probe);
    fs::write(dir.join("log"), "").expect("the log");
    fs::write(dir.join("sshd_config"), configuration(dir, port, options)).expect("the configuration");
    let mut child = spawn(dir, &options.stage);
    let up = eventually("sshd listens or ends", || {
        if child.try_wait().expect("a child of ours can be waited for").is_some() {
            return Some(false);
        }
        listening(port).then_some(true)
    });
    if !up {
        let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
        assert!(log.contains("Address already in use"), "sshd did not start: {log}");
        return None;
    }
    Some((port, child))
}

fn spawn(dir: &Path, stage: &str) -> Child {
    let mut command = if stage.is_empty() {
        process::bare("/usr/sbin/sshd")
    } else {
        let mut command = process::bare("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-ec"]);
        command.arg(format!("{stage}\nexec /usr/sbin/sshd \"$@\"")).arg("sh");
        command
    };
    command.arg("-D").arg("-f").arg(dir.join("sshd_config")).arg("-E").arg(dir.join("log"));
    command.env(MARK, dir.parent().expect("the world's directory"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("sshd is installed")
}

/// Whether something listens on the port, asked of the kernel's table: a connection of ours would be counted.
fn listening(port: u16) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel lists its sockets");
    let wanted = format!("0100007F:{port:04X}");
    // proc(5): local address, remote address, state; 0A is LISTEN.
    table.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(1) == Some(&wanted.as_str()) && fields.get(3) == Some(&"0A")
    })
}

fn configuration(dir: &Path, port: u16, options: &SshdOptions) -> String {
    let SshdOptions { passwords, quiet, extra, .. } = options;
    // sshd takes the keyword once.
    let sftp = if extra.contains("Subsystem sftp") { "" } else { "Subsystem sftp internal-sftp\n" };
    let (passwords, level) = (if *passwords { "yes" } else { "no" }, if *quiet { "ERROR" } else { "DEBUG1" });
    let world = dir.parent().expect("the world's directory").display();
    let dir = dir.display();
    format!(
        "{extra}\n\
         ListenAddress 127.0.0.1\n\
         Port {port}\n\
         HostKey {dir}/host_ed25519\n\
         AuthorizedKeysFile {dir}/authorized_keys\n\
         PidFile none\n\
         LogLevel {level}\n\
         PasswordAuthentication {passwords}\n\
         KbdInteractiveAuthentication no\n\
         PermitRootLogin yes\n\
         StrictModes no\n\
         UsePAM no\n\
         UseDNS no\n\
         PrintMotd no\n\
         MaxStartups 200\n\
         SetEnv {MARK}={world} HOME={dir}/home\n\
         {sftp}"
    )
}

impl Account {
    /// What the account's login is called in [`Sshd::logins`] after a login by password.
    pub fn login_by_password(&self) -> String {
        format!("{} password", self.name)
    }
}
