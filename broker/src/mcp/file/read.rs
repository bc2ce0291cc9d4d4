//! `ssh_file_read`.

use sallyport_protocol::Failure;
use sallyport_protocol::file::{Act, Outcome, Part, Read, ReadEnd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Ended, Place, ask, within};
use crate::format::{hex, readable};
use crate::mcp::answer::{Answer, Status, misplaced};
use crate::mcp::call::{Call, Handled, invalid};

/// The arguments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// Where: an alias from ssh_list_hosts, user@alias, or [user@]host[:port].
    target: String,
    /// The file; a relative path begins in the account's home.
    path: String,
    /// Only these lines, both included, counted from 1: [from, to].
    lines: Option<[u64; 2]>,
    /// Only the last so many lines.
    #[schemars(range(min = 1))]
    tail: Option<u32>,
    /// Bytes in the answer. Default 20480.
    #[schemars(range(min = 1, max = 1_048_576))]
    #[schemars(extend("default" = 20480))]
    max_bytes: Option<u32>,
    /// utf8 (default): text, secrets masked. base64: the exact bytes of any file, refused when there is a secret in them.
    #[serde(default)]
    encoding: Encoding,
    /// You are sure, where the host lets the model itself confirm.
    #[serde(default)]
    confirm: bool,
    /// The id of a confirmation that a person gave for exactly this call.
    confirmation_id: Option<String>,
}

/// How content travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As text.
    #[default]
    Utf8,
    /// As RFC 4648 base64.
    Base64,
}

/// The answer's own fields.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Fields {
    /// The content, redacted; empty for a binary file read as text.
    content: String,
    /// The encoding of content.
    encoding: Encoding,
    /// The file's size in bytes.
    size: u64,
    /// How many lines it has; null when it is too large to count.
    total_lines: Option<u64>,
    /// The number of content's first line.
    first_line: u64,
    /// For expected_sha256; null when the file is too large.
    sha256: Option<String>,
    /// The file holds a secret, so sha256 is a keyed digest: good as expected_sha256 only.
    sha256_keyed: bool,
    /// Whether content does not hold all that was asked for.
    truncated: bool,
    /// Whether it is no text; read it with encoding = base64.
    binary: bool,
    /// How many secrets were masked.
    redactions: u64,
}

/// Reads a file.
pub async fn read(call: &Call) -> Handled {
    let args: Args = call.arguments()?;
    let part = part(&args)?;
    let exact = args.encoding == Encoding::Base64;
    let act = Act::Read(Read {
        part,
        max_bytes: within("max_bytes", args.max_bytes, 20_480, 1..=1_048_576)?,
        exact,
    });
    let place = Place {
        target: &args.target,
        path: &args.path,
        confirm: args.confirm,
        confirmation_id: args.confirmation_id.clone(),
        words: format!("read the file {}", args.path),
    };
    match ask(call, place, act, &[]).await? {
        Ended::Reply(reply) => Ok(reply),
        Ended::Done(_, content, Outcome::Read(end)) => Ok(answer(&args, &content, end).into()),
        Ended::Done(..) => Err(misplaced("ssh_file_read")),
    }
}

fn part(args: &Args) -> Result<Part, Failure> {
    match (args.lines, args.tail) {
        (Some(_), Some(_)) => Err(invalid("give either lines or tail")),
        (Some([from, to]), None) if from == 0 || from > to => {
            Err(invalid("lines is [from, to], counted from 1, from not above to"))
        }
        (Some([from, to]), None) => Ok(Part::Lines(from, to)),
        (None, Some(tail)) => within("tail", Some(tail), 1, 1..=u32::MAX).map(Part::Tail),
        (None, None) => Ok(Part::All),
    }
}

fn answer(args: &Args, content: &[u8], end: ReadEnd) -> Answer {
    let fields = fields(args.encoding, content, end);
    let text = rendering(&fields);
    Answer::new(Status::Ok, &fields, text)
}

