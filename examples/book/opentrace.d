#!/usr/bin/env -S strand -q
/*
 * opentrace.d - every open of a file, with its flags in words and what it gave.
 *
 * Shows thread-local variables from entry to return, and text put together. The path is read
 * at the return: by then its memory is there for sure.
 *
 * Probes: syscall::openat.
 */
this string flags;

syscall::openat*:entry
/$target == 0 || pid == $target/
{
	self->path = arg1;
	self->flags = arg2;
	self->opens = 1;
}

syscall::openat*:return
/self->opens/
{
	this->flags = strjoin(
	    self->flags & O_WRONLY ? "O_WRONLY" : self->flags & O_RDWR ? "O_RDWR" : "O_RDONLY",
	    strjoin(self->flags & O_APPEND ? "|O_APPEND" : "",
	    self->flags & O_CREAT ? "|O_CREAT" : ""));
	printf("%s[%d(%d:%d)] open(\"%s\", %s) = %d\n", execname, pid, uid, gid, copyinstr(self->path),
	    this->flags, (int)arg1);
	self->path = 0;
	self->flags = 0;
	self->opens = 0;
}
