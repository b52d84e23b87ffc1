/* What 64-bit Arm adds. */
#define __aarch64__ 1
#define __AARCH64EL__ 1
#define __ARM_64BIT_STATE 1
#define __ARM_ARCH 8
#define __ARM_ARCH_ISA_A64 1
#define __ARM_SIZEOF_WCHAR_T 4
#define __CHAR_UNSIGNED__ 1
#define __WCHAR_TYPE__ unsigned int
#define __WCHAR_MAX__ 0xffffffffU
#define __WCHAR_MIN__ 0U
