//@ run: -q -x droptags
/* A clause that finds no room in the buffer is not run from there on. */
#pragma D option bufsize=16k
#pragma D option strsize=3000

string s;

BEGIN
{
	s = strjoin(execname, probename);
	exit(0);
}

END { printf("%d %.1s\n", ++n, strjoin("y", s)); }
END { printf("%d %.1s\n", ++n, strjoin("y", s)); }
END { printf("%d %.1s\n", ++n, strjoin("y", s)); }
END { printf("%d %.1s\n", ++n, strjoin("y", s)); }
END { printf("%d %.1s\n", ++n, strjoin("y", s)); }
END { printf("%d %.1s\n", ++n, strjoin("y", s)); }
END { printf("%d %.1s\n", ++n, strjoin("y", s)); }
END { printf("%d\n", n); }
