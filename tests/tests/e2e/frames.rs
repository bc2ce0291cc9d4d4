//! What stands around a command in a shell session, and that no command can reach it.

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::World;
use serde_json::json;

struct Session {
    client: McpClient,
    id: String,
}

impl Session {
    fn open(world: &World) -> Self {
        world.policy("mode = \"unrestricted\"\n");
        let client = world.mcp();
        let id = client
            .call("ssh_session_open", json!({ "target": "web1" }))
            .expect_ok()
            .text("session")
            .to_owned();
        Self { client, id }
    }

    fn run(&self, command: &str) -> Reply {
        self.client.call("ssh_exec", json!({ "session": self.id, "command": command })).expect_ok()
    }
}

#[test]
fn commands_of_any_letters_lines_and_length_come_through_whole() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let session = Session::open(&world);
    let long = "x".repeat(30_000);
    for text in
        ["it's", "größe ✓ 日本", "back\\slash $HOME `x` \"q\"", "two\nlines", " spaces  around ", &long]
    {
        let quoted = format!("printf %s '{}'", text.replace('\'', r"'\''"));

        let counted = session.run(&format!("{quoted} | wc -c"));
        assert_eq!(counted.text("stdout").trim(), text.len().to_string());
    }
    let document = session.run("cat <<END\na $((1 + 1)) b\nEND\nprintf 'no line end'");
    assert_eq!(document.text("stdout"), "a 2 b\nno line end");
}

#[test]
fn what_runs_between_commands_cannot_be_replaced_by_a_command() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let session = Session::open(&world);
    for name in ["__s", "__e"] {
        let redefined = session.run(&format!("{name}() {{ echo owned; }}"));
        assert_ne!(redefined["exit_code"], 0, "{name} stays what it is: {:#}", redefined.raw);
        session.run(&format!("unset -f {name}"));
        let next = session.run("echo $((6 * 7))");
        assert_eq!((next.text("stdout"), next.text("stderr"), &next["exit_code"]), ("42\n", "", &json!(0)));
    }
}

#[test]
fn a_shell_that_shows_what_it_runs_does_not_end_a_command_early() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let session = Session::open(&world);
    for switch in ["set -x", "set -v", "set -xv"] {
        session.run(switch);
        let traced = session.run("echo one; echo two >&2; (exit 3)");
        assert_eq!(
            (traced.text("stdout"), &traced["exit_code"]),
            ("one\n", &json!(3)),
            "{switch}: {:#}",
            traced.raw
        );
        assert!(traced.text("stderr").contains("two\n"), "{switch}: {:#}", traced.raw);
        let with_input = json!({ "session": session.id, "command": "cat; echo end >&2", "stdin": "input\n" });
        let with_input = session.client.call("ssh_exec", with_input).expect_ok();
        assert_eq!(with_input.text("stdout"), "input\n", "{switch}: {:#}", with_input.raw);
        assert!(with_input.text("stderr").contains("end\n"), "{switch}: {:#}", with_input.raw);
    }
    session.run("set +xv");
    assert_eq!(session.run("echo still here").text("stdout"), "still here\n");
}

#[test]
fn a_command_does_not_see_the_descriptors_of_its_end_marks() {
    let world = World::new();
    let _sshd = world.ready_host("web1");
    let session = Session::open(&world);
    let seen = session.run(
        "test -e /proc/self/fd/8 || test -e /proc/self/fd/9; echo $?; sh -c 'echo x >&8' || echo closed",
    );
    assert_eq!(seen.text("stdout"), "1\nclosed\n", "{:#}", seen.raw);
}
