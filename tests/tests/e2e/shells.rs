//! Shell sessions with every login shell people have, and commands that do to a shell what commands do.

use std::path::Path;

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::{Account, Sshd, SshdOptions, World, account, eventually, process};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-horse-battery";

struct Bed {
    client: McpClient,
    account: Account,
    sshd: Sshd,
    world: World,
}

fn bed(login_shell: &str) -> Option<Bed> {
    if !account::possible() {
        println!("skipped: only root can make accounts");
        return None;
    }
    let world = World::new();
    let sshd = world.sshd_with(&SshdOptions { passwords: true, ..SshdOptions::default() });
    let account = world.account(PASSWORD);
    // Much of what a shell does to itself wants a confirmation in guarded mode; here it is to happen.
    world.policy("mode = \"unrestricted\"\n");
    world.host("web1", &sshd, login_shell);
    world.trust(&sshd);
    world.record("ssh", &sshd.place(), &account.name, "password", PASSWORD.as_bytes());
    Some(Bed { client: world.mcp(), account, sshd, world })
}

impl Bed {
    /// Makes `shell` the account's login shell; false, with a sentence, where it is not installed.
    fn login_shell(&self, shell: &str) -> bool {
        if !Path::new(shell).exists() {
            println!("skipped: there is no {shell} here");
            return false;
        }
        process::run(process::bare("usermod").args(["--shell", shell, &self.account.name]), b"")
            .expect_success();
        // sshd looks the account up when it logs in, and never again.
        self.sshd.cut();
        let name = shell.rsplit('/').next().unwrap_or_default();
        let told = self.client.call("ssh_exec", json!({ "target": "web1", "command": "echo \"$SHELL\"" }));
        assert!(told.expect_ok().text("stdout").trim_end().ends_with(name), "the login shell is {shell}");
        true
    }

    fn open(&self) -> String {
        self.client
            .call("ssh_session_open", json!({ "target": "web1" }))
            .expect_ok()
            .text("session")
            .to_owned()
    }

    fn run(&self, session: &str, command: &str) -> Reply {
        self.client.call("ssh_exec", json!({ "session": session, "command": command })).expect_ok()
    }

    /// The shells a session runs in itself: those of the system, and busybox under the name of its shell.
    fn shells(&self) -> Vec<String> {
        let ash = self.world.dir().join("ash");
        if Path::new("/usr/bin/busybox").exists() {
            std::os::unix::fs::symlink("/usr/bin/busybox", &ash).unwrap();
        }
        ["/bin/sh", "/bin/bash", "/usr/bin/zsh", "/bin/ksh93", "/bin/mksh", ash.to_str().unwrap()]
            .map(str::to_owned)
            .into()
    }
}

#[test]
fn openings_of_one_name_at_once_have_one_session_or_all_fail() {
    let Some(bed) = bed("") else { return };
    let slow = bed.world.dir().join("slow");
    std::fs::create_dir(&slow).unwrap();
    let shell = slow.join("bash");
    std::fs::write(&shell, "#!/bin/sh\nsleep 0.5; exec /bin/bash \"$@\"\n").unwrap();
    process::run(process::bare("chmod").arg("755").arg(&shell), b"").expect_success();
    assert!(bed.login_shell(shell.to_str().unwrap()));
    let open = |more: Value| {
        let mut arguments = json!({ "target": "web1" });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        bed.client.start("ssh_session_open", arguments)
    };
    let (first, second) = (open(json!({ "name": "one" })), open(json!({ "name": "one" })));
    let second = second.wait().expect_ok();
    assert_eq!(bed.run("one", "echo on").text("stdout"), "on\n", "whoever has an answer can go on");
    let created = [&first.wait().expect_ok()["created"], &second["created"]].map(|created| *created == true);
    assert_ne!(created[0], created[1]);
    for reply in [0; 3].map(|_| open(json!({ "name": "none", "cwd": "/nowhere" }))) {
        // Of its own, or of the one that was opening it.
        let code = reply.wait().code().to_owned();
        assert!(["invalid_argument", "ssh_connection_failed"].contains(&code.as_str()), "{code}");
    }
    let run = json!({ "session": "none", "command": "true" });
    bed.client.call("ssh_exec", run).expect_code("session_not_found");
    eventually("no child of it", || (bed.world.remote_processes().len() == 1).then_some(()));
}

