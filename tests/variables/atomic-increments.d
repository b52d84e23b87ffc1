int n;

profile-997 { n++; @ = count(); }
tick-300ms { exit(0); }
END { printf("%d\n", n > 0); clear(@); }
