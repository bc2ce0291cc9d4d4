//! The throwaway world: a directory under `/tmp` with a GPG home, a store, servers, and Sallyport's own directories.
//!
//! Everything in it is real (`gpg`, `gpg-agent`, `pass`, `sshd`, login accounts) and everything in it is marked, so
//! that the [`warden`] can remove it whatever happens. It never touches the caller's own GPG home, store or
//! configuration: no program of a world inherits the caller's environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

pub mod account;
pub mod card;
pub mod foreign;
pub mod gpg;
pub mod keys;
pub mod memory;
pub mod process;
pub mod sshd;
pub mod store;
pub mod takeover;
pub mod terminal;
pub mod warden;

pub use account::Account;
pub use gpg::Gpg;
pub use keys::KeyPair;
pub use process::{Finished, eventually, run};
pub use sshd::{Sshd, SshdOptions};
pub use store::Store;

use crate::mcp::McpClient;

/// The passphrase of [`World::with_passphrase`]'s GPG key.
pub const GPG_PASSPHRASE: &str = "open sesame, said the porter";

/// What [`FORBIDDEN`] is to a world with this policy: blocked. Tests of a block run nothing that would do harm if the
/// policy failed; the truly harmful is only ever judged.
pub const POLICY_THAT_FORBIDS: &str = r#"
[[rule]]
name = "not-in-this-world"
decision = "block"
commands = [["printf", "forbidden"]]
reason = "a test says so"
"#;

/// The harmless command that [`POLICY_THAT_FORBIDS`] blocks.
pub const FORBIDDEN: &str = "printf forbidden";

/// With this policy an operator is asked before `touch` runs, and before `printf` prints what begins with "asked".
pub const POLICY_THAT_ASKS: &str = r#"
confirmation = "operator"
[[rule]]
name = "asked-in-this-world"
decision = "confirm"
commands = [["touch", "*"], ["printf", "asked*"]]
reason = "a test says so"
"#;

/// One world.
#[derive(Debug)]
pub struct World {
    dir: PathBuf,
    gpg: Gpg,
    store: Store,
    next: Mutex<u32>,
    // Dropped last: it removes what the fields above stood on.
    warden: Mutex<warden::Warden>,
}

impl World {
    /// A world whose GPG key has no passphrase and whose helper leaves locking to the agent: never locked.
    pub fn new() -> Self {
        let world = Self::make(None, Store::init);
        world.settings("");
        world
    }

    /// Like [`World::new`], with a store made without `pass`: for a machine that has only what running takes.
    pub fn without_pass() -> Self {
        Self::make(None, Store::by_hand)
    }

    /// A world whose GPG key asks for [`GPG_PASSPHRASE`], and whose agent remembers nothing yet.
    pub fn with_passphrase() -> Self {
        Self::make(Some(GPG_PASSPHRASE), Store::init)
    }

    /// Like [`World::with_passphrase`], with the key on a smartcard that has [`GPG_PASSPHRASE`] as its PIN.
    pub fn with_card() -> Self {
        Self::make_with(|home| Gpg::make_on_card(home, GPG_PASSPHRASE), Store::init)
    }

    fn make(passphrase: Option<&str>, make_store: fn(&Path, &Gpg) -> Store) -> Self {
        Self::make_with(|home| Gpg::make(home, passphrase), make_store)
    }

    fn make_with(make_gpg: impl FnOnce(&Path) -> Gpg, make_store: fn(&Path, &Gpg) -> Store) -> Self {
        // Not the caller's TMPDIR: the sockets below must fit in the 108 bytes of a Unix address.
        let dir =
            tempfile::Builder::new().prefix("sp-").tempdir_in("/tmp").expect("/tmp takes directories").keep();
        let warden = warden::Warden::start(&dir);
        // Throwaway accounts must reach their homes and keys within.
        set_mode(&dir, 0o755);
        for (name, mode) in [("home", 0o755), ("config", 0o700), ("state", 0o700), ("run", 0o700)] {
            fs::create_dir(dir.join(name)).expect("a fresh directory");
            set_mode(&dir.join(name), mode);
        }
        let gpg = make_gpg(&dir.join("gpg"));
        let store = make_store(&dir.join("store"), &gpg);
        Self { dir, gpg, store, next: Mutex::new(0), warden: Mutex::new(warden) }
    }

