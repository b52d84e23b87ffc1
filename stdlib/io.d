/*
 * Block I/O as the io provider shows it: the buffer, its device, its file.
 *
 * The kernel's bio is translated when a member is used, and only that member is read.
 * b_blkno counts 512-byte sectors, whatever the device's own block size. The file is the
 * one whose page cache the first page of the I/O belongs to, by one of its names and the
 * first place where its file system is mounted; direct I/O and a file system's own
 * metadata have none.
 */

inline int B_BUSY = 0x1;
inline int B_DONE = 0x2;
inline int B_ERROR = 0x4;
inline int B_PAGEIO = 0x10;
inline int B_PHYS = 0x20;
inline int B_READ = 0x40;
inline int B_WRITE = 0x100;
inline int B_ASYNC = 0x400;

typedef struct bufinfo {
	int b_flags;
	size_t b_bcount;
	uintptr_t b_addr;
	uint64_t b_lblkno;
	uint64_t b_blkno;
	size_t b_resid;
	size_t b_bufsize;
	uintptr_t b_iodone;
	int b_error;
	uint64_t b_edev;
} bufinfo_t;

/* The low byte of bi_opf is the operation; those with an odd number write. */
translator bufinfo_t < struct bio *B > {
	b_flags = (B->bi_opf & 1 ? B_WRITE : B_READ) | (B->bi_status ? B_ERROR : 0) | B_PAGEIO;
	b_bcount = B->bi_iter.bi_size;
	b_addr = (uintptr_t)B->bi_io_vec;
	b_lblkno = B->bi_iter.bi_sector;
	b_blkno = B->bi_iter.bi_sector;
	b_resid = 0;
	b_bufsize = B->bi_iter.bi_size;
	b_iodone = (uintptr_t)B->bi_end_io;
	b_error = B->bi_status;
	b_edev = B->bi_bdev != NULL ? B->bi_bdev->bd_dev : 0;
};

typedef struct devinfo {
	int dev_major;
	int dev_minor;
	int dev_instance;
	string dev_name;
	string dev_statname;
	string dev_pathname;
} devinfo_t;

translator devinfo_t < struct bio *B > {
	dev_major = B->bi_bdev != NULL ? B->bi_bdev->bd_dev >> 20 : 0;
	dev_minor = B->bi_bdev != NULL ? B->bi_bdev->bd_dev & 0xfffff : 0;
	dev_instance = 0;
	dev_name = B->bi_bdev != NULL ? stringof(B->bi_bdev->bd_disk->disk_name) : "nfs";
	dev_statname = B->bi_bdev != NULL ? stringof(B->bi_bdev->bd_disk->disk_name) : "nfs";
	dev_pathname = "<unknown>";
};

/* The disk of a queue of requests. One that nothing but commands go to has none. */
translator devinfo_t < struct request_queue *Q > {
	dev_major = Q->disk != NULL ? Q->disk->part0->bd_dev >> 20 : 0;
	dev_minor = Q->disk != NULL ? Q->disk->part0->bd_dev & 0xfffff : 0;
	dev_instance = 0;
	dev_name = Q->disk != NULL ? stringof(Q->disk->disk_name) : "<none>";
	dev_statname = Q->disk != NULL ? stringof(Q->disk->disk_name) : "<none>";
	dev_pathname = "<unknown>";
};

translator devinfo_t < struct request *R > {
	dev_major = R->q->disk != NULL ? R->q->disk->part0->bd_dev >> 20 : 0;
	dev_minor = R->q->disk != NULL ? R->q->disk->part0->bd_dev & 0xfffff : 0;
	dev_instance = 0;
	dev_name = R->q->disk != NULL ? stringof(R->q->disk->disk_name) : "<none>";
	dev_statname = R->q->disk != NULL ? stringof(R->q->disk->disk_name) : "<none>";
	dev_pathname = "<unknown>";
};