#[test]
fn in_every_shell_a_session_outlives_what_commands_do_to_it() {
    let Some(bed) = bed("") else { return };
    // More than a pipe holds: shells hand that over in another way.
    let long = "0123456789\n".repeat(8000) + "last";
    for shell in bed.shells().iter().filter(|shell| bed.login_shell(shell)) {
        let session = bed.open();
        let out = |command: &str| bed.run(&session, command).text("stdout").to_owned();
        assert_eq!(out("cat; echo end"), "end\n", "{shell}: input is empty");
        assert_eq!(out("read x; echo \"<$x>\""), "<>\n", "{shell}: and never the next command");
        assert_eq!(out("printf 'no newline'"), "no newline", "{shell}");
        assert_eq!(out("printf '\\000\\377\\n'"), "\0\\xff\n", "{shell}: binary");
        assert_eq!(out("sleep 600 & echo now"), "now\n", "{shell}: a child in the background");
        assert_eq!(out("cd /usr; v=kept; f() { echo \"f $v\"; }; pwd"), "/usr\n", "{shell}");
        assert_eq!(out("f; pwd"), "f kept\n/usr\n", "{shell}: it all stays");
        assert_eq!(out("PS1=x PS2=y PS4=z IFS=0123456789; echo fine"), "fine\n", "{shell}");
        assert_eq!(bed.run(&session, "(exit 10)")["exit_code"], 10, "{shell}: whatever IFS is");
        assert_eq!(
            out("unset IFS; exec 8>&- 9>&-; echo here"),
            "here\n",
            "{shell}: the marks are not its business"
        );
        assert_eq!(out("trap 'echo caught' USR1; kill -USR1 $$; echo on"), "caught\non\n", "{shell}");
        assert_eq!(out("exec >/dev/null; echo hidden"), "", "{shell}");
        assert_eq!(out("echo still hidden"), "", "{shell}: what it did to its output stays");
        assert_eq!(bed.run(&session, "echo err >&2").text("stderr"), "err\n", "{shell}");
        for input in
            ["it's $input\nlast", "it's $input\nlast\n", "\\", "\n", "a\\\nb'\"`c`", "\0", "a\0\n", &long]
        {
            let command = "v=set; cat >&2; printf end >&2";
            let arguments =
                json!({ "session": session, "command": command, "stdin": input, "max_chars": 100_000 });
            let told = bed.client.call("ssh_exec", arguments);
            assert_eq!(told.text("stderr"), format!("{input}end"), "{shell}: {:#}", told.raw);
            assert_eq!(bed.run(&session, "echo \"$v\" >&2; unset v").text("stderr"), "set\n", "{shell}");
        }
        bed.client.call("ssh_session_close", json!({ "session": session })).expect_ok();
        eventually("no child of it", || bed.world.remote_processes().is_empty().then_some(()));
    }
}

#[test]
fn in_every_shell_a_command_that_ends_the_shell_says_so_and_how() {
    let Some(bed) = bed("") else { return };
    for shell in bed.shells().iter().filter(|shell| bed.login_shell(shell)) {
        let table: [(&str, Value); 7] = [
            ("ulimit -c 0; kill -BUS $$", Value::Null),
            ("exit 3", json!(3)),
            ("exec true", json!(0)),
            ("kill -9 $$", Value::Null),
            ("set -e; false; echo never", json!(1)),
            ("echo last; exec 2>&1; exit 4", json!(4)),
            // What holds the output open does not hold up the news.
            ("sleep 600 & exit 5", json!(5)),
        ];
        for (command, code) in table {
            let session = bed.open();
            let reply = bed.run(&session, command);
            assert_eq!(reply["exit_code"], code, "{shell}: {command}: {:#}", reply.raw);
            assert!(reply.text("session_ended").contains("the shell"), "{shell}: {command}: {:#}", reply.raw);
            assert!(!reply.text("session_ended").contains('@'), "{shell}: {command}: {:#}", reply.raw);
            let next = bed.client.call("ssh_exec", json!({ "session": session, "command": "true" }));
            next.expect_code("session_not_found");
        }
        let session = bed.open();
        let reply = bed.run(&session, "if then");
        assert_ne!(reply["exit_code"], 0, "{shell}: {:#}", reply.raw);
        assert!(!reply.text("stderr").is_empty(), "{shell}: {:#}", reply.raw);
    }
}

