//@ run: -q -c 'stat -c %n /dev/null'
//@ needs: "$STRAND" check -e 'rawfbt:loop::entry {}' # functions can't be traced by their symbols, or loop is no module
/* All functions of a module, of which none is called here. */
rawfbt:loop::entry, rawfbt:loop::return
/pid == $target/
{
	@[probefunc] = count();
}

END
{
	printa("%s %@d\n", @);
	printf("armed\n");
}
