//! `sallyport status`.

use std::process::ExitCode;

use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest, Status};
use serde_json::{Value, json};

use super::admin::{ask, link, misplaced};
use super::output::{Problem, count, json, line};
use crate::format::{one_line, span};

/// Show how things stand: the vault, what is open, what waits.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let (events, AdminOutcome::Status(status)) = ask(&link()?, AdminRequest::Status).await? else {
            return Err(misplaced());
        };
        if self.json {
            json(&report(&status, &events))?;
        } else {
            line(text(&status, &events).trim_end())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn report(status: &Status, events: &[AdminEvent]) -> Value {
    let in_doubt = |event: &AdminEvent| match event {
        AdminEvent::InDoubt { time, target, command } => {
            Some(json!({ "time": time.as_str(), "target": target.as_str(), "command": command.as_str() }))
        }
        _ => None,
    };
    json!({
        "locked": status.locked,
        "expires_in_s": status.expires_in_s,
        "sessions": status.sessions,
        "jobs": status.jobs,
        "connections": status.connections,
        "approvals": status.approvals,
        "hardening": status.hardening,
        "policy_digest": status.policy_digest.as_str(),
        "store": status.store.as_str(),
        "audit": status.audit.as_str(),
        "pid": status.pid,
        "problems": status.problems.iter().map(|text| text.as_str()).collect::<Vec<_>>(),
        "in_doubt": events.iter().filter_map(in_doubt).collect::<Vec<_>>(),
    })
}

fn text(status: &Status, events: &[AdminEvent]) -> String {
    let vault = match (status.locked, status.expires_in_s) {
        (true, _) => "locked; `sallyport unlock` opens it".to_owned(),
        (false, Some(seconds)) => format!("open for {}", span(seconds.into())),
        (false, None) => "open".to_owned(),
    };
    let approvals = match status.approvals {
        0 => "none waiting".to_owned(),
        n => format!("{n} waiting; `sallyport approve` shows them"),
    };
    let store = match status.store.as_str() {
        "" => "none found; `pass init` or `gopass init` makes one",
        path => path,
    };
    let mut text = format!(
        "vault      {vault}\n\
         open       {}, {}, {}\n\
         approvals  {approvals}\n\
         hardening  level {}\n\
         policy     {}\n\
         store      {store}\n\
         audit log  {}\n\
         helper     process {}\n",
        count(status.sessions as usize, "session"),
        count(status.jobs as usize, "job"),
        count(status.connections as usize, "connection"),
        status.hardening,
        status.policy_digest,
        status.audit,
        status.pid
    );
    for problem in status.problems.iter() {
        text.push_str(&format!("problem    {}\n", one_line(problem.as_str())));
    }
    for event in events {
        if let AdminEvent::InDoubt { time, target, command } = event {
            let command = one_line(command.as_str());
            text.push_str(&format!("in doubt   {time} {target}: {command}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_protocol::List;

    #[test]
    fn a_status_tells_what_a_person_must_do() {
        let status = Status {
            locked: true,
            expires_in_s: None,
            sessions: 1,
            jobs: 2,
            connections: 1,
            approvals: 1,
            hardening: 0,
            policy_digest: "ab12".into(),
            store: "".into(),
            audit: "/state/audit/audit.jsonl".into(),
            pid: 77,
            problems: List::clip(["policy.toml line 3: mode: unknown".into()]),
        };
        let events = [AdminEvent::InDoubt {
            time: "2026-01-02T03:04:05Z".into(),
            target: "deploy@web1".into(),
            command: "sleep 600\nrm x".into(),
        }];
        insta::assert_snapshot!(text(&status, &events), @r"
        vault      locked; `sallyport unlock` opens it
        open       1 session, 2 jobs, 1 connection
        approvals  1 waiting; `sallyport approve` shows them
        hardening  level 0
        policy     ab12
        store      none found; `pass init` or `gopass init` makes one
        audit log  /state/audit/audit.jsonl
        helper     process 77
        problem    policy.toml line 3: mode: unknown
        in doubt   2026-01-02T03:04:05Z deploy@web1: sleep 600\nrm x
        ");
        assert_eq!(report(&status, &events)["in_doubt"][0]["command"], "sleep 600\nrm x");
    }
}
