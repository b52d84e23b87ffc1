self int count;

BEGIN { self->count = 4; self->name = "thread"; }
BEGIN { self->count++; printf("%d %s\n", self->count, self->name); self->count = 0; }
BEGIN { printf("%d\n", self->count); exit(0); }
