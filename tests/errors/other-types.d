//@ check
syscall::read:entry { self->buf = (buf_t *)arg0; }
syscall::read:entry { self->thread = (kthread_t)arg0; }
