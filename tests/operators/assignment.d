BEGIN
{
	x = 10;
	x += 5; printf("%d ", x);
	x -= 3; printf("%d ", x);
	x *= 2; printf("%d ", x);
	x /= 5; printf("%d ", x);
	x %= 3; printf("%d ", x);
	x |= 0x30; printf("%d ", x);
	x &= 0x18; printf("%d ", x);
	x ^= 0xff; printf("%d ", x);
	x <<= 2; printf("%d ", x);
	x >>= 3; printf("%d\n", x);
	exit(0);
}
