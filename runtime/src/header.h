/* Made by dtrace -h out of provider declarations. */
#ifndef STRAND_PROBES
#if defined __GNUC__ && defined __ELF__ && (defined __x86_64__ || defined __aarch64__)
#define STRAND_PROBES 1
#else
#define STRAND_PROBES 0
#endif
#endif

/* Types of arguments. */
#include <stdint.h>
#include <sys/types.h>

#if STRAND_PROBES && !defined STRAND_NOTE
/* How often a probe is being traced: the tracer counts here. */
#define STRAND_SEMAPHORE(name) \
	__extension__ extern unsigned short name \
	    __attribute__((weak, unused, visibility("hidden"), section(".probes"))); \
	unsigned short name
#define STRAND_ENABLED(name) \
	__builtin_expect(*(volatile unsigned short *)&(name) != 0, 0)

/* A place to stop at, and a note that says where it is and where its arguments are. */
#define STRAND_NOTE(provider, name, semaphore, args, ...) \
	__asm__ __volatile__( \
	    "990:\tnop\n" \
	    "\t.pushsection .note.stapsdt,\"\",%%note\n" \
	    "\t.balign 4\n" \
	    "\t.4byte 992f-991f, 994f-993f, 3\n" \
	    "991:\t.asciz \"stapsdt\"\n" \
	    "992:\t.balign 4\n" \
	    "993:\t.8byte 990b\n" \
	    "\t.8byte _.stapsdt.base\n" \
	    "\t.8byte " #semaphore "\n" \
	    "\t.asciz " #provider "\n" \
	    "\t.asciz " #name "\n" \
	    "\t.asciz \"" args "\"\n" \
	    "994:\t.balign 4\n" \
	    "\t.popsection\n" \
	    "\t.ifndef _.stapsdt.base\n" \
	    "\t.pushsection .stapsdt.base,\"aG\",%%progbits,.stapsdt.base,comdat\n" \
	    "\t.weak _.stapsdt.base\n" \
	    "\t.hidden _.stapsdt.base\n" \
	    "_.stapsdt.base:\t.space 1\n" \
	    "\t.size _.stapsdt.base, 1\n" \
	    "\t.popsection\n" \
	    "\t.endif\n" \
	    : : __VA_ARGS__)
/* An argument's size, below zero if it is signed, and the argument. */
#define STRAND_ARG(n, x) \
	[s##n] "n" ((__typeof__(x))-1 < (__typeof__(x))1 ? -(int)sizeof(x) : (int)sizeof(x)), \
	[a##n] "nor" (x)
#define STRAND_PROBE0(p, n, s) STRAND_NOTE(p, n, s, "", "m" (s))
#define STRAND_PROBE1(p, n, s, x0) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0]", \
	    "m" (s), STRAND_ARG(0, x0))
#define STRAND_PROBE2(p, n, s, x0, x1) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1))
#define STRAND_PROBE3(p, n, s, x0, x1, x2) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1] %c[s2]@%[a2]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1), \
	    STRAND_ARG(2, x2))
#define STRAND_PROBE4(p, n, s, x0, x1, x2, x3) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1] %c[s2]@%[a2] %c[s3]@%[a3]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1), \
	    STRAND_ARG(2, x2), \
	    STRAND_ARG(3, x3))
#define STRAND_PROBE5(p, n, s, x0, x1, x2, x3, x4) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1] %c[s2]@%[a2] %c[s3]@%[a3] %c[s4]@%[a4]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1), \
	    STRAND_ARG(2, x2), \
	    STRAND_ARG(3, x3), \
	    STRAND_ARG(4, x4))
#define STRAND_PROBE6(p, n, s, x0, x1, x2, x3, x4, x5) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1] %c[s2]@%[a2] %c[s3]@%[a3] %c[s4]@%[a4] %c[s5]@%[a5]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1), \
	    STRAND_ARG(2, x2), \
	    STRAND_ARG(3, x3), \
	    STRAND_ARG(4, x4), \
	    STRAND_ARG(5, x5))
