//@ check
struct shown { char name[16]; };
translator struct shown < struct task_struct *t > { name = t->comm; };
BEGIN
{
	trace(xlate<struct shown *>(curthread)->name[15]);
	trace(xlate<struct shown *>(curthread)->name[16]);
	@[xlate<struct shown>(curthread)] = count();
}
