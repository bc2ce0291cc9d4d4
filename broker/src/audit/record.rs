//! What a line says, for people.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::format::one_line;

/// A record of the log.
pub type Fields = Map<String, Value>;

/// A text field; empty when it is absent or no text.
pub fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A number; 0 when it is absent or none.
pub fn number(fields: &Fields, name: &str) -> u64 {
    fields.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// Which records are wanted.
#[derive(Debug, Default)]
pub struct Wish {
    /// Not before, RFC 3339 with milliseconds.
    pub since: Option<String>,
    /// Of this host: its alias, its address, or `user@alias`.
    pub host: Option<String>,
}

impl Wish {
    /// Whether a record is late enough.
    pub fn fits_time(&self, fields: &Fields) -> bool {
        self.since.as_deref().is_none_or(|since| text(fields, "time") >= since)
    }

    /// Whether an intent, or what an event tells, is of the host; where none is wanted everything is.
    pub fn fits_host(&self, fields: &Fields) -> bool {
        let Some(wanted) = &self.host else { return true };
        let (host, user) = (text(fields, "host"), text(fields, "user"));
        let endpoint = text(fields, "endpoint");
        wanted == host || wanted == endpoint || *wanted == format!("{user}@{host}")
    }
}

/// The records that fit, in order: an outcome belongs to its intent, whenever it came.
pub fn select(records: Vec<Fields>, wish: &Wish) -> Vec<Fields> {
    let mut chosen = std::collections::HashSet::new();
    let mut kept = Vec::new();
    for fields in records {
        let id = text(&fields, "id").to_owned();
        let fits = match text(&fields, "kind") {
            "intent" => wish.fits_time(&fields) && wish.fits_host(&fields) && chosen.insert(id),
            "outcome" => chosen.contains(&id) || (wish.host.is_none() && wish.fits_time(&fields)),
            _ => wish.fits_time(&fields) && wish.fits_host(details(&fields).unwrap_or(&fields)),
        };
        if fits {
            kept.push(fields);
        }
    }
    kept
}

/// What an event tells.
fn details(fields: &Fields) -> Option<&Fields> {
    fields.get("details").and_then(Value::as_object)
}

/// One line an operation, with what became of it; one an event.
pub fn table(records: &[Fields]) -> Vec<String> {
    let outcomes: HashMap<&str, &Fields> = records
        .iter()
        .filter(|fields| text(fields, "kind") == "outcome")
        .map(|fields| (text(fields, "id"), fields))
        .collect();
    let line = |fields: &Fields| {
        let time = one_line(text(fields, "time"));
        match text(fields, "kind") {
            "intent" => {
                let outcome = outcomes.get(text(fields, "id")).map_or("no outcome".into(), |o| ended(o));
                let target = format!("{}@{}", text(fields, "user"), text(fields, "host"));
                let who = match text(fields, "confirmed_by") {
                    "" => text(fields, "verdict").to_owned(),
                    by => format!("{}ed by {by}", text(fields, "verdict")),
                };
                let parts = [text(fields, "principal"), &target, text(fields, "action"), &who, &outcome];
                let parts = parts.map(one_line).join("  ");
                Some(format!("{time}  {parts}  {}", one_line(text(fields, "command"))))
            }
            "outcome" => None,
            _ if text(fields, "event") == "blocked" => details(fields).map(|told| {
                let target = format!("{}@{}", text(told, "user"), text(told, "host"));
                let rules = told.get("rules").and_then(Value::as_array).into_iter().flatten();
                let rules = rules.filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
                let parts = [text(told, "principal"), &target, "blocked", &rules, text(told, "command")];
                format!("{time}  {}", parts.map(one_line).join("  "))
            }),
            _ => {
                let details = fields.get("details").filter(|details| !details.is_null());
                let details = details.map(|details| format!("  {}", one_line(&details.to_string())));
                Some(format!("{time}  {}{}", one_line(text(fields, "event")), details.unwrap_or_default()))
            }
        }
    };
    records.iter().filter_map(line).collect()
}

fn ended(outcome: &Fields) -> String {
    let result = text(outcome, "result");
    let mut said = match (outcome.get("exit_code").and_then(Value::as_i64), text(outcome, "signal")) {
        (Some(code), _) => format!("{result} {code}"),
        (None, "") => result.to_owned(),
        (None, signal) => format!("{result} SIG{signal}"),
    };
    if !text(outcome, "code").is_empty() {
        said.push_str(&format!(" {}", text(outcome, "code")));
    }
    said.push_str(&format!(", {} bytes", number(outcome, "output_bytes")));
    match number(outcome, "redactions") {
        0 => {}
        count => said.push_str(&format!(", {count} masked")),
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn records() -> Vec<Fields> {
        let values = [
            json!({"seq":1,"time":"2026-01-01T00:00:00.000Z","kind":"event","event":"started","details":{"pid":7}}),
            json!({"seq":2,"time":"2026-01-01T00:00:01.000Z","kind":"intent","id":"a","principal":"local","action":"exec",
                   "host":"web1","user":"me","endpoint":"10.0.0.1","verdict":"confirm","confirmed_by":"operator","command":"rm x\ny"}),
            json!({"seq":3,"time":"2026-01-01T00:00:02.000Z","kind":"intent","id":"b","principal":"ci","action":"exec",
                   "host":"db1","user":"me","endpoint":"10.0.0.2","verdict":"allow","command":"uptime"}),
            json!({"seq":4,"time":"2026-01-01T00:00:03.000Z","kind":"outcome","id":"a","result":"exited","exit_code":3,
                   "output_bytes":12,"redactions":2}),
            json!({"seq":5,"time":"2026-01-01T00:00:04.000Z","kind":"event","event":"blocked","details":
                   {"principal":"ci","host":"db1","user":"me","rules":["root-delete"],"command":"rm -rf /"}}),
        ];
        values.into_iter().map(|value: Value| value.as_object().unwrap().clone()).collect()
    }

    #[test]
    fn an_operation_is_one_line_with_its_outcome() {
        insta::assert_snapshot!(table(&records()).join("\n"), @r#"
        2026-01-01T00:00:00.000Z  started  {"pid":7}
        2026-01-01T00:00:01.000Z  local  me@web1  exec  confirmed by operator  exited 3, 12 bytes, 2 masked  rm x\ny
        2026-01-01T00:00:02.000Z  ci  me@db1  exec  allow  no outcome  uptime
        2026-01-01T00:00:04.000Z  ci  me@db1  blocked  root-delete  rm -rf /
        "#);
    }

    #[test]
    fn a_hosts_records_are_its_intents_and_their_outcomes() {
        let of = |host: &str| {
            let wish = Wish { host: Some(host.into()), since: None };
            select(records(), &wish).iter().map(|f| number(f, "seq")).collect::<Vec<_>>()
        };
        for name in ["web1", "10.0.0.1", "me@web1"] {
            assert_eq!(of(name), [2, 4], "{name}");
        }
        assert_eq!(of("db1"), [3, 5]);
        assert!(of("web").is_empty());
    }

    #[test]
    fn what_is_too_early_is_left_out_with_its_outcome_kept() {
        let wish = Wish { since: Some("2026-01-01T00:00:02.000Z".into()), host: None };
        let kept: Vec<u64> = select(records(), &wish).iter().map(|f| number(f, "seq")).collect();
        assert_eq!(kept, [3, 4, 5]);
    }
}
