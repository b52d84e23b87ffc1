io:::start
/args[1]->dev_name == "no-such-device"/
{
	printf("%d %d %s\n", args[0]->b_bcount, args[0]->b_flags, args[2]->fi_name);
}

BEGIN { exit(0); }
