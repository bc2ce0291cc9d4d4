//! sudo, the real one, as a second user with a password: every way it answers has its own answer here, and the
//! password goes nowhere but to it.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;
use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::{Account, FORBIDDEN, POLICY_THAT_FORBIDS, Sshd, SshdOptions, World, account};
use sallyport_tests::world::{eventually, process};
use serde_json::{Value, json};

const PASSWORD: &str = "Tr0ub4dor-and-9-mules";
const ALL: &str = "USER ALL=(ALL:ALL) ALL";

/// An account that logs in by its password, with sudoers rules of its own.
struct Bed {
    client: McpClient,
    account: Account,
    sshd: Sshd,
    world: World,
}

/// Makes it; `None`, with a sentence, where accounts cannot be made. `USER` in a rule is the account.
fn bed(rules: &[&str]) -> Option<Bed> {
    bed_on("", rules)
}

/// The same, on a server with these lines in its configuration.
fn bed_on(extra: &str, rules: &[&str]) -> Option<Bed> {
    if !account::possible() {
        println!("skipped: only root can make accounts");
        return None;
    }
    let world = World::new();
    let sshd =
        world.sshd_with(&SshdOptions { passwords: true, extra: extra.into(), ..SshdOptions::default() });
    let account = world.account(PASSWORD);
    world.host("web1", &sshd, "");
    world.trust(&sshd);
    let record = format!("{PASSWORD}\n");
    world.record("ssh", &sshd.place(), &account.name, "password", record.as_bytes());
    world.record("sudo", &sshd.place(), &account.name, "password", record.as_bytes());
    let lines: String = rules.iter().map(|rule| rule.replace("USER", &account.name) + "\n").collect();
    account.sudoers(&lines);
    Some(Bed { client: world.mcp(), account, sshd, world })
}

impl Bed {
    fn sudo(&self, command: &str) -> sallyport_tests::mcp::Reply {
        self.client.call("ssh_sudo_exec", json!({ "target": "web1", "command": command }))
    }

    fn sudo_record(&self, secret: &[u8]) {
        self.world.record("sudo", &self.sshd.place(), &self.account.name, "password", secret);
    }

    fn session(&self) -> String {
        let reply = self.client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok();
        reply.text("session").to_owned()
    }

    fn exec(&self, session: &str, command: &str) -> sallyport_tests::mcp::Reply {
        self.client.call("ssh_exec", json!({ "session": session, "command": command })).expect_ok()
    }

    fn cache(&self, session: &str, action: &str) -> String {
        let arguments = json!({ "session": session, "action": action });
        self.client.call("ssh_sudo_cache", arguments).expect_ok().text("cache").to_owned()
    }

    /// sudo's own log.
    fn log(&self) -> PathBuf {
        self.world.dir().join("sudo.log")
    }

    fn logged(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }
}

#[test]
fn a_command_runs_as_root_or_as_whom_it_is_told_with_streams_and_exit_code_apart() {
    let Some(bed) = bed(&[ALL]) else { return };
    let reply = bed.sudo("id -u; echo err >&2; exit 7").expect_ok();
    assert_eq!((reply.text("stdout"), reply.text("stderr")), ("0\n", "err\n"), "{:#}", reply.raw);
    assert_eq!(reply["exit_code"], 7);
    let arguments = json!({ "target": "web1", "command": "id -un; pwd; echo \"$A\"", "run_as": "nobody", "cwd": "/usr", "env": { "A": "it's" } });
    let reply = bed.client.call("ssh_sudo_exec", arguments).expect_ok();
    assert_eq!(reply.text("stdout"), "nobody\n/usr\nit's\n");
    let arguments = json!({ "target": "web1", "command": "id", "run_as": "no-such-user" });
    bed.client.call("ssh_sudo_exec", arguments).expect_code("invalid_argument");
}

#[test]
fn what_reads_its_input_gets_the_calls_input_and_never_the_password() {
    let Some(bed) = bed(&[ALL]) else { return };
    let arguments = json!({ "target": "web1", "command": "cat; echo end", "stdin": "first\nsecond" });
    let reply = bed.client.call("ssh_sudo_exec", arguments).expect_ok();
    assert_eq!(reply.text("stdout"), "first\nsecondend\n");
    assert_eq!(bed.sudo("cat; echo end").expect_ok().text("stdout"), "end\n");
    assert_eq!(bed.sudo("cat; echo end").expect_ok()["redactions"], 0, "nothing was there to be masked");
}

