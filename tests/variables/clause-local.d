this int x;

BEGIN { this->x = 5; this->y = this->x + 1; printf("%d %d\n", this->x, this->y); }
BEGIN { printf("%d\n", this->x); exit(0); }
