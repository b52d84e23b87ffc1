profile-499 { @[probeprov, probename] = count(); n++; }
tick-200ms { exit(0); }
END { printf("%s\n", n > 20 ? "fired" : "silent"); clear(@); }
