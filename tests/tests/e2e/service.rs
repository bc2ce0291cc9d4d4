//! As a service: sockets from systemd, helper and broker as users of their own.
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sallyport_protocol::handshake::{Hello, Reply, Role};
use sallyport_tests::raw::RawPeer;
use sallyport_tests::world::{Account, Finished, World, account, eventually, process};

/// Whether this machine can: root, and systemd's program.
fn possible() -> bool {
    let here = account::possible() && Path::new("/usr/bin/systemd-socket-activate").exists();
    if !here {
        println!("skipped: needs root and systemd-socket-activate");
    }
    here
}

/// A command as another user, with the world's environment and nothing inherited.
fn as_user(world: &World, user: &Account, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = world.command("setpriv");
    command.args(["--reuid", &user.name, "--regid", &user.name, "--clear-groups", "--no-new-privs", "--"]);
    command.arg(program).current_dir("/");
    command
}

/// Hands a folder of the world to a user.
fn give(path: &Path, user: &Account) {
    process::run(Command::new("chown").arg("-R").arg(format!("{0}:{0}", user.name)).arg(path), b"")
        .expect_success();
}

struct Service {
    world: World,
    broker: Account,
    activator: Child,
    _sshd: sallyport_tests::world::Sshd,
}

impl Service {
    /// A helper of its own user behind sockets that systemd's program holds, and a user for the broker.
    fn start() -> Self {
        let world = World::new();
        let sshd = world.ready_host("web1");
        let (vault, broker) = (world.account("not used"), world.account("not used"));
        world.settings(&format!(
            "broker_users = [\"{}\"]\nhelper_user = \"{}\"\nmin_hardening = 1\n",
            broker.name, vault.name
        ));
        for place in [world.gpg().home(), world.store().dir(), &world.state()] {
            give(place, &vault);
        }
        // The agent that made the key runs as root; the vault's own takes its place.
        process::run(world.gpg().command("gpgconf").args(["--kill", "all"]), b"").expect_success();
        let mode =
            |path: &Path, bits| std::fs::set_permissions(path, PermissionsExt::from_mode(bits)).unwrap();
        mode(&world.config(), 0o755);
        mode(&world.runtime(), 0o755);
        let sockets = ["broker.sock", "admin.sock"].map(|name| world.runtime().join(name));
        let mut command = world.command("systemd-socket-activate");
        for socket in &sockets {
            command.arg("-l").arg(socket);
        }
        command.args(["--fdname=broker:admin"]);
        for (name, _) in world.environment() {
            command.args(["-E", name]);
        }
        command.args(["setpriv", "--reuid", &vault.name, "--regid", &vault.name, "--clear-groups", "--"]);
        command.arg(process::built("sallyport-vault-helper"));
        let activator =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("both sockets", || sockets.iter().all(|socket| socket.exists()).then_some(()));
        // As open as a socket can be: what keeps others out is the helper's own list.
        sockets.iter().for_each(|socket| mode(socket, 0o666));
        Self { world, broker, activator, _sshd: sshd }
    }

    fn exec(&self, command: &str) -> Finished {
        let mut exec = as_user(&self.world, &self.broker, process::built("sallyport"));
        process::run(exec.args(["exec", "web1", "--", command]).env("SALLYPORT_NO_AUTOSTART", "1"), b"")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // The world's warden ends what it started.
        drop(self.activator.kill());
        drop(self.activator.wait());
    }
}

#[test]
fn a_helper_that_systemd_starts_serves_another_users_broker_and_nobody_else() {
    if !possible() {
        return;
    }
    let service = Service::start();
    let done = service.exec("echo from a service");
    assert_eq!(done.stdout, "from a service\n", "{done:?}");
    let pid = eventually("the helper", || {
        process::marked(service.world.dir())
            .into_iter()
            .find(|p| p.command.ends_with("sallyport-vault-helper"))
    });
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.pid)).unwrap();
    let uid =
        status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap().split_whitespace().next().unwrap();
    assert_ne!(uid, "0", "it runs as a user of its own");

    // Root may use the admin socket, and no broker's.
    let seen = service.world.run(&["status", "--json"]).expect_success();
    assert!(seen.contains("\"hardening\": "), "{seen}");
    let mut root = RawPeer::connect(&service.world.runtime().join("broker.sock"));
    root.frame(&Hello::new(Role::Broker));
    assert!(root.read::<Reply>().is_none(), "not even root speaks as a broker");

    // The broker's user: the admin socket, the store, the log, and the helper's memory are shut.
    let try_as_broker = |script: &str| {
        process::run(as_user(&service.world, &service.broker, "sh").args(["-c", script]), b"").code()
    };
    let world = &service.world;
    let mut admin = as_user(world, &service.broker, process::built("sallyport"));
    let refused = process::run(admin.args(["status"]).env("SALLYPORT_NO_AUTOSTART", "1"), b"");
    assert_ne!(refused.code(), 0, "{refused:?}");
    for path in [world.store().dir(), world.gpg().home(), &world.state().join("audit")] {
        assert_ne!(
            try_as_broker(&format!("ls {}/* >/dev/null 2>&1", path.display())),
            0,
            "{}",
            path.display()
        );
    }
    assert_ne!(try_as_broker(&format!("head -c 1 /proc/{}/mem", pid.pid)), 0);
    assert_ne!(try_as_broker(&format!("kill -0 {}", pid.pid)), 0);

    // A third user gets no greeting at all.
    let stranger = service.world.account("not used");
    let mut command = as_user(world, &stranger, process::built("sallyport"));
    let refused =
        process::run(command.args(["exec", "web1", "--", "true"]).env("SALLYPORT_NO_AUTOSTART", "1"), b"");
    assert_ne!(refused.code(), 0, "{refused:?}");
    assert_eq!(service.exec("echo still there").stdout, "still there\n");
}
