//@ check
//@ status: 1
#pragma D option amin=Evolving/Evolving/Common
#pragma D attributes Private/Private/Common secret
#pragma D attributes Stable/Stable/Common task
inline int secret = 1;
inline int task = curthread->pid;

struct task_struct *thread;

BEGIN
{
	thread = curthread;
	this->pid = thread->pid;
	trace(secret);
	trace(task);
	trace(htons(1));
	trace(((struct file *)NULL)->f_flags);
	trace(timestamp);
}

syscall::write:entry { trace(args[0]); }
syscall:::return { trace(arg0); }
