#!/usr/bin/env -S strand -q
/*
 * writeback-fbt.d - who dirtied the pages that somebody else writes, by function boundaries
 *
 *     writeback-fbt.d                          all of ext4, until Ctrl-C
 *     writeback-fbt.d $(stat -c %d /mnt)       the one that is mounted on /mnt
 *
 * The write-back script of the book, line by line: it notes the process by the page that
 * ext4 has copied data to, and looks the page up when I/O starts. What ext4_*_write_end is
 * given was a page up to Linux 6.11, and is a folio since (a page, or several that the
 * kernel keeps together); the first page of a folio has the folio's address, so that one key
 * serves both. A bio has many pages, of which the book shows the first: here it is all.
 * writeback.d does the same by tracepoints, for any file system and on any kernel.
 *
 * Probes: fbt:ext4:ext4_*_write_end:entry (data has been copied to the page cache),
 * blk:::bio-queue (somebody starts I/O).
 * Needs: fbt
 *
 * Output: a line for each write to a page, and one for each page whose I/O starts. "pid" is
 * who does it, "real pid" who has written to the page last. An example is in
 * writeback-fbt.out.
 */
#pragma D option defaultargs
#pragma D option dynvarsize=64m

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

inline int wanted[uint64_t D] = $1 == 0 || device[D] == $1;

int pids[struct folio *];

fbt:ext4:ext4_*_write_end:entry
/wanted[args[1]->host->i_sb->s_dev]/
{
	this->page = page_folio[(struct page *)arg5];
	pids[this->page] = pid;

	printf("I/O initiated pid: %d page: 0x%p %d\n", pid, this->page, walltimestamp);
}

blk:::bio-queue
/args[0]->bi_bdev != NULL && wanted[args[0]->bi_bdev->bd_dev] && args[0]->bi_io_vec != NULL/
{
	for (this->i = 0; this->i < args[0]->bi_vcnt; this->i++) {
		this->vec = &args[0]->bi_io_vec[this->i];
		this->bv_page = this->vec->bv_page;
		this->end = this->bv_page + (this->vec->bv_offset + this->vec->bv_len + 4095) / 4096;

		while (this->bv_page < this->end) {
			this->page = page_folio[this->bv_page];
			if (pids[this->page])
				printf("I/O started pid: %d real pid: %d page: 0x%p %d\n", pid,
				    pids[this->page], this->page, walltimestamp);
			pids[this->page] = 0;
			this->bv_page = (struct page *)this->page + folio_pages[this->page];
		}
	}
}