#[test]
fn where_sudo_does_not_ask_nothing_is_sent_even_when_the_command_asks_in_its_place() {
    let Some(bed) = bed(&["USER ALL=(ALL:ALL) NOPASSWD: ALL"]) else { return };
    // It finds sudo's prompt among the arguments of its ancestors, asks with it, and waits for an answer.
    let ask = "p=$$; while [ \"$p\" -gt 1 ]; do tr '\\0' '\\n' </proc/$p/cmdline | grep '^:sp-' >&2; \
               p=$(cut -d' ' -f4 /proc/$p/stat); done; cat";
    let reply = bed.sudo(ask).expect_ok();
    assert!(reply.text("stderr").contains("sp-"), "it did ask: {:#}", reply.raw);
    assert_eq!((reply.text("stdout"), &reply["redactions"]), ("", &json!(0)), "{:#}", reply.raw);
}

#[test]
fn without_a_record_a_host_that_does_not_ask_works_and_one_that_asks_says_which_record_is_missing() {
    let Some(bed) = bed(&["USER ALL=(root) NOPASSWD: ALL", "USER ALL=(nobody) PASSWD: ALL"]) else { return };
    fs::remove_file(bed.world.store().file(&format!(
        "sallyport/sudo/{}/{}/password",
        bed.sshd.place(),
        bed.account.name
    )))
    .unwrap();
    assert_eq!(bed.sudo("id -u").expect_ok().text("stdout"), "0\n");
    let arguments = json!({ "target": "web1", "command": "id", "run_as": "nobody" });
    let reply = bed.client.call("ssh_sudo_exec", arguments).expect_code("missing_credential");
    assert!(reply.text("hint").contains("sudo://"), "{:#}", reply.raw);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let Some(bed) = bed(&[ALL]) else { return };
    bed.account.sudoers(
        &format!("{ALL}\nDefaults:USER logfile={}\n", bed.log().display()).replace("USER", &bed.account.name),
    );
    bed.sudo_record(b"wrong-horse-battery\n");
    bed.sudo("touch /tmp/never").expect_code("auth_failed");
    assert!(bed.logged().contains("1 incorrect password attempt"), "{}", bed.logged());
    let session = bed.session();
    assert_eq!(bed.cache(&session, "warm"), "bad_password");
    assert_eq!(bed.logged().matches("1 incorrect password attempt").count(), 2, "{}", bed.logged());
    assert_eq!(bed.exec(&session, "echo fine").text("stdout"), "fine\n", "the session goes on");
}

#[test]
fn an_account_without_rights_is_told_so() {
    let Some(bed) = bed(&[]) else { return };
    bed.sudo("id").expect_code("permission_denied");
}

const ON_TERMINAL: &str = "Defaults:USER requiretty";

#[test]
fn a_sudo_that_wants_a_terminal_gets_one_on_which_nothing_is_shown_and_errors_are_output() {
    for more in [ON_TERMINAL, "Defaults:USER requiretty, use_pty, lecture=always"] {
        let Some(bed) = bed(&[ALL, more]) else { return };
        // Twice: the second call knows it from the start.
        for _ in 0..2 {
            let reply = bed.sudo("id -u; echo err >&2; printf 'a\\tb\\n'; cat; exit 7").expect_ok();
            assert_eq!(
                (reply.text("stdout"), &reply["exit_code"]),
                ("0\nerr\na\tb\n", &json!(7)),
                "{:#}",
                reply.raw
            );
            assert!(reply.text("stderr").contains("requiretty"), "{:#}", reply.raw);
            assert_eq!(reply["redactions"], 0, "the password was never shown");
        }
        let input = "first\n\u{3}\u{4}\u{1b}\r\0".repeat(20_000) + "last";
        let arguments = json!({ "target": "web1", "command": "sha256sum; cat; echo end", "stdin": input });
        let told = bed.client.call("ssh_sudo_exec", arguments).expect_ok();
        let sum = process::run(&mut process::bare("sha256sum"), input.as_bytes()).expect_success();
        assert_eq!(told.text("stdout"), format!("{sum}end\n"), "input arrives as it is, and ends");
        let session = bed.session();
        let arguments = json!({ "session": session, "command": "pwd", "cwd": "/usr", "run_as": "nobody" });
        assert_eq!(bed.client.call("ssh_sudo_exec", arguments).expect_ok().text("stdout"), "/usr\n");
    }
}

