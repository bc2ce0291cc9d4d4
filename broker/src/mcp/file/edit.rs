//! `ssh_file_edit`.

use sallyport_protocol::Failure;
use sallyport_protocol::file::{self, Act, Change, Edit, MOST_CHANGES, Outcome, Passage};
use sallyport_protocol::list::List;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::write::{self, fields, guards, plan, rendering};
use super::{Ended, Place, ask};
use crate::mcp::answer::{Answer, Status, misplaced};
use crate::mcp::call::{Call, Handled, bounds, invalid};

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// The file; a relative path begins in the account's home.
    path: String,
    /// The edits, made one after the other, all or none. Each is one of: {old, new, count?}: replace a text that
    /// stands there exactly once (or count times); {regex, new}: replace every match, $1 is a group; {insert_at,
    /// text}: insert lines before a line; {delete_lines: [from, to]}; {replace_lines: [from, to], text}.
    #[schemars(length(min = 1, max = 256))]
    edits: Vec<OneEdit>,
    /// The sha256 of an earlier answer: nothing is written when the file is another one now.
    expected_sha256: Option<String>,
    /// Check the syntax first: auto (default; by the file's name), none, or json, yaml, toml, xml, ini, dotenv, dockerfile.
    validate: Option<String>,
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

/// One edit; which fields it has says of which kind it is.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct OneEdit {
    /// The text to replace.
    old: Option<String>,
    /// What stands there afterwards.
    new: Option<String>,
    /// How often old stands there. Default 1.
    #[schemars(range(min = 1))]
    count: Option<u32>,
    /// A regular expression, multi-line, without look-around and back references.
    regex: Option<String>,
    /// Insert text before this line, counted from 1; one more than there are lines is the end.
    #[schemars(range(min = 1))]
    insert_at: Option<u32>,
    /// Remove these lines, both included: [from, to], or one number.
    delete_lines: Option<Lines>,
    /// Put text in the place of these lines, both included: [from, to], or one number.
    replace_lines: Option<Lines>,
    /// The lines of insert_at and replace_lines; `new` means the same there.
    text: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Lines {
    One(u32),
    Range([u32; 2]),
}

impl Lines {
    fn ends(self) -> (u32, u32) {
        match self {
            Self::One(line) => (line, line),
            Self::Range([from, to]) => (from, to),
        }
    }
}

/// The answer's own fields.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fields {
    /// Replacements and line operations made.
    edits_applied: u32,
    #[serde(flatten)]
    written: write::Fields,
}

/// Edits a file.
pub async fn edit(call: &Call) -> Handled {
    let args: Args = call.arguments()?;
    let changes = changes(&args.edits)?;
    let input = file::encode(&changes).map_err(bounds)?;
    let guards = guards(args.expected_sha256.as_deref(), args.validate.as_deref(), args.dry_run)?;
    let act = Act::Edit(Edit { changes: plan(&input), guards });
    let place = Place {
        target: &args.target,
        path: &args.path,
        confirm: args.confirm,
        confirmation_id: args.confirmation_id.clone(),
        words: words(&args),
    };
    match ask(call, place, act, &input).await? {
        Ended::Reply(reply) => Ok(reply),
        Ended::Done(_, diff, Outcome::Written(written)) => {
            let edits_applied = written.edits;
            let fields = Fields { edits_applied, written: fields(&diff, written, args.dry_run) };
            let text = rendering(&fields.written, &args.path, Some(edits_applied));
            Ok(Answer::new(Status::Ok, &fields, text).into())
        }
        Ended::Done(..) => Err(misplaced("ssh_file_edit")),
    }
}

/// What a person agrees to: the edits in full.
fn words(args: &Args) -> String {
    let mut text = format!("edit the file {}", args.path);
    for edit in &args.edits {
        let mut line = |what: &str, value: &Option<String>| {
            if let Some(value) = value {
                text.push_str(&format!("\n{what}: {value}"));
            }
        };
        line("replace", &edit.old);
        line("replace every match of", &edit.regex);
        line("by", &edit.new);
        let range = |lines: Option<Lines>| lines.map(|l| format!("{} to {}", l.ends().0, l.ends().1));
        line("delete lines", &range(edit.delete_lines));
        line("replace lines", &range(edit.replace_lines));
        line("insert before line", &edit.insert_at.map(|at| at.to_string()));
        line("the text", &edit.text);
    }
    text
}

