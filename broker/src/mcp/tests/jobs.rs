//! Cancelling, jobs, progress, input, and a helper that dies.

use super::*;

#[tokio::test]
async fn a_cancelled_call_stops_the_remote_command_and_is_not_answered() {
    let fake = Fake::new();
    let (running, started) = tokio::sync::oneshot::channel();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        running.send(()).unwrap();
        assert_eq!(client.next().await, Some(ToHelper::Cancel { op }));
        client.done(op, Outcome::Cancelled { gone: true }).await;
        let (op, _) = asked(&mut client).await;
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "sleep 600" })).await;
        started.await.unwrap();
        let cancelled = json!({ "requestId": 1 });
        mcp.say(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled })).await;
        mcp.call(2, "ssh_exec", json!({ "target": "web1", "command": "true" })).await;
        assert_eq!(mcp.result(2).await["structuredContent"]["status"], "ok");
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn a_command_that_outlives_its_call_is_named_as_a_job() {
    for (reason, status) in
        [(Detach::Timeout, "timeout"), (Detach::Patience, "running"), (Detach::Background, "running")]
    {
        let fake = Fake::new();
        let helper = async {
            let mut client = fake.accept().await;
            let (op, exec) = asked(&mut client).await;
            assert_eq!((exec.timeout_ms, exec.detach_ms), (2000, 45_000));
            print(&mut client, op, Stream::Output, b"so far").await;
            client
                .done(op, Outcome::Detached { job: "j9".into(), reason, duration_ms: 2000, redactions: 0 })
                .await;
            client
        };
        let talk = |mut mcp: Mcp| async move {
            mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "make", "timeout_s": 2 })).await;
            let result = mcp.result(1).await;
            let fields = &result["structuredContent"];
            assert_eq!((&fields["status"], &fields["job_id"]), (&json!(status), &json!("j9")));
            assert_eq!((&fields["stdout"], &result["isError"]), (&json!("so far"), &json!(false)));
        };
        tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
    }
}

#[tokio::test]
async fn with_a_progress_token_the_call_waits_and_its_client_hears_of_it() {
    let fake = Fake::new();
    let (heard, told) = tokio::sync::oneshot::channel();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, exec) = asked(&mut client).await;
        assert_eq!(exec.detach_ms, 0, "it may take as long as it takes");
        print(&mut client, op, Stream::Output, b"12345").await;
        told.await.unwrap();
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        let params = json!({
            "name": "ssh_exec", "arguments": { "target": "web1", "command": "make" }, "_meta": { "progressToken": "p" }
        });
        mcp.request(1, "tools/call", params).await;
        let progress = mcp.hear().await;
        assert_eq!(
            (&progress["method"], &progress["params"]["progressToken"]),
            (&json!("notifications/progress"), &json!("p"))
        );
        assert!(progress["params"]["message"].as_str().unwrap().contains("5 bytes"), "{progress}");
        heard.send(()).unwrap();
        let mut message = mcp.hear().await;
        while message["method"] == "notifications/progress" {
            message = mcp.hear().await;
        }
        assert_eq!(message["result"]["structuredContent"]["exit_code"], 0);
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn a_helper_that_dies_names_the_job_whose_end_nobody_saw() {
    let fake = Fake::new();
    let helper = async {
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        client.send(FromHelper::Event { op, event: Event::Started { job: "j4".into() } }).await;
        drop(client);
        let mut client = fake.accept().await;
        let (op, _) = asked(&mut client).await;
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "make" })).await;
        let fields = mcp.result(1).await["structuredContent"].clone();
        assert_eq!((&fields["code"], &fields["retryable"]), (&json!("helper_unavailable"), &json!(true)));
        assert!(fields["message"].as_str().unwrap().contains("job j4"), "{fields}");
        mcp.call(2, "ssh_exec", json!({ "target": "web1", "command": "true" })).await;
        assert_eq!(mcp.result(2).await["structuredContent"]["status"], "ok");
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}

#[tokio::test]
async fn input_reaches_the_command_whole() {
    let fake = Fake::new();
    let text = "line\n".repeat(200_000);
    let helper = async {
        let mut client = fake.accept().await;
        let (op, exec) = asked(&mut client).await;
        let plan = exec.input.unwrap();
        let mut received = 0;
        loop {
            match client.next().await.unwrap() {
                ToHelper::Data { bytes, .. } => {
                    let taken = u32::try_from(bytes.as_bytes().len()).unwrap();
                    received += u64::from(taken);
                    client.send(FromHelper::Credit { op, bytes: taken }).await;
                }
                ToHelper::End { .. } => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(received, plan.length);
        client.done(op, exited(0)).await;
        client
    };
    let talk = |mut mcp: Mcp| async move {
        mcp.call(1, "ssh_exec", json!({ "target": "web1", "command": "wc -c", "stdin": text })).await;
        assert_eq!(mcp.result(1).await["structuredContent"]["status"], "ok");
    };
    tokio::join!(helper, conversation("2025-11-25", json!({}), &fake, talk));
}
