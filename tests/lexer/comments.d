/* before */
BEGIN /* after the probe */
{
	/* in a clause * / not yet */
	printf("a" /* in a call */);	// to the end of the line
	printf("/* not a comment */\n");
	printf("// nor this\n");
	exit(0); /**/
}
