/* Markers as systemtap's sys/sdt.h makes them, with no more than a test needs: an instruction
   that does nothing, and a note that says where it is and where its arguments are. */
#define MARKER_NOTE(provider, name, semaphore, arguments)                                      \
	"990:	nop\n"                                                                         \
	"	.pushsection .note.stapsdt, \"\", \"note\"\n"                                  \
	"	.balign 4\n"                                                                   \
	"	.4byte 992f - 991f, 994f - 993f, 3\n"                                          \
	"991:	.asciz \"stapsdt\"\n"                                                          \
	"992:	.balign 4\n"                                                                   \
	"993:	.8byte 990b, _.stapsdt.base, " semaphore "\n"                                  \
	"	.asciz \"" provider "\", \"" name "\", \"" arguments "\"\n"                    \
	"994:	.balign 4\n"                                                                   \
	"	.popsection\n"                                                                 \
	"	.ifndef _.stapsdt.base\n"                                                      \
	"	.pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n"     \
	"	.weak _.stapsdt.base\n"                                                        \
	"	.hidden _.stapsdt.base\n"                                                      \
	"_.stapsdt.base:	.space 1\n"                                                    \
	"	.size _.stapsdt.base, 1\n"                                                     \
	"	.popsection\n"                                                                 \
	"	.endif\n"

#define MARKER(provider, name, semaphore, arguments, ...)                                      \
	__asm__ volatile(MARKER_NOTE(provider, name, semaphore, arguments) : : __VA_ARGS__)
