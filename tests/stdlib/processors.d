BEGIN
{
	printf("%d %d %d\n", curcpu->cpu_id == cpu, chip == curcpu->cpu_chip, pset);
	printf("%d %d\n", chip >= 0 && chip < 1024, lgrp >= 0 && lgrp < 1024);
	printf("%d\n", ipl);
	exit(0);
}