/// The answer to reading text as the command line prints it.
pub fn report(content: &[u8], end: ReadEnd) -> Fields {
    fields(Encoding::Utf8, content, end)
}

fn fields(encoding: Encoding, content: &[u8], end: ReadEnd) -> Fields {
    let content = match encoding {
        Encoding::Utf8 => readable(content),
        Encoding::Base64 => base64(content),
    };
    Fields {
        content,
        encoding,
        size: end.size,
        total_lines: end.total_lines,
        first_line: end.first_line,
        sha256: end.digest.map(|digest| hex(&digest.sha256)),
        sha256_keyed: end.digest.is_some_and(|digest| digest.keyed),
        truncated: end.truncated,
        binary: end.binary,
        redactions: end.redactions,
    }
}

fn rendering(fields: &Fields) -> String {
    let mut text = fields.content.clone();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let mut notes = vec![format!("{} bytes", fields.size)];
    match fields.total_lines {
        _ if fields.binary && fields.encoding == Encoding::Utf8 => {
            notes.push("binary: not shown as text, read it with encoding = base64".into());
        }
        Some(lines) if fields.first_line > 1 => {
            notes.push(format!("{lines} lines, from line {}", fields.first_line))
        }
        Some(lines) => notes.push(format!("{lines} lines")),
        None => notes.push("too large to count its lines".into()),
    }
    if fields.truncated {
        notes.push("more was asked for than is shown: read on with lines".into());
    }
    if fields.redactions > 0 {
        notes.push(format!("{} secrets masked", fields.redactions));
    }
    if let Some(sha256) = &fields.sha256 {
        notes.push(format!("sha256 {sha256}"));
    }
    format!("{text}[{}]", notes.join(", "))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648, section 4.
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits =
            three.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let sextet = (bits >> (18 - 6 * place)) & 63;
            text.push(if place <= three.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    text
}

/// The bytes of a base64 text; white space within is passed over.
pub fn unbase64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let data = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(&text);
    if !text.len().is_multiple_of(4) || data.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(data.len() / 4 * 3 + 2);
    for four in data.chunks(4) {
        let mut bits = 0_u32;
        for byte in four {
            let sextet = ALPHABET.iter().position(|known| known == byte)?;
            bits = bits << 6 | u32::try_from(sextet).ok()?;
        }
        bits <<= 6 * (4 - four.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[1..four.len()]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(plain.as_bytes()), text);
            assert_eq!(unbase64(text).unwrap(), plain.as_bytes());
        }
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(unbase64(&base64(&every)).unwrap(), every);
        assert_eq!(unbase64("Zm9v\nYmFy\n").unwrap(), b"foobar");
        for bad in ["Z", "Zg", "Zg=", "Zm9v=", "Z===", "Zm9-", "====", "Zg==Zg=="] {
            assert_eq!(unbase64(bad), None, "{bad}");
        }
    }

    #[test]
    fn lines_and_tail_exclude_each_other_and_ranges_go_forward() {
        let code = |more: serde_json::Value| {
            let mut args = serde_json::json!({ "target": "web1", "path": "/x" });
            args.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            part(&serde_json::from_value(args).unwrap()).map_err(|failure| failure.code.as_str())
        };
        assert_eq!(code(serde_json::json!({})), Ok(Part::All));
        assert_eq!(code(serde_json::json!({ "lines": [2, 2] })), Ok(Part::Lines(2, 2)));
        assert_eq!(code(serde_json::json!({ "lines": [0, 2] })), Err("invalid_argument"));
        assert_eq!(code(serde_json::json!({ "lines": [3, 2] })), Err("invalid_argument"));
        assert_eq!(code(serde_json::json!({ "tail": 0 })), Err("invalid_argument"));
        assert_eq!(code(serde_json::json!({ "lines": [1, 2], "tail": 1 })), Err("invalid_argument"));
    }
}
