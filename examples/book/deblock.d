#!/usr/bin/env -S strand -qC
/*
 * deblock.d - how much processes write to a file system, beside how much reaches the device.
 *
 * The two differ by what the page cache takes: small writes to one page become one I/O,
 * one byte becomes a block, and journals are written besides.
 *
 * Probes: syscall::write, io:::start. A line each second for each device; the left number is
 * of system calls, the right one of block I/O.
 */
#define FILE(n)		(curthread->files->fdt->fd[n])
#define SUPER(n)	(FILE(n)->f_inode->i_sb)
/* Numbers of devices as struct super_block keeps them. */
#define MAJOR(dev)	((dev) >> 20)
#define MINOR(dev)	((dev) & 0xfffff)

syscall::write:entry, syscall::pwrite64:entry
/arg2 != 0 && SUPER(arg0)->s_bdev != NULL/
{
	this->dev = SUPER(arg0)->s_dev;
	@vfs[MAJOR(this->dev), MINOR(this->dev), stringof(SUPER(arg0)->s_id)] = sum(arg2);
}

io:::start
/args[0]->b_bcount != 0 && args[0]->b_flags & B_WRITE/
{
	@bio[(uint32_t)args[1]->dev_major, (uint32_t)args[1]->dev_minor,
	    stringof(args[1]->dev_statname)] = sum(args[0]->b_bcount);
}

tick-1s, END
{
	normalize(@vfs, 1024);
	normalize(@bio, 1024);
	printf("%9s %16s %8s BDEV KB\n", "DEV_T", "NAME", "VFS KB");
	printa("%3d,%-5d %16s %8@u %@u\n", @vfs, @bio);
	trunc(@vfs);
	trunc(@bio);
}
