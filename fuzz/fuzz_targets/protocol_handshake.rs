//! Any greeting is answered with a version both know, or refused with a sentence.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sallyport_protocol::frame::decode;
use sallyport_protocol::handshake::{HIGHEST, Hello, LOWEST, Reply, Role, agree};

fuzz_target!(|bytes: &[u8]| {
    let _ = decode::<Reply>(bytes);
    let Ok(hello) = decode::<Hello>(bytes) else { return };
    for role in [Role::Broker, Role::Admin] {
        match agree(&hello, role) {
            Ok(version) => {
                assert!((LOWEST..=HIGHEST).contains(&version));
                assert!((hello.lowest..=hello.highest).contains(&version));
                assert_eq!(hello.role, role);
            }
            Err(refused) => assert!(!refused.sentence.as_str().is_empty()),
        }
    }
});
