//@ run: -q -x bpflog
BEGIN { exit(0); }
