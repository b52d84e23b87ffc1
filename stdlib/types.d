/*
 * Types of other systems' headers, which scripts make casts to.
 */
typedef int boolean_t;
inline boolean_t B_FALSE = 0;
inline boolean_t B_TRUE = 1;

/* Nanoseconds. */
typedef int64_t hrtime_t;

typedef char *caddr_t;
typedef int64_t offset_t;
typedef int64_t off64_t;
typedef uint64_t diskaddr_t;
typedef unsigned long pfn_t;
typedef unsigned long pgcnt_t;
typedef unsigned int major_t;
typedef unsigned int minor_t;
typedef uint32_t in_addr_t;
typedef uint32_t socklen_t;
