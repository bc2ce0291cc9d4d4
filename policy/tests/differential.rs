//! What the engine says would run, against what bash runs.
//!
//! Commands come from a grammar whose only programs are stubs with names of their own (`stub_a`, ...), in a PATH that
//! holds nothing else; bash runs them in an empty directory. Each stub logs its words. Every call that bash made must
//! be one the engine named, word for word, unless the engine said that it is unsure.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sallyport_policy::{Policy, ShellState, Subject, Verdict};

/// Commands compared. bash runs them all in one process.
const CASES: usize = 600;
const STUBS: &[&str] = &["stub_a", "stub_b", "stub_c", "stub_d"];
const WORDS: &[&str] = &["x", "-n", "two", "w.txt", "a=b", "-", "--long=1", "Z9"];

/// A small generator of numbers: the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    /// A word with its letters quoted in one of the shell's ways.
    fn quoted(&mut self, word: &str) -> String {
        let (head, tail) = word.split_at(1);
        match self.below(8) {
            0 => format!("'{word}'"),
            1 => format!("\"{word}\""),
            2 => format!("\\{word}"),
            3 => format!("{head}''{tail}"),
            4 => format!("$'{word}'"),
            5 => format!("\"{head}\"'{tail}'"),
            6 => format!("{head}\\\n{tail}"),
            _ => word.to_owned(),
        }
    }

    fn word(&mut self, depth: usize) -> String {
        let word = self.pick(WORDS);
        match self.below(if depth == 0 { 6 } else { 25 }) {
            0 => "$v".to_owned(),
            1 => "\"$w\"".to_owned(),
            2 => "${v}${w}".to_owned(),
            3 => "${v:-q}".to_owned(),
            6 => format!("$(echo {})", self.quoted(word)),
            7 => format!("\"$({})\"", self.command(depth - 1)),
            8 => format!("`echo {word}`"),
            9 => format!("{{{word},{}}}", self.pick(&["k", "m"])),
            10 => "\"${w#t}\"".to_owned(),
            11 => "${w/o/0}".to_owned(),
            12 => "$((1 + 2))".to_owned(),
            13 => "on*one".to_owned(),
            14 => "zz*q".to_owned(),
            15 => "{1..3}".to_owned(),
            16 => format!("{{{word},{{p,q}}r}}"),
            17 => "\"${list[@]}\"".to_owned(),
            18 => "${list[1]}".to_owned(),
            19 => "${#list[@]}".to_owned(),
            20 => "${list[*]}".to_owned(),
            21 => "${none:-\"d e\"}".to_owned(),
            22 => "${v:+set}".to_owned(),
            23 => "\"a${v}b\"c".to_owned(),
            _ => self.quoted(word),
        }
    }

    fn simple(&mut self, depth: usize) -> String {
        let name = self.pick(STUBS);
        let mut text = match self.below(9) {
            0 => "$c".to_owned(),
            1 => format!("command {name}"),
            2 => format!("eval {name}"),
            3 => "f".to_owned(),
            _ => self.quoted(name),
        };
        for _ in 0..self.below(3) {
            text.push(' ');
            text.push_str(&self.word(depth));
        }
        self.redirected(text, depth)
    }

    /// A command with its input or output elsewhere, now and then. What is written stays in the sandbox.
    fn redirected(&mut self, text: String, depth: usize) -> String {
        match self.below(if depth == 0 { 30 } else { 18 }) {
            0 => format!("{text} > out.txt"),
            1 => format!("2>/dev/null {text} >> out.txt"),
            2 => format!("{text} < /dev/null 2>&1"),
            3 => format!("{text} <<< \"$v {}\"", self.pick(WORDS)),
            4 => format!("{text} <<E\n$w $(stub_d here)\nE\n"),
            5 => format!("{text} <<'E'\n$(stub_d quoted)\nE\n"),
            6 if depth > 0 => format!("{text} < <({})", self.simple(0)),
            7 => format!("{text} &> out.txt"),
            _ => text,
        }
    }

    fn command(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.simple(0);
        }
        let mut part = || self.command(depth - 1);
        let (a, b) = (part(), part());
        match self.below(30) {
            18 => format!("[[ $v == one && -n \"$w\" ]] && {b}"),
            19 => format!("[[ -z $(stub_a in test) || $v != {} ]] || {a}", self.pick(WORDS)),
            20 => format!("list=(x \"y z\" {}); {b}", self.word(0)),
            21 => format!("list+=({}); {b}", self.quoted("more")),
            22 => format!("for v in \"${{list[@]}}\"; do {a}; done"),
            23 => format!("for ((i = 0; i < 2; i++)); do {a}; done"),
            24 => format!("select v in one; do {a}; break; done <<< 1"),
            25 => format!("until {a}; do {b}; break; done"),
            26 => format!("function f {{ {} \"$#\" \"$@\"; }}; f {}; {b}", self.pick(STUBS), self.word(0)),
            27 => format!("{{ {a}; }} > out.txt 2>&1; {b}"),
            28 => format!("export v={}; {b}", self.quoted("sent")),
            29 => format!("unset v; {b}"),
            0 => format!("{a}; {b}"),
            1 => format!("{a} && {b}"),
            2 => format!("! {a} || {b}"),
            3 => format!("{a} | {b}"),
            4 => format!("( {a}; {b} )"),
            5 => format!("( ({a}) )"),
            6 => format!("{{ {a}; }}"),
            7 => format!("for v in one t2; do {a}; done"),
            8 => format!("if {a}; then {b}; else stub_d no; fi"),
            9 => format!("case $v in one|x) {a} ;; *) {b} ;; esac"),
            // A body of stubs alone: it cannot call itself.
            10 => format!("f() {{ {} {} \"$2\" $1; }}; f p q; {b}", self.pick(STUBS), self.word(0)),
            11 => format!("v={}; {b}", self.quoted("val")),
            12 => format!("c={}; $c end; {b}", self.pick(STUBS)),
            13 => format!("while {a}; do {b}; break; v=later; done; stub_b $v"),
            14 => format!("eval 'w=changed'; {b}"),
            15 => format!("v=inner {a}; {b}"),
            16 => format!("((1 + 2)); {b}"),
            _ => self.simple(depth),
        }
    }
}

