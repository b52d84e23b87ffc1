BEGIN { self->a[1, "x"] = 4; self->a[2, "x"] = 5; }
BEGIN { printf("%d %d %d\n", self->a[1, "x"], self->a[2, "x"], self->a[3, "x"]); exit(0); }
