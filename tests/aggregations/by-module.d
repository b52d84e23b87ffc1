BEGIN
{
	/* Two addresses of one module are one key. */
	@mod[mod((uintptr_t)curthread->sched_class->enqueue_task)] = sum(1);
	@mod[mod((uintptr_t)curthread->sched_class->dequeue_task)] = sum(1);
}

BEGIN, END { @user[umod(ucaller)] = sum(1); }

BEGIN { exit(0); }
