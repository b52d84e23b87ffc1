#!/usr/bin/env -S strand -q
/*
 * cgroups.d - write-back by cgroup: who dirties pages, who writes them, and who is charged
 *
 *     cgroups.d                          all file systems, until Ctrl-C
 *     cgroups.d $(stat -c %d /mnt)       the one that is mounted on /mnt
 *
 * The kernel charges the I/O of write-back to one cgroup for each file: whose memory most of
 * the file is in. What others write to that file is charged to it as well, and cgroups of
 * which nothing is known of (version 1, or without the controllers memory and io) are the
 * root's. This script notes the cgroup of who dirties each folio, and joins by inode and
 * index when it is written: so much is whose, and so much of it somebody else pays for.
 *
 * Probes: sdt:writeback::writeback_dirty_folio (somebody dirties a folio), blk:::bio-queue
 * (somebody starts I/O), sdt:filemap::mm_filemap_delete_from_page_cache (a folio is dropped
 * unwritten).
 *
 * Output: by cgroup and process, kB dirtied. Then kB written by the cgroup that dirtied them,
 * the one that is charged, and who started the I/O, with the mean of milliseconds between the
 * two. cgroups are those of version 2, "/" its root. An example is in cgroups.out.
 */
#pragma D option defaultargs
#pragma D option dynvarsize=64m

/* A device's number as stat(1) shows it. */
inline uint64_t device[uint64_t D] = D & 0xff | D >> 20 << 8 | (D & 0xfff00) << 12;

inline int wanted[uint64_t D] = $1 == 0 || device[D] == $1;

/* The root has no name. */
inline string name[struct cgroup *C] =
    C == NULL || C->kn->name[0] == 0 ? "/" : stringof(C->kn->name);

inline struct cgroup *charged[struct bio *B] =
    B->bi_blkg == NULL ? NULL : B->bi_blkg->blkcg->css.cgroup;

string dirtier[struct inode *, uint64_t];	/* cgroup, by inode and index */
uint64_t since[struct inode *, uint64_t];

sdt:writeback::writeback_dirty_folio
/args[1] != NULL && wanted[args[1]->host->i_sb->s_dev]/
{
	this->cgroup = name[curthread->cgroups->dfl_cgrp];
	dirtier[args[1]->host, args[0]->index] = this->cgroup;
	since[args[1]->host, args[0]->index] = timestamp;
	@dirtied[this->cgroup, execname, pid] = sum(folio_pages[args[0]] * 4);
}

blk:::bio-queue
/args[0]->bi_bdev != NULL && wanted[args[0]->bi_bdev->bd_dev] && args[0]->bi_opf & 1/
{
	this->charged = name[charged[args[0]]];
	/* Without a worker's number: kworker/u8:1 */
	this->starter = strtok(execname, "/");

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
			if (dirtier[this->inode, this->index] == NULL)
				continue;
			this->whose = dirtier[this->inode, this->index];
			@written[this->whose, this->charged, this->starter] = sum(this->bytes);
			@age[this->whose, this->charged, this->starter] =
			    avg((timestamp - since[this->inode, this->index]) / 1000000);
			@others[this->whose] = sum(this->whose == this->charged ? 0 : this->bytes);
			@all[this->whose] = sum(this->bytes);
		}
	}
}

sdt:filemap::mm_filemap_delete_from_page_cache
/dirtier[args[0]->mapping->host, args[0]->index] != NULL/
{
	dirtier[args[0]->mapping->host, args[0]->index] = 0;
	since[args[0]->mapping->host, args[0]->index] = 0;
}

END
{
	normalize(@written, 1024);
	normalize(@all, 1024);
	normalize(@others, 1024);
	printf("%-24s %-16s %7s %9s\n", "DIRTIED IN", "PROCESS", "PID", "KB");
	printa("%-24s %-16s %7d %@9d\n", @dirtied);
	printf("\n%-24s %-24s %-16s %9s %9s\n", "DIRTIED IN", "CHARGED TO", "STARTED BY", "KB", "AGE ms");
	printa("%-24s %-24s %-16s %@9d %@9d\n", @written, @age);
	printf("\n%-24s %9s %14s\n", "DIRTIED IN", "KB", "OTHERS PAY, KB");
	printa("%-24s %@9d %@14d\n", @all, @others);
}