#[test]
fn on_a_terminal_the_password_is_read_by_sudo_alone() {
    let Some(bed) = bed(&[ALL, ON_TERMINAL]) else { return };
    // What was typed and not read would still be there.
    let steal = "timeout --foreground 1 dd if=/dev/tty bs=1 count=64 2>/dev/null; echo \"got $?\"";
    let reply = bed.sudo(steal).expect_ok();
    assert_eq!((reply.text("stdout"), &reply["redactions"]), ("got 124\n", &json!(0)), "{:#}", reply.raw);
    bed.account.sudoers(
        &format!("{ALL}\n{ON_TERMINAL}\nDefaults:USER logfile={}\n", bed.log().display())
            .replace("USER", &bed.account.name),
    );
    bed.sudo_record(b"wrong-horse-battery\n");
    bed.sudo("touch /tmp/never").expect_code("auth_failed");
    // It learns that nobody answers when its terminal is gone.
    eventually("sudo's word of it", || bed.logged().contains("1 incorrect password attempt").then_some(()));
}

#[test]
fn on_a_terminal_where_sudo_does_not_ask_nothing_is_sent() {
    let Some(bed) = bed(&["USER ALL=(ALL:ALL) NOPASSWD: ALL", ON_TERMINAL]) else { return };
    // It asks in sudo's place, with sudo's own prompt, on the terminal.
    let ask = "p=$$; while [ \"$p\" -gt 1 ]; do tr '\\0' '\\n' </proc/$p/cmdline | grep '^:sp-' >/dev/tty; \
               p=$(cut -d' ' -f4 /proc/$p/stat); done; timeout --foreground 1 dd if=/dev/tty bs=1 count=64 2>/dev/null; echo \"got $?\"";
    let reply = bed.sudo(ask).expect_ok();
    assert!(reply.text("stdout").contains(":sp-"), "it did ask: {:#}", reply.raw);
    assert!(reply.text("stdout").ends_with("got 124\n"), "{:#}", reply.raw);
    assert_eq!(reply["redactions"], 0, "{:#}", reply.raw);
}

#[test]
fn a_command_that_got_a_terminal_is_really_stopped() {
    let Some(bed) = bed(&[ALL, ON_TERMINAL]) else { return };
    let running = || process::all().filter(|pid| process::command_line(*pid) == "sleep 657").count();
    let arguments = json!({ "target": "web1", "command": "sleep 657 & sleep 657", "background": true });
    let job = bed.client.call("ssh_sudo_exec", arguments).text("job_id").to_owned();
    eventually("both", || (running() == 2).then_some(()));
    assert_eq!(bed.client.call("ssh_stop", json!({ "id": job })).expect_ok()["stopped"], true);
    eventually("their end", || (running() == 0).then_some(()));
}

#[test]
fn a_cache_that_serves_one_terminal_alone_is_said_to_be_of_no_use() {
    let Some(bed) = bed(&[ALL, ON_TERMINAL]) else { return };
    let session = bed.session();
    assert_eq!(bed.cache(&session, "check"), "needs_password");
    let warm = json!({ "session": session, "action": "warm" });
    let reply = bed.client.call("ssh_sudo_cache", warm).expect_code("unsupported_operation");
    for word in ["took the password", "requiretty", "ssh_sudo_exec"] {
        assert!(reply.rendering().contains(word), "{word}: {:#}", reply.raw);
    }
    assert_eq!(bed.cache(&session, "check"), "needs_password", "nothing is remembered for others");
    assert_eq!(bed.cache(&session, "clear"), "cleared");
    bed.sudo_record(b"wrong-horse-battery\n");
    assert_eq!(bed.cache(&session, "warm"), "bad_password");
    assert_eq!(bed.exec(&session, "echo fine").text("stdout"), "fine\n", "the session goes on");
    bed.account.sudoers("");
    assert_eq!(bed.cache(&session, "check"), "failed", "no rights");
}

#[test]
fn a_cache_that_serves_every_terminal_is_seen_filled_and_emptied_on_terminals() {
    let Some(bed) = bed(&[ALL, ON_TERMINAL, "Defaults:USER timestamp_type=global"]) else { return };
    let session = bed.session();
    assert_eq!(bed.cache(&session, "check"), "needs_password");
    assert_eq!(bed.cache(&session, "warm"), "warm");
    assert_eq!(bed.cache(&session, "check"), "warm");
    bed.sudo_record(b"wrong-horse-battery\n");
    assert_eq!(bed.sudo("id -u").expect_ok().text("stdout"), "0\n", "it does not ask");
    assert_eq!(bed.cache(&session, "clear"), "cleared");
    assert_eq!(bed.cache(&session, "check"), "needs_password");
}

