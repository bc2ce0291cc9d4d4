//! What keys send: xterm's codes (ctlseqs, "PC-Style Function Keys"), which every program on a `xterm-256color` expects.

use sallyport_protocol::text::KeyName;
use sallyport_protocol::{ErrorCode, Failure};

/// Keys of the cursor and keypad group: the last byte of what they send, after `ESC [` or, where the program asked
/// for application cursor keys (DECCKM), `ESC O`.
const CURSOR: &[(&str, u8)] =
    &[("up", b'A'), ("down", b'B'), ("right", b'C'), ("left", b'D'), ("home", b'H'), ("end", b'F')];

/// Keys that always send the same.
const PLAIN: &[(&str, &str)] = &[
    ("enter", "\r"),
    ("return", "\r"),
    ("escape", "\x1b"),
    ("esc", "\x1b"),
    ("tab", "\t"),
    ("shift-tab", "\x1b[Z"),
    ("space", " "),
    ("backspace", "\x7f"),
    ("insert", "\x1b[2~"),
    ("delete", "\x1b[3~"),
    ("page-up", "\x1b[5~"),
    ("page-down", "\x1b[6~"),
    ("f1", "\x1bOP"),
    ("f2", "\x1bOQ"),
    ("f3", "\x1bOR"),
    ("f4", "\x1bOS"),
    ("f5", "\x1b[15~"),
    ("f6", "\x1b[17~"),
    ("f7", "\x1b[18~"),
    ("f8", "\x1b[19~"),
    ("f9", "\x1b[20~"),
    ("f10", "\x1b[21~"),
    ("f11", "\x1b[23~"),
    ("f12", "\x1b[24~"),
    ("ctrl-space", "\0"),
    ("ctrl-@", "\0"),
    ("ctrl-[", "\x1b"),
    ("ctrl-\\", "\x1c"),
    ("ctrl-]", "\x1d"),
    ("ctrl-^", "\x1e"),
    ("ctrl-_", "\x1f"),
    ("ctrl-/", "\x1f"),
];

/// What a key sends; `application` is whether the program asked for application cursor keys.
///
/// # Errors
/// `invalid_argument` for a name that is no key.
pub fn bytes(name: &KeyName, application: bool) -> Result<Vec<u8>, Failure> {
    let key = name.as_str().to_ascii_lowercase().replace('_', "-");
    find(&key, application).ok_or_else(|| {
        Failure::new(
            ErrorCode::InvalidArgument,
            format!("there is no key {:?}", name.as_str()),
            "keys are ctrl-a to ctrl-z, alt-a to alt-z, enter, escape, tab, shift-tab, space, backspace, up, down, left, \
             right, home, end, page-up, page-down, insert, delete and f1 to f12; ctrl- goes with the arrows too",
        )
    })
}

fn find(key: &str, application: bool) -> Option<Vec<u8>> {
    let cursor = |key: &str| CURSOR.iter().find(|(name, _)| *name == key).map(|(_, last)| *last);
    if let Some((_, bytes)) = PLAIN.iter().find(|(name, _)| *name == key) {
        return Some(bytes.as_bytes().to_vec());
    }
    if let Some(last) = cursor(key) {
        return Some(vec![0x1b, if application { b'O' } else { b'[' }, last]);
    }
    if let Some(with) = key.strip_prefix("ctrl-") {
        return match with.as_bytes() {
            [letter @ b'a'..=b'z'] => Some(vec![letter & 0x1f]),
            _ => cursor(with).map(|last| vec![0x1b, b'[', b'1', b';', b'5', last]),
        };
    }
    match key.strip_prefix("alt-")?.as_bytes() {
        [printable @ b'!'..=b'~'] => Some(vec![0x1b, *printable]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(name: &str, application: bool) -> Option<Vec<u8>> {
        bytes(&KeyName::new(name).unwrap(), application).ok()
    }

    #[test]
    fn every_key_of_the_interface_sends_what_xterm_sends() {
        for letter in b'a'..=b'z' {
            assert_eq!(sent(&format!("ctrl-{}", letter as char), false), Some(vec![letter - b'a' + 1]));
        }
        for n in 1..=12 {
            assert!(sent(&format!("f{n}"), false).is_some_and(|bytes| bytes[0] == 0x1b), "f{n}");
        }
        for (name, bytes) in [
            ("enter", "\r"),
            ("escape", "\x1b"),
            ("tab", "\t"),
            ("backspace", "\x7f"),
            ("delete", "\x1b[3~"),
            ("insert", "\x1b[2~"),
            ("page-up", "\x1b[5~"),
            ("Page_Down", "\x1b[6~"),
            ("f1", "\x1bOP"),
            ("f5", "\x1b[15~"),
            ("f12", "\x1b[24~"),
            ("ctrl-left", "\x1b[1;5D"),
            ("alt-.", "\x1b."),
        ] {
            assert_eq!(sent(name, true).as_deref(), Some(bytes.as_bytes()), "{name}");
        }
    }

    #[test]
    fn arrows_follow_the_programs_wish() {
        assert_eq!(sent("up", false).as_deref(), Some(b"\x1b[A".as_slice()));
        assert_eq!(sent("up", true).as_deref(), Some(b"\x1bOA".as_slice()));
        assert_eq!(sent("home", true).as_deref(), Some(b"\x1bOH".as_slice()));
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_names_there_are() {
        for name in ["f0", "f13", "ctrl-", "ctrl-1", "alt-", "alt-ab", "hyper-x", "cmd", "up-up", "x"] {
            assert_eq!(sent(name, false), None, "{name}");
        }
        let failure = bytes(&KeyName::new("any").unwrap(), false).unwrap_err();
        assert_eq!(failure.code, ErrorCode::InvalidArgument);
        assert!(failure.hint.as_str().contains("ctrl-a to ctrl-z"));
    }
}
