//@ status: 42
BEGIN { exit(42); }