    /// The directory all of it lies in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The home directory of Sallyport's programs.
    pub fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    /// `SALLYPORT_CONFIG_DIR`.
    pub fn config(&self) -> PathBuf {
        self.dir.join("config")
    }

    /// `SALLYPORT_STATE_DIR`.
    pub fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    /// `SALLYPORT_RUNTIME_DIR`.
    pub fn runtime(&self) -> PathBuf {
        self.dir.join("run")
    }

    /// The GPG home.
    pub fn gpg(&self) -> &Gpg {
        &self.gpg
    }

    /// The password store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Writes a record with `pass`.
    pub fn record(&self, purpose: &str, place: &str, user: &str, kind: &str, secret: &[u8]) {
        self.store.insert(&self.gpg, &Store::entry(purpose, place, user, kind), secret);
    }

    /// A key pair in the world's directory.
    pub fn key(&self, kind: &str, passphrase: Option<&str>) -> KeyPair {
        KeyPair::make(&self.fresh("key"), kind, passphrase)
    }

    /// A server like most: OpenSSH's defaults, logins by key.
    pub fn sshd(&self) -> Sshd {
        self.sshd_with(&SshdOptions::default())
    }

    /// A server with `options`.
    pub fn sshd_with(&self, options: &SshdOptions) -> Sshd {
        Sshd::start(&self.fresh("sshd"), options)
    }

    /// A login account with `password`. Only root can have one: ask [`account::possible`] first.
    pub fn account(&self, password: &str) -> Account {
        let name = account::fresh_name();
        self.warden.lock().expect("no holder panics").account(&name);
        account::make(&name, password, &self.fresh("account"))
    }

    /// Adds a host to `hosts.toml`: the alias, where it is, and more lines of its table.
    pub fn host(&self, alias: &str, sshd: &Sshd, more: &str) {
        let table = format!("[hosts.{alias}]\nhostname = \"127.0.0.1\"\nport = {}\n{more}\n", sshd.port());
        append(&self.config().join("hosts.toml"), &table);
    }

    /// Writes `hosts.toml`, all of it.
    pub fn write_hosts(&self, text: &str) {
        fs::write(self.config().join("hosts.toml"), text).expect("our own directory can be written");
    }

    /// Pins the server's host key in Sallyport's own `known_hosts`.
    pub fn trust(&self, sshd: &Sshd) {
        append(&self.state().join("known_hosts"), &sshd.known_hosts_line(sshd.host_key()));
    }

    /// Writes Sallyport's own `known_hosts`, all of it.
    pub fn known_hosts(&self, text: &str) {
        fs::write(self.state().join("known_hosts"), text).expect("our own directory can be written");
    }

    /// The usual host: known, trusted, with a key record for whoever runs the tests.
    pub fn ready_host(&self, alias: &str) -> Sshd {
        self.ready_host_with(alias, "")
    }

    /// The usual host, with `more` lines in its entry.
    pub fn ready_host_with(&self, alias: &str, more: &str) -> Sshd {
        self.ready_host_on(&SshdOptions::default(), alias, more)
    }

    /// The usual host, on a server with `options`, with `more` lines in its entry.
    pub fn ready_host_on(&self, options: &SshdOptions, alias: &str, more: &str) -> Sshd {
        let sshd = self.sshd_with(options);
        let key = self.key("ed25519", None);
        sshd.authorize(&key);
        self.record("ssh", &sshd.place(), &sshd::own_name(), "key", key.private().as_bytes());
        self.host(alias, &sshd, more);
        self.trust(&sshd);
        sshd
    }

    /// Writes `sallyport.toml`: `text`, and for a key without passphrase that nobody need unlock it.
    pub fn settings(&self, text: &str) {
        let window = if self.gpg.has_passphrase() { "" } else { "unlock_window_s = 0\n" };
        fs::write(self.config().join("sallyport.toml"), format!("{window}{text}")).expect("the settings");
    }

