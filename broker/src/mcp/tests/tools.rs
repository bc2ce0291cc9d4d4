//! The list of tools, arguments, and refusals.

use super::*;

#[tokio::test]
async fn every_generation_of_the_protocol_lists_the_tools_and_runs_one() {
    for version in ["2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"] {
        let fake = Fake::new();
        let helper = async {
            let mut client = fake.accept().await;
            hosts(&mut client, &["readonly", "guarded"]).await;
            let (op, exec) = asked(&mut client).await;
            assert_eq!(exec.command.as_str(), "echo hi");
            print(&mut client, op, Stream::Output, b"hi\n").await;
            print(&mut client, op, Stream::ErrorOutput, b"\xff").await;
            client.done(op, exited(3)).await;
            client
        };
        let talk = |mut mcp: Mcp| async move {
            mcp.request(1, "tools/list", json!({})).await;
            let listed = mcp.result(1).await;
            assert_eq!(listed["tools"].as_array().unwrap().len(), crate::mcp::table::TOOLS.len());
            mcp.call(2, "ssh_exec", json!({ "target": "web1", "command": "echo hi" })).await;
            let result = mcp.result(2).await;
            assert_eq!(result["isError"], false);
            let fields = &result["structuredContent"];
            assert_eq!((&fields["status"], &fields["exit_code"]), (&json!("ok"), &json!(3)));
            assert_eq!((&fields["stdout"], &fields["stderr"]), (&json!("hi\n"), &json!("\\xff")));
            assert_eq!(result["content"][0]["text"], "hi\n[stderr]\n\\xff\n[exit 3, 5 ms]");
        };
        tokio::join!(helper, conversation(version, json!({}), &fake, talk));
    }
}

#[tokio::test]
async fn tools_that_every_host_refuses_by_its_mode_are_not_listed() {
    let all = crate::mcp::table::TOOLS.len();
    let refused = crate::mcp::table::NEVER_READONLY.len();
    for (modes, listed) in [
        (&["readonly", "readonly"][..], all - refused),
        (&["readonly", "guarded"], all),
        (&["unrestricted"], all),
        (&[], all),
    ] {
        let fake = Fake::new();
        let helper = async {
            let mut client = fake.accept().await;
            hosts(&mut client, modes).await;
            client
        };
        let talk = |mut mcp: Mcp| async move {
            mcp.request(1, "tools/list", json!({})).await;
            let tools = mcp.result(1).await["tools"].as_array().unwrap().clone();
            assert_eq!(tools.len(), listed, "{modes:?}");
            let writes = tools.iter().any(|tool| tool["name"] == "ssh_file_write");
            assert_eq!(writes, listed == all, "{modes:?}");
        };
        tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
    }
}

#[tokio::test]
async fn a_call_without_a_tool_is_a_mistake_in_it_and_an_unknown_method_is_unknown() {
    let fake = Fake::new();
    let talk = |mut mcp: Mcp| async move {
        for (id, method, code) in [(1, "tools/call", -32602), (2, "tools/forget", -32601)] {
            mcp.request(id, method, json!({ "arguments": {} })).await;
            let answer = mcp.hear().await;
            assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(code)), "{answer}");
        }
    };
    conversation("2025-11-25", json!({}), &fake, talk).await;
}

#[tokio::test]
async fn null_is_as_good_as_leaving_an_argument_out() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, exec) = asked(&mut client).await;
        assert_eq!((exec.env.len(), exec.secrets.len(), exec.background), (0, 0, false));
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        let nulls =
            json!({ "target": "web1", "command": "true", "env": null, "secrets": null, "background": null });
        mcp.call(1, "ssh_exec", nulls).await;
        assert_eq!(mcp.result(1).await["structuredContent"]["status"], "ok");
        mcp.call(2, "ssh_exec", json!({ "target": "web1", "command": null })).await;
        assert_eq!(mcp.result(2).await["structuredContent"]["code"], "invalid_argument");
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn a_call_that_makes_no_sense_never_reaches_the_helper() {
    let fake = Fake::new();
    let talk = |mut mcp: Mcp| async move {
        let wrong = [
            json!({ "target": "web1", "command": "true", "shell": "zsh" }),
            json!({ "target": "web1" }),
            json!({ "target": "web1", "command": 7 }),
            json!({ "target": "we b1", "command": "true" }),
        ];
        for (id, arguments) in (1..).zip(wrong) {
            mcp.call(id, "ssh_exec", arguments).await;
            let result = mcp.result(id).await;
            assert_eq!(result["isError"], true);
            let fields = &result["structuredContent"];
            assert_eq!(
                (&fields["status"], &fields["code"]),
                (&json!("error"), &json!("invalid_argument")),
                "{fields}"
            );
            assert_eq!(fields["retryable"], false);
        }
        mcp.call(9, "ssh_raw", json!({})).await;
        assert!(mcp.hear().await["error"]["message"].as_str().unwrap().contains("ssh_raw"));
    };
    let helper = async { assert_eq!(fake.accept().await.next().await, None) };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn a_refusal_carries_its_code_rules_and_hint() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        let failure = Failure::new(ErrorCode::PolicyBlocked, "a fork bomb", "do not");
        client.done(op, Outcome::Blocked { failure, rules: List::clip(["core.forkbomb".into()]) }).await;
        let (op, _) = asked(&mut client).await;
        client.done(op, Outcome::Failed(Failure::new(ErrorCode::VaultLocked, "locked", "unlock"))).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": ":(){ :|:& };:" })).await;
        let result = mcp.result(1).await;
        assert_eq!(result["isError"], true);
        let expected = json!({
            "status": "blocked", "code": "policy_blocked", "message": "a fork bomb", "hint": "do not",
            "retryable": false, "rules": ["core.forkbomb"]
        });
        assert_eq!(result["structuredContent"], expected);
        mcp.call(2, "ssh_exec", json!({ "target": "web1", "command": "true" })).await;
        let result = mcp.result(2).await;
        assert_eq!(result["structuredContent"]["retryable"], true);
        assert_eq!(result["content"][0]["text"], "error (vault_locked): locked\nhint: unlock");
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}
