//! What the policy says to what the tools compose: looking is allowed in readonly, changing asks in guarded.

use sallyport_policy::{Policy, ShellState, Subject, Verdict};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::run::Tool;
use super::{db, docker, host, logs, net};

fn judge(mode: &str, command: &str) -> Verdict {
    let policy = Policy::from_toml(&format!("mode = \"{mode}\"")).unwrap();
    policy.judge(&Subject::anywhere("local"), &ShellState::default(), command).verdict
}

/// A tool's arguments: what is usual, and more or other ones.
pub fn arguments<T: DeserializeOwned>(mut usual: Value, more: Value) -> T {
    usual["target"] = "web1".into();
    usual.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(usual).unwrap()
}

fn command<T: Tool + DeserializeOwned>(more: Value) -> String {
    arguments::<T>(json!({}), more).command().unwrap()
}

#[test]
fn what_only_looks_is_allowed_in_readonly() {
    let database = |more: Value| {
        arguments::<db::Args>(json!({ "engine": "postgres", "database": "app" }), more).command().unwrap()
    };
    for command in [
        command::<host::Args>(json!({})),
        command::<logs::Args>(
            json!({ "unit": "nginx", "since": "1 hour ago", "priority": "err", "text": "x.y" }),
        ),
        command::<logs::Args>(json!({ "source": "file", "path": "/var/log/syslog", "text": "x" })),
        command::<logs::Args>(json!({ "source": "kernel", "text": "oom" })),
        command::<docker::Args>(json!({ "all": true })),
        command::<docker::Args>(json!({ "action": "logs", "container": "web" })),
        command::<docker::Args>(json!({ "action": "addresses" })),
        command::<docker::Args>(json!({ "action": "addresses", "container": "web" })),
        command::<docker::Args>(json!({ "action": "networks" })),
        command::<docker::Args>(json!({ "action": "images" })),
        command::<net::Args>(json!({})),
        command::<net::Args>(json!({ "action": "resolve", "host": "db" })),
        command::<net::Args>(json!({ "action": "connect", "host": "db", "port": 5432 })),
        command::<net::Args>(json!({ "action": "ping", "host": "db" })),
        database(json!({ "query": "select 1" })),
        database(json!({ "action": "tables" })),
        database(json!({ "action": "databases" })),
        database(json!({ "engine": "mysql", "query": "select 1" })),
        database(json!({ "engine": "mysql", "action": "tables" })),
        database(json!({ "engine": "sqlite", "action": "tables" })),
    ] {
        assert_eq!(judge("readonly", &command), Verdict::Allow, "{command}");
    }
}

#[test]
fn what_changes_something_asks_in_guarded_and_is_blocked_in_readonly() {
    for command in [
        command::<docker::Args>(json!({ "action": "start", "container": "web" })),
        command::<docker::Args>(json!({ "action": "stop", "container": "web" })),
        command::<docker::Args>(json!({ "action": "restart", "container": "web" })),
        command::<db::Args>(json!({ "engine": "postgres", "query": "drop table t" })),
        command::<db::Args>(json!({ "engine": "mysql", "query": "delete from t", "write": true })),
        command::<db::Args>(
            json!({ "engine": "sqlite", "database": "/x", "query": "delete from t", "write": true }),
        ),
    ] {
        assert_eq!(judge("guarded", &command), Verdict::Confirm, "{command}");
        assert_eq!(judge("readonly", &command), Verdict::Block, "{command}");
    }
}
