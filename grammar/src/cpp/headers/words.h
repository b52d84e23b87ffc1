/* GNU's spellings, which D doesn't know. */
#define __signed__ signed
#define __signed signed
#define __const const
#define __const__ const
#define __volatile volatile
#define __volatile__ volatile
#define __restrict
#define __restrict__
#define __extension__
#define __inline__
#define __inline