#[test]
fn a_cache_that_needs_no_password_is_warm_on_a_terminal_too() {
    let Some(bed) = bed(&["USER ALL=(ALL:ALL) NOPASSWD: ALL", ON_TERMINAL]) else { return };
    let session = bed.session();
    assert_eq!(bed.cache(&session, "check"), "warm");
    assert_eq!(bed.cache(&session, "warm"), "warm");
}

#[test]
fn where_the_host_gives_no_terminal_a_sudo_that_wants_one_is_named() {
    let Some(bed) = bed_on("PermitTTY no\n", &[ALL, ON_TERMINAL]) else { return };
    for _ in 0..2 {
        let reply = bed.sudo("id").expect_code("unsupported_operation");
        assert!(reply.rendering().contains("requiretty"), "{:#}", reply.raw);
    }
    let check = json!({ "session": bed.session(), "action": "check" });
    let reply = bed.client.call("ssh_sudo_cache", check).expect_code("unsupported_operation");
    assert!(reply.rendering().contains("requiretty"), "{:#}", reply.raw);
}

#[test]
fn lectures_pseudo_terminals_and_a_single_try_change_nothing() {
    let Some(bed) = bed(&[ALL, "Defaults:USER lecture=always, use_pty, passwd_tries=1"]) else { return };
    let reply = bed.sudo("id -u").expect_ok();
    assert_eq!((reply.text("stdout"), reply.text("stderr")), ("0\n", ""), "{:#}", reply.raw);
    bed.sudo_record(b"wrong-horse-battery\n");
    bed.sudo("id -u").expect_code("auth_failed");
}

#[test]
fn the_password_is_in_no_argument_environment_or_file_while_the_command_runs() {
    let Some(bed) = bed(&[ALL]) else { return };
    let session = bed.session();
    assert_eq!(bed.cache(&session, "warm"), "warm");
    let arguments = json!({ "target": "web1", "command": "sleep 600", "background": true });
    let job = bed.client.call("ssh_sudo_exec", arguments).text("job_id").to_owned();
    eventually("the command", || {
        process::all().any(|pid| process::command_line(pid) == "sleep 600").then_some(())
    });
    let holds = |path: String| {
        fs::read(path)
            .is_ok_and(|bytes| bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()))
    };
    for pid in process::all().filter(|pid| *pid != std::process::id() as i32) {
        assert!(!holds(format!("/proc/{pid}/cmdline")), "{}", process::command_line(pid));
        assert!(!holds(format!("/proc/{pid}/environ")), "{}", process::command_line(pid));
    }
    let grep = process::run(
        process::bare("grep").args(["-rlF", PASSWORD]).arg(&bed.account.home).arg(bed.world.state()),
        b"",
    );
    assert_eq!(grep.stdout, "");
    assert!(bed.client.call("ssh_stop", json!({ "id": job })).expect_ok()["stopped"] == Value::Bool(true));
}

#[test]
fn a_command_of_another_user_is_really_stopped() {
    let Some(bed) = bed(&[ALL]) else { return };
    let running = || process::all().filter(|pid| process::command_line(*pid) == "sleep 654").count();
    let arguments = json!({ "target": "web1", "command": "sleep 654 & sleep 654", "background": true });
    let job = bed.client.call("ssh_sudo_exec", arguments).text("job_id").to_owned();
    eventually("both", || (running() == 2).then_some(()));
    let reply = bed.client.call("ssh_stop", json!({ "id": job })).expect_ok();
    assert_eq!(reply["stopped"], true, "{:#}", reply.raw);
    eventually("their end", || (running() == 0).then_some(()));
}

#[test]
fn a_command_that_is_stopped_before_it_is_known_to_have_started_is_never_run() {
    let Some(bed) = bed(&["USER ALL=(ALL:ALL) NOPASSWD: ALL"]) else { return };
    process::run(process::bare("usermod").args(["--shell", "/bin/bash", &bed.account.name]), b"")
        .expect_success();
    bed.sudo("true").expect_ok();
    let [waits, goes_on, ran] = ["waits", "goes-on", "ran"].map(|name| bed.account.home.join(name));
    // The host stands still between the moment in which sudo is content and the one in which we hear of it.
    let wait =
        format!("touch {}; until test -e {}; do sleep 0.01; done\n", waits.display(), goes_on.display());
    fs::write(bed.sshd.home().join(".bashrc"), wait).unwrap();
    let command = format!("touch {}; sleep 600", ran.display());
    let arguments = json!({ "target": "web1", "command": command, "background": true });
    let job = bed.client.call("ssh_sudo_exec", arguments).text("job_id").to_owned();
    eventually("the slow host", || waits.exists().then_some(()));
    let connection = process::all()
        .find(|pid| process::command_line(*pid) == format!("sshd: {}@notty", bed.account.name))
        .unwrap();
    process::signal(connection, Signal::SIGSTOP);
    fs::write(&goes_on, "").unwrap();
    eventually("the shell that sudo starts", || {
        let words = |pid| process::command_line(pid);
        process::all()
            .any(|pid| words(pid).starts_with("/bin/sh -c s=;") && words(pid).contains(&command))
            .then_some(())
    });
    bed.client.call("ssh_stop", json!({ "id": job })).expect_ok();
    let reply = bed.client.call("ssh_output", json!({ "id": job }));
    assert!(reply.rendering().contains("stopped before the command was started"), "{:#}", reply.raw);
    process::signal(connection, Signal::SIGCONT);
    eventually("the end of all", || bed.world.remote_processes().is_empty().then_some(()));
    assert!(!ran.exists(), "it was run after all");
}