/// A stub logs the case and its words, one line a call, with separators that no word holds.
#[expect(clippy::unwrap_used, reason = "a helper of tests; what cannot be set up fails the test")]
fn stubs(folder: &Path) {
    for name in STUBS {
        let body = "#!/bin/sh\nl=\"$CASE\t${0##*/}\"\nfor w; do l=\"$l\t$w\"; done\nprintf '%s\\n' \"$l\" >> \"$LOG\"\n";
        let path = folder.join(name);
        fs::write(&path, body).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Every call that bash makes, case by case.
#[expect(clippy::unwrap_used, reason = "a helper of tests; what cannot be set up fails the test")]
fn bash_calls(cases: &[String]) -> Vec<Vec<Vec<String>>> {
    let folder = tempfile::tempdir().unwrap();
    let (bin, work, log) = (folder.path().join("bin"), folder.path().join("work"), folder.path().join("log"));
    fs::create_dir(&bin).unwrap();
    fs::create_dir(&work).unwrap();
    fs::write(work.join("only.one"), "").unwrap();
    fs::write(&log, "").unwrap();
    stubs(&bin);
    let mut script = String::new();
    for (index, case) in cases.iter().enumerate() {
        // Quoted whole, so that a case bash cannot parse ends alone.
        let quoted = case.replace('\'', "'\\''");
        writeln!(script, "CASE={index}; export CASE; ( eval '{quoted}' ) </dev/null").unwrap();
    }
    let mut bash = Command::new("/bin/bash")
        .args(["--norc", "--noprofile", "-s"])
        .env_clear()
        .env("PATH", &bin)
        .env("LOG", &log)
        .current_dir(&work)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    bash.wait().unwrap();
    let mut calls = vec![Vec::new(); cases.len()];
    for line in fs::read_to_string(&log).unwrap().lines() {
        let mut words = line.split('\t').map(str::to_owned);
        let case: usize = words.next().unwrap().parse().unwrap();
        calls[case].push(words.collect());
    }
    calls
}

#[test]
fn every_call_bash_makes_was_named_by_the_engine() {
    let mut dice = Dice(0x5a11_790f_7e57_0001);
    let setting = "v=one; w=two; c=stub_c; list=(x 'y z' w); f() { stub_d \"$@\"; }";
    let cases: Vec<String> = (0..CASES).map(|_| format!("{setting}; {}", dice.command(3))).collect();
    let policy = Policy::from_toml(&format!("extra_readonly_allow = {STUBS:?}")).unwrap();
    let (mut wrong, mut sure) = (Vec::new(), 0);
    for (case, calls) in cases.iter().zip(bash_calls(&cases)) {
        let judged = policy.judge(&Subject::anywhere("local"), &ShellState::default(), case);
        if judged.verdict != Verdict::Allow {
            continue;
        }
        sure += 1;
        for call in calls {
            let named = judged.segments.iter().any(|segment| {
                segment.argv.len() == call.len()
                    && segment.argv.iter().zip(&call).all(|(said, ran)| fits(said, ran))
                    || segment.argv.iter().any(|word| word == "$?")
                        && segment.argv.first().is_some_and(|name| *name == call[0])
            });
            if !named {
                wrong.push(format!("{case:?} ran {call:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} calls were not foreseen:\n{}", wrong.len(), wrong.join("\n"));
    assert!(sure > CASES / 4, "only {sure} of {CASES} commands were understood");
}

/// Whether a word the engine named, with `$?` for what it does not know, may be the one that ran. A pattern may have
/// become a file's name.
fn fits(said: &str, ran: &str) -> bool {
    if let Some((start, end)) = said.split_once('*') {
        return said == ran || (ran.starts_with(start) && ran.ends_with(end));
    }
    let mut parts = said.split("$?");
    let Some(rest) = parts.next().and_then(|start| ran.strip_prefix(start)) else { return false };
    match parts.last() {
        None => rest.is_empty(),
        Some(end) => rest.ends_with(end),
    }
}
