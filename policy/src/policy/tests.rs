use super::*;
use crate::verdict::{Confirmation, Verdict};

const FULL: &str = r#"
mode = "guarded"
confirmation = "client"
default_timeout_s = 60
max_output_bytes = 100000
extra_denylist = ["deployctl"]
extra_readonly_allow = ["mytool"]
[[rule]]
name = "no-prod-drops"
decision = "block"
hosts = ["tag:prod", "db*"]
commands = [["psql", "*"], ["dropdb"]]
reason = "databases in prod are changed by migrations"
match = ["psql -c 'drop table x'"]
no_match = ["psql -l"]
[[principal]]
name = "ci"
hosts = ["tag:staging"]
mode = "readonly"
"#;

fn refusal(text: &str) -> String {
    Policy::from_toml(text).unwrap_err().to_string()
}

#[test]
fn the_documented_example_loads() {
    let policy = Policy::from_toml(FULL).unwrap();
    assert_eq!((policy.default_timeout_s(), policy.max_output_bytes()), (60, 100_000));
    assert!(policy.permits_host("ci", "x", &["staging".to_owned()]));
    assert!(!policy.permits_host("ci", "x", &["prod".to_owned()]));
    assert!(policy.permits_host("local", "x", &[]));
}

#[test]
fn an_empty_file_is_the_builtin_policy() {
    assert_eq!(Policy::from_toml("").unwrap().digest(), Policy::builtin().digest());
    assert_ne!(Policy::from_toml(FULL).unwrap().digest(), Policy::builtin().digest());
}

#[test]
fn a_principal_tightens_and_never_loosens() {
    let policy = Policy::from_toml(FULL).unwrap();
    let ci = Subject { mode: Some(Mode::Unrestricted), ..Subject::anywhere("ci") };
    assert_eq!(policy.effective(&ci).mode, Mode::Readonly);
    let lax = "[[principal]]\nname = \"x\"\nmode = \"unrestricted\"\nconfirmation = \"model\"\n";
    let policy = Policy::from_toml(lax).unwrap();
    let found = policy.effective(&Subject::anywhere("x"));
    assert_eq!((found.mode, found.confirmation), (Mode::Guarded, Confirmation::Client));
}

#[test]
fn a_failing_example_refuses_the_file() {
    let base = "[[rule]]\nname = \"r\"\ndecision = \"confirm\"\ncommands = [[\"psql\"]]\n";
    insta::assert_snapshot!(refusal(&format!("{base}match = [\"mysql\"]\n")), @r#"line 1: rule: rule "r": it does not match its match example "mysql""#);
    insta::assert_snapshot!(refusal(&format!("{base}no_match = [\"sudo psql\"]\n")), @r#"line 1: rule: rule "r": it matches its no_match example "sudo psql""#);
}

#[test]
fn mistakes_name_their_line_and_key() {
    insta::assert_snapshot!(refusal("mode = \"guarded\"\nmodes = 1\n"), @"line 2: modes: unknown key `modes`, expected one of `mode`, `confirmation`, `default_timeout_s`, `max_output_bytes`, `extra_denylist`, `extra_readonly_allow`, `rule`, `principal`");
    insta::assert_snapshot!(refusal("\ndefault_timeout_s = 0\n"), @"line 2: default_timeout_s: must be 1 to 86400");
    insta::assert_snapshot!(refusal("extra_denylist = [\"rm -rf\"]\n"), @"line 1: extra_denylist: a bare command name is needed, without path or arguments");
    insta::assert_snapshot!(refusal("[[rule]]\nname = \"r\"\ndecision = \"deny\"\ncommands = []\n"), @"line 3: decision: unknown variant `deny`, expected one of `allow`, `confirm`, `block`");
    insta::assert_snapshot!(refusal("[[rule]]\nname = \"r\"\ndecision = \"allow\"\ncommands = []\n"), @r#"line 1: rule: rule "r": `commands` needs at least one pattern of at least one word"#);
    insta::assert_snapshot!(refusal("[[rule]]\nname = \"r\"\ndecision = \"allow\"\ncommand = []\n"), @"line 4: command: unknown key `command`, expected one of `name`, `decision`, `hosts`, `commands`, `reason`, `match`, `no_match`");
    insta::assert_snapshot!(refusal("[[principal]]\nname = \"a\"\n[[principal]]\nname = \"a\"\n"), @r#"line 3: principal: principal "a": the name must be given, and once only"#);
}

#[test]
fn unrestricted_allows_and_readonly_blocks_the_same_write() {
    let policy = Policy::builtin();
    let judge = |mode| {
        let subject = Subject { mode: Some(mode), ..Subject::anywhere("local") };
        policy.judge(&subject, &ShellState::default(), "rm -r build").verdict
    };
    assert_eq!(judge(Mode::Unrestricted), Verdict::Allow);
    assert_eq!(judge(Mode::Guarded), Verdict::Confirm);
    assert_eq!(judge(Mode::Readonly), Verdict::Block);
}
