//! What a decrypted record leaves behind in our memory once it is dropped: nothing. Alone in its file, because it
//! reads the memory of the whole test process. Linux only.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![cfg(target_os = "linux")]

mod vault_support;

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::time::Duration;

use aho_corasick::AhoCorasick;
use sallyport_vault_helper::vault::{Ask, RecordType};
use vault_support::{OWNER, World, slug};

/// What the record has at its beginning, its middle and its end, with every bit flipped so that this table is
/// not itself what is looked for.
const MARKS: [[u8; 12]; 3] =
    [flipped(*b"BeginningABC"), flipped(*b"MiddlemostDE"), flipped(*b"TheVeryEndFG")];

const fn flipped(mut text: [u8; 12]) -> [u8; 12] {
    let mut at = 0;
    while at < text.len() {
        text[at] = !text[at];
        at += 1;
    }
    text
}

/// Encrypts the record by a shell that puts the marks together, so that this process never held them.
fn plant(world: &World) {
    let script = format!(
        "cd '{}' && mkdir -p sallyport/ssh/web1/deploy && pad() {{ head -c 5000 /dev/zero | tr '\\0' \"$1\"; }}
        {{ printf 'Beginni%s' ngABC; pad x; printf 'Middle%s' mostDE; pad y; printf 'TheVer%s' yEndFG; }} |
        gpg --homedir '{}' --batch -q -r {OWNER} -o sallyport/ssh/web1/deploy/key.gpg -e",
        world.store_dir().display(),
        world.gnupg().display()
    );
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
}

/// How often each mark stands in the writable memory of this process.
fn count(window: &mut [u8]) -> [usize; 3] {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let memory = File::open("/proc/self/mem").unwrap();
    let own = window.as_ptr() as u64..window.as_ptr() as u64 + window.len() as u64;
    let marks = AhoCorasick::new(MARKS).unwrap();
    let mut counts = [0; 3];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let (mut at, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        while at < to {
            let length = window.len().min(usize::try_from(to - at).unwrap());
            if memory.read_exact_at(&mut window[..length], at).is_err() {
                break;
            }
            window[..length].iter_mut().for_each(|byte| *byte = !*byte);
            for found in marks.find_overlapping_iter(&window[..length]) {
                let outside = !own.contains(&(at + found.start() as u64));
                counts[found.pattern().as_usize()] += usize::from(outside);
            }
            // Else the next look would find this one.
            window.fill(0);
            at += length as u64;
        }
    }
    counts
}

#[tokio::test]
async fn a_dropped_record_leaves_no_copy_behind() {
    let world = World::open();
    plant(&world);
    let vault = world.vault_with_window(Duration::ZERO);
    let mut window = vec![0; 1 << 20];
    let key = vault.decrypt(&slug("ssh://deploy@web1"), RecordType::Key, Ask::Never).await.unwrap();
    assert_eq!(count(&mut window), [1; 3], "while it is held there is exactly one");
    drop(key);
    assert_eq!(count(&mut window), [0; 3]);
}
