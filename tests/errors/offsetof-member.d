//@ check
BEGIN { trace(offsetof(struct list_head, nxt)); exit(0); }