typedef struct fileinfo {
	string fi_name;
	string fi_dirname;
	string fi_pathname;
	int64_t fi_offset;
	string fi_fs;
	string fi_mount;
	int fi_oflags;
} fileinfo_t;

/* The file's memory that a page is part of; direct I/O goes to memory that has no file. */
inline struct address_space *_page_mapping[struct page *P] =
    P == NULL ? NULL : folio_mapping[page_folio[P]];
inline struct inode *_page_inode[struct page *P] =
    _page_mapping[P] == NULL ? NULL : _page_mapping[P]->host;

/* Where in its file a page begins. */
inline int64_t _page_offset[struct page *P] =
    page_folio[P]->index + (P - (struct page *)page_folio[P]) << _page_shift;

inline struct page *_bio_page[struct bio *B] =
    B->bi_io_vec == NULL ? NULL : B->bi_io_vec->bv_page;

/*
 * A name of a file, if the kernel has one at hand, and the node within that leads to it: in what
 * comes last, a union of such size, which has a name on some kernels only.
 */
inline uintptr_t _alias_within = sizeof (struct dentry) - sizeof (struct hlist_node);
inline struct dentry *_inode_alias[struct inode *I] =
    (struct dentry *)((uintptr_t)I->i_dentry.first - _alias_within);

/* What isn't in a file system at all (a block device's own pages) has an empty name. */
inline struct dentry *_inode_name[struct inode *I] =
    I == NULL || I->i_dentry.first == NULL || _inode_alias[I]->d_name.len == 0 ? NULL :
    _inode_alias[I];

/*
 * The first place where a file system is mounted. What is before its device leads there: the mount
 * itself, which is one of this file system, or up to 6.17 the list of what follows `mnt_child` in
 * its mounts.
 */
inline uintptr_t _mounts[struct super_block *S, int N] = *((uintptr_t *)&S->s_bdev - N);
inline uintptr_t _mounted[struct super_block *S] = offsetof(struct mount, mnt) +
    (_mounts[S, 1] != 0 && ((struct mount *)_mounts[S, 1])->mnt.mnt_sb == S ? _mounts[S, 1] :
    _mounts[S, 2] - offsetof(struct mount, mnt_child) - sizeof (struct list_head));

inline struct inode *_bio_inode[struct bio *B] = _page_inode[_bio_page[B]];

translator fileinfo_t < struct bio *B > {
	fi_name = _inode_name[_bio_inode[B]] == NULL ? "<unknown>" :
	    stringof(_inode_name[_bio_inode[B]]->d_name.name);
	fi_dirname = _inode_name[_bio_inode[B]] == NULL ? "<unknown>" :
	    _path(_inode_name[_bio_inode[B]]->d_parent, _mounted[_bio_inode[B]->i_sb]);
	fi_pathname = _inode_name[_bio_inode[B]] == NULL ? "<unknown>" :
	    _path(_inode_name[_bio_inode[B]], _mounted[_bio_inode[B]->i_sb]);
	fi_offset = _bio_inode[B] == NULL ? 0 :
	    _page_offset[_bio_page[B]] + B->bi_io_vec->bv_offset;
	fi_fs = _bio_inode[B] == NULL ? "<unknown>" : stringof(_bio_inode[B]->i_sb->s_type->name);
	fi_mount = _inode_name[_bio_inode[B]] == NULL ? "<unknown>" :
	    _path(_bio_inode[B]->i_sb->s_root, _mounted[_bio_inode[B]->i_sb]);
	fi_oflags = 0;
};

