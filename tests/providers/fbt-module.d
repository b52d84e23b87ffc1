//@ run: -q -c 'stat -c %n /dev/null'
//@ needs: "$STRAND" check -e 'fbt:loop::entry {}' # functions can't be traced, or loop is no module
/* All functions of a module, of which none is called here. */
fbt:loop::entry, fbt:loop::return
/pid == $target/
{
	@[probefunc] = count();
}

END
{
	printa("%s %@d\n", @);
	printf("armed\n");
}
