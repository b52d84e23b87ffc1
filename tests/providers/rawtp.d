//@ run: -q -c true
rawtp:sched::sched_process_exit
/pid == $target/
{
	this->task = (struct task_struct *)arg0;
	printf("%s %s %d\n", probeprov, stringof(this->task->comm), this->task->tgid == pid);
}
