//! Any text as `policy.toml` or `hosts.toml` is taken or refused in a sentence; a policy that was taken judges.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sallyport_policy::{Inventory, Policy, ShellState, Subject};

fuzz_target!(|text: &str| {
    match Policy::from_toml(text) {
        Ok(policy) => {
            let _ = policy.judge(&Subject::anywhere("local"), &ShellState::default(), "rm -rf /srv/x; uptime");
            assert_eq!(policy.digest(), Policy::from_toml(text).expect("as before").digest());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match Inventory::from_toml(text) {
        Ok(inventory) => inventory.iter().for_each(|(alias, host)| assert!(!alias.is_empty() && host.port > 0)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
