//! Random tool calls by 16 clients for a while, with a killed `sshd`, killed brokers and a paused remote in between;
//! at the end nothing may be left: no session, job, connection, descriptor or remote process.
//!
//! `sallyport-soak [SECONDS [SEED]]`, ten minutes by default. Exits 1 and says what was left, or which call was never
//! answered. A run's seed is printed; the order of events between clients is the scheduler's all the same.
#![expect(clippy::expect_used, reason = "a world that cannot be built must end the run, with the reason")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::{World, process, sshd::own_name};
use serde_json::{Value, json};

/// Clients at once.
const CLIENTS: u64 = 16;
/// How long an answer may take: longer than a dead peer takes to be noticed.
const PATIENCE: Duration = Duration::from_secs(120);
/// Descriptors the helper may have more at the end than after its first command: a pooled transport or two.
const SPARE: usize = 12;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<u64>().expect("a number"));
    let seconds = arguments.next().unwrap_or(600);
    let seed = arguments.next().unwrap_or_else(|| u64::from(std::process::id()));
    println!("soaking for {seconds} s, seed {seed}");
    let world = World::new();
    let one = world.ready_host("steady");
    let soak = Soak {
        world: &world,
        counts: Mutex::default(),
        unanswered: Mutex::default(),
        over: AtomicBool::new(false),
        calls: AtomicU64::new(0),
    };
    soak.call(&world.mcp(), "ssh_exec", json!({ "target": "steady", "command": "true" }));
    let before = descriptors(world.helper());
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let soak = &soak;
            scope.spawn(move || soak.client(Dice(seed.wrapping_mul(31).wrapping_add(number) | 1)));
        }
        scope.spawn(|| soak.trouble(Dice(seed | 1)));
        std::thread::sleep(Duration::from_secs(seconds));
        soak.over.store(true, Ordering::SeqCst);
    });
    soak.report();
    let left = soak.left(before);
    drop(one);
    left.iter().for_each(|sentence| eprintln!("{sentence}"));
    let unanswered = soak.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
    unanswered.iter().for_each(|sentence| eprintln!("{sentence}"));
    if left.is_empty() && unanswered.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Numbers that look random (xorshift64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

struct Soak<'a> {
    world: &'a World,
    /// Answers by tool and status or code.
    counts: Mutex<BTreeMap<String, u64>>,
    unanswered: Mutex<Vec<String>>,
    over: AtomicBool,
    calls: AtomicU64,
}

