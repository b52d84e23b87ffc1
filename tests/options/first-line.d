#!/usr/bin/env -S strand -qC -D FOUR=4
#define TWICE(n)    ((n) * 2)

BEGIN
{
	printf("%d\n", TWICE(FOUR));
	exit(0);
}
