//@ check
BEGIN { trace(xlate<bufinfo_t>(5).b_flags); exit(0); }
