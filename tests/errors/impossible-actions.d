//@ check
/* What BPF can't do, or not at this probe. */
BEGIN
{
	panic();
	breakpoint();
	stop(1);
	return(-1);
	pcap(*curthread, 1);
	pcap(NULL, 1);
}
