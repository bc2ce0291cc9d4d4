use super::*;

fn ground() -> Ground {
    let policy = Policy::from_toml("").unwrap();
    let hosts = Inventory::from_toml("[hosts.ro]\nmode = \"readonly\"\n").unwrap();
    Ground { policy, hosts }
}

#[test]
fn a_host_of_the_inventory_brings_its_mode() {
    let ground = ground();
    assert_eq!(ground.judge("touch a", Some("ro"), None, "local").unwrap().verdict, Verdict::Block);
    assert_eq!(ground.judge("touch a", None, None, "local").unwrap().verdict, Verdict::Allow);
    assert_eq!(
        ground.judge("touch a", Some("ro"), Some(Mode::Guarded), "local").unwrap().verdict,
        Verdict::Allow
    );
}

#[test]
fn an_unknown_host_is_bad_usage() {
    let problem = ground().judge("ls", Some("nowhere"), None, "local").unwrap_err();
    assert_eq!(problem.code, USAGE);
    insta::assert_snapshot!(problem.text(), @r#"
    sallyport: there is no host "nowhere"
    hint: see `sallyport host list`
    "#);
}

#[test]
fn a_line_is_an_object_or_a_bare_command() {
    assert_eq!(read_line("{\"command\":\"ls\",\"mode\":\"readonly\"}").unwrap().mode, Some(Mode::Readonly));
    assert_eq!(read_line("{ ls; }").unwrap().command, "{ ls; }");
    assert_eq!(read_line("{ \"ls\" -l; }").unwrap().command, "{ \"ls\" -l; }");
    assert!(read_line("{\"cmd\":1}").is_err());
}

#[test]
fn the_explanation_underlines_what_gave_the_verdict() {
    let command = "ls && sudo rm -rf / # é";
    let judgement = ground().judge(command, None, None, "local").unwrap();
    insta::assert_snapshot!(judgement.explain(command), @r"
    block: `rm` deletes a root directory and all below it
      | ls && sudo rm -rf / # é
      |       ^^^^^^^^^^^^^
      root-delete: rm -rf /
    instead: no confirmation lifts this; a person must run it outside Sallyport
    ");
}

#[test]
fn a_named_file_that_is_missing_or_wrong_is_bad_usage() {
    let missing = read(Some(Path::new("/nonexistent/policy.toml")), "policy.toml", Policy::from_toml);
    assert_eq!(missing.unwrap_err().code, USAGE);
}

/// The answers of `--stdin` to these lines.
fn answers(input: &[u8]) -> Vec<serde_json::Value> {
    let check = Check {
        files: Files { policy: None, hosts: None },
        host: None,
        mode: None,
        principal: "local".to_owned(),
        json: false,
        explain: false,
        stdin: true,
        command: None,
    };
    let (mut input, mut bytes, mut found) = (input, Vec::new(), Vec::new());
    while read_bounded_line(&mut input, &mut bytes).unwrap() {
        found.push(serde_json::to_value(check.answer(&ground(), &bytes)).unwrap());
    }
    found
}

#[test]
fn every_line_is_answered_in_order_with_the_same_keys() {
    let long = format!("{{\"command\":\"{}\"}}\nls\n", "a".repeat(2 * MAX_LINE_BYTES));
    let mut input = b"ls\n\n{\"command\":\"ls\n{\"command\":\"ls\",\"mode\":\"safe\"}\n{\"command\":\"ls\",\"host\":\"none\"}\n\xff\n".to_vec();
    input.extend_from_slice(long.as_bytes());
    input.extend_from_slice(b"rm x");
    let found = answers(&input);
    let verdicts: Vec<&str> = found.iter().map(|report| report["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["allow", "allow", "block", "block", "block", "block", "block", "allow", "confirm"]);
    let rules: Vec<&str> = found[2..7].iter().map(|report| report["rules"][0].as_str().unwrap()).collect();
    assert_eq!(rules, ["bad-line", "bad-line", "unknown-host", "bad-line", "bad-line"]);
    for report in &found {
        let mut keys: Vec<&str> = report.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            ["command", "host", "mode", "policy_digest", "reason", "rules", "segments", "verdict"]
        );
    }
}

#[test]
fn a_line_that_was_not_judged_says_why() {
    let found = answers(b"{\"command\":1}\n{\"command\":\"ls\",\"mode\":\"safe\"}\n{\"command\":\"ls\",\"host\":\"none\"}\n\xff\n");
    let reasons: Vec<&str> = found.iter().map(|report| report["reason"].as_str().unwrap()).collect();
    insta::assert_snapshot!("unjudged", reasons.join("\n"));
}

#[test]
fn expectations_that_do_not_hold_are_told_with_their_lines() {
    let test = Test { files: Files { policy: None, hosts: None }, file: PathBuf::from("wanted.jsonl") };
    let text = concat!(
        "{\"command\":\"ls\",\"expect\":\"allow\"}\n\n",
        "{\"command\":\"rm x\",\"expect\":\"allow\"}\n",
        "{\"command\":\"rm x\",\"expect\":\"stop\"}\n",
        "{\"command\":\"touch a\",\"host\":\"ro\",\"expect\":\"confirm\",\"why\":\"a note\"}\n",
        "{\"command\":\"rm -rf /\",\"mode\":\"unrestricted\",\"expect\":\"block\"}\n",
    );
    let (told, holds) = test.try_all(&ground(), text).unwrap();
    assert!(!holds);
    insta::assert_snapshot!("expectations", told);
    for (name, line) in [
        ("no JSON", "ls"),
        ("no expectation", "{\"command\":\"ls\"}"),
        ("an unknown verdict", "{\"command\":\"ls\",\"expect\":\"ask\"}"),
        ("an unknown mode", "{\"command\":\"ls\",\"mode\":\"safe\",\"expect\":\"allow\"}"),
        ("an unknown host", "{\"command\":\"ls\",\"host\":\"none\",\"expect\":\"allow\"}"),
    ] {
        let problem = test.try_all(&ground(), &format!("\n{line}\n")).unwrap_err();
        assert!(problem.code == USAGE && problem.text().contains("wanted.jsonl: line 2: "), "{name}");
    }
}

#[test]
fn the_policy_is_shown_as_it_holds_for_a_host() {
    let policy = Policy::from_toml(concat!(
        "extra_denylist = [\"deployctl\"]\nextra_readonly_allow = [\"mytool\"]\n",
        "[[rule]]\nname = \"no-drops\"\ndecision = \"block\"\nhosts = [\"db*\"]\ncommands = [[\"dropdb\"]]\n",
        "[[rule]]\nname = \"clean\"\ndecision = \"allow\"\ncommands = [[\"rm\", \"-rf\", \"build\"]]\n",
        "[[principal]]\nname = \"ci\"\nmode = \"readonly\"\n",
    ))
    .unwrap();
    let ground = Ground { policy, ..ground() };
    let show = |host: Option<&str>| {
        let shown =
            Show { files: Files { policy: None, hosts: None }, host: host.map(str::to_owned), json: false };
        let text = shown.text(&ground, &ground.subject(host, "local").unwrap());
        text.split("digest").next().unwrap_or_default().to_owned()
    };
    insta::assert_snapshot!(
        "shown",
        format!("--- without a host\n{}--- for a host\n{}", show(None), show(Some("ro")))
    );
}

#[test]
fn a_mistake_in_a_named_file_is_told_with_file_line_and_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    std::fs::write(&path, "mode = \"guarded\"\nmodes = 1\n").unwrap();
    let problem = read(Some(&path), "policy.toml", Policy::from_toml).unwrap_err();
    let text = problem.text().replace(&*folder.path().to_string_lossy(), "FOLDER");
    insta::assert_snapshot!("mistake", text);
}