translator fileinfo_t < struct page *P > {
	fi_name = _inode_name[_page_inode[P]] == NULL ? "<unknown>" :
	    stringof(_inode_name[_page_inode[P]]->d_name.name);
	fi_dirname = _inode_name[_page_inode[P]] == NULL ? "<unknown>" :
	    _path(_inode_name[_page_inode[P]]->d_parent, _mounted[_page_inode[P]->i_sb]);
	fi_pathname = _inode_name[_page_inode[P]] == NULL ? "<unknown>" :
	    _path(_inode_name[_page_inode[P]], _mounted[_page_inode[P]->i_sb]);
	fi_offset = _page_inode[P] == NULL ? 0 : _page_offset[P];
	fi_fs = _page_inode[P] == NULL ? "<unknown>" : stringof(_page_inode[P]->i_sb->s_type->name);
	fi_mount = _inode_name[_page_inode[P]] == NULL ? "<unknown>" :
	    _path(_page_inode[P]->i_sb->s_root, _mounted[_page_inode[P]->i_sb]);
	fi_oflags = 0;
};

translator fileinfo_t < struct inode *I > {
	fi_name = _inode_name[I] == NULL ? "<unknown>" :
	    stringof(_inode_name[I]->d_name.name);
	fi_dirname = _inode_name[I] == NULL ? "<unknown>" :
	    _path(_inode_name[I]->d_parent, _mounted[I->i_sb]);
	fi_pathname = _inode_name[I] == NULL ? "<unknown>" :
	    _path(_inode_name[I], _mounted[I->i_sb]);
	fi_offset = 0;
	fi_fs = I == NULL ? "<unknown>" : stringof(I->i_sb->s_type->name);
	fi_mount = _inode_name[I] == NULL ? "<unknown>" :
	    _path(I->i_sb->s_root, _mounted[I->i_sb]);
	fi_oflags = 0;
};

/*
 * Flags of open(2). Two of them differ by architecture.
 */
inline int O_ACCMODE = 03;
inline int O_RDONLY = 00;
inline int O_WRONLY = 01;
inline int O_RDWR = 02;
inline int O_CREAT = 0100;
inline int O_EXCL = 0200;
inline int O_NOCTTY = 0400;
inline int O_TRUNC = 01000;
inline int O_APPEND = 02000;
inline int O_NONBLOCK = 04000;
inline int O_NDELAY = 04000;
inline int O_DSYNC = 010000;
inline int O_ASYNC = 020000;
inline int O_DIRECTORY = defined(((struct pt_regs *)0)->pstate) ? 040000 : 0200000;
inline int O_NOFOLLOW = defined(((struct pt_regs *)0)->pstate) ? 0100000 : 0400000;
inline int O_CLOEXEC = 02000000;
inline int O_SYNC = 04010000;
inline int O_FSYNC = 04010000;
inline int O_RSYNC = 04010000;

/* Pipes, sockets and the like have a name of their own kind, and are nowhere. */
inline int _has_path[struct file *F] = F->f_path.dentry->d_op == NULL ||
    F->f_path.dentry->d_op->d_dname == NULL;

/* A file of the current process, or none where a number isn't open. */
translator fileinfo_t < struct file *F > {
	fi_name = F == NULL ? "<none>" : stringof(F->f_path.dentry->d_name.name);
	fi_dirname = F == NULL ? "<none>" : !_has_path[F] ? "<unknown>" :
	    _path(F->f_path.dentry->d_parent, F->f_path.mnt);
	fi_pathname = F == NULL ? "<none>" : !_has_path[F] ? "<unknown>" :
	    _path(F->f_path.dentry, F->f_path.mnt);
	fi_offset = F == NULL ? 0 : F->f_pos;
	fi_fs = F == NULL ? "<none>" :
	    stringof(F->f_path.mnt->mnt_sb->s_type->name);
	fi_mount = F == NULL ? "<none>" : !_has_path[F] ? "<unknown>" :
	    _path(F->f_path.mnt->mnt_root, F->f_path.mnt);
	fi_oflags = F == NULL ? 0 : F->f_flags;
};

/* What the current process has open, by descriptor. */
inline fileinfo_t fds[int fd] = xlate <fileinfo_t> (
    fd >= 0 && curthread->files != NULL && fd < curthread->files->fdt->max_fds ?
    curthread->files->fdt->fd[fd] : NULL);
