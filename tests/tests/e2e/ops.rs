//! The toolset `ops`: typed questions, one judged command each, structured answers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sallyport_tests::mcp::{McpClient, Reply};
use sallyport_tests::world::{Sshd, SshdOptions, World, process, run};
use serde_json::{Value, json};

/// A host, and a client that has the toolset.
struct Desk {
    world: World,
    sshd: Sshd,
    client: McpClient,
}

fn desk(more: &str) -> Desk {
    desk_on(World::new(), "/usr/bin:/bin", more)
}

/// The host's programs are those in `path`.
fn desk_on(world: World, path: &str, more: &str) -> Desk {
    let home = world.fresh("home");
    fs::create_dir(&home).unwrap();
    let (mark, dir) = (process::MARK, world.dir().display());
    let extra = format!("SetEnv {mark}={dir} HOME={} PATH={path}\n", home.display());
    let sshd = world.ready_host_on(&SshdOptions { extra, ..SshdOptions::default() }, "web1", more);
    let client = McpClient::initialize(world.sallyport(&["serve", "--toolsets", "core,ops"]));
    Desk { world, sshd, client }
}

impl Desk {
    fn call(&self, tool: &str, more: Value) -> Reply {
        let mut all = json!({ "target": "web1" });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.client.call(tool, all)
    }
}

#[test]
fn a_readonly_host_tells_what_it_is_and_how_it_does() {
    let desk = desk("mode = \"readonly\"");
    let info = desk.call("ssh_host_info", json!({ "limit": 5 })).expect_ok();
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(info["system"]["hostname"], name.trim());
    assert!(info["load"]["processors"].as_u64().unwrap() > 0, "{:#}", info.raw);
    assert!(info["memory"]["total_kib"].as_u64().unwrap() > 0, "{:#}", info.raw);
    assert!(info["disks"].as_array().unwrap().iter().any(|disk| disk["mount"] == "/"), "{:#}", info.raw);
    let processes = info["processes"].as_array().unwrap();
    assert!((1..=5).contains(&processes.len()), "{:#}", info.raw);
    let one = desk.call("ssh_host_info", json!({ "sections": ["load"] })).expect_ok();
    assert_eq!((&one["system"], &one["missing"]), (&Value::Null, &json!([])));
    let log = fs::read_to_string(desk.world.state().join("audit/audit.jsonl")).unwrap();
    assert!(log.contains("cat /proc/loadavg"), "the command is in the audit log: {log}");
}

