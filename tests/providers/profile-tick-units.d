tick-50hz { @hz = count(); }
tick-20000us { @us = count(); }
tick-20ms { @ms = count(); n++; }
tick-20 { @plain = count(); }
tick-20ms /n == 20/ { exit(0); }
END { printa("%@d ticks or so\n", @ms); clear(@hz); clear(@us); clear(@plain); }
