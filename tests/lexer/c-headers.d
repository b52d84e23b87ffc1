/* What a preprocessor leaves of C headers. */
__extension__ typedef unsigned long int __u_quad;
typedef int __my_id __attribute__ ((__mode__ (__SI__), unused));
typedef void (*__handler_t) (int);
extern __handler_t signal (int __sig, __handler_t __handler) __attribute__ ((__nothrow__));
extern int select (int __n, int *__restrict __read, const char *__const __text);
extern char *sterror (int __errnum) __asm__ ("" "__xpg_strerror_r");
static __inline unsigned short
swap (unsigned short __x)
{
	if (__x == '}') { return (unsigned short) (__x >> 8); /* } */ }
	return 0; // }
}
static inline const char *quote (void) { return "}"; }
enum where { here = 3 };
struct pair { __signed__ char first; _Bool second; } pair;
typedef unsigned int id_t;

BEGIN
{
	pair.first = -1;
	printf("%d %d %d %d\n", here, pair.first, sizeof(__u_quad), sizeof(__my_id));
	exit(0);
}
