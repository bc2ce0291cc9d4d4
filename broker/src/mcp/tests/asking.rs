//! Who agrees to what needs a confirmation.

use super::*;

#[tokio::test]
async fn the_clients_user_is_asked_and_agreement_is_for_that_confirmation() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, first) = asked(&mut client).await;
        assert_eq!((first.consent, &first.confirmation), (Consent::None, &None));
        client.done(op, needs(Confirmer::Client)).await;
        let (op, second) = asked(&mut client).await;
        assert_eq!(second.consent, Consent::Client);
        assert_eq!(second.confirmation.as_ref().unwrap().as_str(), "c1");
        assert_eq!(Exec { consent: first.consent, confirmation: None, ..second }, first, "the same request");
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "rm -r x\u{202e}" })).await;
        let question = mcp.hear().await;
        assert_eq!(question["method"], "elicitation/create");
        let text = question["params"]["message"].as_str().unwrap();
        assert!(text.contains("web1") && text.contains("  | rm -r x\\u{202e}"), "{text}");
        let answer = json!({ "action": "accept", "content": {} });
        mcp.say(json!({ "jsonrpc": "2.0", "id": question["id"], "result": answer })).await;
        assert_eq!(mcp.result(1).await["structuredContent"]["exit_code"], 0);
    };
    tokio::join!(helper, conversation("2025-06-18", json!({ "elicitation": {} }), &fake, talk));
}

#[tokio::test]
async fn a_stateless_client_brings_its_users_answer_with_the_next_call() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        client.done(op, needs(Confirmer::Model)).await;
        refused(&mut client).await;
        let (op, second) = asked(&mut client).await;
        assert_eq!((second.consent, second.confirmation.unwrap().as_str()), (Consent::Client, "c1"));
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        let arguments = json!({ "target": "web1", "command": "rm -r x" });
        mcp.call(1, "ssh_exec", arguments.clone()).await;
        let question = mcp.result(1).await;
        assert_eq!(question["resultType"], "input_required");
        assert_eq!(question["inputRequests"]["confirm"]["method"], "elicitation/create");
        let again = |action: &str| {
            json!({
                "name": "ssh_exec", "arguments": arguments, "requestState": question["requestState"],
                "inputResponses": { "confirm": { "action": action } }
            })
        };
        mcp.request(2, "tools/call", again("decline")).await;
        assert_eq!(mcp.result(2).await["structuredContent"]["code"], "confirmation_denied");
        mcp.request(3, "tools/call", again("accept")).await;
        assert_eq!(mcp.result(3).await["structuredContent"]["exit_code"], 0);
    };
    tokio::join!(helper, conversation("2026-07-28", json!({ "elicitation": {} }), &fake, talk));
}

#[tokio::test]
async fn where_only_an_operator_may_agree_or_nobody_can_be_asked_the_call_says_how_to_go_on() {
    for (capabilities, who) in
        [(json!({ "elicitation": {} }), Confirmer::Operator), (json!({}), Confirmer::Client)]
    {
        let fake = Fake::new();
        let helper = async {
            let mut client = fake.accept().await;
            let (op, _) = asked(&mut client).await;
            client.done(op, needs(who)).await;
            client
        };
        let talk = |mut mcp: Mcp| async move {
            mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "rm -r x" })).await;
            let result = mcp.result(1).await;
            assert_eq!(result["isError"], false);
            let fields = &result["structuredContent"];
            assert_eq!(
                (&fields["status"], &fields["confirmation"]["id"]),
                (&json!("needs_confirmation"), &json!("c1"))
            );
            assert!(fields["confirmation"]["how"].as_str().unwrap().contains("sallyport approve c1"));
        };
        tokio::join!(helper, conversation("2025-06-18", capabilities, &fake, talk));
    }
}

#[tokio::test]
async fn a_user_who_says_no_ends_the_call() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        client.done(op, needs(Confirmer::Client)).await;
        refused(&mut client).await;
        assert_eq!(client.next().await, None, "nothing more is asked of the helper");
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "rm -r x" })).await;
        let question = mcp.hear().await;
        mcp.say(json!({ "jsonrpc": "2.0", "id": question["id"], "result": { "action": "decline" } })).await;
        assert_eq!(mcp.result(1).await["structuredContent"]["code"], "confirmation_denied");
    };
    tokio::join!(helper, conversation("2025-06-18", json!({ "elicitation": {} }), &fake, talk));
}
