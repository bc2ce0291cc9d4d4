//! Random tool calls by 16 clients for a while (commands, sessions, terminals, jobs, sudo, files), with an `sshd` that
//! goes down and comes up, cut connections, killed brokers and a paused remote in between; at the end nothing may be
//! left: no session, job, connection, descriptor, remote process or half a file.
//!
//! `sallyport-soak [SECONDS [SEED]]`, ten minutes by default. Exits 1 and says what was left, or which call was never
//! answered. A run's seed is printed; the order of events between clients is the scheduler's all the same.
#![expect(clippy::expect_used, reason = "a world that cannot be built must end the run, with the reason")]

mod acts;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use sallyport_tests::mcp::McpClient;
use sallyport_tests::world::{Sshd, SshdOptions, World, account, process, sshd::own_name};
use serde_json::{Value, json};

/// Clients at once.
const CLIENTS: u64 = 16;
/// How long an answer may take: longer than a dead peer takes to be noticed.
const PATIENCE: Duration = Duration::from_secs(120);
/// Descriptors, pooled transports aside, that the helper may have more at the end than after its first command.
const SPARE: usize = 4;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<u64>().expect("a number"));
    let seconds = arguments.next().unwrap_or(600);
    let seed = arguments.next().unwrap_or_else(|| u64::from(std::process::id()));
    println!("soaking for {seconds} s, seed {seed}");
    let world = World::new();
    let mut sshd = hosts(&world);
    let soak = Soak {
        world: &world,
        sudo: account::possible(),
        sleep: format!("sleep 6{}", std::process::id()),
        counts: Mutex::default(),
        unanswered: Mutex::default(),
        over: AtomicBool::new(false),
        calls: AtomicU64::new(0),
    };
    soak.call(&world.mcp(), "ssh_exec", json!({ "target": "steady", "command": "true" }));
    let before = soak.descriptors(&soak.status());
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let soak = &soak;
            scope.spawn(move || soak.client(Dice(seed.wrapping_mul(31).wrapping_add(number) | 1)));
        }
        let (soak, sshd) = (&soak, &mut sshd);
        scope.spawn(move || soak.trouble(Dice(seed | 1), sshd));
        std::thread::sleep(Duration::from_secs(seconds));
        soak.over.store(true, Ordering::SeqCst);
    });
    soak.stop_what_waits();
    soak.report();
    let left = soak.left(before);
    drop(sshd);
    left.iter().for_each(|sentence| eprintln!("{sentence}"));
    let unanswered = soak.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
    unanswered.iter().for_each(|sentence| eprintln!("{sentence}"));
    if left.is_empty() && unanswered.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The server, by two names: `steady` is logged in to with a key, `asked` as an account whose sudo asks for a password.
