//@ check
mib:::tcpOutDataBytes { @ = count(); }
syscall::open64:entry { @opens = count(); }
syscall::read:entry { @by[curthread->t_procp->p_pidp] = count(); printa("%d %@d\n", @by); }
nonesuch*:::start { @none = count(); }
vminfo:::pgrec { @pages = count(); }
