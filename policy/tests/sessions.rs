//! What one call of a session changes about the meaning of the next.

use sallyport_policy::{Mode, Policy, ShellState, Subject, Verdict};

/// The verdicts of commands sent one after the other to one shell.
fn session(commands: &[&str]) -> Vec<Verdict> {
    let policy = Policy::builtin();
    let subject = Subject { mode: Some(Mode::Guarded), ..Subject::anywhere("local") };
    let mut state = ShellState::default();
    let mut verdicts = Vec::new();
    for command in commands {
        let judgement = policy.judge(&subject, &state, command);
        verdicts.push(judgement.verdict);
        state = judgement.next;
    }
    verdicts
}

fn last(commands: &[&str]) -> Verdict {
    session(commands).last().copied().unwrap_or(Verdict::Block)
}

#[test]
fn a_harmless_looking_word_is_judged_by_what_it_means_by_now() {
    for commands in [
        &["ls() { rm -rf /; }", "ls"][..],
        &["f() { rm -rf \"$1\"; }", "f /"],
        &["f() { g; }", "g() { rm -rf /; }", "f"],
        &["alias ll='rm -rf /'", "ll"],
        &["x=rm", "y='-rf /'", "$x $y"],
        &["d=/", "rm -rf \"$d\""],
        &["cd /", "rm -rf *"],
        &["cd /usr", "cd local", "cd ..", "rm -rf ."],
        &["echo 'rm -rf /' > x.sh", "ls", "sh x.sh"],
        &["echo 'rm -rf /' > x.sh", "chmod +x x.sh", "./x.sh"],
        &["cat > x.sh <<E\nrm -rf /\nE", "source x.sh"],
        &["ln -s / r", "rm -rf r/*"],
        &["ln -s /dev/sda d", "cat x > d"],
        &["set -- -rf /", "rm \"$@\""],
        &["a=(rm -rf /)", "\"${a[@]}\""],
        &["export d=/etc", "sh -c 'rm -rf $d'"],
        &["IFS=,", "c=rm,-rf,/", "$c"],
        &["trap 'echo bye' EXIT", "trap 'rm -rf /' EXIT"],
    ] {
        assert_eq!(last(commands), Verdict::Block, "{commands:?}");
    }
}

#[test]
fn what_became_unknown_is_asked_for() {
    for commands in [
        &["curl -s h > x.sh", "sh x.sh"][..],
        &["curl -o x h", "chmod +x x", "./x"],
        &["scp h:run.sh .", "sh run.sh"],
        &["cp $(command -v rm) y", "./y z"],
        &["read c < f", "$c x"],
        &["source ./env.sh", "$TOOL x"],
        &["shopt -s expand_aliases", "alias ls=rm"],
        &["ls() { :; }", "ls"],
        &["declare -n r=x", "ls"],
    ] {
        assert!(session(commands).iter().any(|verdict| *verdict != Verdict::Allow), "{commands:?}");
    }
}

#[test]
fn a_tree_that_came_from_elsewhere_runs_nothing_unasked() {
    for commands in [
        &["git clone https://h/x.git", "cd x", "ls", "./install.sh"][..],
        &["git clone h:a/x y", "sh y/setup.sh"],
        &["git clone https://h/x /tmp/x", "cd /tmp", "python3 x/run.py"],
        &["wget https://h/a.tgz", "tar xf a.tgz", "./a/configure.sh"],
        &["curl -O https://h/a.zip", "unzip a.zip -d b", "b/run"],
        &["rsync -a h:tools/ ./tools/", "tools/go"],
        &["scp -r h:dir .", "bash dir/go.sh"],
    ] {
        assert_ne!(last(commands), Verdict::Allow, "{commands:?}");
    }
    for commands in [
        &["git clone https://h/x.git", "cd x", "./configure", "make", "cargo test", "git log"][..],
        &["git clone https://h/x.git", "./run.sh"],
        &["rsync h:data.csv .", "python3 analyse.py data.csv"],
    ] {
        assert!(session(commands).iter().all(|verdict| *verdict == Verdict::Allow), "{commands:?}");
    }
}

#[test]
fn what_one_call_defined_the_next_ones_mean() {
    for commands in [
        &["f() { cd /; }", "f", "rm -rf *"][..],
        &["f() { d=/; }", "f", "rm -rf \"$d\""],
        &["f() { alias ll='rm -rf /'; }", "f", "ll"],
        &["alias a=b", "alias b='rm -rf /'", "a"],
        &["x=/", "f() { rm -rf \"$x\"; }", "x=/tmp/y", "x=/; f"],
        &["echo 'f() { rm -rf /; }' > lib.sh", ". lib.sh", "f"],
        &["echo 'echo a' > x.sh", "echo 'rm -rf /' >> x.sh", "sh x.sh"],
        &["cat > bin.sh < /dev/null", "echo 'rm -rf /' >> bin.sh", "bash bin.sh"],
        &["echo 'rm -rf /' | tee x.sh > /dev/null", "sh ./x.sh"],
        &["cp x.sh y.sh; echo 'rm -rf /' > x.sh", "mv x.sh z.sh", "sh z.sh"],
        &["cd /tmp", "cd -", "cd /", "rm -rf ./*"],
        &["readonly d=/etc", "rm -rf $d"],
        &["PS4='$(rm -rf /)'", "set -x"],
    ] {
        assert!(session(commands).contains(&Verdict::Block), "{commands:?}: {:?}", session(commands));
    }
}