#define STRAND_PROBE7(p, n, s, x0, x1, x2, x3, x4, x5, x6) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1] %c[s2]@%[a2] %c[s3]@%[a3] %c[s4]@%[a4] %c[s5]@%[a5] %c[s6]@%[a6]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1), \
	    STRAND_ARG(2, x2), \
	    STRAND_ARG(3, x3), \
	    STRAND_ARG(4, x4), \
	    STRAND_ARG(5, x5), \
	    STRAND_ARG(6, x6))
#define STRAND_PROBE8(p, n, s, x0, x1, x2, x3, x4, x5, x6, x7) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1] %c[s2]@%[a2] %c[s3]@%[a3] %c[s4]@%[a4] %c[s5]@%[a5] %c[s6]@%[a6] %c[s7]@%[a7]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1), \
	    STRAND_ARG(2, x2), \
	    STRAND_ARG(3, x3), \
	    STRAND_ARG(4, x4), \
	    STRAND_ARG(5, x5), \
	    STRAND_ARG(6, x6), \
	    STRAND_ARG(7, x7))
#define STRAND_PROBE9(p, n, s, x0, x1, x2, x3, x4, x5, x6, x7, x8) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1] %c[s2]@%[a2] %c[s3]@%[a3] %c[s4]@%[a4] %c[s5]@%[a5] %c[s6]@%[a6] %c[s7]@%[a7] %c[s8]@%[a8]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1), \
	    STRAND_ARG(2, x2), \
	    STRAND_ARG(3, x3), \
	    STRAND_ARG(4, x4), \
	    STRAND_ARG(5, x5), \
	    STRAND_ARG(6, x6), \
	    STRAND_ARG(7, x7), \
	    STRAND_ARG(8, x8))
#define STRAND_PROBE10(p, n, s, x0, x1, x2, x3, x4, x5, x6, x7, x8, x9) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1] %c[s2]@%[a2] %c[s3]@%[a3] %c[s4]@%[a4] %c[s5]@%[a5] %c[s6]@%[a6] %c[s7]@%[a7] %c[s8]@%[a8] %c[s9]@%[a9]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1), \
	    STRAND_ARG(2, x2), \
	    STRAND_ARG(3, x3), \
	    STRAND_ARG(4, x4), \
	    STRAND_ARG(5, x5), \
	    STRAND_ARG(6, x6), \
	    STRAND_ARG(7, x7), \
	    STRAND_ARG(8, x8), \
	    STRAND_ARG(9, x9))
#define STRAND_PROBE11(p, n, s, x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1] %c[s2]@%[a2] %c[s3]@%[a3] %c[s4]@%[a4] %c[s5]@%[a5] %c[s6]@%[a6] %c[s7]@%[a7] %c[s8]@%[a8] %c[s9]@%[a9] %c[s10]@%[a10]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1), \
	    STRAND_ARG(2, x2), \
	    STRAND_ARG(3, x3), \
	    STRAND_ARG(4, x4), \
	    STRAND_ARG(5, x5), \
	    STRAND_ARG(6, x6), \
	    STRAND_ARG(7, x7), \
	    STRAND_ARG(8, x8), \
	    STRAND_ARG(9, x9), \
	    STRAND_ARG(10, x10))
#define STRAND_PROBE12(p, n, s, x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11) \
	STRAND_NOTE(p, n, s, "%c[s0]@%[a0] %c[s1]@%[a1] %c[s2]@%[a2] %c[s3]@%[a3] %c[s4]@%[a4] %c[s5]@%[a5] %c[s6]@%[a6] %c[s7]@%[a7] %c[s8]@%[a8] %c[s9]@%[a9] %c[s10]@%[a10] %c[s11]@%[a11]", \
	    "m" (s), STRAND_ARG(0, x0), \
	    STRAND_ARG(1, x1), \
	    STRAND_ARG(2, x2), \
	    STRAND_ARG(3, x3), \
	    STRAND_ARG(4, x4), \
	    STRAND_ARG(5, x5), \
	    STRAND_ARG(6, x6), \
	    STRAND_ARG(7, x7), \
	    STRAND_ARG(8, x8), \
	    STRAND_ARG(9, x9), \
	    STRAND_ARG(10, x10), \
	    STRAND_ARG(11, x11))
#endif
