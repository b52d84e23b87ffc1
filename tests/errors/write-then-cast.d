//@ check
/* What can't be written is told after all else that is wrong. */
struct in { int ii; };
struct out { int oi; };
translator struct out < struct in *i > { oi = i->ii; };

struct in *f;

BEGIN
{
	f->ii = 1;
	addr = (uintptr_t)xlate<struct out *>(f);
}
