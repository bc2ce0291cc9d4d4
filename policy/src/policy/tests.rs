use super::*;
use crate::verdict::Confirmation;

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
    insta::assert_snapshot!(refusal(&format!("{base}match = [\"mysql\"]\n")), @r#"line 5: match: rule "r": it does not match its match example "mysql""#);
    insta::assert_snapshot!(refusal(&format!("{base}no_match = [\"sudo psql\"]\n")), @r#"line 5: no_match: rule "r": it matches its no_match example "sudo psql""#);
}

#[test]
fn mistakes_name_their_line_and_key() {
    insta::assert_snapshot!(refusal("mode = \"guarded\"\nmodes = 1\n"), @"line 2: modes: unknown key `modes`, expected one of `mode`, `confirmation`, `default_timeout_s`, `max_output_bytes`, `extra_denylist`, `extra_readonly_allow`, `rule`, `principal`");
    insta::assert_snapshot!(refusal("\ndefault_timeout_s = 0\n"), @"line 2: default_timeout_s: must be 1 to 86400");
    insta::assert_snapshot!(refusal("extra_denylist = [\"rm -rf\"]\n"), @"line 1: extra_denylist: a bare command name is needed, without path or arguments");
    insta::assert_snapshot!(refusal("[[rule]]\nname = \"r\"\ndecision = \"deny\"\ncommands = []\n"), @"line 3: decision: unknown value `deny`, expected one of `allow`, `confirm`, `block`");
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

/// Every way `policy.toml` can be wrong, under a name.
const MISTAKES: &[(&str, &str)] = &[
    ("unknown key", "mode = \"guarded\"\nmodes = 1\n"),
    (
        "unknown key of a rule",
        "[[rule]]\nname = \"r\"\ndecision = \"block\"\ncommands = [[\"x\"]]\nhost = []\n",
    ),
    ("unknown key of a principal", "[[principal]]\nname = \"ci\"\ntags = []\n"),
    ("unknown table", "[rules]\nx = 1\n"),
    ("unknown mode", "\nmode = \"safe\"\n"),
    ("unknown confirmation", "confirmation = \"human\"\n"),
    ("unknown decision", "[[rule]]\nname = \"r\"\ndecision = \"deny\"\ncommands = [[\"x\"]]\n"),
    ("text for a number", "default_timeout_s = \"60\"\n"),
    ("a negative number", "default_timeout_s = -1\n"),
    ("no time at all", "default_timeout_s = 0\n"),
    ("more than a day", "default_timeout_s = 86401\n"),
    ("too little output", "max_output_bytes = 10\n"),
    ("text for a list", "extra_denylist = \"rm\"\n"),
    ("a command with arguments", "extra_denylist = [\n  \"reboot\",\n  \"rm -rf\",\n]\n"),
    ("a path for a name", "extra_readonly_allow = [\"/usr/bin/mytool\"]\n"),
    ("an empty name", "extra_denylist = [\"\"]\n"),
    ("a rule without a name", "[[rule]]\ndecision = \"block\"\ncommands = [[\"x\"]]\n"),
    (
        "a rule with spaces in its name",
        "[[rule]]\nname = \"no x\"\ndecision = \"block\"\ncommands = [[\"x\"]]\n",
    ),
    ("a rule without commands", "[[rule]]\nname = \"r\"\ndecision = \"block\"\n"),
    ("a rule with no pattern", "[[rule]]\nname = \"r\"\ndecision = \"block\"\ncommands = []\n"),
    ("a pattern of no words", "[[rule]]\nname = \"r\"\ndecision = \"block\"\ncommands = [[]]\n"),
    ("a pattern that is text", "[[rule]]\nname = \"r\"\ndecision = \"block\"\ncommands = [\"psql\"]\n"),
    ("an empty glob", "[[rule]]\nname = \"r\"\ndecision = \"block\"\ncommands = [[\"psql\", \"\"]]\n"),
    ("a set in a glob", "[[rule]]\nname = \"r\"\ndecision = \"block\"\ncommands = [[\"psql[0-9]\"]]\n"),
    ("no hosts", "[[rule]]\nname = \"r\"\ndecision = \"block\"\ncommands = [[\"x\"]]\nhosts = []\n"),
    ("an empty host", "[[rule]]\nname = \"r\"\ndecision = \"block\"\ncommands = [[\"x\"]]\nhosts = [\"\"]\n"),
    ("an empty tag", "[[principal]]\nname = \"ci\"\nhosts = [\"tag:\"]\n"),
    (
        "two rules of one name",
        "[[rule]]\nname = \"r\"\ndecision = \"block\"\ncommands = [[\"x\"]]\n[[rule]]\nname = \"r\"\ndecision = \"allow\"\ncommands = [[\"y\"]]\n",
    ),
    ("two principals of one name", "[[principal]]\nname = \"a\"\n[[principal]]\nname = \"a\"\n"),
    ("a principal without a name", "[[principal]]\nname = \"\"\n"),
    (
        "a match that does not match",
        "mode = \"guarded\"\n[[rule]]\nname = \"r\"\ndecision = \"confirm\"\ncommands = [[\"psql\"]]\nmatch = [\"mysql\"]\n",
    ),
    (
        "a no_match that matches",
        "[[rule]]\nname = \"r\"\ndecision = \"confirm\"\ncommands = [[\"psql\"]]\nno_match = [\n  \"ls\",\n  \"sudo psql\",\n]\n",
    ),
    ("a key twice", "mode = \"guarded\"\nmode = \"readonly\"\n"),
    ("no TOML", "mode = \n"),
    ("an open string", "mode = \"guarded\n"),
];

#[test]
fn every_mistake_is_told_as_it_was_reviewed() {
    let told: String =
        MISTAKES.iter().map(|(name, text)| format!("{name}\n    {}\n", refusal(text))).collect();
    insta::assert_snapshot!("mistakes", told);
}

#[test]
fn of_all_rules_that_match_the_strictest_holds_in_any_order() {
    let rule = |name: &str, decision: &str| {
        format!("[[rule]]\nname = \"{name}\"\ndecision = \"{decision}\"\ncommands = [[\"rm\"]]\n")
    };
    for file in [
        rule("a", "allow") + &rule("c", "confirm") + &rule("b", "block"),
        rule("b", "block") + &rule("a", "allow") + &rule("c", "confirm"),
    ] {
        let judgement = Policy::from_toml(&file).unwrap().judge(
            &Subject::anywhere("local"),
            &ShellState::default(),
            "rm x",
        );
        assert_eq!((judgement.verdict, judgement.rules[0].as_str()), (Verdict::Block, "b"));
    }
}

#[test]
fn an_allow_rule_lifts_a_confirm_and_never_a_block_nor_what_stands_beside_it() {
    let policy = Policy::from_toml(
        "[[rule]]\nname = \"clean\"\ndecision = \"allow\"\ncommands = [[\"rm\", \"-rf\", \"*\"]]\n",
    )
    .unwrap();
    let judge = |mode, command: &str| {
        let subject = Subject { mode: Some(mode), ..Subject::anywhere("local") };
        policy.judge(&subject, &ShellState::default(), command).verdict
    };
    assert_eq!(judge(Mode::Guarded, "rm -rf build"), Verdict::Allow);
    assert_eq!(judge(Mode::Guarded, "rm -r build"), Verdict::Confirm, "word for word");
    assert_eq!(judge(Mode::Guarded, "rm -rf /"), Verdict::Block, "a hard block");
    assert_eq!(judge(Mode::Guarded, "rm -rf build > /etc/hosts"), Verdict::Confirm, "its redirection");
    assert_eq!(judge(Mode::Guarded, "rm -rf $(reboot)"), Verdict::Confirm, "a command inside it");
    assert_eq!(judge(Mode::Readonly, "rm -rf build"), Verdict::Block, "readonly");
}

#[test]
fn a_rule_holds_on_the_hosts_it_names_only() {
    let policy = Policy::from_toml(FULL).unwrap();
    let prod = ["prod".to_owned()];
    let judge = |alias, tags| {
        let subject = Subject { alias, tags, ..Subject::anywhere("local") };
        policy.judge(&subject, &ShellState::default(), "psql -c 'select 1'").verdict
    };
    assert_eq!(judge("web1", &prod[..]), Verdict::Block);
    assert_eq!(judge("db7", &[]), Verdict::Block);
    assert_eq!(judge("web1", &[]), Verdict::Allow);
    assert_eq!(judge("prod", &[]), Verdict::Allow, "a tag is no alias");
}

#[test]
fn the_operators_lists_name_programs_wherever_they_stand() {
    let policy = Policy::from_toml(FULL).unwrap();
    let judge = |mode, command: &str| {
        let subject = Subject { mode: Some(mode), ..Subject::anywhere("local") };
        policy.judge(&subject, &ShellState::default(), command).verdict
    };
    for command in ["deployctl", "sudo deployctl now", "/opt/bin/deployctl", "x=deployctl; $x"] {
        assert_eq!(judge(Mode::Guarded, command), Verdict::Confirm, "{command}");
    }
    assert_eq!(judge(Mode::Guarded, "echo deployctl"), Verdict::Allow);
    assert_eq!(judge(Mode::Readonly, "mytool --all | head"), Verdict::Allow);
    assert_eq!(judge(Mode::Readonly, "mytool > out"), Verdict::Block);
}

#[test]
fn the_digest_changes_with_every_value_and_with_nothing_else() {
    let digest = |text: &str| Policy::from_toml(text).unwrap().digest();
    let spaced = FULL.replace("mode = \"guarded\"", "# a note\n\nmode   =   \"guarded\"");
    assert_eq!(digest(FULL), digest(&spaced));
    for (from, to) in [
        ("mode = \"guarded\"", "mode = \"readonly\""),
        ("\"client\"", "\"operator\""),
        ("= 60", "= 61"),
        ("100000", "100001"),
        ("deployctl", "deploy"),
        ("mytool", "ourtool"),
        ("\"block\"", "\"confirm\""),
        ("\"db*\"", "\"db?\""),
        ("[\"dropdb\"]", "[\"createdb\"]"),
        ("tag:staging", "tag:test"),
    ] {
        assert_ne!(digest(FULL), digest(&FULL.replacen(from, to, 1)), "{from}");
    }
}
