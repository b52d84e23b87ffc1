#!/usr/bin/env -S strand -q
/*
 * files.d - whose I/O it is, and for which file: how long data stays in the page cache, and
 * how long the device takes for it
 *
 *     files.d                              all file systems, until Ctrl-C
 *     files.d $(stat -c %d /mnt)           the one that is mounted on /mnt
 *
 * Tools that look at I/O alone name the kernel worker that starts it, and no file. This
 * script notes who dirties each folio of the page cache (a page, or several that the kernel
 * keeps together), and joins by inode and index when it is written. Reads are started by
 * who waits for them. For ext4, xfs and whatever else uses the page cache.
 *
 * Probes: sdt:writeback::writeback_dirty_folio (somebody dirties a folio), blk:::bio-queue
 * (somebody starts I/O), blk:::bio-split, blk:::request-complete (it has ended),
 * sdt:filemap::mm_filemap_delete_from_page_cache (a folio is dropped unwritten).
 *
 * Output: a row for each process, direction and file: kB, bios, milliseconds from the first
 * change of a folio to the start of its I/O (mean), and microseconds from bio to end (mean
 * and longest; of a bio for several processes, under the first). "-" is what is in no
 * file, such as the journal and other metadata: it is its starter's. An example is in
 * files.out.
 */
#pragma D option defaultargs
#pragma D option dynvarsize=64m

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

inline int wanted[uint64_t D] = $1 == 0 || device[D] == $1;

/*
 * A write that is to be durable may be done in steps, and its bio ends with the last. Bit 0
 * is that of the flush before it, bit 1 that of the data.
 */
inline int in_steps[struct request *R] = R->end_io != NULL && (R->flush.seq & 3) == 1;

/* A file system's own data are in the memory of its device, which has no name. */
inline string path[struct inode *I] = _inode_name[I] == NULL ? "-" :
    xlate <fileinfo_t> (I).fi_pathname;

int dirtier[struct inode *, uint64_t];		/* by inode and index */
uint64_t since[struct inode *, uint64_t];
string process[int];				/* by pid */
string file[struct inode *];

uint64_t times[uint64_t];			/* by bio: when it was queued, */
int owner[uint64_t];				/* for whom, */
struct inode *node[uint64_t];			/* and of which file */

sdt:writeback::writeback_dirty_folio
/args[1] != NULL && wanted[args[1]->host->i_sb->s_dev]/
{
	dirtier[args[1]->host, args[0]->index] = pid;
	since[args[1]->host, args[0]->index] = timestamp;
	process[pid] = execname;
	file[args[1]->host] = path[args[1]->host];
}

/* What is in no file, or was dirtied unseen, is the current process's. */
blk:::bio-queue
/args[0]->bi_bdev != NULL && wanted[args[0]->bi_bdev->bd_dev] && args[0]->bi_iter.bi_size/
{
	process[pid] = execname;
	times[arg0] = timestamp;
	owner[arg0] = 0;
	this->what = args[0]->bi_opf & 1 ? "write" : "read";

	for (this->i = 0; this->i < args[0]->bi_vcnt; this->i++) {
		this->vec = &args[0]->bi_io_vec[this->i];
		this->page = this->vec->bv_page + this->vec->bv_offset / 4096;
		this->skip = this->vec->bv_offset % 4096;
		this->left = this->vec->bv_len;

		/* Folio by folio: from here to its end, or to that of the I/O. */
		while (this->left > 0) {
			this->folio = page_folio[this->page];
			this->next = (struct page *)this->folio + folio_pages[this->folio];
			this->bytes = (this->next - this->page) * 4096 - this->skip;
			if (this->bytes > this->left)
				this->bytes = this->left;
			this->left -= this->bytes;
			this->page = this->next;
			this->skip = 0;

			this->mapping = folio_mapping[this->folio];
			this->inode = this->mapping == NULL ? NULL : this->mapping->host;
			this->index = (uint64_t)this->folio->index;
			if (file[this->inode] == NULL)
				file[this->inode] = path[this->inode];
			this->pid = pid;
			if (args[0]->bi_opf & 1 && dirtier[this->inode, this->index]) {
				this->pid = dirtier[this->inode, this->index];
				@age[process[this->pid], this->pid, this->what, file[this->inode]] =
				    avg((timestamp - since[this->inode, this->index]) / 1000000);
			}
			@kb[process[this->pid], this->pid, this->what, file[this->inode]] =
			    sum(this->bytes);
			if (!owner[arg0]) {
				owner[arg0] = this->pid;
				node[arg0] = this->inode;
			}
		}
	}
}

/* The first part of a large one has a bio of its own, which leads to the whole. */
blk:::bio-split
/times[(uint64_t)args[0]->bi_private]/
{
	this->whole = (uint64_t)args[0]->bi_private;
	times[arg0] = times[this->whole];
	owner[arg0] = owner[this->whole];
	node[arg0] = node[this->whole];
}

/* So many bytes have ended, and the bios that are within them. */
blk:::request-complete
/times[(uint64_t)args[0]->bio] && (args[3] == 0 || !in_steps[args[0]])/
{
	this->bytes = (uint64_t)args[3];
	for (this->bio = args[0]->bio; this->bio != NULL &&
	    this->bio->bi_iter.bi_size <= this->bytes; this->bio = this->bio->bi_next) {
		this->bytes -= this->bio->bi_iter.bi_size;
		this->key = (uint64_t)this->bio;
		if (times[this->key]) {
			this->pid = owner[this->key];
			this->inode = node[this->key];
			this->what = this->bio->bi_opf & 1 ? "write" : "read";
			this->us = (timestamp - times[this->key]) / 1000;
			@ios[process[this->pid], this->pid, this->what, file[this->inode]] = count();
			@mean[process[this->pid], this->pid, this->what, file[this->inode]] = avg(this->us);
			@longest[process[this->pid], this->pid, this->what, file[this->inode]] =
			    max(this->us);
		}
		times[this->key] = 0;
		owner[this->key] = 0;
		node[this->key] = NULL;
	}
}

sdt:filemap::mm_filemap_delete_from_page_cache
/dirtier[args[0]->mapping->host, args[0]->index]/
{
	dirtier[args[0]->mapping->host, args[0]->index] = 0;
	since[args[0]->mapping->host, args[0]->index] = 0;
}

END
{
	normalize(@kb, 1024);
	printf("%-16s %7s %-6s %9s %7s %9s %9s %9s  %s\n", "PROCESS", "PID", "", "KB", "I/OS",
	    "CACHE ms", "MEAN us", "MAX us", "FILE");
	printa("%-16s %7d %-6s %@9d %@7d %@9d %@9d %@9d  %s\n", @kb, @ios, @age, @mean, @longest);
}
