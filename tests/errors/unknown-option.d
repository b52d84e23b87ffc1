//@ check
#pragma D option bufzise=4m
BEGIN { exit(0); }
