#!/usr/bin/env -S strand -q
/*
 * Whose pages does the flusher write?
 *
 * A process that writes a file only dirties pages of the page cache. A kernel worker
 * starts the I/O seconds later, when the process may be gone; so whoever looks at the
 * I/O sees the worker. This script joins the two by what stays the same meanwhile: the
 * inode, and the index in its file of the folio (a page, or several that the kernel
 * keeps together).
 *
 *     writeback.d                          all file systems
 *     writeback.d $(stat -c %d /mnt)       the one that is mounted on /mnt
 *
 * Probes: writeback_dirty_folio fires in the process that dirties a folio,
 * block_bio_queue in the thread that starts I/O, mm_filemap_delete_from_page_cache when
 * a folio leaves the cache.
 *
 * Output: a line for every folio that becomes dirty and one for every folio in a bio.
 *
 *     I/O initiated pid: 2975 page: 0xffffea00010d4d40 1376926650907810430
 *     I/O started pid: 665 real pid: 2975 page: 0xffffea00010d4d40 1376926681933631892
 *
 * Where a bio begins inside of a folio, the line ends with the page that it begins at.
 * At the end, by process: pages dirtied, pages written for it, nanoseconds between the
 * two; and of all pages written whose file was seen being dirtied, how many were joined.
 * A large folio becomes dirty as a whole, so more pages may be dirtied than written. An
 * example is in writeback.out.
 */
#pragma D option defaultargs
#pragma D option dynvarsize=256m

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

inline int wanted[uint64_t D] = $1 == 0 || device[D] == $1;

BEGIN
{
	printf("Tracing writes through the page cache. Ctrl-C ends.\n");
}

sdt:writeback::writeback_dirty_folio
/args[1] != NULL && wanted[args[1]->host->i_sb->s_dev]/
{
	this->inode = args[1]->host;
	this->index = args[0]->index;

	dirtier[this->inode, this->index] = pid;
	name[this->inode, this->index] = execname;
	since[this->inode, this->index] = timestamp;
	seen[this->inode] = 1;

	printf("I/O initiated pid: %d page: 0x%p %d\n", pid, args[0], walltimestamp);
	@dirtied[execname, pid] = sum(folio_pages[args[0]]);
}

/* Data that is written. The file system's own journal says that it is metadata. */
sdt:block::block_bio_queue
/(args[0]->bi_opf & 0xff) == REQ_OP_WRITE && !(args[0]->bi_opf & 1 << __REQ_META) &&
    wanted[args[0]->bi_bdev->bd_dev]/
{
	this->last = (struct folio *)NULL;

	for (this->i = 0; this->i < args[0]->bi_vcnt; this->i++) {
		this->vec = &args[0]->bi_io_vec[this->i];
		this->page = this->vec->bv_page;
		this->end = this->page + (this->vec->bv_offset + this->vec->bv_len + 4095) / 4096;

		for (; this->page < this->end; this->page++) {
			this->folio = page_folio[this->page];
			this->mapping = folio_mapping[this->folio];
			if (this->mapping == NULL)
				continue;
			this->inode = this->mapping->host;
			this->index = this->folio->index;
			this->pid = dirtier[this->inode, this->index];
			if (this->pid == 0) {
				missed += seen[this->inode];
				continue;
			}
			joined++;
			this->name = name[this->inode, this->index];
			@written[this->name, this->pid] = count();
			if (this->folio != this->last) {
				this->last = this->folio;
				@delay[this->name, this->pid] =
				    quantize(timestamp - since[this->inode, this->index]);
				this->when = walltimestamp;
				if ((uintptr_t)this->page == (uintptr_t)this->folio)
					printf("I/O started pid: %d real pid: %d page: 0x%p %d\n", pid,
					    this->pid, this->folio, this->when);
				else
					printf("I/O started pid: %d real pid: %d page: 0x%p %d bio page: 0x%p\n",
					    pid, this->pid, this->folio, this->when, this->page);
			}
			/* With its last page, the folio is done. */
			if (this->page + 1 == (struct page *)this->folio + folio_pages[this->folio]) {
				dirtier[this->inode, this->index] = 0;
				name[this->inode, this->index] = 0;
				since[this->inode, this->index] = 0;
			}
		}
	}
}

/* The folio leaves the cache unwritten: truncated, or a file that was removed. */
sdt:filemap::mm_filemap_delete_from_page_cache
/dirtier[args[0]->mapping->host, args[0]->index]/
{
	dirtier[args[0]->mapping->host, args[0]->index] = 0;
	name[args[0]->mapping->host, args[0]->index] = 0;
	since[args[0]->mapping->host, args[0]->index] = 0;
}

END
{
	printf("\n%-16s %7s %15s %15s\n", "PROCESS", "PID", "PAGES DIRTIED", "PAGES WRITTEN");
	printa("%-16s %7d %@15d %@15d\n", @dirtied, @written);
	printf("\nnanoseconds from dirtying to the start of I/O:\n");
	printa(@delay);
	printf("%d of %d pages written were joined to who dirtied them", joined, joined + missed);
	printf(" (%d.%d %%)\n", joined + missed ? 100 * joined / (joined + missed) : 100,
	    joined + missed ? 1000 * joined / (joined + missed) % 10 : 0);
}
