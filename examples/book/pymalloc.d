#!/usr/bin/env -S strand -q
/*
 * pymalloc.d - memory that a Python program asks for, by the function that runs.
 *
 * Shows a stack of one's own: arrays by depth keep the names, malloc() charges the top.
 *
 * Probes (Needs: usdt pid): python$target:::function-entry and -return, malloc() in $target.
 */
#pragma D option zdefs

python$target:::function-entry
{
	self->depth++;
	files[self->depth] = arg0;
	functions[self->depth] = arg1;
}

python$target:::function-return
{
	self->depth--;
}

pid$target::malloc:entry
/functions[self->depth] != 0/
{
	@mallocs[copyinstr(functions[self->depth]), copyinstr(files[self->depth])] = sum(arg0);
}
