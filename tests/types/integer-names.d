BEGIN
{
	printf("%d %d %d %d\n", sizeof(int8_t), sizeof(uint16_t), sizeof(int32_t), sizeof(uint64_t));
	printf("%d %d %d\n", sizeof(unsigned long long), sizeof(signed char), sizeof(long int));
	printf("%d %d\n", sizeof(pid_t), sizeof(size_t));
	exit(0);
}
