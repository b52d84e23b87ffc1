//@ check
BEGIN { goto end; exit(0); }
