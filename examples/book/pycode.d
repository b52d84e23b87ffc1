#!/usr/bin/env -S strand -qC
/*
 * pycode.d - the Python functions that an interpreter runs, read out of its own structures.
 *
 * Shows structs declared in the script and copied in: here those of a text object whose
 * characters follow its header.
 *
 * Probes (Needs: usdt): python$target:::function-entry, which give file, function and line.
 */
#pragma D option zdefs

struct object {
	int64_t references;
	uintptr_t type;
};

struct text {
	struct object base;
	int64_t length;
	int64_t hash;
	uint32_t state;
};

#define ASCII		0x40
#define STATE(o)	(((struct text *)copyin((uintptr_t)(o), sizeof (struct text)))->state)
#define TEXT(o)		(STATE(o) & ASCII ? copyinstr((uintptr_t)(o) + 40) : "<???>")

python$target:::function-entry
{
	printf("%s:%d %s\n", copyinstr(arg0), arg2, copyinstr(arg1));
}

python$target:::import__find__load__start
{
	printf("import %s\n", TEXT(arg0));
}
