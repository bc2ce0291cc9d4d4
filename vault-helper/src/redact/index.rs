//! The index of everything that is looked for: seeds in a hash table, exact extension around them.
//!
//! A form is masked wherever a window of it appears, so the index must answer "does this stretch of text
//! hold `window` consecutive characters of any form". Every form enters each of its [`SEED`]-byte grams.
//! In the text only every `stride`-th gram is looked up: a window of `stride + SEED - 1` or more covers one
//! that is. A bitmap answers nearly all lookups; what passes is compared with the form itself, so a hit
//! is exact. Compared with an automaton over all windows this skips most of the text, takes a twentieth
//! of the memory, and enrolling a secret touches only its own grams.
//!
//! The hash is keyed at random, so that a remote program cannot aim at its collisions.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use zeroize::Zeroize;

use super::forms::Form;

/// Bytes in a seed.
pub(super) const SEED: usize = 6;
/// Longest window of any form, and so how far a seed is extended to each side.
pub(super) const REACH: usize = 18;
/// Bits of a table entry that hold the offset, and those that hold part of the hash.
const OFFSET_BITS: u32 = 24;
const PRINT_BITS: u32 = 20;
/// Slots of the smallest table.
const LEAST: usize = 1024;
/// A slot whose entry was taken out; no form has this number.
const GONE: u64 = 1;

/// A stretch of normal text that must be masked, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) secret: u32,
}

/// When held text that may be the start of a secret is masked rather than shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The stream stalls and may go on byte by byte: 4 characters of its beginning, 6 of its middle.
    Stalled,
    /// The stream has ended: 6 of its beginning, 8 of its middle.
    Ended,
}

impl Stop {
    const fn least(self, beginning: bool) -> usize {
        match (self, beginning) {
            (Self::Stalled, true) => 4,
            (Self::Stalled, false) | (Self::Ended, true) => 6,
            (Self::Ended, false) => 8,
        }
    }
}

/// The forms and the tables over them.
pub(super) struct Index {
    /// Those taken out stay, empty, until the tables are made anew: entries name forms by number.
    forms: Vec<Form>,
    /// Seeds in the slots, and how many of those are of forms that were taken out.
    grams: usize,
    gone: usize,
    slots: Vec<u64>,
    filter: Bits,
    /// Every factor of 1 to `SEED` bytes of every form, hashed.
    factors: Bits,
    key: u64,
    shortest: usize,
    /// Which bytes from 0x80 on any form has; `None` if it is none of them.
    high: Option<[bool; 128]>,
}

impl Default for Index {
    fn default() -> Self {
        let random = RandomState::new().build_hasher().finish();
        Self {
            forms: Vec::new(),
            grams: 0,
            gone: 0,
            slots: Vec::new(),
            filter: Bits::default(),
            factors: Bits::default(),
            key: (random ^ 0x9e37_79b9_7f4a_7c15) | 1,
            shortest: REACH,
            high: None,
        }
    }
}

impl Index {
    /// Whether nothing is looked for.
    pub(super) const fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// The shortest window of any form.
    pub(super) const fn shortest(&self) -> usize {
        self.shortest
    }

    /// Which bytes from 0x80 on any form has; `None` if it is none of them.
    pub(super) const fn high(&self) -> Option<&[bool; 128]> {
        self.high.as_ref()
    }

    /// Adds forms; only what is new is touched unless a table must grow.
    pub(super) fn add(&mut self, forms: Vec<Form>) {
        self.grams += forms.iter().map(|form| form.text.len()).sum::<usize>();
        self.grow();
        for form in forms {
            self.forms.push(form);
            self.enter(self.forms.len() - 1);
        }
    }

    /// Makes the tables large enough for all seeds. They grow at different numbers of them, never in one call unless
    /// very much is added, so that nobody waits for both.
    fn grow(&mut self) {
        if self.grams * 2 > self.slots.len() {
            let size = (self.grams * 3).next_power_of_two().max(LEAST);
            let mut old = std::mem::replace(&mut self.slots, vec![0; size]);
            self.filter = Bits::of(size * 8);
            // In the order of their hashes, so that both are written from the beginning to the end.
            for entry in old.iter().copied().filter(|entry| *entry > GONE) {
                let (form, offset) = self.place(entry);
                let hash = seed_hash(self.key, gram(&form.text[offset..]));
                self.put(entry, hash);
            }
            old.zeroize();
        }
        if self.grams * 24 > self.factors.len() {
            self.factors = Bits::of((self.grams * 24).next_power_of_two().max(16 * LEAST));
            self.forms.iter().for_each(|form| self.factors.set_form(self.key, form));
        }
    }

