//! A GPG key on a smartcard: a person unlocks with the card's PIN, and agents never make a dialog appear.

use std::fs;

use sallyport_tests::world::{Sshd, World};
use serde_json::json;

fn ready() -> (World, Sshd) {
    let world = World::with_card();
    let sshd = world.ready_host("web1");
    (world, sshd)
}

/// What a fresh agent's call comes to: "ok", or an error's code.
fn call(world: &World) -> String {
    let reply = world.mcp().call("ssh_exec", json!({ "target": "web1", "command": "true" }));
    if reply.status() == "ok" { "ok".to_owned() } else { reply.code().to_owned() }
}

/// What `unlock` says when it fails.
fn refusal(world: &World) -> String {
    let done = world.run(&["unlock"]);
    assert_eq!(done.code(), 1, "{done:?}");
    done.stderr.replace(&world.dir().display().to_string(), "WORLD")
}

#[test]
fn the_cards_pin_opens_the_vault_and_no_call_of_an_agents_ever_asks_for_it() {
    let (world, sshd) = ready();
    world.gpg().person_types_the_passphrase();
    assert_eq!(call(&world), "vault_locked");
    assert_eq!((world.gpg().pinentries_started(), sshd.attempts()), (0, vec![]));
    world.run(&["unlock"]).expect_success();
    assert_eq!(world.gpg().pinentries_started(), 1);
    assert_eq!(call(&world), "ok");
    assert_eq!(world.gpg().pinentries_started(), 1, "the card remembers its PIN");
}

#[test]
fn a_card_that_forgot_its_pin_is_a_locked_vault_although_the_window_is_open() {
    let (world, _sshd) = ready();
    world.gpg().person_types_the_passphrase();
    world.run(&["unlock"]).expect_success();
    world.gpg().end_agent();
    assert_eq!(call(&world), "vault_locked");
    assert_eq!(world.gpg().pinentries_started(), 1);
    world.run(&["unlock"]).expect_success();
    assert_eq!(call(&world), "ok");
}

#[test]
fn a_card_that_is_not_there_is_named_to_the_person_and_nobody_waits_for_it() {
    let (world, sshd) = ready();
    world.gpg().person_types_the_passphrase();
    world.run(&["unlock"]).expect_success();
    world.gpg().card().set_inserted(false);
    assert_eq!(call(&world), "vault_locked", "no dialog that asks for the card");
    assert_eq!(world.gpg().pinentries_started(), 1);
    let slug = format!("ssh://{}@{}", sallyport_tests::world::sshd::own_name(), sshd.place());
    assert_eq!(
        refusal(&world),
        format!(
            "sallyport: the key for {slug} is on the smartcard 0000 00000001: it was not inserted, or its PIN not \
             given\nhint: a person inserts the card, then runs `sallyport unlock {slug}`\n"
        )
    );
    world.gpg().card().set_inserted(true);
    world.run(&["unlock"]).expect_success();
    assert_eq!(call(&world), "ok");
}

#[test]
fn wrong_pins_are_said_to_be_wrong_and_a_blocked_card_to_be_blocked() {
    let (world, _sshd) = ready();
    world.gpg().person_types_nonsense();
    for _ in 0..3 {
        let said = refusal(&world);
        assert!(said.contains("the passphrase or PIN for ssh://") && said.contains("was wrong"), "{said}");
    }
    world.gpg().person_types_the_passphrase();
    let said = refusal(&world);
    assert!(said.contains("has blocked its PIN") && said.contains("gpg --change-pin"), "{said}");
    assert_eq!(call(&world), "vault_locked");
}

#[test]
fn doctor_says_which_card_is_wanted_and_that_scdaemon_is_missing() {
    let (world, _sshd) = ready();
    world.gpg().person_types_the_passphrase();
    let well = world.run(&["doctor", "--unlock"]).expect_success();
    assert!(well.contains("whose secret key is on the smartcard 0000 00000001"), "{well}");
    let conf = world.gpg().home().join("gpg-agent.conf");
    let text = fs::read_to_string(&conf).unwrap();
    let other = text.replace("scdaemon-program ", "scdaemon-program /nonexistent");
    fs::write(&conf, other).unwrap();
    world.gpg().end_agent();
    let ill = world.run(&["doctor", "--unlock"]);
    assert_eq!(ill.code(), 1);
    assert!(ill.stdout.contains("gpg-agent has no scdaemon to read it"), "{}", ill.stdout);
    assert!(ill.stdout.contains("fix: install scdaemon"), "{}", ill.stdout);
}
