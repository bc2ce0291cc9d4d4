//! Whether what a carrier wants signed is what it is for: the request of one account to log in with one key, and nothing
//! else a key can be made to sign. As OpenSSH's monitor looks at what its child wants to have verified; but that knows the
//! session, and here only the carrier does, which speaks for the server.

use russh::keys::ssh_encoding::Decode;

use super::keeper::Proof;

/// SSH_MSG_USERAUTH_REQUEST (RFC 4252, 6).
const USERAUTH_REQUEST: u8 = 50;
/// A session identifier's longest, in bytes: the exchange hash (RFC 4253, 7.2) of SHA-512.
const MAX_SESSION: usize = 64;

/// The session of a request for publickey authentication as RFC 4252, 7 has it signed: of this account, with this key or
/// certificate, for a connection. Nothing when it is anything else.
pub fn login_session(data: &[u8], user: &str, proof: &Proof) -> Option<Vec<u8>> {
    let request = read(data)?;
    let shown = match proof {
        Proof::Key(key) => key.to_bytes(),
        Proof::Certificate(certificate) => certificate.to_bytes(),
    };
    let well = request.user == user.as_bytes() && shown.is_ok_and(|shown| shown == request.key);
    well.then_some(request.session)
}

struct Request {
    session: Vec<u8>,
    user: Vec<u8>,
    key: Vec<u8>,
}

fn read(mut data: &[u8]) -> Option<Request> {
    let from = &mut data;
    let session = Vec::<u8>::decode(from).ok()?;
    let kind = u8::decode(from).ok()?;
    let user = Vec::<u8>::decode(from).ok()?;
    let service = Vec::<u8>::decode(from).ok()?;
    let method = Vec::<u8>::decode(from).ok()?;
    let signed = u8::decode(from).ok()?;
    // The algorithm: the key's holder chooses it itself.
    Vec::<u8>::decode(from).ok()?;
    let key = Vec::<u8>::decode(from).ok()?;
    let well = from.is_empty()
        && !session.is_empty()
        && session.len() <= MAX_SESSION
        && (kind, signed) == (USERAUTH_REQUEST, 1)
        && (service.as_slice(), method.as_slice()) == (b"ssh-connection", b"publickey");
    well.then_some(Request { session, user, key })
}

#[cfg(test)]
mod tests {
    use russh::keys::PublicKey;
    use russh::keys::ssh_encoding::Encode;

    use super::*;

    fn is_login(data: &[u8], user: &str, proof: &Proof) -> bool {
        login_session(data, user, proof).is_some()
    }

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILIG2T/B0l0gaqj3puu510tu9N1OkQ4znY3LYuEm5zCF a";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X b";

    fn key(text: &str) -> PublicKey {
        PublicKey::from_openssh(text).unwrap()
    }

    fn request(session: usize, kind: u8, words: [&str; 4], signed: u8, shown: &PublicKey) -> Vec<u8> {
        let mut data = Vec::new();
        vec![7u8; session].encode(&mut data).unwrap();
        data.push(kind);
        words[..3].iter().for_each(|word| word.as_bytes().encode(&mut data).unwrap());
        data.push(signed);
        words[3].as_bytes().encode(&mut data).unwrap();
        shown.to_bytes().unwrap().encode(&mut data).unwrap();
        data
    }

    #[test]
    fn a_login_of_this_account_with_this_key_is_signed_and_nothing_else() {
        let proof = Proof::Key(key(KEY));
        let usual = ["deploy", "ssh-connection", "publickey", "ssh-ed25519"];
        let good = request(32, 50, usual, 1, &key(KEY));
        assert_eq!(login_session(&good, "deploy", &proof), Some(vec![7; 32]));
        assert!(!is_login(&good, "root", &proof), "another account");
        assert!(!is_login(&good, "deploy", &Proof::Key(key(OTHER))), "another key was offered");
        assert!(!is_login(&request(32, 50, usual, 1, &key(OTHER)), "deploy", &proof), "another key is named");
        assert!(!is_login(&request(0, 50, usual, 1, &key(KEY)), "deploy", &proof), "no session");
        assert!(!is_login(&request(65, 50, usual, 1, &key(KEY)), "deploy", &proof), "too long for a session");
        assert!(!is_login(&request(32, 51, usual, 1, &key(KEY)), "deploy", &proof), "no request");
        assert!(
            !is_login(&request(32, 50, usual, 0, &key(KEY)), "deploy", &proof),
            "a question, not a proof"
        );
        let service = ["deploy", "ssh-userauth", "publickey", "ssh-ed25519"];
        assert!(!is_login(&request(32, 50, service, 1, &key(KEY)), "deploy", &proof));
        let method = ["deploy", "ssh-connection", "hostbased", "ssh-ed25519"];
        assert!(!is_login(&request(32, 50, method, 1, &key(KEY)), "deploy", &proof));
        assert!(!is_login(&[good.as_slice(), b"x"].concat(), "deploy", &proof), "something follows");
        assert!(!is_login(b"SSHSIG\0\0\0\x01file", "deploy", &proof), "a file's signature (ssh-keygen -Y)");
        for cut in 0..good.len() {
            assert!(!is_login(&good[..cut], "deploy", &proof), "cut at {cut}");
        }
    }
}
