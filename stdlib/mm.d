/*
 * Folios: one page of memory, or several that the kernel keeps together.
 */

/* The folio that a page belongs to. Bit 0 tells a page that is not its folio's first. */
inline struct folio *page_folio[struct page *P] =
    (struct folio *)(P->compound_head & 1 ? P->compound_head - 1 : (uintptr_t)P);

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