#[test]
fn a_log_is_read_from_its_end_and_filtered_literally() {
    let desk = desk("mode = \"readonly\"");
    let path = desk.world.fresh("it's a log");
    fs::write(&path, "one\ntwo a.b\nthree aXb\nfour A.B\n").unwrap();
    let file = |more: Value| {
        let mut all = json!({ "source": "file", "path": path.to_str().unwrap() });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let told = desk.call("ssh_logs", all).expect_ok();
        let entries = told["entries"].as_array().unwrap().clone();
        entries.iter().map(|entry| entry["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(file(json!({ "lines": 2 })), ["three aXb", "four A.B"]);
    assert_eq!(file(json!({ "text": "a.b" })), ["two a.b", "four A.B"]);
    assert_eq!(file(json!({ "text": "-v" })), [""; 0]);
    desk.call("ssh_logs", json!({ "unit": "nothing.service", "lines": 3 })).expect_ok();
    desk.call("ssh_logs", json!({ "unit": "x; reboot", "since": "-1" })).expect_code("invalid_argument");
}

#[test]
fn a_rule_on_a_command_holds_for_the_tool_that_composes_it() {
    let desk = desk("");
    desk.world.policy(
        "[[rule]]\nname = \"no-journal\"\ndecision = \"block\"\ncommands = [[\"journalctl\"]]\nreason = \"private\"\n",
    );
    desk.call("ssh_logs", json!({})).expect_code("policy_blocked");
}

#[test]
fn without_docker_that_is_said_and_with_it_changes_are_confirmed() {
    let world = World::new();
    let empty = world.fresh("bin");
    fs::create_dir(&empty).unwrap();
    let path = empty.to_str().unwrap().to_owned();
    desk_on(world, &path, "").call("ssh_docker", json!({})).expect_code("unsupported_operation");
    let world = World::new();
    world.policy("confirmation = \"operator\"\n");
    let bin = world.fresh("bin");
    fs::create_dir(&bin).unwrap();
    // What a docker prints, and a note of what it was told to do.
    let script = format!(
        "#!/bin/sh\necho \"$*\" >>{}/told\ncase $1 in ps) echo '{{\"ID\":\"f\",\"Names\":\"web\",\"State\":\"running\"}}';; esac\n",
        bin.display()
    );
    fs::write(bin.join("docker"), script).unwrap();
    fs::set_permissions(bin.join("docker"), fs::Permissions::from_mode(0o755)).unwrap();
    let desk = desk_on(world, &format!("{}:/usr/bin:/bin", bin.display()), "");
    let told = desk.call("ssh_docker", json!({ "all": true })).expect_ok();
    assert_eq!(
        (&told["containers"][0]["name"], &told["containers"][0]["state"]),
        (&json!("web"), &json!("running"))
    );
    let held = desk.call("ssh_docker", json!({ "action": "restart", "container": "web" }));
    assert_eq!(held.status(), "needs_confirmation", "{:#}", held.raw);
    let id = held["confirmation"]["id"].as_str().unwrap().to_owned();
    let other = json!({ "action": "restart", "container": "db", "confirmation_id": id });
    assert_ne!(desk.call("ssh_docker", other).status(), "ok", "agreed to another container");
    let told = fs::read_to_string(bin.join("told")).unwrap();
    assert!(!told.contains("restart"), "{told}");
    let bad = json!({ "action": "restart", "container": "web; reboot" });
    desk.call("ssh_docker", bad).expect_code("invalid_argument");
}

#[test]
fn what_listens_on_a_host_and_what_it_can_reach_is_told() {
    let desk = desk("mode = \"readonly\"");
    let port = desk.sshd.port();
    let told = desk.call("ssh_net_check", json!({ "port": port })).expect_ok();
    let sockets = told["sockets"].as_array().unwrap();
    assert!(sockets.iter().any(|socket| socket["address"] == "127.0.0.1"), "{:#}", told.raw);
    let told = desk.call("ssh_net_check", json!({ "action": "resolve", "host": "localhost" })).expect_ok();
    let addresses = told["addresses"].to_string();
    assert!(addresses.contains("127.0.0.1") || addresses.contains("::1"), "{:#}", told.raw);
    desk.call("ssh_net_check", json!({ "action": "ping", "host": "-f" })).expect_code("invalid_argument");
}

#[test]
fn packages_are_listed_and_changing_them_is_confirmed() {
    let desk = desk("");
    desk.world.policy("confirmation = \"operator\"\n");
    if !std::path::Path::new("/usr/bin/dpkg-query").exists() {
        println!("skipped: no Debian here");
        return;
    }
    let told = desk.call("ssh_package", json!({ "package": "bash" })).expect_ok();
    assert_eq!((&told["manager"], &told["packages"][0]["name"]), (&json!("apt-get"), &json!("bash")));
    let all = desk.call("ssh_package", json!({ "limit": 3 })).expect_ok();
    assert!(all["packages"].as_array().unwrap().len() == 3 && all["total"].as_u64().unwrap() > 3);
    let change = json!({ "action": "remove", "package": "sallyport-no-such-package" });
    let held = desk.call("ssh_package", change);
    assert_eq!(held.status(), "needs_confirmation", "{:#}", held.raw);
}

#[test]
fn a_database_is_read_by_its_own_client_and_written_only_when_confirmed() {
    let desk = desk("");
    desk.world.policy("confirmation = \"operator\"\n");
    let file = desk.world.fresh("app.db");
    let make = "create table t (id integer, name text); insert into t values (1, 'a, \"b\"'), (2, null);";
    run(process::bare("sqlite3").arg(&file).arg(make), b"").expect_success();
    let ask = |more: Value| {
        let mut all = json!({ "engine": "sqlite", "database": file.to_str().unwrap() });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        desk.call("ssh_db", all)
    };
    let told = ask(json!({ "query": "select * from t order by id" })).expect_ok();
    assert_eq!(
        (&told["columns"], &told["rows"]),
        (&json!(["id", "name"]), &json!([["1", "a, \"b\""], ["2", ""]]))
    );
    assert_eq!(ask(json!({ "action": "tables" })).expect_ok()["rows"][0][0], "t");
    let write = json!({ "query": "delete from t", "write": true });
    assert_eq!(ask(write).status(), "needs_confirmation");
    let shell = json!({ "query": ".shell rm -r /sallyport-no-such-file" });
    assert_ne!(ask(shell).status(), "ok");
    let string = json!({ "engine": "postgres", "database": "postgresql://u:p@h/db", "query": "select 1" });
    desk.call("ssh_db", string).expect_code("invalid_argument");
}

#[test]
fn a_recipe_runs_with_quoted_values_and_a_broken_file_leaves_the_last_good_one() {
    let desk = desk("");
    let file = desk.world.config().join("recipes.toml");
    let recipe = "[recipes.say]\ndescription = \"Says it\"\ncommand = \"printf '<%s>' {what} {how}\"\n\
                  [recipes.say.parameters.what]\npattern = \".*\"\n[recipes.say.parameters.how]\ndefault = \"loud\"\n";
    assert_eq!(desk.client.call("ssh_recipe", json!({})).expect_ok()["recipes"], json!([]));
    fs::write(&file, recipe).unwrap();
    let listed = desk.client.call("ssh_recipe", json!({})).expect_ok();
    assert_eq!((&listed["recipes"][0]["name"], &listed["mistake"]), (&json!("say"), &Value::Null));
    let say = |what: &str| desk.call("ssh_recipe", json!({ "name": "say", "arguments": { "what": what } }));
    assert_eq!(say("$(id) 'x'; `y`").expect_ok()["stdout"], "<$(id) 'x'; `y`><loud>");
    say("a\nb").expect_code("invalid_argument");
    desk.call("ssh_recipe", json!({ "name": "say" })).expect_code("invalid_argument");
    desk.call("ssh_recipe", json!({ "name": "sing" })).expect_code("invalid_argument");
    fs::write(&file, "[recipes.say]\ncolour = 1\n").unwrap();
    assert_eq!(say("still").expect_ok()["stdout"], "<still><loud>");
    let listed = desk.client.call("ssh_recipe", json!({})).expect_ok();
    let mistake = listed.text("mistake");
    assert!(mistake.contains("recipes.toml line 2") && mistake.contains("colour"), "{mistake}");
    fs::write(
        &file,
        "[recipes.wipe]\ndescription = \"\"\ncommand = \"mkfs.ext4 /dev/sallyport-no-such-disk\"\n",
    )
    .unwrap();
    let held = desk.call("ssh_recipe", json!({ "name": "wipe" }));
    assert_eq!(held.status(), "needs_confirmation", "{:#}", held.raw);
}