    /// Writes `policy.toml`.
    pub fn policy(&self, text: &str) {
        fs::write(self.config().join("policy.toml"), text).expect("the policy");
    }

    /// A command in the world's environment.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = process::bare(program);
        command.current_dir(self.home()).envs(self.environment());
        command
    }

    /// The environment of the world's programs.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.to_str().expect("our paths are plain").to_owned();
        let mut variables = vec![
            ("HOME", path(&self.home())),
            ("USER", sshd::own_name()),
            ("GNUPGHOME", path(self.gpg.home())),
            ("PASSWORD_STORE_DIR", path(self.store.dir())),
            ("SALLYPORT_CONFIG_DIR", path(&self.config())),
            ("SALLYPORT_STATE_DIR", path(&self.state())),
            ("SALLYPORT_RUNTIME_DIR", path(&self.runtime())),
            (process::MARK, path(&self.dir)),
        ];
        // So that a failing test can be run again with more to read.
        variables.extend(std::env::var("SALLYPORT_LOG").ok().map(|filter| ("SALLYPORT_LOG", filter)));
        variables
    }

    /// `sallyport` with `arguments`, ready to be run.
    pub fn sallyport(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(process::built("sallyport"));
        // The helper is autostarted from the search path or from beside the program.
        process::built("sallyport-vault-helper");
        command.args(arguments);
        command
    }

    /// Runs `sallyport` with `arguments` and nothing on standard input.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        run(&mut self.sallyport(arguments), b"")
    }

    /// Runs `sallyport` with `arguments` and `input` on standard input.
    #[track_caller]
    pub fn run_with(&self, arguments: &[&str], input: &[u8]) -> Finished {
        run(&mut self.sallyport(arguments), input)
    }

    /// A client of a fresh `sallyport serve`, past the handshake of the `initialize` generation.
    pub fn mcp(&self) -> McpClient {
        McpClient::initialize(self.sallyport(&["serve"]))
    }

    /// The helper's process id, if one listens.
    pub fn helper(&self) -> Option<i32> {
        warden::socket_owner(&self.runtime().join("broker.sock"))
    }

    /// Memory of the helper and of its processes that speak SSH, in bytes: the first as it is resident, the others by
    /// their share, because they are the same program.
    pub fn helper_memory(&self) -> u64 {
        let helper = self.helper().expect("the helper lives");
        process::resident(helper) + self.carriers().into_iter().map(process::proportional).sum::<u64>()
    }

    /// The processes of the helper that speak SSH.
    pub fn carriers(&self) -> Vec<i32> {
        let of_helper = self.helper().map(process::descendants).unwrap_or_default();
        let carries = |pid: &i32| process::command_line(*pid).ends_with("--carrier");
        of_helper.into_iter().filter(carries).collect()
    }

    /// How many of [`World::remote_processes`] run this command.
    pub fn running(&self, command: &str) -> usize {
        self.remote_processes().iter().filter(|process| process.command == command).count()
    }

    /// What runs on the world's servers: marked, and neither `sshd` nor one of ours.
    pub fn remote_processes(&self) -> Vec<process::Process> {
        const OURS: [&str; 8] =
            ["sshd", "gpg-agent", "sallyport", "pass", "gpg", "scdaemon", "pinentry", "keyboxd"];
        let ours = |command: &str| {
            let program = command.split([' ', ':']).next().unwrap_or_default();
            OURS.iter().any(|name| {
                Path::new(program).file_name().is_some_and(|file| file.to_string_lossy().starts_with(name))
            })
        };
        process::marked(&self.dir).into_iter().filter(|process| !ours(&process.command)).collect()
    }

    /// A path in the world nobody has used yet, beginning with `name`.
    pub fn fresh(&self, name: &str) -> PathBuf {
        let mut next = self.next.lock().expect("no holder panics");
        *next += 1;
        self.dir.join(format!("{name}-{next}"))
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own directory's mode can be set");
}

fn append(path: &Path, text: &str) {
    let mut all = fs::read_to_string(path).unwrap_or_default();
    all.push_str(text);
    fs::write(path, all).expect("our own directory can be written");
}
