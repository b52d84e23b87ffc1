/*
 * What the kernel's own locks and device numbers say: subroutines of D that are written in
 * D. A subroutine `f(x)` is the inline `_f[x]`.
 */

/* The three lowest bits of a mutex's owner are flags. */
inline struct task_struct *_mutex_owner[struct mutex *M] =
	(struct task_struct *)(M->owner.counter & ~7L);

inline int _mutex_owned[struct mutex *M] =
	(M->owner.counter & ~7L) == (long)(uintptr_t)curthread;

/* All mutexes spin while their owner runs, and sleep otherwise. */
inline int _mutex_type_adaptive[struct mutex *M] = (M, 1);
inline int _mutex_type_spin[struct mutex *M] = (M, 0);

/* The lowest byte is set while somebody writes, the bit above it while somebody waits to
 * write; what is above that counts readers. */
inline int _rw_read_held[rwlock_t *L] = (L->raw_lock.cnts.counter & ~0x1ff) != 0;
inline int _rw_write_held[rwlock_t *L] = (L->raw_lock.cnts.counter & 0xff) != 0;
inline int _rw_iswriter[rwlock_t *L] = (L->raw_lock.cnts.counter & 0x1ff) != 0;

/* The kernel's numbers, not those that stat() gives to user space. */
inline dev_t _getmajor[dev_t D] = D >> 20;
inline dev_t _getminor[dev_t D] = D & 0xfffff;
