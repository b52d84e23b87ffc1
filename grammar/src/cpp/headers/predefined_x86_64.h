/* What x86-64 adds. */
#define __x86_64 1
#define __x86_64__ 1
#define __amd64 1
#define __amd64__ 1
#define __k8 1
#define __k8__ 1
#define __SSE__ 1
#define __SSE2__ 1
#define __MMX__ 1
#define __FXSR__ 1
#define __code_model_small__ 1
#define __WCHAR_TYPE__ int
#define __WCHAR_MAX__ 0x7fffffff
#define __WCHAR_MIN__ (-__WCHAR_MAX__ - 1)
