//! Keys and tokens that are not in the vault.

use std::time::Instant;

use sallyport_vault_helper::redact::{Redactor, StreamRedactor};

fn shown(mut stream: StreamRedactor, chunks: &[&[u8]]) -> String {
    let now = Instant::now();
    let mut out: Vec<u8> = chunks.iter().flat_map(|chunk| stream.push(now, chunk).into_vec()).collect();
    out.extend(stream.finish().into_vec());
    String::from_utf8_lossy(&out).into_owned()
}

const TOKEN: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

#[test]
fn a_token_is_masked_after_its_public_beginning_however_it_is_cut() {
    let text = format!("GH={TOKEN}. done\n");
    for cut in 0..=text.len() {
        let chunks = [&text.as_bytes()[..cut], &text.as_bytes()[cut..]];
        assert_eq!(shown(Redactor::new().stream(), &chunks), "GH=ghp_[redacted]. done\n");
    }
    let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(shown(Redactor::new().stream(), &single), "GH=ghp_[redacted]. done\n");
}

#[test]
fn the_body_of_a_private_key_block_is_masked_in_a_file_and_in_json() {
    let body = "MIIEpAIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo4lgOEePz";
    for end in ["\n", "\\n", "\r\n"] {
        let text = format!(
            "-----BEGIN RSA PRIVATE KEY-----{end}{body}{end}{body}{end}-----END RSA PRIVATE KEY-----\n$ "
        );
        let shown = shown(Redactor::new().stream(), &[text.as_bytes()]);
        assert_eq!(shown, "-----BEGIN RSA PRIVATE KEY-----[redacted]-----END RSA PRIVATE KEY-----\n$ ");
    }
}

#[test]
fn what_only_begins_like_a_token_is_left_alone() {
    for text in [
        "ghp_short",
        "xghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "grep 'BEGIN PRIVATE KEY-----' file",
        "ghp_",
        "SG.a",
    ] {
        assert_eq!(shown(Redactor::new().stream(), &[text.as_bytes()]), text);
    }
}

#[test]
fn a_host_may_switch_shapes_off_and_exact_downloads_ignore_them() {
    assert_eq!(shown(Redactor::new().with_shapes(false).stream(), &[TOKEN.as_bytes()]), TOKEN);
    assert!(Redactor::new().exact().push(TOKEN.as_bytes()).is_ok());
}
