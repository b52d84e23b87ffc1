//@ run: -q
//@ args: 0
/* Settings decide which statements there are: what isn't chosen isn't looked at. */
inline int OPT_long = 1;
inline int OPT_time = 0;
inline string NAME = "one";
enum level { NONE, SOME };

BEGIN
{
	OPT_long ? printf("long %d\n", 1) : printf("short\n");
	OPT_time ? printf("%s %Y\n", nonesuch, walltimestamp) : 1;
	OPT_long && !OPT_time ? printf("both\n") : 1;
	(OPT_time || $1) ? printf("an argument\n") : printf("no argument\n");
	OPT_long == 1 ? (OPT_time ? trace(1) : printf("within\n")) : trace(2);
	SOME ? printf("a constant\n") : 1;
	NONE ? exit(1) : 1;
	$1 ? 1 : printf("%s\n", OPT_time ? no_such_thing : NAME);
	OPT_long ? n++ : n--;
	OPT_long ? @a["counted"] = count() : 1;
	exit(n - 1);
}

END
{
	OPT_time ? trunc(@a) : 1;
	OPT_long ? printa("%s %@d\n", @a) : 1;
}
