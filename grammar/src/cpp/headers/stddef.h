/* The compiler's part of C's library, for machines without a C compiler. */
#if !defined __need_size_t && !defined __need_wchar_t && !defined __need_ptrdiff_t \
	&& !defined __need_NULL && !defined __need_wint_t
#define __need_size_t
#define __need_wchar_t
#define __need_ptrdiff_t
#define __need_NULL
#endif
#if defined __need_size_t && !defined __strand_size_t
#define __strand_size_t
typedef __SIZE_TYPE__ size_t;
#endif
#if defined __need_ptrdiff_t && !defined __strand_ptrdiff_t
#define __strand_ptrdiff_t
typedef __PTRDIFF_TYPE__ ptrdiff_t;
#endif
#if defined __need_wchar_t && !defined __strand_wchar_t
#define __strand_wchar_t
typedef __WCHAR_TYPE__ wchar_t;
#endif
#if defined __need_wint_t && !defined __strand_wint_t
#define __strand_wint_t
typedef __WINT_TYPE__ wint_t;
#endif
#undef __need_size_t
#undef __need_wchar_t
#undef __need_ptrdiff_t
#undef __need_wint_t
#undef __need_NULL
