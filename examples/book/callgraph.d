#!/usr/bin/env -S strand -F
/*
 * callgraph.d - what the kernel calls to open a file that isn't there, as an indented tree.
 *
 * Shows flowindent: entries go in by a step, returns come out again with the function's value
 * (-2 is ENOENT), so that the first function to fail can be seen.
 *
 * Probes: syscall::openat, and by function boundaries (Needs: fbt) the functions of path
 * lookup. More functions make a deeper tree.
 *
 *     strand -F callgraph.d -c 'cat not_exists'
 */
syscall::open*:entry
/pid == $target && copyinstr(probefunc == "open" ? arg0 : arg1) == "not_exists"/
{
	self->traceme = 1;
}

fbt::do_sys_open*:entry, fbt::do_fil*_open:entry, fbt::path_openat:entry,
fbt::lookup_*:entry, fbt::d_lookup:entry, fbt::d_alloc*:entry
/self->traceme/
{
}

fbt::do_sys_open*:return, fbt::do_fil*_open:return, fbt::path_openat:return,
fbt::lookup_*:return, fbt::d_lookup:return, fbt::d_alloc*:return
/self->traceme/
{
	trace((int)arg1);
}

syscall::open*:return
/self->traceme/
{
	trace(errno);
	self->traceme = 0;
}
