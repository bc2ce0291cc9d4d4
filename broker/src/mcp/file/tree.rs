//! `ssh_list_dir` and `ssh_search`.

use sallyport_protocol::file::{
    Act, Entry, EntryKind, Event, ListDir, Match, Outcome, Pattern, Search, SearchKind,
};
use sallyport_protocol::text::Word;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ended, Place, ask, within};
use crate::mcp::answer::{Answer, Status, misplaced};
use crate::mcp::call::{Call, Handled, bounds, invalid, optional};

/// The arguments of `ssh_list_dir`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListArgs {
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// The directory; a relative path begins in the account's home, which is the default.
    #[schemars(extend("default" = "."))]
    path: Option<String>,
    /// How deep. Default 1: the directory's own entries.
    #[schemars(range(min = 1, max = 32))]
    #[schemars(extend("default" = 1))]
    depth: Option<u32>,
    /// Also names that begin with a dot.
    #[serde(default)]
    hidden: bool,
    /// Entries in the answer. Default 1000.
    #[schemars(range(min = 1, max = 10_000))]
    #[schemars(extend("default" = 1000))]
    limit: Option<u32>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

/// The answer of `ssh_list_dir`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListFields {
    /// What is there, in order of names, a directory before what is in it.
    entries: Vec<EntryFields>,
    /// Whether there is more.
    truncated: bool,
    /// What could not be looked at.
    notes: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct EntryFields {
    /// Its path below the directory.
    name: String,
    r#type: Type,
    /// In bytes.
    size: u64,
    /// Permission bits as octal digits.
    mode: String,
    /// Time of the last change, in seconds since 1970.
    mtime: u32,
    /// What a link points to.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Type {
    File,
    Directory,
    Symlink,
    Other,
}

impl From<Entry> for EntryFields {
    fn from(entry: Entry) -> Self {
        Self {
            name: entry.name.into_string(),
            r#type: match entry.kind {
                EntryKind::File => Type::File,
                EntryKind::Directory => Type::Directory,
                EntryKind::Link => Type::Symlink,
                EntryKind::Other => Type::Other,
            },
            size: entry.size,
            mode: format!("{:04o}", entry.mode),
            mtime: entry.mtime,
            target: Some(entry.target.into_string()).filter(|target| !target.is_empty()),
        }
    }
}

impl EntryFields {
    fn line(&self) -> String {
        let letter = match self.r#type {
            Type::File => '-',
            Type::Directory => 'd',
            Type::Symlink => 'l',
            Type::Other => '?',
        };
        let arrow = self.target.as_ref().map(|target| format!(" -> {target}")).unwrap_or_default();
        format!("{letter} {} {:>10} {}{arrow}", self.mode, self.size, crate::format::one_line(&self.name))
    }
}

/// Lists a directory.
pub async fn list(call: &Call) -> Handled {
    let args: ListArgs = call.arguments()?;
    let path = args.path.as_deref().unwrap_or(".");
    let act = Act::List(ListDir {
        depth: within("depth", args.depth, 1, 1..=32)?,
        hidden: args.hidden,
        limit: within("limit", args.limit, 1000, 1..=10_000)?,
    });
    let place = Place {
        target: &args.target,
        path,
        confirm: args.confirm,
        confirmation_id: args.confirmation_id.clone(),
        words: format!("list the directory {path}"),
    };
    match ask(call, place, act, &[]).await? {
        Ended::Reply(reply) => Ok(reply),
        Ended::Done(events, _, Outcome::Listed { truncated, notes }) => {
            let fields = listing(events, truncated, &notes);
            let lines = fields.entries.iter().map(EntryFields::line).collect();
            let text = rendering(lines, "entries", truncated, &fields.notes);
            Ok(Answer::new(Status::Ok, &fields, text).into())
        }
        Ended::Done(..) => Err(misplaced("ssh_list_dir")),
    }
}

/// A listing as it is answered.
pub fn listing(events: Vec<Event>, truncated: bool, notes: &[sallyport_protocol::Text]) -> ListFields {
    let notes = notes.iter().map(|note| note.as_str().to_owned()).collect();
    ListFields { entries: entries(events), truncated, notes }
}

impl ListFields {
    /// A line for each entry.
    pub fn lines(&self) -> String {
        self.entries.iter().map(|entry| entry.line() + "\n").collect()
    }

    /// What a reader of the lines must know beside them.
    pub fn remarks(&self) -> impl Iterator<Item = &str> {
        let more = self.truncated.then_some("there are more entries");
        self.notes.iter().map(String::as_str).chain(more)
    }
}

fn entries(events: Vec<Event>) -> Vec<EntryFields> {
    let entry = |event| match event {
        Event::Entry(entry) => Some(entry.into()),
        Event::Match(_) => None,
    };
    events.into_iter().filter_map(entry).collect()
}

fn rendering(lines: Vec<String>, what: &str, truncated: bool, notes: &[String]) -> String {
    let mut told = vec![format!("{} {what}", lines.len())];
    if truncated {
        told.push("there are more".into());
    }
    told.extend(notes.iter().cloned());
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    format!("{text}[{}]", told.join(", "))
}

