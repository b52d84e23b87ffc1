//@ check
BEGIN { trace(sizeof(struct task_strcut)); trace(((struct task_strcut *)curthread)->pid); exit(0); }