fn changes(edits: &[OneEdit]) -> Result<List<Change, MOST_CHANGES>, Failure> {
    if edits.is_empty() {
        return Err(invalid("give at least one edit"));
    }
    let changes: Result<Vec<Change>, Failure> =
        edits.iter().enumerate().map(|(at, edit)| change(edit, at + 1)).collect();
    List::new(changes?).map_err(bounds)
}

fn change(edit: &OneEdit, number: usize) -> Result<Change, Failure> {
    let passage = |text: &Option<String>| Passage::new(text.clone().unwrap_or_default()).map_err(bounds);
    let OneEdit { old, new, count, regex, insert_at, delete_lines, replace_lines, text } = edit;
    // Either name is understood: the other kinds of edits call it `new`.
    let lines = match (text, new) {
        (Some(_), Some(_)) => &None,
        (None, new) => new,
        (text, None) => text,
    };
    match (old, regex, insert_at, delete_lines, replace_lines) {
        (Some(_), None, None, None, None) if new.is_some() && text.is_none() => {
            Ok(Change::Replace { old: passage(old)?, new: passage(new)?, count: count.unwrap_or(1) })
        }
        (None, Some(_), None, None, None) if new.is_some() && text.is_none() && count.is_none() => {
            Ok(Change::Pattern { regex: passage(regex)?, new: passage(new)? })
        }
        (None, None, Some(line), None, None) if lines.is_some() && count.is_none() => {
            Ok(Change::Insert { line: *line, text: passage(lines)? })
        }
        (None, None, None, Some(lines), None) if text.is_none() && new.is_none() && count.is_none() => {
            let (from, to) = lines.ends();
            Ok(Change::Lines { from, to, text: passage(&None)? })
        }
        (None, None, None, None, Some(range)) if lines.is_some() && count.is_none() => {
            let (from, to) = range.ends();
            Ok(Change::Lines { from, to, text: passage(lines)? })
        }
        _ => Err(invalid(format!(
            "edit {number} is of no kind: it is {{old, new, count?}}, {{regex, new}}, {{insert_at, text}}, \
             {{delete_lines}} or {{replace_lines, text}}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(edit: serde_json::Value) -> Result<Change, Failure> {
        change(&serde_json::from_value(edit).unwrap(), 1)
    }

    #[test]
    fn the_fields_of_an_edit_say_what_it_is() {
        use serde_json::json;
        assert!(matches!(read(json!({"old": "a", "new": ""})), Ok(Change::Replace { count: 1, .. })));
        assert!(matches!(
            read(json!({"old": "a", "new": "b", "count": 2})),
            Ok(Change::Replace { count: 2, .. })
        ));
        assert!(matches!(read(json!({"regex": "a", "new": "b"})), Ok(Change::Pattern { .. })));
        assert!(matches!(read(json!({"insert_at": 1, "text": "a"})), Ok(Change::Insert { line: 1, .. })));
        assert!(matches!(read(json!({"insert_at": 1, "new": "a"})), Ok(Change::Insert { line: 1, .. })));
        assert!(matches!(read(json!({"replace_lines": 1, "new": "a"})), Ok(Change::Lines { .. })));
        assert!(matches!(read(json!({"delete_lines": [1, 2]})), Ok(Change::Lines { from: 1, to: 2, .. })));
        assert!(matches!(read(json!({"delete_lines": 3})), Ok(Change::Lines { from: 3, to: 3, .. })));
        assert!(matches!(read(json!({"replace_lines": [1, 2], "text": "x"})), Ok(Change::Lines { .. })));
    }

    #[test]
    fn an_edit_of_two_kinds_or_none_is_refused() {
        use serde_json::json;
        for bad in [
            json!({}),
            json!({"old": "a"}),
            json!({"new": "a"}),
            json!({"old": "a", "new": "b", "regex": "c"}),
            json!({"regex": "a", "new": "b", "count": 2}),
            json!({"insert_at": 1}),
            json!({"insert_at": 1, "text": "a", "new": "b"}),
            json!({"delete_lines": [1, 2], "text": "x"}),
            json!({"replace_lines": [1, 2]}),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
        assert!(changes(&[]).is_err());
    }
}