#[test]
fn what_a_session_takes_back_is_gone() {
    for commands in [
        &["ll() { rm -rf /tmp/a/b; }", "unset -f ll", "ll"][..],
        &["x=rm", "unset x", "echo $x"],
        &["alias ll='rm a'", "unalias ll", "ll"],
        &["trap 'echo bye' EXIT", "trap - EXIT", "ls"],
    ] {
        assert_eq!(last(commands), Verdict::Allow, "{commands:?}");
    }
    // A known command stays suspicious once it was redefined, whatever its function does now.
    assert_ne!(last(&["ls() { echo a; }"]), Verdict::Allow);
    assert_ne!(last(&["PATH=/tmp:$PATH"]), Verdict::Allow);
}

#[test]
fn a_trap_is_judged_when_it_is_set() {
    for (code, verdict) in [
        ("trap 'rm -rf /' EXIT", Verdict::Block),
        ("trap 'rm x' INT TERM", Verdict::Confirm),
        ("trap 'echo bye' EXIT", Verdict::Allow),
        ("trap \"$cmd\" EXIT", Verdict::Confirm),
        ("trap 'ls' DEBUG", Verdict::Confirm),
        ("trap -- '' HUP", Verdict::Allow),
    ] {
        assert_eq!(last(&[code]), verdict, "{code}");
    }
}

#[test]
fn changing_where_commands_come_from_is_asked_for_at_once() {
    for command in [
        "PATH=/tmp:$PATH",
        "export PATH=.:$PATH",
        "export LD_PRELOAD=./x.so",
        "LD_LIBRARY_PATH=/tmp",
        "export BASH_ENV=x",
        "PROMPT_COMMAND=x",
        "cd() { :; }",
        "function sudo { :; }",
        "alias git=x",
        "hash -p /tmp/x ls",
        "enable -f ./x.so ls",
        "trap x DEBUG",
        "echo x >> ~/.bashrc",
    ] {
        assert_ne!(last(&[command]), Verdict::Allow, "{command}");
    }
}

#[test]
fn a_variable_that_evaluates_what_it_is_given_is_given_no_code() {
    let code = "'a[$(touch x)]'";
    for commands in [
        &["declare -i v", &format!("v={code}")][..],
        &["typeset -i v", &format!("for v in {code}; do :; done")],
        &["export -i v", &format!("for v in 1 {code} $w; do :; done")],
        &[&format!("declare -i v; v+={code}")],
        &["typeset -F v", &format!("printf -v v %s {code}")],
        &["declare -i v", &format!("read -r v <<< {code}")],
        &["declare -ai v", &format!("v=(1 {code})")],
    ] {
        assert_eq!(last(commands), Verdict::Confirm, "{commands:?}");
    }
    assert_eq!(
        last(&["declare -i v", "v=3+4; read v <<< 5; for v in 1 2; do echo $v; done"]),
        Verdict::Allow
    );
    assert_eq!(last(&["declare -i v", "w='$(x)'"]), Verdict::Allow, "another variable");
}

#[test]
fn options_that_change_how_text_is_read_are_asked_for() {
    for command in
        ["set -o cshjunkiequotes", "set -eo CSH_JUNKIE_QUOTES", "set -ocshjunkiequotes", "set -o $x"]
    {
        assert_eq!(last(&[command]), Verdict::Confirm, "{command}");
    }
    for command in
        ["set -euo pipefail", "set -o", "set +o", "set -o NO_UNSET", "set +o noclobber", "set -- -o x"]
    {
        assert_eq!(last(&[command]), Verdict::Allow, "{command}");
    }
}

#[test]
fn ordinary_sessions_flow() {
    let commands = [
        "cd src",
        "x=main.rs",
        "grep -n foo \"$x\"",
        "f() { grep -c \"$1\" main.rs; }",
        "f foo",
        "export RUST_LOG=debug",
        "for t in a b; do cargo test $t; done",
        "alias ll='ls -la'",
        "echo 'echo hi' > hi.sh",
        "sh hi.sh",
        "cd -",
        "git status",
    ];
    assert!(session(&commands).iter().all(|verdict| *verdict == Verdict::Allow), "{:?}", session(&commands));
}

#[test]
fn what_happened_in_a_subshell_stays_there_but_its_files() {
    assert_eq!(last(&["(x=rm; cd /)", "ls $x"]), Verdict::Allow);
    assert_eq!(last(&["(echo 'rm -rf /' > x)", "sh x"]), Verdict::Block);
    assert_eq!(last(&["true | cd /", "ls"]), Verdict::Allow);
}

#[test]
fn a_state_past_its_bounds_asks_for_everything() {
    let names: String = (0..1100).map(|index| format!("v{index}=1;")).collect();
    assert_ne!(last(&[&names, "ls"]), Verdict::Allow);
}