impl Soak<'_> {
    fn going(&self) -> bool {
        !self.over.load(Ordering::SeqCst)
    }

    /// One call and its answer; nothing when the client's server ended first.
    fn call(&self, client: &McpClient, tool: &str, arguments: Value) -> Option<sallyport_tests::mcp::Reply> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let pending = client.start(tool, arguments.clone());
        let began = Instant::now();
        let reply = loop {
            match pending.ready() {
                Some(reply) => break Some(reply),
                None if !process::alive(client.pid()) => break None,
                None if began.elapsed() > PATIENCE => {
                    let sentence = format!("no answer within {PATIENCE:?}: {tool} {arguments}");
                    self.unanswered.lock().unwrap_or_else(PoisonError::into_inner).push(sentence);
                    break None;
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        let outcome = reply.as_ref().map_or("the server ended".to_owned(), |reply| {
            if reply.code().is_empty() { reply.status().to_owned() } else { reply.code().to_owned() }
        });
        *self
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(format!("{tool} {outcome}"))
            .or_default() += 1;
        reply
    }

    /// One client after another: each makes some calls, and goes in one of the ways clients go.
    fn client(&self, mut dice: Dice) {
        while self.going() {
            let mut client = self.world.mcp();
            let mut sessions: Vec<String> = Vec::new();
            let mut jobs: Vec<String> = Vec::new();
            for _ in 0..dice.roll(40) + 5 {
                if !self.going() || !process::alive(client.pid()) {
                    break;
                }
                self.act(&client, &mut dice, &mut sessions, &mut jobs);
            }
            match dice.roll(3) {
                0 => client.kill(),
                _ => drop(client.close()),
            }
        }
    }

    fn act(&self, client: &McpClient, dice: &mut Dice, sessions: &mut Vec<String>, jobs: &mut Vec<String>) {
        let pick = |dice: &mut Dice, from: &[String]| {
            (!from.is_empty()).then(|| from[dice.roll(from.len() as u64) as usize].clone())
        };
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
        let command = commands[dice.roll(commands.len() as u64) as usize];
        let place = match pick(dice, sessions) {
            Some(session) if dice.roll(2) == 0 => json!({ "session": session }),
            _ => json!({ "target": "steady" }),
        };
        let mut exec = place;
        exec["command"] = command.into();
        exec["timeout_s"] = 1.into();
        exec["background"] = (dice.roll(4) == 0).into();
        match dice.roll(12) {
            0 => {
                let mut open = json!({ "target": "steady", "idle_timeout_s": 20 });
                if dice.roll(3) == 0 {
                    open["name"] = format!("shared-{}", dice.roll(4)).into();
                }
                let reply = self.call(client, "ssh_session_open", open);
                sessions.extend(
                    reply
                        .filter(|reply| reply.status() == "ok")
                        .map(|reply| reply.text("session").to_owned()),
                );
            }
            1 => {
                if let Some(session) = pick(dice, sessions) {
                    sessions.retain(|known| *known != session);
                    self.call(client, "ssh_session_close", json!({ "session": session }));
                }
            }
            2 => {
                if let Some(job) = pick(dice, jobs) {
                    self.call(client, "ssh_output", json!({ "id": job, "wait_s": 1 }));
                }
            }
            3 => {
                if let Some(job) = pick(dice, jobs) {
                    jobs.retain(|known| *known != job);
                    self.call(client, "ssh_stop", json!({ "id": job }));
                }
            }
            4 => drop(self.call(client, "ssh_list_active", json!({}))),
            5 => drop(self.call(client, "ssh_list_hosts", json!({}))),
            6 => {
                let pending = client.start("ssh_exec", exec);
                client.cancel(pending.id);
            }
            _ => {
                if let Some(reply) = self.call(client, "ssh_exec", exec) {
                    jobs.extend(Some(reply.text("job_id").to_owned()).filter(|job| !job.is_empty()));
                }
            }
        }
    }

    /// Now and then the server's connections are cut, or stand still for some seconds.
    fn trouble(&self, mut dice: Dice) {
        while self.going() {
            std::thread::sleep(Duration::from_secs(5 + dice.roll(10)));
            let connections: Vec<i32> = process::all()
                .filter(|pid| process::command_line(*pid).starts_with(&format!("sshd: {}", own_name())))
                .filter(|pid| self.ours(*pid))
                .collect();
            let Some(pid) = connections.get(dice.roll(connections.len().max(1) as u64) as usize) else {
                continue;
            };
            if dice.roll(2) == 0 {
                process::signal(*pid, Signal::SIGKILL);
            } else {
                process::signal(*pid, Signal::SIGSTOP);
                std::thread::sleep(Duration::from_secs(3));
                process::signal(*pid, Signal::SIGCONT);
            }
        }
    }

    /// Whether a connection's process belongs to the server of this world: that names our files in its title.
    fn ours(&self, pid: i32) -> bool {
        let files = self.world.dir().display().to_string();
        process::all()
            .filter(|server| {
                process::command_line(*server).contains(&files)
                    && process::command_line(*server).contains("sshd")
            })
            .any(|server| process::descendants(server).contains(&pid))
    }

    fn report(&self) {
        println!("{} calls", self.calls.load(Ordering::Relaxed));
        for (what, count) in self.counts.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            println!("{count:8}  {what}");
        }
    }

    /// What is still there a while after the last client went, a sentence each.
    fn left(&self, before: usize) -> Vec<String> {
        let began = Instant::now();
        loop {
            let left = self.now_left(before);
            // Named sessions wait for their idle timeout.
            if left.is_empty() || began.elapsed() > Duration::from_secs(60) {
                return left;
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn now_left(&self, before: usize) -> Vec<String> {
        let mut left = Vec::new();
        let status = self.world.run(&["status", "--json"]);
        let status: Value = serde_json::from_str(&status.stdout).unwrap_or_default();
        for what in ["sessions", "jobs"] {
            if status[what] != 0 {
                left.push(format!("{what} left: {}", status[what]));
            }
        }
        left.extend(
            self.world.remote_processes().iter().map(|process| format!("left running: {}", process.command)),
        );
        let now = descriptors(self.world.helper());
        if now > before + SPARE {
            left.push(format!("the helper has {now} descriptors, {before} at the start"));
        }
        left
    }
}

/// How many descriptors a process has open. A helper that hides them is read by root alone.
fn descriptors(pid: Option<i32>) -> usize {
    pid.and_then(|pid| std::fs::read_dir(format!("/proc/{pid}/fd")).ok()).map_or(0, Iterator::count)
}
