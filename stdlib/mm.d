/*
 * Folios: one page of memory, or several that the kernel keeps together.
 */

/* The size of a page as a power of two: 4 KiB. */
inline int _page_shift = 12;

/*
 * Says of a page that is not its folio's first, in bit 0, that it isn't one. The rest is the
 * address of the first, or, since 7.1, a mask for addresses that leaves that: all of its high
 * bits are set, as they are in no address of a page. It was renamed then; what lies in the same
 * place has one name on all kernels.
 */
inline uintptr_t _page_compound[struct page *P] = (uintptr_t)P->lru.next;

/* The folio that a page belongs to. */
inline struct folio *page_folio[struct page *P] = (struct folio *)(
    !(_page_compound[P] & 1) ? (uintptr_t)P :
    _page_compound[P] >> 40 == 0xffffff ? (uintptr_t)P & _page_compound[P] :
    _page_compound[P] - 1);

/* Its first word, whether that is a number or, since 6.18, a structure. */
inline unsigned long _folio_flags[struct folio *F] = *(unsigned long *)F;

/*
 * How many times a large folio is doubled: since 6.6 the lowest byte of its second page's flags;
 * before, a byte behind these. A flag came then, and an enum went, and what is built on either kind
 * of kernel asks the other for the constant that it knows.
 */
inline int _folio_order_of[struct folio *F] =
    defined(PG_large_rmappable) ? F->_flags_1 & 0xff :
    defined(NULL_COMPOUND_DTOR) ? *((unsigned char *)&F->_flags_1 + 17) :
    defined((enum compound_dtor_id)0) ? F->_flags_1 & 0xff : *((unsigned char *)&F->_flags_1 + 17);

/* How many pages a folio has. */
inline unsigned long folio_pages[struct folio *F] =
    _folio_flags[F] & (1 << PG_head) ? 1 << _folio_order_of[F] : 1;

/*
 * The file's memory that a folio is part of; NULL for anonymous memory and the kernel's
 * own. The two lowest bits mark what is no address_space.
 */
inline struct address_space *folio_mapping[struct folio *F] =
    (uintptr_t)F->mapping & 3 ? NULL : F->mapping;
