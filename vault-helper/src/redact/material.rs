//! What of a record is secret: keys and addresses carry public parts that must stay readable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::SecretKind;

type Secret = Zeroizing<Vec<u8>>;

/// The parts of `secret` to look for.
pub(super) fn parts(secret: &[u8], kind: SecretKind) -> Vec<Secret> {
    match kind {
        SecretKind::Password | SecretKind::Passphrase => vec![owned(trim_line_end(secret))],
        SecretKind::PrivateKey => vec![key_body(secret)],
        SecretKind::Dotenv => address_password(secret)
            .map_or_else(|| vec![owned(trim_line_end(secret))], |password| vec![owned(password)]),
    }
}

fn owned(secret: &[u8]) -> Secret {
    Zeroizing::new(secret.to_vec())
}

fn trim_line_end(secret: &[u8]) -> &[u8] {
    let end = secret.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    &secret[..end]
}

/// The password of a `scheme://user:password@host` address: the rest of it is names, which are not secret.
fn address_password(value: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(value).ok()?;
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user_info, _) = authority.rsplit_once('@')?;
    let (_, password) = user_info.split_once(':')?;
    (!password.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)))
    .then_some(password.as_bytes())
}

/// A key file without its armour, its headers and, in OpenSSH's format, its public part.
fn key_body(file: &[u8]) -> Secret {
    let mut body = Zeroizing::new(Vec::with_capacity(file.len() + 1));
    let lines = file.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with(b"-----") && !line.contains(&b':'))
    {
        body.extend_from_slice(line);
        body.push(b'\n');
    }
    if body.is_empty() {
        return owned(trim_line_end(file));
    }
    let skipped = public_characters(&body).unwrap_or(0);
    let mut seen = 0;
    let from = body.iter().position(|byte| {
        seen += usize::from(*byte != b'\n');
        seen > skipped
    });
    owned(&body[from.unwrap_or(0)..])
}

/// The base64 characters before the private section of an OpenSSH key (OpenSSH's PROTOCOL.key).
fn public_characters(body: &[u8]) -> Option<usize> {
    let mut joined: Secret = Zeroizing::new(Vec::with_capacity(body.len()));
    joined.extend(body.iter().filter(|byte| **byte != b'\n'));
    let key = Zeroizing::new(STANDARD.decode(joined.as_slice()).ok()?);
    let mut rest = key.strip_prefix(b"openssh-key-v1\0")?;
    for _cipher_kdf_options in 0..3 {
        rest = after_string(rest)?;
    }
    rest = after_string(rest.get(4..)?)?;
    let private = key.len() - rest.get(4..)?.len();
    Some((private * 8).div_ceil(6))
}

fn after_string(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.get(usize::try_from(u32::from_be_bytes(*length)).ok()?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(secret: &[u8], kind: SecretKind) -> String {
        String::from_utf8_lossy(&parts(secret, kind)[0]).into_owned()
    }

    #[test]
    fn names_and_hosts_of_an_address_are_not_secret() {
        assert_eq!(one(b"postgres://app:s3cr3t-pw@db.example/x", SecretKind::Dotenv), "s3cr3t-pw");
        assert_eq!(
            one(b"https://example.org/hook/T0KEN", SecretKind::Dotenv),
            "https://example.org/hook/T0KEN"
        );
    }

    #[test]
    fn armour_headers_and_line_ends_are_not_secret() {
        let pem = b"-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n\r\nAAAA\r\nBBBB\r\n-----END RSA PRIVATE KEY-----\r\n";
        assert_eq!(one(pem, SecretKind::PrivateKey), "AAAA\nBBBB\n");
        assert_eq!(one(b"pass word \r\n", SecretKind::Password), "pass word ");
    }

    #[test]
    fn the_public_part_of_an_openssh_key_is_not_secret() {
        let mut key = b"openssh-key-v1\0".to_vec();
        for string in [&b"none"[..], b"none", b""] {
            key.extend_from_slice(&u32::try_from(string.len()).expect("short").to_be_bytes());
            key.extend_from_slice(string);
        }
        key.extend_from_slice(&[0, 0, 0, 1, 0, 0, 0, 6]);
        key.extend_from_slice(b"public");
        key.extend_from_slice(&[0, 0, 0, 9]);
        let before = key.len();
        key.extend_from_slice(b"privately");
        let body = STANDARD.encode(&key);
        let expected = format!("{}\n", &body[(before * 8).div_ceil(6)..]);
        assert_eq!(one(body.as_bytes(), SecretKind::PrivateKey), expected);
    }
}
