//! The helper's allocator: wipes what is freed, and serves what [`secretly`](crate::harden::memory::secretly) asks for
//! from the arena.
//!
//! A block belongs to the arena by its address, so that any thread frees or grows it at any time, and what is in the
//! arena stays there as it grows. Where the arena is full, or there is none, ordinary memory is taken and counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use talc::DefaultBinning;
use talc::base::Talc;
use talc::source::Manual;
use zeroizing_alloc::ZeroAlloc;

use super::map::Start;
use crate::harden::memory::{is_secret, secretly};

/// To be the program's `#[global_allocator]`.
pub struct Allocator;

/// Both wipe what is freed, before it is anybody's again.
const ORDINARY: ZeroAlloc<System> = ZeroAlloc(System);
const SECRET: ZeroAlloc<Arena> = ZeroAlloc(Arena);

/// The arena's two ends; both zero while there is none. Set once.
static START: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);
static HEAP: Mutex<Talc<Manual, DefaultBinning>> = Mutex::new(Talc::new(Manual));

/// Bytes asked for and not given back, and the most there ever were.
pub(in crate::harden) static USED: AtomicUsize = AtomicUsize::new(0);
pub(in crate::harden) static MOST: AtomicUsize = AtomicUsize::new(0);
/// How often something did not fit and lies in ordinary memory.
pub(in crate::harden) static SPILLED: AtomicUsize = AtomicUsize::new(0);

/// Makes a mapping of [`super::map`] the arena. To be called once, with the whole of the mapping; again, it does nothing.
pub(in crate::harden) fn give(start: Start, size: usize) {
    let mut heap = heap();
    if START.load(Ordering::Relaxed) != 0 {
        return;
    }
    // SAFETY: the mapping is new, as long as `size` says, and never unmapped; nobody else has its address.
    if unsafe { heap.claim(start.as_ptr().cast(), size) }.is_some() {
        END.store(start.as_ptr().addr() + size, Ordering::Relaxed);
        START.store(start.as_ptr().addr(), Ordering::Release);
    }
}

/// How large the arena is; zero while there is none.
pub(in crate::harden) fn size() -> usize {
    let start = START.load(Ordering::Acquire);
    END.load(Ordering::Relaxed).saturating_sub(start) * usize::from(start != 0)
}

fn heap() -> MutexGuard<'static, Talc<Manual, DefaultBinning>> {
    // Nothing panics under it; and an allocator that gave up would end the program.
    HEAP.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_in_arena(block: *mut u8) -> bool {
    let start = START.load(Ordering::Acquire);
    start != 0 && (start..END.load(Ordering::Relaxed)).contains(&block.addr())
}

// SAFETY: a block is freed by the allocator that made it, by its address: the arena lies within a mapping that the
// system's allocator knows nothing of. Nothing here panics or allocates.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_secret() && size() > 0 {
            // SAFETY: the caller's promises, passed on.
            let block = unsafe { SECRET.alloc(layout) };
            if !block.is_null() {
                return block;
            }
            SPILLED.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: as above.
        unsafe { ORDINARY.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_secret() && size() > 0 {
            // SAFETY: the caller's promises, passed on; a block has the layout's size.
            unsafe {
                let block = self.alloc(layout);
                if !block.is_null() {
                    block.write_bytes(0, layout.size());
                }
                return block;
            }
        }
        // SAFETY: as above. The system knows which of its memory is zero already.
        unsafe { ORDINARY.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises, passed on to the allocator that made the block.
        unsafe {
            if is_in_arena(block) { SECRET.dealloc(block, layout) } else { ORDINARY.dealloc(block, layout) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size, with this alignment, is a layout.
        let wanted = unsafe { Layout::from_size_align_unchecked(size, layout.align()) };
        // SAFETY: the caller's promises, passed on.
        let allocate = || unsafe { self.alloc(wanted) };
        let new = if is_in_arena(block) { secretly(allocate) } else { allocate() };
        if !new.is_null() {
            // SAFETY: two blocks that are both alive, of which no more is copied than either has.
            unsafe {
                ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                self.dealloc(block, layout);
            }
        }
        new
    }
}

/// The arena alone.
struct Arena;

// SAFETY: talc gives out each byte of what it was given once, under one lock.
unsafe impl GlobalAlloc for Arena {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the size is not zero, as the caller promises.
        let block = unsafe { heap().allocate(layout) };
        if block.is_some() {
            let used = USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
            MOST.fetch_max(used, Ordering::Relaxed);
        }
        block.map_or(ptr::null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the block is the arena's, with this layout, as the caller promises.
        unsafe { heap().deallocate(block, layout) }
    }
}