#[test]
fn a_function_or_alias_named_sudo_never_runs_in_its_place() {
    let Some(bed) = bed(&[ALL]) else { return };
    process::run(process::bare("usermod").args(["--shell", "/bin/bash", &bed.account.name]), b"")
        .expect_success();
    // In guarded mode defining such a function wants a confirmation; this is about what happens once it is there.
    bed.world.policy("mode = \"unrestricted\"\n");
    let session = bed.session();
    eventually("the new policy", || {
        let arguments = json!({ "session": session, "command": "f() { :; }" });
        (bed.client.call("ssh_exec", arguments).status() == "ok").then_some(())
    });
    let trap = bed.world.dir().join("trap");
    fs::create_dir(&trap).unwrap();
    process::run(process::bare("chmod").arg("777").arg(&trap), b"").expect_success();
    let caught = trap.join("caught");
    for name in ["sudo", "/usr/bin/sudo", "head", "/usr/bin/head", "command", "printf", "eval"] {
        let define =
            format!("function {name} {{ IFS= read -r line; printf '%s' \"$line\" >>{}; }}", caught.display());
        bed.exec(&session, &define);
    }
    bed.exec(&session, &format!("shopt -s expand_aliases; alias sudo='cat >>{}'", caught.display()));
    let reply = bed
        .client
        .call("ssh_sudo_exec", json!({ "session": session, "command": "id -u; pwd", "cwd": "/usr" }));
    assert_eq!(reply.expect_ok().text("stdout"), "0\n/usr\n");
    assert_eq!(bed.cache(&session, "warm"), "warm");
    assert!(!caught.exists(), "{}", fs::read_to_string(&caught).unwrap_or_default());
}

#[test]
fn the_cache_of_a_session_is_seen_filled_and_emptied() {
    let Some(bed) = bed(&[ALL]) else { return };
    for shell in ["/bin/sh", "/bin/bash", "/usr/bin/zsh", "/bin/ksh93", "/bin/mksh"] {
        process::run(process::bare("usermod").args(["--shell", shell, &bed.account.name]), b"")
            .expect_success();
        let session = bed.session();
        assert_eq!(bed.cache(&session, "check"), "needs_password", "{shell}");
        assert_eq!(bed.cache(&session, "warm"), "warm", "{shell}");
        assert_eq!(bed.cache(&session, "check"), "warm", "{shell}");
        assert_eq!(bed.exec(&session, "sudo -n id -u").text("stdout"), "0\n", "{shell}");
        assert_eq!(bed.cache(&session, "clear"), "cleared", "{shell}");
        assert_eq!(bed.cache(&session, "check"), "needs_password", "{shell}");
        bed.client.call("ssh_session_close", json!({ "session": session })).expect_ok();
    }
    bed.client
        .call("ssh_sudo_cache", json!({ "session": "none-such", "action": "check" }))
        .expect_code("session_not_found");
}

#[test]
fn the_policy_judges_what_sudo_would_run() {
    let Some(bed) = bed(&[ALL]) else { return };
    bed.world.policy(POLICY_THAT_FORBIDS);
    let client = bed.world.mcp();
    eventually("the new policy", || {
        let reply = client.call("ssh_sudo_exec", json!({ "target": "web1", "command": FORBIDDEN }));
        (reply.code() == "policy_blocked").then_some(())
    });
}

#[test]
fn the_command_line_runs_it_too() {
    let Some(bed) = bed(&[ALL]) else { return };
    let done = bed.world.run(&["exec", "web1", "--sudo", "--", "id", "-u"]);
    assert_eq!((done.code(), done.stdout.as_str()), (0, "0\n"), "{done:?}");
}
