//! Paths as the server knows them.
//!
//! A path travels in the protocol as text. What is not UTF-8 in a name stands there as one character of a private
//! range for each byte (see [`sallyport_protocol::name`]), so that every name can be told, shown and asked for.

use sallyport_protocol::name;
use sallyport_protocol::text::RemotePath;

/// A path in bytes, as it is sent: the text's bytes, `~/` taken off the front. SFTP begins in the home directory,
/// and does not know the tilde.
pub fn wire(path: &RemotePath) -> Vec<u8> {
    let text = path.as_str();
    let text = match text.strip_prefix("~/") {
        Some("") => ".",
        Some(rest) => rest.trim_start_matches('/'),
        None if text == "~" => ".",
        None => text,
    };
    name::to_bytes(if text.is_empty() { "." } else { text })
}

/// The path as text.
pub fn shown(path: &[u8]) -> String {
    name::to_text(path)
}

/// The directory a path's last name is in, and that name; none when it names no file (`/`, `..`, `a/.`).
pub fn split(path: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let end = path.iter().rposition(|byte| *byte != b'/')? + 1;
    let path = &path[..end];
    let (parent, last) = match path.iter().rposition(|byte| *byte == b'/') {
        None => (&b"."[..], path),
        Some(0) => (&b"/"[..], &path[1..]),
        Some(at) => (&path[..at], &path[at + 1..]),
    };
    (!matches!(last, b"." | b".." | b"")).then(|| (parent.to_vec(), last.to_vec()))
}

/// A name in a directory.
pub fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match directory {
        b"." => name.to_vec(),
        _ if directory.ends_with(b"/") => [directory, name].concat(),
        _ => [directory, b"/", name].concat(),
    }
}

/// Whether a name from a listing can be a name at all: a server's `../x` must not lead anywhere.
pub fn is_plain(name: &[u8]) -> bool {
    !matches!(name, b"" | b"." | b"..") && !name.contains(&b'/') && !name.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wired(text: &str) -> Vec<u8> {
        wire(&RemotePath::new(text).unwrap())
    }

    #[test]
    fn the_home_directory_is_where_sftp_begins() {
        assert_eq!(wired("~/x"), b"x");
        assert_eq!(wired("~"), b".");
        assert_eq!(wired("~/"), b".");
        assert_eq!(wired("~//etc/x"), b"etc/x");
        assert_eq!(wired("~root/x"), b"~root/x");
    }

    #[test]
    fn a_path_is_split_at_its_last_name() {
        let split = |path: &str| super::split(path.as_bytes());
        let pair = |a: &str, b: &str| Some((a.as_bytes().to_vec(), b.as_bytes().to_vec()));
        assert_eq!(split("/etc/hosts"), pair("/etc", "hosts"));
        assert_eq!(split("/hosts"), pair("/", "hosts"));
        assert_eq!(split("hosts"), pair(".", "hosts"));
        assert_eq!(split("a/b//"), pair("a", "b"));
        for none in ["/", "", ".", "..", "a/..", "//"] {
            assert_eq!(split(none), None, "{none}");
        }
    }
}
