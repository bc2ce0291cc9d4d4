//! doas and sudo-rs, the real ones, where sudo is usually: in a view of the file system that one sshd alone has.

use std::path::Path;
use std::process::{Command, Stdio};

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::{Account, Sshd, SshdOptions, World, account, eventually, process};
use serde_json::{Value, json};

const PASSWORD: &str = "Tr0ub4dor-and-9-mules";

/// Where a distribution or a hand puts sudo-rs: Debian 13 has it beside sudo.
const SUDO_RS: [&str; 3] = ["/usr/lib/cargo/bin/sudo", "/usr/bin/sudo-rs", "/usr/local/bin/sudo-rs"];

/// An account that logs in by its password, on a host whose /etc can be changed.
struct Bed {
    client: McpClient,
    account: Account,
    sshd: Sshd,
    world: World,
}

/// Makes it, with another program at sudo's place; `None`, with a sentence, where that cannot be.
fn bed(at_sudos_place: &str) -> Option<Bed> {
    let overlays = std::fs::read_to_string("/proc/filesystems").is_ok_and(|all| all.contains("\toverlay\n"));
    if !account::possible() || !overlays {
        println!("skipped: needs root, for accounts, and overlay file systems");
        return None;
    }
    let world = World::new();
    let account = world.account(PASSWORD);
    let (upper, work) = (world.fresh("upper"), world.fresh("work"));
    let stage = format!(
        "mkdir {0} {1}\nmount -t overlay -o lowerdir=/etc,upperdir={0},workdir={1} overlay /etc\n\
         mount --bind {at_sudos_place} /usr/bin/sudo",
        upper.display(),
        work.display()
    );
    let sshd = world.sshd_with(&SshdOptions { passwords: true, stage, ..SshdOptions::default() });
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    for purpose in ["ssh", "sudo"] {
        world.record(purpose, &sshd.place(), &account.name, "password", PASSWORD.as_bytes());
    }
    Some(Bed { client: world.mcp(), account, sshd, world })
}

impl Bed {
    /// Writes a file of /etc as the host sees it. `USER` is the account.
    fn etc(&self, name: &str, text: &str) {
        let mut enter = process::bare("nsenter");
        enter.args(["--mount", "--target", &self.sshd.pid().to_string(), "sh", "-c"]);
        enter.arg(format!("cat >/etc/{name}; chmod 600 /etc/{name}"));
        let text = text.replace("USER", &self.account.name);
        process::run(&mut enter, text.as_bytes()).expect_success();
    }

    fn sudo(&self, command: &str) -> Reply {
        self.client.call("ssh_sudo_exec", json!({ "target": "web1", "command": command }))
    }

    fn cache(&self, action: &str) -> String {
        let session = self.client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok();
        let arguments = json!({ "session": session.text("session"), "action": action });
        self.client.call("ssh_sudo_cache", arguments).expect_ok().text("cache").to_owned()
    }

    /// A command is started, seen and stopped.
    fn stops(&self, sleep: &str) {
        let running = || process::all().filter(|pid| process::command_line(*pid) == sleep).count();
        let arguments = json!({ "target": "web1", "command": sleep, "background": true });
        let job = self.client.call("ssh_sudo_exec", arguments).text("job_id").to_owned();
        eventually("the command", || (running() == 1).then_some(()));
        let reply = self.client.call("ssh_stop", json!({ "id": job })).expect_ok();
        assert_eq!(reply["stopped"], Value::Bool(true), "{:#}", reply.raw);
        eventually("its end", || (running() == 0).then_some(()));
    }
}

