use super::*;

fn refusal(text: &str) -> String {
    Inventory::from_toml(text).unwrap_err().to_string()
}

const FULL: &str = r#"
[hosts.bastion]
[hosts.web1]
hostname = "203.0.113.10"
user = "deploy"
port = 2222
jump = "bastion"
tags = ["web", "prod"]
mode = "readonly"
confirmation = "operator"
host_key = "accept-new"
identity = ["vault", "agent", "file:/home/me/.ssh/id"]
terminal = "confirm"
forward = ["DB.internal:5432", "[::1]:80"]
remote_forward = [8080]
upload = false
redact_shapes = false
login_shell = "fish"
"#;

#[test]
fn every_key_is_read() {
    let inventory = Inventory::from_toml(FULL).unwrap();
    let host = inventory.get("web1").unwrap();
    assert_eq!((host.hostname.as_str(), host.port), ("203.0.113.10", 2222));
    assert!(!host.upload && !host.redact_shapes);
    assert_eq!(host.forward, [("db.internal".to_owned(), 5432), ("::1".to_owned(), 80)]);
    assert_eq!(host.identity.len(), 3);
    assert_eq!(inventory.jump_chain("web1"), ["bastion"]);
    assert_eq!(host.subject("web1", "local").mode, Some(Mode::Readonly));
}

#[test]
fn a_bare_entry_takes_the_defaults() {
    let inventory = Inventory::from_toml("[hosts.Web]\n").unwrap();
    let host = inventory.get("Web").unwrap();
    assert_eq!((host.hostname.as_str(), host.port), ("web", 22));
    assert!(host.upload && host.redact_shapes);
    assert_eq!((host.host_key, host.login_shell), (HostKey::Strict, LoginShell::Posix));
    assert_eq!((&host.identity[..], host.terminal), (&[Identity::Vault][..], None));
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    insta::assert_snapshot!(refusal("[hosts.a]\nport = 22\nprot = 23\n"), @"line 3: prot: unknown key `prot`, expected one of `hostname`, `user`, `port`, `jump`, `tags`, `mode`, `confirmation`, `host_key`, `identity`, `terminal`, `forward`, `remote_forward`, `upload`, `login_shell`, `redact_shapes`");
}

#[test]
fn values_out_of_range_are_refused() {
    insta::assert_snapshot!(refusal("[hosts.a]\nport = 0\n"), @"line 2: port: a port is 1 to 65535");
    insta::assert_snapshot!(refusal("[hosts.a]\nmode = \"safe\"\n"), @"line 2: mode: unknown value `safe`, expected one of `readonly`, `guarded`, `unrestricted`");
    insta::assert_snapshot!(refusal("[hosts.a]\nhostname = \"-oProxyCommand=x\"\n"), @"line 2: hostname: a host name or address without spaces, user or port is needed");
    insta::assert_snapshot!(refusal("[hosts.a]\nforward = [\n  \"db\",\n]\n"), @"line 3: forward: a forward is `host:port`");
    insta::assert_snapshot!(refusal("[hosts.a]\nidentity = [\"file:\"]\n"), @"line 2: identity: an identity is `vault`, `agent` or `file:PATH`");
    insta::assert_snapshot!(refusal("[hosts.\"-a\"]\n"), @"line 1: hosts.\"-a\": an alias is 1 to 64 letters, digits, `.`, `_`, `-`");
}

#[test]
fn a_jump_must_lead_somewhere_and_end() {
    insta::assert_snapshot!(refusal("[hosts.a]\njump = \"b\"\n"), @r#"line 2: jump: there is no host "b"; add [hosts.b] or correct the name"#);
    insta::assert_snapshot!(refusal("[hosts.a]\njump = \"b\"\n[hosts.b]\njump = \"a\"\n"), @"line 2: jump: jump hosts go round in a circle: a -> b -> a");
}

#[test]
fn broken_toml_is_an_error_with_a_line() {
    assert_eq!(Inventory::from_toml("[hosts.a]\nuser = \n").unwrap_err().line, 2);
    assert_eq!(Inventory::from_toml("[hosts.a]\n[hosts.a]\n").unwrap_err().line, 2);
}

/// Every way `hosts.toml` can be wrong, under a name.
const MISTAKES: &[(&str, &str)] = &[
    ("unknown key", "[hosts.a]\nport = 22\nprot = 23\n"),
    ("unknown table", "[host.a]\nport = 22\n"),
    ("text for a number", "[hosts.a]\nport = \"22\"\n"),
    ("port zero", "[hosts.a]\nport = 0\n"),
    ("a port too high", "[hosts.a]\nport = 65536\n"),
    ("unknown mode", "[hosts.a]\nmode = \"safe\"\n"),
    ("unknown confirmation", "[hosts.a]\nconfirmation = \"me\"\n"),
    ("unknown host key", "[hosts.a]\nhost_key = \"no\"\n"),
    ("unknown terminal", "[hosts.a]\nterminal = \"yes\"\n"),
    ("unknown login shell", "[hosts.a]\nlogin_shell = \"bash\"\n"),
    ("text for a truth", "[hosts.a]\nupload = \"no\"\n"),
    ("a user in the host name", "[hosts.a]\nhostname = \"root@b\"\n"),
    ("an option for a host name", "[hosts.a]\nhostname = \"-oProxyCommand=x\"\n"),
    ("an empty host name", "[hosts.a]\nhostname = \"\"\n"),
    ("a user with spaces", "[hosts.a]\nuser = \"a b\"\n"),
    ("an alias with a slash", "[hosts.\"a/b\"]\n"),
    ("an alias like an option", "[hosts.\"-a\"]\n"),
    ("a tag with a colon", "[hosts.a]\ntags = [\n  \"web\",\n  \"tag:x\",\n]\n"),
    ("text for tags", "[hosts.a]\ntags = \"web\"\n"),
    ("an identity of no kind", "[hosts.a]\nidentity = [\"key\"]\n"),
    ("an identity file without a path", "[hosts.a]\nidentity = [\"file:\"]\n"),
    ("a forward without a port", "[hosts.a]\nforward = [\"db\"]\n"),
    ("a forward to a bare IPv6 address", "[hosts.a]\nforward = [\"::1:80\"]\n"),
    ("a remote forward of port zero", "[hosts.a]\nremote_forward = [0]\n"),
    ("a jump to nowhere", "[hosts.a]\njump = \"b\"\n"),
    ("a jump to itself", "[hosts.a]\njump = \"a\"\n"),
    ("jumps in a circle", "[hosts.a]\njump = \"b\"\n[hosts.b]\njump = \"a\"\n"),
    ("a default account without hosts", "[[default_account]]\nuser = \"root\"\n"),
    ("a default account with another key", "[[default_account]]\nuser = \"root\"\nhosts = \"*\"\nport = 1\n"),
    ("a host twice", "[hosts.a]\n[hosts.a]\n"),
    ("no TOML", "[hosts.a]\nuser = \n"),
    ("an open table", "[hosts.a\n"),
];

#[test]
fn every_mistake_is_told_as_it_was_reviewed() {
    let told: String =
        MISTAKES.iter().map(|(name, text)| format!("{name}\n    {}\n", refusal(text))).collect();
    insta::assert_snapshot!("mistakes", told);
}