/// The arguments of `ssh_search`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SearchArgs {
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// text: lines of files that match a regular expression. files: names that fit a glob.
    kind: Kind,
    /// text: the regular expression (RE2 syntax). files: the glob: *, ?, ** and {a,b}; with a / it is of the path below.
    pattern: String,
    /// The directory or file to look in. Default: the account's home.
    #[schemars(extend("default" = "."))]
    path: Option<String>,
    /// Only files whose name (or path, with a /) fits this glob.
    glob: Option<String>,
    /// Small and capital letters are the same.
    #[serde(default)]
    ignore_case: bool,
    /// text: lines around each match. Default 0.
    #[serde(default)]
    #[schemars(range(max = 20))]
    context: u32,
    /// Matches in the answer. Default 100.
    #[schemars(range(min = 1, max = 2000))]
    #[schemars(extend("default" = 100))]
    limit: Option<u32>,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Text,
    Files,
}

/// The answer of `ssh_search`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SearchFields {
    /// What was found, in order of paths.
    matches: Vec<MatchFields>,
    /// Whether there is more.
    truncated: bool,
    /// What could not be looked at.
    notes: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct MatchFields {
    /// The path below the one that was searched.
    path: String,
    /// text: the line's number, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// text: the line, redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// text: lines before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    before: Vec<String>,
    /// text: lines after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    after: Vec<String>,
    /// files: what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<Type>,
}

impl MatchFields {
    fn of_line(found: Match) -> Self {
        let texts =
            |texts: &[sallyport_protocol::Text]| texts.iter().map(|text| text.as_str().to_owned()).collect();
        Self {
            line: Some(found.line),
            before: texts(&found.before),
            after: texts(&found.after),
            text: Some(found.text.into_string()),
            path: found.path.into_string(),
            r#type: None,
        }
    }

    fn of_name(entry: Entry) -> Self {
        let entry = EntryFields::from(entry);
        Self {
            path: entry.name,
            line: None,
            text: None,
            before: Vec::new(),
            after: Vec::new(),
            r#type: Some(entry.r#type),
        }
    }

    fn rendered(&self) -> String {
        let path = crate::format::one_line(&self.path);
        let (Some(number), Some(text)) = (self.line, &self.text) else { return path };
        let mut lines = Vec::new();
        let first = number - self.before.len() as u64;
        for (line, at) in self.before.iter().zip(first..) {
            lines.push(format!("{path}-{at}-{line}"));
        }
        lines.push(format!("{path}:{number}:{text}"));
        for (line, at) in self.after.iter().zip(number + 1..) {
            lines.push(format!("{path}-{at}-{line}"));
        }
        lines.join("\n")
    }
}

/// Searches.
pub async fn search(call: &Call) -> Handled {
    let args: SearchArgs = call.arguments()?;
    if args.pattern.is_empty() {
        return Err(invalid("a pattern must not be empty"));
    }
    let path = args.path.as_deref().unwrap_or(".");
    let act = Act::Search(Search {
        kind: if args.kind == Kind::Text { SearchKind::Lines } else { SearchKind::Names },
        pattern: Pattern::new(args.pattern.as_str()).map_err(bounds)?,
        glob: optional(args.glob.clone(), Word::new)?,
        ignore_case: args.ignore_case,
        context: within("context", Some(args.context), 0, 0..=20)?,
        limit: within("limit", args.limit, 100, 1..=2000)?,
    });
    let place = Place {
        target: &args.target,
        path,
        confirm: args.confirm,
        confirmation_id: args.confirmation_id.clone(),
        words: format!("search {path} for {}", args.pattern),
    };
    match ask(call, place, act, &[]).await? {
        Ended::Reply(reply) => Ok(reply),
        Ended::Done(events, _, Outcome::Listed { truncated, notes }) => {
            let matches: Vec<MatchFields> = events
                .into_iter()
                .map(|event| match event {
                    Event::Match(found) => MatchFields::of_line(found),
                    Event::Entry(entry) => MatchFields::of_name(entry),
                })
                .collect();
            let notes: Vec<String> = notes.iter().map(|note| note.as_str().to_owned()).collect();
            let lines = matches.iter().map(MatchFields::rendered).collect();
            let text = rendering(lines, "matches", truncated, &notes);
            Ok(Answer::new(Status::Ok, &SearchFields { matches, truncated, notes }, text).into())
        }
        Ended::Done(..) => Err(misplaced("ssh_search")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_match_is_shown_as_grep_shows_it() {
        let found = MatchFields {
            path: "etc/app.conf".into(),
            line: Some(7),
            text: Some("port = 80".into()),
            before: vec!["[server]".into()],
            after: vec!["host = x".into()],
            r#type: None,
        };
        insta::assert_snapshot!(found.rendered(), @r"
        etc/app.conf-6-[server]
        etc/app.conf:7:port = 80
        etc/app.conf-8-host = x
        ");
    }
}