#[test]
fn what_outlives_a_stop_is_not_said_to_be_gone() {
    let Some(bed) = bed("") else { return };
    let stop = |command: &str| {
        let arguments = json!({ "target": "web1", "command": command, "background": true });
        let job = bed.client.call("ssh_exec", arguments).text("job_id").to_owned();
        let all = || bed.world.running("sleep 600");
        eventually("the command", || (all() == command.matches("sleep").count()).then_some(()));
        let reply = bed.client.call("ssh_stop", json!({ "id": job })).expect_ok();
        (reply["stopped"].clone(), all())
    };
    assert_eq!(stop("sleep 600"), (json!(true), 0));
    // A child in the background of a shell that is not interactive ignores INT, and sshd signals nothing once the
    // shell is gone.
    assert_eq!(stop("sleep 600 & sleep 600"), (json!(false), 1));
}

/// What a command may define or switch off without the session's noticing.
const HARMLESS: [&str; 28] = [
    "printf() { :; }",
    "read() { :; }",
    "eval() { :; }",
    "trap() { :; }; kill() { :; }; exec() { :; }",
    "alias printf=false eval=false read=false command=false builtin=false",
    "printf() { echo mine; }; alias echo='echo aliased'",
    "set -o posix",
    "readonly IFS",
    "IFS=0123456789",
    "PS4='$(exit 3)'; PS1= PS2=",
    "unset -f __s __e",
    "__a=1 __b=2; readonly __c=3",
    "typeset -i __c __n",
    "PATH=/nowhere",
    "set -o history; set -H",
    "trap 'true' EXIT",
    "trap 'echo failed' ERR",
    "trap 'true' DEBUG",
    "trap '' INT TERM HUP",
    "stty -echo",
    "exec 2>&-",
    "exec >&-",
    "exec 8>&- 9>&-; exec 8>/dev/null 9>/dev/null",
    "sleep 600 &",
    "cat <<END\nnever ended",
    "set -f -u; umask 077; cd /",
    "head -c 100000 /dev/zero",
    "true; # a comment",
];

#[test]
fn in_every_shell_a_session_goes_on_whatever_its_commands_define_or_switch_off() {
    let Some(bed) = bed("") else { return };
    for shell in bed.shells().iter().filter(|shell| bed.login_shell(shell)) {
        for command in HARMLESS {
            let session = bed.open();
            let reply = bed.run(&session, command);
            // A shell may end over what it takes for an error (dash does for a function named eval), and says so.
            if reply["session_ended"] != Value::Null {
                assert!(
                    reply.text("session_ended").contains("exited with code"),
                    "{shell}: {command}: {:#}",
                    reply.raw
                );
                continue;
            }
            let next = bed.run(&session, "(exit 7)");
            assert_eq!(next["exit_code"], 7, "{shell}: {command}: {:#}", next.raw);
            // zsh ends over a redirection to what is closed.
            let last = if command.contains("2>&-") { "v=1" } else { "v=1; echo \"<$v>\" >&2" };
            let variable = bed.run(&session, last);
            assert!(
                last == "v=1" || variable.text("stderr").contains("<1>"),
                "{shell}: {command}: {:#}",
                variable.raw
            );
            bed.client.call("ssh_session_close", json!({ "session": session })).expect_ok();
        }
    }
}

