#!/usr/bin/env strand
BEGIN { printf("ran\n"); exit(0); }
