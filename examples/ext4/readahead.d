#!/usr/bin/env -S strand -q
/*
 * readahead.d - of what is read ahead, how much somebody wants in the end, by file
 *
 *     readahead.d                          all file systems, until Ctrl-C
 *     readahead.d $(stat -c %d /mnt)       the one that is mounted on /mnt
 *
 * Who reads a file gets more of it into the page cache than was asked for. What of it is read
 * later was a wait saved; the rest is I/O and memory for nothing, which random access to a
 * large file can make many times what it needs. This script notes each page that a read of
 * the disk brings in, and in which call; a page that is wanted in the same call was asked for,
 * in a later one, by anybody, is a hit, and never, wasted. Whatever is mapped isn't seen.
 *
 * Probes: blk:::bio-queue (pages are read in), sdt:filemap::mm_filemap_get_pages (somebody
 * wants pages; where the kernel hasn't it, fbt::folio_mark_accessed:entry, which tells only
 * whole folios), sdt:filemap::mm_filemap_delete_from_page_cache (a page is dropped),
 * syscall:::entry of calls that read.
 *
 * Output: by process that had them read and file, pages of 4 kB that were read in: of these
 * asked for at once, hits, dropped from the cache unwanted, and left there unwanted; and of a
 * hundred that were hit or dropped so many hits. Then, how long hits have waited, in
 * microseconds. An example is in readahead.out.
 */
#pragma D option defaultargs
#pragma D option zdefs
#pragma D option dynvarsize=256m

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

inline int wanted[uint64_t D] = $1 == 0 || device[D] == $1;

/* A file system's own data are in the memory of its device, which has no name. */
inline int named[struct inode *I] = _inode_name[I] != NULL;

/* A call of a thread. */
self uint64_t calls;
inline uint64_t call = (uint64_t)tid << 32 | self->calls & 0xffffffff;

uint64_t bringer[struct inode *, uint64_t];	/* by inode and page: the call, */
uint64_t since[struct inode *, uint64_t];	/* when, */
string process[struct inode *, uint64_t];	/* and whose. 0: it is known to be wanted */
string file[struct inode *];
int exact;					/* the kernel tells pages, not folios */
int told;					/* it does tell */

syscall::*read*:entry, syscall::sendfile*:entry, syscall::splice:entry,
syscall::copy_file_range:entry
{
	self->calls++;
}

blk:::bio-queue
/args[0]->bi_bdev != NULL && wanted[args[0]->bi_bdev->bd_dev] && !(args[0]->bi_opf & 0xff)/
{
	for (this->i = 0; this->i < args[0]->bi_vcnt; this->i++) {
		this->vec = &args[0]->bi_io_vec[this->i];
		this->page = this->vec->bv_page + this->vec->bv_offset / 4096;
		this->end = this->vec->bv_page +
		    (this->vec->bv_offset + this->vec->bv_len + 4095) / 4096;

		for (; this->page < this->end; this->page++) {
			this->folio = page_folio[this->page];
			this->mapping = folio_mapping[this->folio];
			if (this->mapping == NULL)
				continue;
			this->inode = this->mapping->host;
			if (!named[this->inode])
				continue;
			this->index = (uint64_t)(this->folio->index +
			    (this->page - (struct page *)this->folio));
			if (file[this->inode] == NULL)
				file[this->inode] = xlate <fileinfo_t> (this->inode).fi_pathname;
			bringer[this->inode, this->index] = call;
			since[this->inode, this->index] = timestamp;
			process[this->inode, this->index] = execname;
			@in[execname, file[this->inode]] = count();
			@asked[execname, file[this->inode]] = sum(0);
			@hits[execname, file[this->inode]] = sum(0);
			@dropped[execname, file[this->inode]] = sum(0);
			@left[execname, file[this->inode]] = sum(1);
		}
	}
}

sdt:filemap::mm_filemap_get_pages, fbt::folio_mark_accessed:entry,
sdt:filemap::mm_filemap_delete_from_page_cache
{
	this->inode = (struct inode *)NULL;
	told |= probename != "mm_filemap_delete_from_page_cache";
}

/* Somebody wants pages. */
sdt:filemap::mm_filemap_get_pages
/wanted[args[0]->host->i_sb->s_dev]/
{
	exact = 1;
	this->inode = args[0]->host;
	this->index = (uint64_t)arg1;
	this->last = (uint64_t)arg2;
}

/* Somebody wants a folio, or drops it. */
fbt::folio_mark_accessed:entry, sdt:filemap::mm_filemap_delete_from_page_cache
/(!exact || probefunc != "folio_mark_accessed") && folio_mapping[args[0]] != NULL &&
    wanted[args[0]->mapping->host->i_sb->s_dev]/
{
	this->inode = args[0]->mapping->host;
	this->index = (uint64_t)args[0]->index;
	this->last = this->index + folio_pages[args[0]] - 1;
}

sdt:filemap::mm_filemap_get_pages, fbt::folio_mark_accessed:entry,
sdt:filemap::mm_filemap_delete_from_page_cache
/this->inode != NULL/
{
	for (; this->index <= this->last; this->index++) {
		this->whose = process[this->inode, this->index];
		if (this->whose == NULL)
			continue;
		if (probename == "mm_filemap_delete_from_page_cache") {
			@dropped[this->whose, file[this->inode]] = sum(1);
			@ratio[this->whose, file[this->inode]] = avg(0);
		} else if (bringer[this->inode, this->index] == call) {
			@asked[this->whose, file[this->inode]] = sum(1);
		} else {
			@hits[this->whose, file[this->inode]] = sum(1);
			@ratio[this->whose, file[this->inode]] = avg(100);
			@waited = quantize((timestamp - since[this->inode, this->index]) / 1000);
		}
		@left[this->whose, file[this->inode]] = sum(-1);
		bringer[this->inode, this->index] = 0;
		since[this->inode, this->index] = 0;
		process[this->inode, this->index] = 0;
	}
}

END
{
	printf("%-16s %9s %9s %9s %9s %9s %6s  %s\n", "PROCESS", "READ IN", "ASKED", "HITS", "DROPPED",
	    "LEFT", "HIT %", "FILE");
	printa("%-16s %@9d %@9d %@9d %@9d %@9d %@6d  %s\n", @in, @asked, @hits, @dropped, @left, @ratio);
	printf("\nmicroseconds from being read ahead to being wanted:\n");
	printa(@waited);
}

END
/!told/
{
	printf("nobody wanted anything, or this kernel doesn't tell: it has neither\n");
	printf("mm_filemap_get_pages nor traceable functions\n");
}
