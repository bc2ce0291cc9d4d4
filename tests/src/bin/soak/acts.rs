//! What a client of the soak does: one tool call, or a few that belong together, by chance.

use std::fs;
use std::path::PathBuf;

use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::World;
use serde_json::{Value, json};

use super::{Dice, Soak};

/// Bytes of a file that is written again and again, all of them the same.
const FILE: usize = 400_000;
/// Files that are written.
const FILES: u64 = 3;

/// What a client has open.
#[derive(Default)]
pub struct Open {
    sessions: Vec<String>,
    terminals: Vec<String>,
    jobs: Vec<String>,
}

fn pick(dice: &mut Dice, from: &[String]) -> Option<String> {
    (!from.is_empty()).then(|| from[dice.roll(from.len() as u64) as usize].clone())
}

/// Takes one out.
fn take(dice: &mut Dice, from: &mut Vec<String>) -> Option<String> {
    (!from.is_empty()).then(|| from.swap_remove(dice.roll(from.len() as u64) as usize))
}

fn file(world: &World, number: u64) -> PathBuf {
    world.dir().join(format!("soaked-{number}"))
}

/// The files that are not whole: a write replaces a file or leaves it.
pub fn broken(world: &World) -> Vec<String> {
    let whole = |content: &[u8]| content.len() == FILE && content.iter().all(|byte| *byte == content[0]);
    (0..FILES)
        .map(|number| file(world, number))
        .filter(|path| fs::read(path).is_ok_and(|content| !whole(&content)))
        .map(|path| format!("half written: {}", path.display()))
        .collect()
}

impl Soak<'_> {
    /// One act.
    pub fn act(&self, client: &McpClient, dice: &mut Dice, open: &mut Open) {
        match dice.roll(16) {
            0 => self.open_session(client, dice, open),
            1 => {
                let session = if dice.roll(2) == 0 { &mut open.sessions } else { &mut open.terminals };
                if let Some(session) = take(dice, session) {
                    self.call(client, "ssh_session_close", json!({ "session": session }));
                }
            }
            2 => {
                if let Some(job) = pick(dice, &open.jobs) {
                    self.call(client, "ssh_output", json!({ "id": job, "wait_s": 1 }));
                }
            }
            3 => {
                if let Some(job) = take(dice, &mut open.jobs) {
                    self.call(client, "ssh_stop", json!({ "id": job }));
                }
            }
            4 => drop(self.call(client, "ssh_list_active", json!({}))),
            5 => drop(self.call(client, "ssh_list_hosts", json!({}))),
            6 => {
                let pending = client.start("ssh_exec", self.command(dice, open));
                client.cancel(pending.id);
            }
            7 | 8 => self.type_something(client, dice, open),
            9 | 10 => self.touch_a_file(client, dice),
            11 if self.sudo => self.as_root(client, dice, open),
            _ => {
                let exec = self.command(dice, open);
                self.job(client, "ssh_exec", exec, open);
            }
        }
    }

    /// A call that may become a job.
    fn job(&self, client: &McpClient, tool: &str, arguments: Value, open: &mut Open) {
        if let Some(reply) = self.call(client, tool, arguments) {
            open.jobs.extend(Some(reply.text("job_id").to_owned()).filter(|job| !job.is_empty()));
        }
    }

    fn open_session(&self, client: &McpClient, dice: &mut Dice, open: &mut Open) {
        let terminal = dice.roll(2) == 0;
        let kind = if terminal { "terminal" } else { "shell" };
        let mut arguments = json!({ "target": "steady", "kind": kind, "idle_timeout_s": 20 });
        if dice.roll(3) == 0 {
            arguments["name"] = format!("shared-{kind}-{}", dice.roll(4)).into();
        }
        let opened = self.call(client, "ssh_session_open", arguments).filter(|reply| reply.status() == "ok");
        let list = if terminal { &mut open.terminals } else { &mut open.sessions };
        list.extend(opened.map(|reply| reply.text("session").to_owned()));
    }

    /// A command, on its own or in a session.
    fn command(&self, dice: &mut Dice, open: &Open) -> Value {
        let commands = [
            "true",
            "echo hello",
            "seq 1 20000",
            "sleep 0.3",
            "cat",
            "exit 3",
            "head -c 300000 /dev/urandom",
            "sleep 600",
        ];
        let mut exec = match pick(dice, &open.sessions) {
            Some(session) if dice.roll(2) == 0 => json!({ "session": session }),
            _ => json!({ "target": "steady" }),
        };
        exec["command"] = commands[dice.roll(commands.len() as u64) as usize].into();
        exec["timeout_s"] = 1.into();
        exec["background"] = (dice.roll(4) == 0).into();
        exec
    }

    fn type_something(&self, client: &McpClient, dice: &mut Dice, open: &mut Open) {
        let Some(session) = pick(dice, &open.terminals) else { return };
        let texts = ["echo hello", "seq 1 5000", "cat", "sleep 600", "exit"];
        let send = match dice.roll(3) {
            0 => json!({ "session": session, "keys": ["ctrl-c"], "wait_s": 1 }),
            1 => json!({ "session": session, "cols": 40 + dice.roll(100), "rows": 10 + dice.roll(40) }),
            _ => {
                let text = texts[dice.roll(texts.len() as u64) as usize];
                json!({ "session": session, "text": text, "wait_s": 1, "quiet_s": 0.1 })
            }
        };
        self.call(client, "ssh_session_send", send);
        let format = ["plain", "raw", "screen"][dice.roll(3) as usize];
        self.call(client, "ssh_session_read", json!({ "session": session, "format": format, "wait_s": 0 }));
    }

    fn touch_a_file(&self, client: &McpClient, dice: &mut Dice) {
        let remote = file(self.world, dice.roll(FILES));
        let letter = char::from(b'a' + dice.roll(26) as u8);
        let at = json!({ "target": "steady", "path": remote });
        let with = |more: Value| {
            let mut arguments = at.clone();
            arguments
                .as_object_mut()
                .expect("an object")
                .extend(more.as_object().cloned().unwrap_or_default());
            arguments
        };
        match dice.roll(4) {
            0 => {
                let content = letter.to_string().repeat(FILE);
                self.call(client, "ssh_file_write", with(json!({ "content": content, "mode": "overwrite" })));
            }
            1 => {
                let edits = json!([{ "regex": "(?s)^.*$", "new": letter.to_string().repeat(FILE) }]);
                self.call(client, "ssh_file_edit", with(json!({ "edits": edits })));
            }
            2 => drop(self.call(client, "ssh_file_read", with(json!({ "tail": 1 })))),
            _ => {
                let local = format!("got-{}", dice.roll(FILES));
                let get = json!({ "target": "steady", "remote_path": remote, "local_path": local, "overwrite": true });
                self.call(client, "ssh_download", get);
            }
        }
    }

    fn as_root(&self, client: &McpClient, dice: &mut Dice, open: &mut Open) {
        let commands = ["id -u", "cat", "exit 3", self.sleep.as_str()];
        let command = commands[dice.roll(commands.len() as u64) as usize];
        let background = dice.roll(3) == 0;
        let call = json!({ "target": "asked", "command": command, "timeout_s": 2, "background": background });
        self.job(client, "ssh_sudo_exec", call, open);
    }
}
