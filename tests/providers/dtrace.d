BEGIN { printf("%s|%s|%s|%s %d\n", probeprov, probemod, probefunc, probename, id); }
BEGIN { exit(0); }
END { printf("%s|%s|%s|%s\n", probeprov, probemod, probefunc, probename); }
