//! An allocator that counts, and hands out blocks that have a size and no contents.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::glibc_heap::GlibcHeap;

/// Bytes that are held, and the most that were.
#[derive(Default)]
pub(super) struct Allocator {
    pub live: Cell<u64>,
    pub peak: Cell<u64>,
    pub heap: RefCell<GlibcHeap>,
}

impl Allocator {
    pub fn allocate(self: &Rc<Self>, bytes: u64) -> Memory {
        self.live.set(self.live.get() + bytes);
        self.peak.set(self.peak.get().max(self.live.get()));
        Rc::new(Block {
            bytes,
            start: (bytes > 0).then(|| self.heap.borrow_mut().allocate(bytes)),
            allocator: Rc::clone(self),
        })
    }

    pub fn allocate_all(self: &Rc<Self>, sizes: &[u64]) -> Vec<Memory> {
        sizes.iter().map(|&bytes| self.allocate(bytes)).collect()
    }
}

/// A block of memory, freed when it is dropped.
pub(super) struct Block {
    pub bytes: u64,
    /// `None` of one without bytes.
    start: Option<u64>,
    allocator: Rc<Allocator>,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.allocator
            .live
            .set(self.allocator.live.get() - self.bytes);
        if let Some(start) = self.start {
            self.allocator.heap.borrow_mut().free(start, self.bytes);
        }
    }
}

/// Memory as burn's tensors share it.
pub(super) type Memory = Rc<Block>;