#[test]
fn a_mistake_in_a_command_ends_no_session_but_those_of_mksh() {
    let Some(bed) = bed("") else { return };
    for shell in bed.shells().iter().filter(|shell| !shell.ends_with("mksh") && bed.login_shell(shell)) {
        let session = bed.open();
        bed.run(&session, "v=kept");
        for command in ["echo \"open", "if then", "shift 99", ". /nowhere/to/be/found", "set -o no-such"] {
            let reply = bed.run(&session, command);
            assert_eq!(reply["session_ended"], Value::Null, "{shell}: {command}: {:#}", reply.raw);
            assert_ne!(reply["exit_code"], 0, "{shell}: {command}: {:#}", reply.raw);
            let next = json!({ "session": session, "command": "echo $v" });
            let next = bed.client.call("ssh_exec", next);
            assert_eq!(next["stdout"], "kept\n", "{shell}: {command}: {:#}", next.raw);
        }
    }
}

#[test]
fn what_a_shell_is_told_about_quotes_makes_no_command_of_quoted_text_or_input() {
    let Some(bed) = bed("") else { return };
    let caught = bed.world.dir().join("caught");
    for (shell, option) in
        [("/usr/bin/zsh", "set -o cshjunkiequotes"), ("/bin/bash", "set -o history; set -H")]
    {
        if !bed.login_shell(shell) {
            continue;
        }
        let session = bed.open();
        bed.run(&session, option);
        let lines = format!("a\n!!\ntouch {}\n'\nb", caught.display());
        for input in [lines.clone(), format!("{lines}\n")] {
            let arguments = json!({ "session": session, "command": "cat", "stdin": input });
            assert_eq!(bed.client.call("ssh_exec", arguments).expect_ok().text("stdout"), input, "{shell}");
        }
        let quoted = format!(": 'x\n\u{fc} !!\ntouch {}\ny'", caught.display());
        bed.run(&session, &quoted);
        assert_eq!(bed.run(&session, "echo on").text("stdout"), "on\n", "{shell}");
        assert!(!caught.exists(), "{shell}");
    }
}

#[test]
fn in_every_shell_a_session_that_can_no_longer_tell_its_commands_ends_says_so() {
    let Some(bed) = bed("") else { return };
    for shell in bed.shells().iter().filter(|shell| bed.login_shell(shell)) {
        let zsh = shell.ends_with("zsh");
        let table = match (zsh, shell.ends_with("bash")) {
            (true, _) => ["builtin() { :; }", "disable printf"],
            (_, true) => ["builtin() { :; }", "enable -n printf"],
            (false, false) => ["command() { :; }", "command() { return 9; }; echo defined"],
        };
        for command in table {
            let session = bed.open();
            let reply = bed.run(&session, command);
            assert!(
                reply.text("session_ended").contains("no longer tells when its commands end"),
                "{shell}: {command}: {:#}",
                reply.raw
            );
            let next = bed.client.call("ssh_exec", json!({ "session": session, "command": "true" }));
            next.expect_code("session_not_found");
        }
    }
}

#[test]
fn a_bash_that_cannot_take_a_command_runs_none_of_it() {
    let Some(bed) = bed("") else { return };
    if !bed.login_shell("/bin/bash") {
        return;
    }
    let session = bed.open();
    bed.run(&session, "enable -n read");
    let reply = bed.run(&session, "first\necho leaked\necho leaked >&2");
    assert!(!reply["session_ended"].is_null(), "{:#}", reply.raw);
    assert!(!reply.raw.to_string().contains("leaked"), "{:#}", reply.raw);
}

