//! `ssh_logs`: the journal, a log file, or the kernel's messages.

use std::time::{Duration, UNIX_EPOCH};

use sallyport_protocol::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::line::{Line, counted, plain, plain_if};
use super::run::{Ran, Tool};
use crate::mcp::call::invalid;
use crate::mcp::exec::Asked;

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// journal: systemd's (default). file: the end of the file at path. kernel: dmesg.
    #[serde(default)]
    source: Source,
    /// journal: only of this unit, such as nginx.service.
    unit: Option<String>,
    /// file: which.
    path: Option<String>,
    /// journal: not before this, as journalctl knows it: "1 hour ago", "2026-01-31 10:00".
    since: Option<String>,
    /// journal: only this grave and graver.
    priority: Option<Priority>,
    /// Only entries that hold this text, whatever its case.
    text: Option<String>,
    /// The last so many. Default 100.
    #[schemars(range(min = 1, max = 1000), extend("default" = 100))]
    lines: Option<u32>,
    /// Read as root, through sudo.
    #[serde(default)]
    sudo: bool,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Source {
    #[default]
    Journal,
    File,
    Kernel,
}

/// As syslog(3) names them.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Priority {
    Emerg,
    Alert,
    Crit,
    Err,
    Warning,
    Notice,
    Info,
    Debug,
}

/// Their names, the gravest first: journald counts them.
const PRIORITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// Where dates stop having four digits of year, in microseconds since 1970.
const YEAR_10000: u64 = 253_402_300_800_000_000;

/// The answer's own fields.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fields {
    /// The oldest first.
    entries: Vec<Entry>,
    #[serde(flatten)]
    ran: Ran,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
struct Entry {
    /// journal: when, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    /// journal: the unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// journal: the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<String>,
    /// journal: its process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    /// journal: emerg, alert, crit, err, warning, notice, info or debug.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<&'static str>,
    /// What it says; of a file, the line.
    message: String,
}

impl Tool for Args {
    type Fields = Fields;

    fn asked(&self) -> Asked {
        Asked::on(&self.target, self.sudo, self.confirm, self.confirmation_id.as_ref())
    }

    fn needs(&self) -> &'static str {
        match self.source {
            Source::Journal => "journalctl",
            Source::File => "tail",
            Source::Kernel => "dmesg",
        }
    }

    fn command(&self) -> Result<String, Failure> {
        let lines = counted("lines", self.lines, 100, 1000)?;
        if self.source != Source::Journal
            && (self.unit.is_some() || self.since.is_some() || self.priority.is_some())
        {
            return Err(invalid("unit, since and priority are the journal's"));
        }
        if (self.source == Source::File) != self.path.is_some() {
            return Err(invalid("path is the log file's, with source = file"));
        }
        // As the last thing of a pattern it would be one more pattern.
        if self.text.as_deref().is_some_and(|text| text.is_empty() || text.contains(char::is_control)) {
            return Err(invalid("text is not empty and holds no control characters"));
        }
        let found = |line: Line| line.option("grep -F -i -e", self.text.as_deref());
        Ok(match self.source {
            Source::Journal => {
                let priority = self.priority.map(|priority| PRIORITIES[priority as usize]);
                let line = Line::of("journalctl -o json --no-pager -n").number(lines);
                let line = line.option("-u", plain_if("unit", &self.unit)?);
                let line = line.option("--since", plain_if("since", &self.since)?).option("-p", priority);
                match &self.text {
                    Some(text) => line.and("--case-sensitive=no --grep").word(&literally(text)),
                    None => line,
                }
            }
            Source::File => {
                let path = plain("path", self.path.as_deref().unwrap_or_default())?;
                match &self.text {
                    Some(text) => Line::of("grep -F -i -e")
                        .word(text)
                        .and("--")
                        .word(path)
                        .and("| tail -n")
                        .number(lines),
                    None => Line::of("tail -n").number(lines).and("--").word(path),
                }
            }
            Source::Kernel => match self.text {
                Some(_) => found(Line::of("dmesg |")).and("| tail -n").number(lines),
                None => Line::of("dmesg | tail -n").number(lines),
            },
        }
        .finish())
    }

    fn read(&self, out: &str, ran: Ran) -> Fields {
        let plain = |line: &str| Entry { message: line.to_owned(), ..Entry::default() };
        let entry = |line: &str| match self.source {
            // A mask may have taken a quote along: the line is told as it is.
            Source::Journal => of_journal(line).unwrap_or_else(|| plain(line)),
            Source::File | Source::Kernel => plain(line),
        };
        Fields { entries: out.lines().map(entry).collect(), ran }
    }

    fn text(&self, fields: &Fields) -> Option<String> {
        Some(fields.entries.iter().map(Entry::line).collect())
    }
}

