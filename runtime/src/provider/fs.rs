//! `fs`: data of files on its way to disk: pages and inodes become dirty, are written back,
//! and are clean.
//!
//! In: tracepoints of the write-back code, and for the pages themselves two functions of the
//! kernel, for which there is no tracepoint that all file systems share. Out: the kernel's
//! own page or inode, the same pointer from probe to probe, and the file. A kernel says
//! `folio` or `page`; the pointer to a folio is that to its first page.

use super::derived::{Arg, Derived, Entry, Source, plain, translated};
use super::stability::Promise;

const PAGE: [Arg; 3] = [
    plain(0, "struct page *"),
    translated(0, "struct page *", "fileinfo_t *"),
    plain(1, "struct inode *"),
];

const INODE: [Arg; 2] =
    [plain(0, "struct inode *"), translated(0, "struct inode *", "fileinfo_t *")];

/// And what of it is dirty: I_DIRTY_…
const INODE_DIRTY: [Arg; 3] = {
    let [inode, file] = INODE;
    [inode, file, plain(1, "int")]
};

/// And what the writer wants.
const INODE_WRITTEN: [Arg; 3] = {
    let [inode, file] = INODE;
    [inode, file, plain(1, "struct writeback_control *")]
};

/// A page and its inode.
const OF_PAGE: &[&str] = &["arg0", "(uintptr_t)_page_inode[(struct page *)arg0]"];

/// Likewise, when a function has returned.
const OF_RETURNED: &[&str] = &["arg2", "(uintptr_t)_page_inode[(struct page *)arg2]"];

const fn inode(event: &'static str) -> [Source; 1] {
    [Source::tracepoint(event)]
}

/// The provider.
pub static FS: Derived = Derived {
    name: "fs",
    first: 450,
    promise: Promise::KERNEL_ARGS,
    probes: &[
        Entry {
            name: "page-dirty",
            args: &PAGE,
            alternatives: &[
                &[Source::tracepoint("writeback_dirty_folio").args(OF_PAGE)],
                &[Source::tracepoint("writeback_dirty_page").args(OF_PAGE)],
            ],
        },
        Entry {
            name: "page-writeback-start",
            args: &PAGE,
            alternatives: &[
                &[Source::function_return("__folio_start_writeback").args(OF_RETURNED)],
                &[Source::function_return("__test_set_page_writeback").args(OF_RETURNED)],
            ],
        },
        Entry {
            name: "page-writeback-done",
            args: &PAGE,
            alternatives: &[
                &[Source::function("folio_end_writeback").args(OF_PAGE)],
                &[Source::function("end_page_writeback").args(OF_PAGE)],
            ],
        },
        Entry {
            name: "page-writeback-wait",
            args: &PAGE,
            alternatives: &[
                &[Source::tracepoint("folio_wait_writeback").args(OF_PAGE)],
                &[Source::tracepoint("wait_on_page_writeback").args(OF_PAGE)],
            ],
        },
        Entry {
            name: "inode-dirty",
            args: &INODE_DIRTY,
            alternatives: &[&inode("writeback_mark_inode_dirty")],
        },
        // Its pages, and itself.
        Entry {
            name: "inode-writeback-start",
            args: &INODE_WRITTEN,
            alternatives: &[&inode("writeback_single_inode_start")],
        },
        Entry {
            name: "inode-writeback-done",
            args: &INODE_WRITTEN,
            alternatives: &[&inode("writeback_single_inode")],
        },
        // Only itself: its size, its times, where its blocks are.
        Entry {
            name: "inode-write-start",
            args: &INODE_WRITTEN,
            alternatives: &[&inode("writeback_write_inode_start")],
        },
        Entry {
            name: "inode-write-done",
            args: &INODE_WRITTEN,
            alternatives: &[&inode("writeback_write_inode")],
        },
    ],
};