#[test]
fn a_shell_that_is_told_to_run_nothing_any_more_times_out_and_is_stopped() {
    let Some(bed) = bed("") else { return };
    for shell in bed.shells().iter().filter(|shell| bed.login_shell(shell)) {
        for command in ["set -n", "kill -STOP $$", "exec sleep 600", "while :; do :; done"] {
            let session = bed.open();
            let arguments = json!({ "session": session, "command": command, "timeout_s": 1 });
            let reply = bed.client.call("ssh_exec", arguments);
            if reply.status() == "ok" {
                // Some shells leave `set -n` alone inside `eval`.
                continue;
            }
            assert_eq!(reply.status(), "timeout", "{shell}: {command}: {:#}", reply.raw);
            let other = bed.client.call("ssh_exec", json!({ "target": "web1", "command": "echo other" }));
            assert_eq!(other.expect_ok().text("stdout"), "other\n", "{shell}: nobody waits for it");
            let stop = json!({ "id": reply.text("job_id") });
            let stopped = bed.client.call("ssh_stop", stop).expect_ok();
            assert_eq!(stopped["stopped"], true, "{shell}: {command}: {:#}", stopped.raw);
            bed.client.call("ssh_session_close", json!({ "session": session }));
        }
        eventually("no child of it", || bed.world.remote_processes().is_empty().then_some(()));
    }
}

#[test]
fn a_long_command_leaves_nothing_of_how_its_end_is_watched_for() {
    let Some(bed) = bed("") else { return };
    for shell in bed.shells().iter().filter(|shell| bed.login_shell(shell)) {
        let session = bed.open();
        let long = bed.run(&session, "sleep 2.3; echo out; echo err >&2; (exit 5)");
        assert_eq!(
            (long.text("stdout"), long.text("stderr"), &long["exit_code"]),
            ("out\n", "err\n", &json!(5)),
            "{shell}"
        );
        let next = bed.run(&session, "set -e; echo next");
        assert_eq!((next.text("stdout"), next.text("stderr")), ("next\n", ""), "{shell}: {:#}", next.raw);
        let long = bed.run(&session, "sleep 2.3");
        assert_eq!((&long["exit_code"], &long["session_ended"]), (&json!(0), &Value::Null), "{shell}");
        assert_eq!(bed.run(&session, "echo on").text("stdout"), "on\n", "{shell}: with errexit on, too");
        bed.client.call("ssh_session_close", json!({ "session": session })).expect_ok();
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_only_a_long_answer() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let client = world.mcp();
    let session =
        client.call("ssh_session_open", json!({ "target": "web1" })).expect_ok().text("session").to_owned();
    let command = "head -c 100000000 /dev/zero | tr '\\0' x";
    let reply = client
        .start_with_progress(
            "ssh_exec",
            json!({ "session": session, "command": command, "timeout_s": 600 }),
            "long",
        )
        .wait()
        .expect_ok();
    assert_eq!((&reply["truncated"], &reply["exit_code"]), (&json!(true), &json!(0)));
    let next = client.call("ssh_exec", json!({ "session": session, "command": "echo next" })).expect_ok();
    assert_eq!(next.text("stdout"), "next\n");
}

#[test]
fn fish_and_csh_accounts_get_a_posix_shell() {
    for (shell, name) in [("/usr/bin/fish", "fish"), ("/usr/bin/tcsh", "csh")] {
        let Some(bed) = bed(&format!("login_shell = \"{name}\"")) else { return };
        if !bed.login_shell(shell) {
            continue;
        }
        let awkward = "x='it'\"'\"'s \\ !2 $HOME'; for i in 1 2; do\n  printf '%s\\n' \"$i $x\" # a comment\ndone; exit 5";
        let expected = "1 it's \\ !2 $HOME\n2 it's \\ !2 $HOME\n";
        let reply = bed.client.call("ssh_exec", json!({ "target": "web1", "command": awkward })).expect_ok();
        assert_eq!(
            (reply.text("stdout"), &reply["exit_code"]),
            (expected, &json!(5)),
            "{shell}: {:#}",
            reply.raw
        );
        let session = bed.open();
        let reply = bed.run(&session, awkward.trim_end_matches("; exit 5"));
        assert_eq!(reply.text("stdout"), expected, "{shell}");
    }
}