fn hosts(world: &World) -> Sshd {
    const PASSWORD: &str = "Tr0ub4dor-and-9-mules";
    let sshd = world.sshd_with(&SshdOptions { passwords: true, ..SshdOptions::default() });
    let key = world.key("ed25519", None);
    sshd.authorize(&key);
    world.record("ssh", &sshd.place(), &own_name(), "key", key.private().as_bytes());
    world.host("steady", &sshd, &format!("user = \"{}\"\nterminal = \"allow\"", own_name()));
    world.trust(&sshd);
    if account::possible() {
        let account = world.account(PASSWORD);
        account.sudoers(&format!("{} ALL=(ALL:ALL) ALL\n", account.name));
        world.host("asked", &sshd, &format!("user = \"{}\"", account.name));
        for purpose in ["ssh", "sudo"] {
            world.record(purpose, &sshd.place(), &account.name, "password", PASSWORD.as_bytes());
        }
    } else {
        println!("without sudo: only root can make accounts");
    }
    sshd
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
    /// Whether there is an account whose sudo asks.
    sudo: bool,
    /// What runs as root for long, and is nobody else's.
    sleep: String,
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
            let mut open = acts::Open::default();
            for _ in 0..dice.roll(40) + 5 {
                if !self.going() || !process::alive(client.pid()) {
                    break;
                }
                self.act(&client, &mut dice, &mut open);
            }
            match dice.roll(3) {
                0 => client.kill(),
                _ => drop(client.close()),
            }
        }
    }

    /// Now and then the server goes down and comes up again, or its connections are cut, or one stands still for some
    /// seconds.
    fn trouble(&self, mut dice: Dice, sshd: &mut Sshd) {
        while self.going() {
            std::thread::sleep(Duration::from_secs(5 + dice.roll(10)));
            if dice.roll(4) == 0 {
                sshd.stop();
                std::thread::sleep(Duration::from_millis(dice.roll(4000)));
                sshd.start_again();
                *self
                    .counts
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .entry("the server went down and up".to_owned())
                    .or_default() += 1;
                continue;
            }
            let connections: Vec<i32> = process::all()
                .filter(|pid| process::command_line(*pid).starts_with(&format!("sshd: {}", own_name())))
                .filter(|pid| self.ours(*pid))
                .collect();
            let Some(pid) = connections.get(dice.roll(connections.len().max(1) as u64) as usize) else {
                continue;
            };
            if dice.roll(2) == 0 {
                // With what runs there: nobody can reach that any more.
                process::signal(*pid, Signal::SIGSTOP);
                process::kill_descendants(*pid);
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

    /// A named session waits for a client that comes again, and what runs in it goes on, for longer than we wait: it is
    /// stopped as a client would that came again. All else has to end by itself.
    fn stop_what_waits(&self) {
        let client = self.world.mcp();
        let listed = client.call("ssh_list_active", json!({ "kind": "session" })).expect_ok();
        for item in listed.structured()["items"].as_array().into_iter().flatten() {
            if !item["detail"].as_str().is_some_and(|name| name.starts_with("shared-shell-")) {
                continue;
            }
            let answer =
                client.call("ssh_exec", json!({ "session": item["id"], "command": "true" })).rendering();
            if let Some((_, rest)) = answer.split_once("still running job ") {
                let job = rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).next();
                self.call(&client, "ssh_stop", json!({ "id": job }));
                println!("stopped what a named session ran");
            }
        }
        drop(client.close());
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
        let status = self.status();
        for what in ["sessions", "jobs"] {
            if status[what] != 0 {
                left.push(format!("{what} left: {}", status[what]));
            }
        }
        left.extend(
            self.world.remote_processes().iter().map(|process| format!("left running: {}", process.command)),
        );
        let as_root = process::all().filter(|pid| process::command_line(*pid).ends_with(&self.sleep)).count();
        if as_root > 0 {
            left.push(format!("left running through sudo: {as_root} of {:?}", self.sleep));
        }
        left.extend(acts::broken(self.world));
        if status["connections"] == 0 && !self.world.carriers().is_empty() {
            left.push("a process that speaks SSH, without a connection".to_owned());
        }
        let now = self.descriptors(&status);
        if now > before + SPARE {
            left.push(format!("the helper has {now} descriptors, {before} at the start"));
        }
        left
    }

    fn status(&self) -> Value {
        serde_json::from_str(&self.world.run(&["status", "--json"]).stdout).unwrap_or_default()
    }

    /// How many descriptors the helper has open beside its transports, each of which is two pipes, the processes that speak
    /// SSH, each a socket and a process descriptor, and the kept output of ended jobs, of which there is a bound. A helper
    /// that hides them is read by root alone.
    fn descriptors(&self, status: &Value) -> usize {
        let pid = self.world.helper();
        let all = pid.and_then(|pid| std::fs::read_dir(format!("/proc/{pid}/fd")).ok()).into_iter().flatten();
        let places = all.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        let kept = self.world.state().join("jobs");
        let transports = status["connections"].as_u64().unwrap_or_default() as usize;
        let known = 2 * (transports + self.world.carriers().len());
        places.filter(|place| !place.starts_with(&kept)).count().saturating_sub(known)
    }
}
