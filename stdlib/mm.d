/*
 * Folios: one page of memory, or several that the kernel keeps together.
 */

/* The size of a page as a power of two: 4 KiB. */
inline int _page_shift = 12;

/*
 * Says of a page that is not its folio's first, in bit 0, that it isn't one. The rest is the
 * address of the first, or, since 7.1, a mask for addresses that leaves that: all of its high
 * bits are set, as they are in no address of a page.
 */
inline uintptr_t _page_compound[struct page *P] =
    defined(P->compound_info) ? P->compound_info : P->compound_head;

/* The folio that a page belongs to. */
inline struct folio *page_folio[struct page *P] = (struct folio *)(
    !(_page_compound[P] & 1) ? (uintptr_t)P :
    _page_compound[P] >> 40 == 0xffffff ? (uintptr_t)P & _page_compound[P] :
    _page_compound[P] - 1);

inline unsigned long _folio_flags[struct folio *F] =
    defined(F->flags.f) ? F->flags.f : F->flags;

inline unsigned long _folio_size[struct folio *F] =
    defined(F->_nr_pages) ? F->_nr_pages :
    defined(F->_folio_nr_pages) ? F->_folio_nr_pages : 1 << F->_folio_order;

/* How many pages a folio has. */
inline unsigned long folio_pages[struct folio *F] =
    _folio_flags[F] & (1 << PG_head) ? _folio_size[F] : 1;

/*
 * The file's memory that a folio is part of; NULL for anonymous memory and the kernel's
 * own. The two lowest bits mark what is no address_space.
 */
inline struct address_space *folio_mapping[struct folio *F] =
    (uintptr_t)F->mapping & 3 ? NULL : F->mapping;
