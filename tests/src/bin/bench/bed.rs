//! The test bed: two quiet `sshd`s on many addresses of loopback, a store with a key for each, and both clients.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::sshd::own_name;
use sallyport_tests::world::{KeyPair, Sshd, SshdOptions, World, process};
use serde_json::{Value, json};

/// How many hosts there are: as many secrets are enrolled once each was logged in to.
pub const HOSTS: usize = 32;

/// The addresses of one server: sshd listens on no more (MAX_LISTEN_SOCKS).
const ADDRESSES: usize = 16;

/// The bed.
pub struct Bed {
    /// The client of the one `sallyport serve`.
    pub client: McpClient,
    /// The servers; OpenSSH's client talks to the first, as `h1` does.
    servers: Vec<Sshd>,
    /// The key that OpenSSH logs in with.
    key: KeyPair,
    /// The world.
    pub world: World,
}

impl Bed {
    /// Makes all of it; logs in nowhere.
    pub fn make() -> Self {
        let world = World::new();
        let listen: String = (2..=ADDRESSES).map(|last| format!("ListenAddress 127.0.0.{last}\n")).collect();
        let options = SshdOptions { quiet: true, extra: listen, ..SshdOptions::default() };
        let servers: Vec<Sshd> = (0..HOSTS / ADDRESSES).map(|_| world.sshd_with(&options)).collect();
        let (mut hosts, mut known) = (String::new(), String::new());
        for number in 1..=HOSTS {
            let sshd = &servers[(number - 1) / ADDRESSES];
            let (address, port) = (format!("127.0.0.{}", (number - 1) % ADDRESSES + 1), sshd.port());
            let key = world.key("ed25519", None);
            sshd.authorize(&key);
            world.record("ssh", &format!("{address}:{port}"), &own_name(), "key", key.private().as_bytes());
            hosts += &format!("[hosts.h{number}]\nhostname = \"{address}\"\nport = {port}\n");
            known += &format!("[{address}]:{port} {}\n", sshd.host_key().public());
        }
        world.write_hosts(&hosts);
        world.known_hosts(&known);
        let key = world.key("ed25519", None);
        servers[0].authorize(&key);
        let client = world.mcp();
        let bed = Self { client, servers, key, world };
        bed.master(0);
        bed
    }

    /// A call that has to go well, and how long it took.
    pub fn call(&self, tool: &str, arguments: Value) -> (Reply, Duration) {
        let start = Instant::now();
        let reply = self.client.start(tool, arguments).wait_for(Duration::from_secs(600));
        let took = start.elapsed();
        (reply.expect_ok(), took)
    }

    /// `ssh_exec` on host `number`.
    pub fn exec(&self, number: usize, command: &str) -> Duration {
        self.call("ssh_exec", json!({ "target": format!("h{number}"), "command": command, "timeout_s": 600 }))
            .1
    }

    /// The first server's port, and the private key that OpenSSH logs in with there.
    pub fn first(&self) -> (u16, String) {
        (self.servers[0].port(), self.key.private())
    }

    /// OpenSSH's client with a login of its own.
    pub fn ssh(&self, command: &str) -> Command {
        self.openssh(&["-o", "ControlPath=none"], command)
    }

    /// OpenSSH's client through the login of the first master.
    pub fn ssh_through_master(&self, command: &str) -> Command {
        self.ssh_through(0, command)
    }

    /// OpenSSH's client through the login of a master that [`Bed::master`] made.
    pub fn ssh_through(&self, master: usize, command: &str) -> Command {
        self.openssh(&["-S", &self.socket(master)], command)
    }

    /// OpenSSH's `sftp` through the master's login; commands come on its standard input.
    pub fn sftp(&self) -> Command {
        let mut sftp = self.world.command("sftp");
        sftp.args(["-q", "-F", "/dev/null", "-o", "BatchMode=yes", "-o"]);
        sftp.arg(format!("ControlPath={}", self.socket(0)));
        sftp.args(["-P", &self.servers[0].port().to_string(), "-b", "-"]);
        sftp.arg(format!("{}@127.0.0.1", own_name()));
        sftp
    }

    fn openssh(&self, options: &[&str], command: &str) -> Command {
        let mut ssh = self.world.command("ssh");
        ssh.args([
            "-F",
            "/dev/null",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            "LogLevel=ERROR",
            "-o",
        ]);
        ssh.arg(format!("UserKnownHostsFile={}", self.world.state().join("known_hosts").display()));
        ssh.args(options).arg("-i").arg(self.key.path()).args(["-p", &self.servers[0].port().to_string()]);
        ssh.args([&format!("{}@127.0.0.1", own_name()), command]);
        ssh.stdin(Stdio::null()).stdout(Stdio::null());
        ssh
    }

    fn socket(&self, master: usize) -> String {
        self.world.dir().join(format!("mux{master}")).display().to_string()
    }

    /// Makes a master: one more login of OpenSSH's, which others go through.
    pub fn master(&self, master: usize) {
        let socket = self.socket(master);
        timed(&mut self.openssh(&["-M", "-N", "-f", "-S", &socket], "true"));
        process::eventually("the master's socket", || Path::new(&socket).exists().then_some(()));
    }
}

/// Runs a command that has to go well; how long it took.
pub fn timed(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status();
    let took = start.elapsed();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{command:?}: {status:?}");
    took
}
