//! `ssh_file_write`, and what it shares with `ssh_file_edit`.

use sallyport_protocol::file::{Act, Guards, Outcome, Write, WriteMode, Written};
use sallyport_protocol::request::InputPlan;
use sallyport_protocol::text::Word;
use sallyport_protocol::{ErrorCode, Failure};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::read::{Encoding, unbase64};
use super::{Ended, Place, ask, digest};
use crate::format::{hex, readable};
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
    /// What is to stand in it.
    content: String,
    /// create (default): only where nothing is yet. overwrite: replace what is there. append: add to its end.
    #[serde(default)]
    mode: Mode,
    /// utf8 (default), or base64 for any bytes.
    #[serde(default)]
    encoding: Encoding,
    /// Make directories that are missing.
    #[serde(default)]
    create_parents: bool,
    /// Permissions as octal digits: 0644. Without them those of the file that is replaced.
    perm: Option<String>,
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

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Create,
    Overwrite,
    Append,
}

/// The answer's own fields.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Fields {
    /// The file's size now.
    bytes: u64,
    /// For expected_sha256 of the next change.
    sha256: String,
    /// The file holds a secret, so sha256 is a keyed digest: good as expected_sha256 only.
    sha256_keyed: bool,
    /// What changed, as a unified diff, redacted; empty for what is no text.
    diff: String,
    /// Whether the diff was cut.
    diff_truncated: bool,
    /// The format it was checked as; null when none was.
    validation: Option<String>,
    /// Whether nothing was written because dry_run was set.
    dry_run: bool,
    /// What could not be kept as it was, its owner for example.
    notes: Vec<String>,
}

/// Writes a file.
pub async fn write(call: &Call) -> Handled {
    let args: Args = call.arguments()?;
    let content = match args.encoding {
        Encoding::Utf8 => args.content.clone().into_bytes(),
        Encoding::Base64 => unbase64(&args.content).ok_or_else(|| invalid("content is no base64"))?,
    };
    let guards = guards(args.expected_sha256.as_deref(), args.validate.as_deref(), args.dry_run)?;
    let (mode, how) = match args.mode {
        Mode::Create => (WriteMode::Create, "create"),
        Mode::Overwrite => (WriteMode::Overwrite, "overwrite"),
        Mode::Append => (WriteMode::Append, "append to"),
    };
    let act = Act::Write(Write {
        content: plan(&content),
        mode,
        create_parents: args.create_parents,
        perm: args.perm.as_deref().map(permissions).transpose()?,
        guards,
    });
    let place = Place {
        target: &args.target,
        path: &args.path,
        confirm: args.confirm,
        confirmation_id: args.confirmation_id.clone(),
        words: format!("{how} the file {} with {} bytes:\n{}", args.path, content.len(), args.content),
    };
    match ask(call, place, act, &content).await? {
        Ended::Reply(reply) => Ok(reply),
        Ended::Done(_, diff, Outcome::Written(written)) => {
            let fields = fields(&diff, written, args.dry_run);
            let text = rendering(&fields, &args.path, None);
            Ok(Answer::new(Status::Ok, &fields, text).into())
        }
        Ended::Done(..) => Err(misplaced("ssh_file_write")),
    }
}

/// What has to hold before a write.
///
/// # Errors
/// `invalid_argument`.
pub fn guards(expected: Option<&str>, validate: Option<&str>, dry_run: bool) -> Result<Guards, Failure> {
    Ok(Guards {
        expected: digest(expected)?,
        validate: Word::new(validate.unwrap_or("auto")).map_err(bounds)?,
        dry_run,
    })
}

/// Announces an input.
pub fn plan(bytes: &[u8]) -> InputPlan {
    InputPlan { length: bytes.len() as u64, sha256: Sha256::digest(bytes).into() }
}

/// Reads octal digits.
fn permissions(text: &str) -> Result<u32, Failure> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if digits.len() <= 5 && mode <= 0o7777 => Ok(mode),
        _ => Err(Failure::new(
            ErrorCode::InvalidArgument,
            format!("{text:?} are no permissions"),
            "give octal digits, like \"0644\"",
        )),
    }
}

/// The answer's fields.
pub fn fields(diff: &[u8], written: Written, dry_run: bool) -> Fields {
    Fields {
        bytes: written.bytes,
        sha256: hex(&written.digest.sha256),
        sha256_keyed: written.digest.keyed,
        diff: readable(diff),
        diff_truncated: written.diff_truncated,
        validation: Some(written.validation.into_string()).filter(|name| !name.is_empty()),
        dry_run,
        notes: written.notes.iter().map(|note| note.as_str().to_owned()).collect(),
    }
}

/// The rendering for clients that show only text.
pub fn rendering(fields: &Fields, path: &str, edits: Option<u32>) -> String {
    let mut text = fields.diff.clone();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let verb = if fields.dry_run { "would be written (dry run)" } else { "written" };
    let mut notes = vec![format!("{path} {verb}, {} bytes", fields.bytes)];
    if let Some(edits) = edits {
        notes.push(format!("{edits} edits"));
    }
    if let Some(format) = &fields.validation {
        notes.push(format!("valid {format}"));
    }
    if fields.diff_truncated {
        notes.push("the diff was cut".into());
    }
    notes.extend(fields.notes.iter().cloned());
    notes.push(format!("sha256 {}", fields.sha256));
    format!("{text}[{}]", notes.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_octal_digits() {
        assert_eq!(permissions("0644").unwrap(), 0o644);
        assert_eq!(permissions("755").unwrap(), 0o755);
        assert_eq!(permissions("0o600").unwrap(), 0o600);
        for bad in ["", "rw-r--r--", "0888", "644 ", "77777", "-1"] {
            assert!(permissions(bad).is_err(), "{bad}");
        }
    }
}
