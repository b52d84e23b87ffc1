//@ check
#pragma D option strict
BEGIN // a comment
{
	if (pid == 0) { trace(1); } else trace(2);
	for (i = 0; i < 3; i++) { trace("a"); }
	while (i > 0) i--;
	{ trace(defined(`nothing)); }
}
