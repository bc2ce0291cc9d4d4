//! The conversation: what a model asks over MCP, what comes back, and what a person does in between.

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::terminal;
use serde_json::{Value, json};

use crate::Step;
use crate::scene::{HOST, Scene};
use crate::screen::{Kind, Screen};

/// The command that the policy never lets through. It is judged here, never sent.
const NEVER: &str = "rm -rf /";

/// All of it, in order.
pub fn whole(scene: &Scene, screen: &Screen) -> Step {
    screen.say("From here on a model talks to `sallyport serve` over MCP, as Claude Code or Codex would.");
    let client = scene.world.mcp();
    hosts(&client, screen)?;
    command(&client, screen)?;
    session(&client, screen)?;
    confirmation(scene, &client, screen)?;
    blocked(&client, screen)?;
    redaction(scene, &client, screen)?;
    let (status, errors) = client.close();
    check(status.success(), &format!("the server ended with {status}: {errors}"))
}

fn hosts(client: &McpClient, screen: &Screen) -> Step {
    screen.step(2, "The model asks which hosts there are");
    screen.model("ssh_list_hosts");
    let reply = done(client.call("ssh_list_hosts", json!({})))?;
    let host = &reply["hosts"][0];
    check(host["alias"] == HOST, "the host is not listed")?;
    screen.answer(
        Kind::Good,
        &format!("{HOST} at {}, tagged {}", plain(&host["hostname"]), plain(&host["tags"][0])),
    );
    Ok(())
}

fn command(client: &McpClient, screen: &Screen) -> Step {
    screen.step(3, "It runs a command; exit code and both streams come back apart");
    let line = "echo \"hello from $(uname -s)\"; echo oops >&2; exit 3";
    screen.model(&format!("ssh_exec {HOST}: {line}"));
    let reply = done(client.call("ssh_exec", json!({ "target": HOST, "command": line })))?;
    let (out, err, code) = (reply.text("stdout"), reply.text("stderr"), &reply["exit_code"]);
    check(
        out.starts_with("hello from ") && err == "oops\n" && *code == 3,
        &format!("an odd answer: {:#}", reply.raw),
    )?;
    screen.answer(Kind::Good, &format!("stdout: {}\nstderr: {}\nexit code: {code}", out.trim(), err.trim()));
    Ok(())
}

fn session(client: &McpClient, screen: &Screen) -> Step {
    screen.step(4, "A session remembers where it is");
    screen.model(&format!("ssh_session_open {HOST}"));
    let session =
        done(client.call("ssh_session_open", json!({ "target": HOST })))?.text("session").to_owned();
    for (line, expected) in
        [("cd project && word=kept", ""), ("basename \"$PWD\"; echo $word", "project\nkept\n")]
    {
        screen.model(&format!("ssh_exec in {session}: {line}"));
        let reply = done(client.call("ssh_exec", json!({ "session": session, "command": line })))?;
        check(reply.text("stdout") == expected, &format!("an odd answer: {:#}", reply.raw))?;
        screen.answer(Kind::Good, if expected.is_empty() { "(done)" } else { expected });
    }
    done(client.call("ssh_session_close", json!({ "session": session }))).map(drop)
}

fn confirmation(scene: &Scene, client: &McpClient, screen: &Screen) -> Step {
    screen.step(5, "What destroys needs a person");
    let mut arguments = json!({ "target": HOST, "command": "rm -r project/build" });
    screen.model(&format!("ssh_exec {HOST}: rm -r project/build"));
    let reply = client.call("ssh_exec", arguments.clone());
    check(reply.status() == "needs_confirmation", &format!("it did not wait for a person: {:#}", reply.raw))?;
    let build = scene.remote.join("project/build");
    check(build.exists(), "the folder was removed before anyone agreed")?;
    let id = reply["confirmation"]["id"].as_str().unwrap_or_default().to_owned();
    screen.answer(
        Kind::Waits,
        &format!("{}\n{}", plain(&reply["confirmation"]["reason"]), plain(&reply["confirmation"]["how"])),
    );
    screen.person(&format!("sallyport approve {id}"));
    let approved = terminal::run(&scene.world.sallyport(&["approve", &id]), &[("[y/N]", "y\n")]);
    check(approved.status.success(), &format!("approve failed: {}", approved.stdout))?;
    screen.answer(Kind::Good, approved.stdout.replace('\r', "").trim());
    screen.model("the same call again, with the confirmation's id");
    arguments["confirmation_id"] = json!(id);
    let reply = done(client.call("ssh_exec", arguments))?;
    check(reply["exit_code"] == 0 && !build.exists(), &format!("it was not done: {:#}", reply.raw))?;
    screen.answer(Kind::Good, "exit code: 0, the folder is gone");
    Ok(())
}

fn blocked(client: &McpClient, screen: &Screen) -> Step {
    screen.step(6, "Some things nobody can confirm (this one is only judged here, never sent)");
    screen.model(&format!("ssh_check_command {HOST}: {NEVER}"));
    let reply = client.call("ssh_check_command", json!({ "target": HOST, "command": NEVER }));
    check(reply.text("verdict") == "block", &format!("it was not blocked: {:#}", reply.raw))?;
    screen.answer(Kind::Refused, &format!("{}: {}", reply.text("verdict"), reply.text("reason")));
    Ok(())
}

fn redaction(scene: &Scene, client: &McpClient, screen: &Screen) -> Step {
    screen.step(7, "A secret that a host prints does not reach the model");
    screen.say("Someone left a copy of the private key in notes.txt on the host.");
    screen.model(&format!("ssh_exec {HOST}: cat notes.txt"));
    let reply = done(client.call("ssh_exec", json!({ "target": HOST, "command": "cat notes.txt" })))?;
    let everything = reply.raw.to_string();
    let leaked =
        scene.key.lines().filter(|line| !line.starts_with("-----")).any(|line| everything.contains(line));
    let out = reply.text("stdout");
    check(!leaked, "the key came back")?;
    check(
        out.contains("do not lose this:") && out.contains("end of notes"),
        &format!("too little came back: {out}"),
    )?;
    screen.answer(Kind::Good, out);
    Ok(())
}

/// The reply of a call that has to have gone well.
fn done(reply: Reply) -> Result<Reply, String> {
    check(reply.status() == "ok", &format!("an odd answer: {:#}", reply.raw)).map(|()| reply)
}

fn plain(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn check(held: bool, otherwise: &str) -> Step {
    if held { Ok(()) } else { Err(otherwise.to_owned()) }
}
