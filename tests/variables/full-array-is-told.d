#pragma D option dynvarsize=100

BEGIN
{
	a[1] = 1; a[2] = 2; a[3] = 3; a[4] = 4; a[5] = 5;
	a[6]++;
	printf("the clause goes on\n");
	exit(0);
}