#[test]
fn doas_runs_what_it_does_not_ask_for_and_every_refusal_has_its_answer() {
    if !Path::new("/usr/bin/doas").exists() {
        println!("skipped: doas is not installed");
        return;
    }
    let Some(bed) = bed("/bin/false") else { return };
    bed.etc("doas.conf", "permit nopass USER\n");
    let reply = bed.sudo("id -u; echo err >&2; cat; exit 7").expect_ok();
    assert_eq!(
        (reply.text("stdout"), reply.text("stderr"), &reply["exit_code"]),
        ("0\n", "err\n", &json!(7))
    );
    let as_nobody = json!({ "target": "web1", "command": "id -un", "run_as": "nobody", "stdin": "unread" });
    assert_eq!(bed.client.call("ssh_sudo_exec", as_nobody).expect_ok().text("stdout"), "nobody\n");
    let arguments = json!({ "target": "web1", "command": "id", "run_as": "no-such-user" });
    bed.client.call("ssh_sudo_exec", arguments).expect_code("invalid_argument");
    bed.stops("sleep 655");
    assert_eq!(bed.cache("check"), "failed", "doas has no cache that can be asked");
    bed.etc("doas.conf", "permit USER\n");
    let asks = bed.sudo("id").expect_code("unsupported_operation");
    assert!(asks.text("hint").contains("permit nopass"), "{:#}", asks.raw);
    assert_eq!(asks["redactions"], Value::Null, "no password was given to it");
    bed.etc("doas.conf", "permit nopass root\n");
    bed.sudo("id").expect_code("permission_denied");
}

#[test]
fn without_sudo_and_doas_that_is_said() {
    let Some(bed) = bed("/bin/false") else { return };
    let mut hide = process::bare("nsenter");
    hide.args(["--mount", "--target", &bed.sshd.pid().to_string(), "sh", "-c"]);
    hide.arg("test ! -e /usr/bin/doas || mount --bind /bin/false /usr/bin/doas");
    process::run(&mut hide, b"").expect_success();
    let reply = bed.sudo("id").expect_code("unsupported_operation");
    assert!(reply.text("message").contains("neither sudo nor doas"), "{:#}", reply.raw);
}

#[test]
fn sudo_rs_in_sudos_place_is_as_good_as_sudo() {
    let asked = std::env::var("SALLYPORT_SUDO_RS").ok();
    let places = asked.iter().map(String::as_str).chain(SUDO_RS);
    // sudo itself may be called so by a link; this is about the other one.
    let is_rs = |place: &&str| {
        let version = Command::new(place).arg("--version").stdin(Stdio::null()).output();
        version.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains("sudo-rs"))
    };
    let Some(place) = places.into_iter().find(is_rs) else {
        println!("skipped: sudo-rs is not installed");
        return;
    };
    let Some(bed) = bed(place) else { return };
    bed.etc("sudoers-rs", "USER ALL=(ALL:ALL) ALL\n");
    let record = |secret: &str| {
        bed.world.record("sudo", &bed.sshd.place(), &bed.account.name, "password", secret.as_bytes());
    };
    // Wrong before sudo-rs remembers the right one.
    record("another one");
    bed.sudo("id").expect_code("auth_failed");
    record(PASSWORD);
    let reply = bed.sudo("id -u; echo err >&2; cat; exit 7").expect_ok();
    assert_eq!(
        (reply.text("stdout"), reply.text("stderr"), &reply["exit_code"]),
        ("0\n", "err\n", &json!(7))
    );
    let with_input =
        json!({ "target": "web1", "command": "cat; id -un", "run_as": "nobody", "stdin": "in\n" });
    assert_eq!(bed.client.call("ssh_sudo_exec", with_input).expect_ok().text("stdout"), "in\nnobody\n");
    bed.stops("sleep 656");
    bed.etc("sudoers-rs", "USER ALL=(ALL:ALL) NOPASSWD: ALL\n");
    assert_eq!(bed.sudo("id -u").expect_ok().text("stdout"), "0\n");
    assert_eq!(bed.cache("check"), "warm");
    bed.etc("sudoers-rs", "root ALL=(ALL:ALL) ALL\n");
    bed.sudo("id").expect_code("permission_denied");
}
