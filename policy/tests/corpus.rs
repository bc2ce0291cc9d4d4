//! Every line of `policy/corpus/*.jsonl` holds. `stop` means `confirm` or `block`.

use std::fs;
use std::path::Path;

use sallyport_policy::{Mode, Policy, ShellState, Subject, Verdict};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    command: String,
    mode: Mode,
    expect: String,
    why: String,
}

#[test]
fn every_line_of_the_corpus_holds() {
    let policy = Policy::builtin();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let (mut seen, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let line: Line = serde_json::from_str(line).unwrap();
            let subject = Subject { mode: Some(line.mode), ..Subject::anywhere("local") };
            let judgement = policy.judge(&subject, &ShellState::default(), &line.command);
            let holds = match line.expect.as_str() {
                "stop" => judgement.verdict != Verdict::Allow,
                expect => judgement.verdict.name() == expect,
            };
            seen += 1;
            if !holds {
                let (command, why, rules) = (&line.command, &line.why, &judgement.rules);
                wrong.push(format!(
                    "{} {command:?}: {} {rules:?}, not {} ({why})",
                    line.mode, judgement.verdict, line.expect
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {seen} lines do not hold:\n{}", wrong.len(), wrong.join("\n"));
}