impl Entry {
    /// As a line of a log.
    fn line(&self) -> String {
        let words = [self.time.as_deref(), self.program.as_deref().or(self.unit.as_deref()), self.priority];
        let words: String = words.into_iter().flatten().map(|word| format!("{word} ")).collect();
        format!("{words}{}\n", self.message)
    }
}

/// A text as a pattern that matches it and nothing else.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() && !character.is_ascii_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

/// An entry as `journalctl -o json` prints it: fields are texts, or bytes where they are no text.
fn of_journal(line: &str) -> Option<Entry> {
    let fields: serde_json::Map<String, Value> = serde_json::from_str(line).ok()?;
    let text = |name: &str| match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Array(bytes) => {
            let bytes: Vec<u8> = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => None,
    };
    let time = text("__REALTIME_TIMESTAMP")
        .and_then(|micros| micros.parse().ok())
        .filter(|micros| *micros < YEAR_10000)
        .map(|micros| {
            humantime::format_rfc3339_micros(UNIX_EPOCH + Duration::from_micros(micros)).to_string()
        });
    let priority = text("PRIORITY").and_then(|number| PRIORITIES.get(number.parse::<usize>().ok()?).copied());
    Some(Entry {
        time,
        unit: text("_SYSTEMD_UNIT").or_else(|| text("UNIT")),
        program: text("SYSLOG_IDENTIFIER").or_else(|| text("_COMM")),
        pid: text("_PID").and_then(|pid| pid.parse().ok()),
        priority,
        message: text("MESSAGE").unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::arguments;
    use super::*;
    use serde_json::json;

    fn args(more: Value) -> Args {
        arguments(json!({}), more)
    }

    #[test]
    fn each_source_has_its_command() {
        for (more, command) in [
            (json!({}), "journalctl -o json --no-pager -n 100"),
            (
                json!({ "unit": "a b", "since": "1 hour ago", "priority": "err", "text": "x.y", "lines": 5 }),
                "journalctl -o json --no-pager -n 5 -u 'a b' --since '1 hour ago' -p 'err' \
                 --case-sensitive=no --grep 'x\\.y'",
            ),
            (json!({ "source": "file", "path": "/var/log/it's" }), "tail -n 100 -- '/var/log/it'\\''s'"),
            (
                json!({ "source": "file", "path": "/x", "text": "-v" }),
                "grep -F -i -e '-v' -- '/x' | tail -n 100",
            ),
            (json!({ "source": "kernel", "text": "oom" }), "dmesg | grep -F -i -e 'oom' | tail -n 100"),
        ] {
            assert_eq!(args(more).command().unwrap(), command);
        }
        for bad in [
            json!({ "path": "/x" }),
            json!({ "source": "file" }),
            json!({ "source": "kernel", "unit": "a" }),
            json!({ "unit": "-x" }),
            json!({ "text": "a\nb" }),
            json!({ "lines": 0 }),
        ] {
            assert!(args(bad.clone()).command().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_no_entry_is_told_as_it_is() {
        let out = concat!(
            r#"{"__REALTIME_TIMESTAMP":"1700000000123456","_SYSTEMD_UNIT":"a.service","PRIORITY":"3","_PID":"7","MESSAGE":"hi"}"#,
            "\n",
            r#"{"MESSAGE":[104,255],"SYSLOG_IDENTIFIER":"x","__REALTIME_TIMESTAMP":"18446744073709551615"}"#,
            "\nbroken [redacted]\n"
        );
        let entries = args(json!({})).read(out, Ran::default()).entries;
        assert_eq!(entries[0].time.as_deref(), Some("2023-11-14T22:13:20.123456Z"));
        assert_eq!((entries[0].priority, entries[0].pid), (Some("err"), Some(7)));
        assert_eq!((entries[0].unit.as_deref(), entries[0].message.as_str()), (Some("a.service"), "hi"));
        assert_eq!(entries[0].line(), "2023-11-14T22:13:20.123456Z a.service err hi\n");
        assert_eq!(entries[1].time, None, "no date");
        assert_eq!((entries[1].program.as_deref(), entries[1].message.as_str()), (Some("x"), "h\u{fffd}"));
        assert_eq!(entries[2], Entry { message: "broken [redacted]".into(), ..Entry::default() });
    }
}
