struct mutex *m;
rwlock_t *l;
struct lock { struct mutex m; rwlock_t l; };

BEGIN
{
	m = (struct mutex *)alloca(sizeof(struct mutex));
	printf("%d %p %d %d\n", mutex_owned(m), mutex_owner(m), mutex_type_adaptive(m),
	    mutex_type_spin(m));
	*(uintptr_t *)&m->owner.counter = (uintptr_t)curthread | 1;
	printf("%d %d\n", mutex_owned(m), mutex_owner(m) == curthread);
	*(uintptr_t *)&m->owner.counter = (uintptr_t)curthread + 64;
	printf("%d %d\n", mutex_owned(m), mutex_owner(m) == curthread);
}

/* Free, read by two, written, and written while somebody waits. */
BEGIN
{
	l = (rwlock_t *)alloca(sizeof(rwlock_t));
	for (i = 0; i < 4; i++) {
		l->raw_lock.cnts.counter = i == 0 ? 0 : i == 1 ? 0x400 : i == 2 ? 0xff : 0x1ff;
		printf("%d %d %d\n", rw_read_held(l), rw_write_held(l), rw_iswriter(l));
	}
}

BEGIN
{
	mutex_owned((struct mutex *)NULL);
}

ERROR
{
	printf("fault %d\n", arg4);
	exit(0);
}
