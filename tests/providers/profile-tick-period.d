BEGIN { start = timestamp; }
tick-20ms { n++; }
tick-20ms /n == 25/ {
	took = (timestamp - start) / 1000000;
	printf("%s\n", took >= 490 && took < 2000 ? "on time" : "late");
	exit(0);
}