    fn put(&mut self, entry: u64, hash: u64) {
        let mut slot = slot_of(hash, self.slots.len());
        while self.slots[slot] != 0 {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        self.slots[slot] = entry;
        self.filter.set(hash);
    }

    /// Takes every form of `secret` out and wipes its text. The tables are made anew only when most of what is in
    /// them is gone, so that the end of many sessions at once costs little; until then a few bits of keyed
    /// hashes stay.
    pub(super) fn remove(&mut self, secret: u32) {
        for number in 0..self.forms.len() {
            if self.forms[number].secret == secret {
                self.gone += self.forms[number].text.len();
                self.leave(number);
            }
        }
        if self.gone == self.grams {
            *self = Self::default();
        } else if self.gone * 2 > self.grams {
            self.rebuild();
        }
    }

    /// Takes the entries of a form out of the slots, and its text out of the form.
    fn leave(&mut self, number: usize) {
        let text = std::mem::take(&mut self.forms[number].text);
        for offset in 0..(text.len() + 1).saturating_sub(SEED) {
            let hash = seed_hash(self.key, gram(&text[offset..]));
            let mut slot = slot_of(hash, self.slots.len());
            while self.slots[slot] != 0 {
                if self.slots[slot] == entry(number, offset, hash) {
                    self.slots[slot] = GONE;
                    break;
                }
                slot = (slot + 1) & (self.slots.len() - 1);
            }
        }
    }

    fn rebuild(&mut self) {
        let mut forms = std::mem::take(&mut self.forms);
        forms.retain(|form| !form.text.is_empty());
        *self = Self::default();
        self.add(forms);
    }

    fn enter(&mut self, number: usize) {
        let form = &self.forms[number];
        self.shortest = self.shortest.min(form.window);
        for byte in form.text.iter().filter(|byte| !byte.is_ascii()) {
            self.high.get_or_insert([false; 128])[usize::from(byte & 0x7f)] = true;
        }
        self.factors.set_form(self.key, form);
        let seeds = (form.text.len() + 1).saturating_sub(SEED);
        for offset in 0..seeds {
            let hash = seed_hash(self.key, gram(&self.forms[number].text[offset..]));
            if !self.knows(hash, number, offset) {
                self.put(entry(number, offset, hash), hash);
            }
        }
    }

    /// Whether there is an entry that would find all that a new one could.
    fn knows(&self, hash: u64, number: usize, offset: usize) -> bool {
        let mut slot = slot_of(hash, self.slots.len());
        while self.slots[slot] != 0 {
            let entry = self.slots[slot];
            if entry != GONE && same_print(entry, hash) && self.same_context(entry, number, offset) {
                return true;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        false
    }

    /// Whether an entry stands in the same surroundings, so that a second one would find nothing new. It
    /// keeps a secret that repeats itself from making every lookup slow.
    fn same_context(&self, entry: u64, number: usize, offset: usize) -> bool {
        let (other, at) = self.place(entry);
        let form = &self.forms[number];
        // Only of one secret: its forms come and go together.
        other.secret == form.secret
            && other.window == form.window
            && other.surroundings(at) == form.surroundings(offset)
            && (offset > REACH || other.before == form.before)
            && (offset + SEED + REACH < form.text.len() || other.after == form.after)
            && at.min(REACH) == offset.min(REACH)
    }

    fn place(&self, entry: u64) -> (&Form, usize) {
        let number = (entry >> (OFFSET_BITS + PRINT_BITS)) as usize - 1;
        (&self.forms[number], ((entry >> PRINT_BITS) & ((1 << OFFSET_BITS) - 1)) as usize)
    }

    /// Finds every stretch of `text` that must be masked; they may overlap, and come in order of their seeds.
    pub(super) fn search(&self, text: &[u8], mut found: impl FnMut(Hit)) {
        if self.slots.is_empty() {
            return;
        }
        let stride = self.shortest + 1 - SEED;
        let mut settled = Settled::default();
        let mut next = 0;
        while let Some(rest) = text.get(next..).filter(|rest| rest.len() >= SEED) {
            let (at, hash) = (next, seed_hash(self.key, gram(rest)));
            next += stride;
            if self.filter.get(hash) {
                self.verify(text, at, hash, &mut settled, |place, start, end| {
                    if end - start >= place.form.window {
                        let (before, after) = place.edges(text, start, end, at);
                        found(Hit { start: start - before, end: end + after, secret: place.form.secret });
                    }
                });
            }
        }
    }

    /// Calls `with` for every form whose seed stands at `at`, with the stretch that agrees around it.
    #[inline(never)]
    fn verify(
        &self,
        text: &[u8],
        at: usize,
        hash: u64,
        settled: &mut Settled,
        mut with: impl FnMut(Place<'_>, usize, usize),
    ) {
        let mut slot = slot_of(hash, self.slots.len());
        while self.slots[slot] != 0 {
            let entry = self.slots[slot];
            slot = (slot + 1) & (self.slots.len() - 1);
            if entry == GONE || !same_print(entry, hash) {
                continue;
            }
            let (form, offset) = self.place(entry);
            if settled.covers(form, at, offset) || form.text[offset..offset + SEED] != text[at..at + SEED] {
                continue;
            }
            let left = agreeing(text[..at].iter().rev(), form.text[..offset].iter().rev());
            let right = agreeing(text[at + SEED..].iter(), form.text[offset + SEED..].iter());
            let end = at + SEED + right;
            *settled = Settled { form: form.text.as_ptr().addr(), start: at.wrapping_sub(offset), end };
            if right == REACH {
                settled.end = at;
            }
            with(Place { form, offset }, at - left, end);
        }
    }

    /// How many bytes at the end of `text` may be the start of something that must be masked. A few too
    /// many now and then; never too few.
    pub(super) fn pending(&self, text: &[u8]) -> usize {
        if self.slots.is_empty() {
            return 0;
        }
        let most = SEED.min(text.len());
        let live = |length: &usize| self.factors.get(factor_hash(self.key, &text[text.len() - length..]));
        let short = (1..=most).take_while(live).count();
        if short < SEED {
            return short;
        }
        let at = text.len() - SEED;
        let mut longest = short;
        let hash = seed_hash(self.key, gram(&text[at..]));
        self.verify(text, at, hash, &mut Settled::default(), |place, start, end| {
            let (before, _) = place.edges(text, start, end, at);
            longest = longest.max(end - start + before);
        });
        longest
    }

    /// How many bytes at the end of `text` give so much of a secret away that they must not be shown when the
    /// stream stops there; zero if they may be. Exact and slow: it is asked only when a stream stops.
    pub(super) fn grave(&self, text: &[u8], pending: usize, stop: Stop) -> usize {
        let mut most = 0;
        for form in &self.forms {
            for (beginning, least) in [(true, stop.least(true)), (false, stop.least(false))] {
                let least = form.characters(least);
                let mut length = pending.min(text.len());
                while length >= least && length > most {
                    let tail = &text[text.len() - length..];
                    let present = if beginning {
                        form.text.starts_with(tail)
                    } else {
                        form.text.windows(length).any(|window| window == tail)
                    };
                    if present {
                        most = length;
                    }
                    length -= 1;
                }
            }
        }
        most
    }
}

/// The last stretch that agreed with a form: seeds inside of it tell nothing new about that form.
#[derive(Default)]
struct Settled {
    /// Which form, by where its text is.
    form: usize,
    /// Where the form would begin in the text; below zero wraps.
    start: usize,
    end: usize,
}

impl Settled {
    fn covers(&self, form: &Form, at: usize, offset: usize) -> bool {
        at + SEED <= self.end
            && self.start == at.wrapping_sub(offset)
            && self.form == form.text.as_ptr().addr()
    }
}

/// A seed's place in a form.
#[derive(Clone, Copy)]
struct Place<'a> {
    form: &'a Form,
    offset: usize,
}

impl Place<'_> {
    /// Whether the characters before and after an agreeing stretch share bits with the secret.
    fn edges(&self, text: &[u8], start: usize, end: usize, at: usize) -> (usize, usize) {
        let at_front = at - start == self.offset;
        let at_back = self.offset + (end - at) == self.form.text.len();
        let before = at_front && start > 0 && self.form.before.has(text[start - 1]);
        let after = at_back && text.get(end).is_some_and(|byte| self.form.after.has(*byte));
        (usize::from(before), usize::from(after))
    }
}

fn agreeing<'a>(text: impl Iterator<Item = &'a u8>, form: impl Iterator<Item = &'a u8>) -> usize {
    text.zip(form).take(REACH).take_while(|(a, b)| a == b).count()
}

/// The first [`SEED`] bytes of `bytes` as a number.
#[inline]
fn gram(bytes: &[u8]) -> u64 {
    if let Some(eight) = bytes.first_chunk::<8>() {
        return u64::from_le_bytes(*eight) & ((1 << (8 * SEED)) - 1);
    }
    bytes.iter().take(SEED).rev().fold(0, |gram, byte| gram << 8 | u64::from(*byte))
}

#[inline]
const fn seed_hash(key: u64, gram: u64) -> u64 {
    (gram ^ (key >> 17)).wrapping_mul(key)
}

fn factor_hash(key: u64, factor: &[u8]) -> u64 {
    packed_hash(key, factor.iter().fold(0, |packed, byte| packed << 8 | u64::from(*byte)), factor.len())
}

/// The hash of a factor of `length` bytes, packed into a number.
const fn packed_hash(key: u64, packed: u64, length: usize) -> u64 {
    seed_hash(key, packed | (length as u64) << (8 * SEED))
}

/// The home slot of a hash in a table of `size` slots, a power of two.
const fn slot_of(hash: u64, size: usize) -> usize {
    (hash >> (64 - size.trailing_zeros())) as usize
}

const fn print_of(hash: u64) -> u64 {
    (hash >> PRINT_BITS) & ((1 << PRINT_BITS) - 1)
}

const fn same_print(entry: u64, hash: u64) -> bool {
    entry & ((1 << PRINT_BITS) - 1) == print_of(hash)
}

const fn entry(number: usize, offset: usize, hash: u64) -> u64 {
    (number as u64 + 1) << (OFFSET_BITS + PRINT_BITS) | (offset as u64) << PRINT_BITS | print_of(hash)
}

/// A set of hashes that now and then claims to hold another one: two bits for each, in one word of many.
#[derive(Default)]
struct Bits {
    words: Vec<u64>,
    shift: u32,
}

impl Bits {
    /// A set with `size` bits, a power of two or zero.
    fn of(size: usize) -> Self {
        Self { words: vec![0; size / 64], shift: 64 - (size.max(128) / 64).trailing_zeros() }
    }

