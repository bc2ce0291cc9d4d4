//! File names that are not UTF-8, as text and back.
//!
//! A name on a Unix file system is bytes; a tool call and an answer are text. A byte that is part of no UTF-8
//! character travels as the character U+EF00 + byte (as MirBSD's OPTU-8 does; the range is private, nothing else
//! is in it). A name that holds such a character of its own has that character's bytes travel so too. Every name
//! has exactly one text and every text that [`to_text`] makes leads back to its name.

/// First of the 128 characters that stand for a byte: for 0x80.
const FIRST: u32 = 0xEF80;
/// The last: for 0xff.
const LAST: u32 = 0xEFFF;

/// The text of a name.
pub fn to_text(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    let raw = |text: &mut String, bytes: &[u8]| {
        text.extend(bytes.iter().filter_map(|byte| char::from_u32(0xEF00 + u32::from(*byte))));
    };
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            if (FIRST..=LAST).contains(&(character as u32)) {
                raw(&mut text, character.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                text.push(character);
            }
        }
        raw(&mut text, chunk.invalid());
    }
    text
}

/// The name of a text.
pub fn to_bytes(text: &str) -> Vec<u8> {
    let mut name = Vec::with_capacity(text.len());
    for character in text.chars() {
        match character as u32 {
            // In the range, so it fits a byte.
            code @ FIRST..=LAST => name.push((code & 0xff) as u8),
            _ => name.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_names_stay_as_they_are() {
        for name in ["a", "ünïcödé 名", "-rf", "a\nb", ""] {
            assert_eq!(to_text(name.as_bytes()), name);
            assert_eq!(to_bytes(name), name.as_bytes());
        }
    }

    #[test]
    fn a_byte_that_is_no_character_is_told() {
        assert_eq!(to_text(b"a\xffb"), "a\u{efff}b");
        assert_eq!(to_bytes("a\u{efff}b"), b"a\xffb");
    }

    proptest! {
        #[test]
        fn every_name_comes_back(name: Vec<u8>) {
            prop_assert_eq!(to_bytes(&to_text(&name)), name);
        }

        #[test]
        fn also_those_with_the_range_itself_in_them(name in "[a\u{ef80}-\u{efff}]{0,8}") {
            prop_assert_eq!(to_bytes(&to_text(name.as_bytes())), name.as_bytes());
        }
    }
}
