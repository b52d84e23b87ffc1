#ifndef INCLUDE_H
#define INCLUDE_H
#define DOUBLE(x) ((x) + \
	(x))
static inline int never(int x) { return (x); }
#endif
