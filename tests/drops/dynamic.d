//@ run: -q -x droptags
#pragma D option dynvarsize=1k

string name, lengthy;

/*
 * Keys take as many bytes as they can need: short constants 8, any string that has fewer than 64
 * characters 64, others 256.
 */
BEGIN
{
	a["one"] = 1; a["two"] = 2; a["three"] = 3; a["four"] = 4; a["five"] = 5;
	b[name] = 1;
	for (i = 0; i < 5; i++)
		b[strjoin(probename, lltostr(i))] = 1;
	lengthy = "a name that is so long that most other names are shorter than it";
	for (i = 0; i < 5; i++)
		b[strjoin(lengthy, lltostr(i))] = 1;
	exit(0);
}