    #[inline]
    const fn bits(hash: u64) -> u64 {
        1 << (hash >> 20 & 63) | 1 << (hash >> 26 & 63)
    }

    fn set(&mut self, hash: u64) {
        self.words[(hash >> self.shift) as usize] |= Self::bits(hash);
    }

    /// How many bits there are.
    const fn len(&self) -> usize {
        self.words.len() * 64
    }

    /// Sets every factor of a form, and those that begin with a character before it.
    fn set_form(&mut self, key: u64, form: &Form) {
        for start in 0..form.text.len() {
            self.set_all(key, form.text[start..].iter().take(SEED).copied());
        }
        for edge in form.before.members() {
            self.set_all(key, [edge].into_iter().chain(form.text.iter().take(SEED - 1).copied()));
        }
    }

    /// Sets every factor that begins where `bytes` do.
    fn set_all(&mut self, key: u64, bytes: impl Iterator<Item = u8>) {
        let mut packed = 0;
        for (n, byte) in bytes.enumerate() {
            packed = packed << 8 | u64::from(byte);
            self.set(packed_hash(key, packed, n + 1));
        }
    }

    #[inline]
    fn get(&self, hash: u64) -> bool {
        let bits = Self::bits(hash);
        self.words.get((hash >> self.shift) as usize).is_some_and(|word| word & bits == bits)
    }
}

impl Drop for Bits {
    fn drop(&mut self) {
        self.words.zeroize();
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.slots.zeroize();
    }
}
