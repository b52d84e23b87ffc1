#!/usr/bin/env -S strand -qC
/*
 * readahead.d - reads that processes make, beside those that the block layer makes of them
 * and the requests that reach the driver: read-ahead makes them fewer, merging fewer still.
 *
 * Probes: syscall::read, io:::start, the tracepoint block_rq_issue.
 */
#define SUPER(n)	(curthread->files->fdt->fd[n]->f_inode->i_sb)
#define MAJOR(dev)	((dev) >> 20)
#define MINOR(dev)	((dev) & 0xfffff)

syscall::read:entry, syscall::pread64:entry
/arg2 != 0 && SUPER(arg0)->s_bdev != NULL/
{
	this->dev = SUPER(arg0)->s_dev;
	@vfs[MAJOR(this->dev), MINOR(this->dev), stringof(SUPER(arg0)->s_id)] = count();
}

io:::start
/args[0]->b_bcount != 0 && args[0]->b_flags & B_READ/
{
	@bio[(uint32_t)args[1]->dev_major, (uint32_t)args[1]->dev_minor,
	    stringof(args[1]->dev_statname)] = count();
}

sdt:block::block_rq_issue
/(args[0]->cmd_flags & 0xff) == 0 && args[0]->__data_len != 0/
{
	this->disk = args[0]->q->disk;
	@issue[(uint32_t)this->disk->major, (uint32_t)this->disk->first_minor,
	    stringof(this->disk->disk_name)] = count();
}

tick-1s, END
{
	printf("%9s %16s %8s %8s REQUESTS\n", "DEV_T", "NAME", "READS", "I/OS");
	printa("%3d,%-5d %16s %8@u %@8u %@u\n", @vfs, @bio, @issue);
	trunc(@vfs);
	trunc(@bio);
	trunc(@issue);
}
