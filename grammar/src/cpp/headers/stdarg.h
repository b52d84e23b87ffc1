/* Functions of C whose arguments vary; D only meets their prototypes. */
#if defined __need___va_list || !defined __strand_va_list
#define __strand_va_list
#undef __need___va_list
#ifndef __GNUC_VA_LIST
#define __GNUC_VA_LIST
typedef void *__gnuc_va_list;
#endif
#endif
