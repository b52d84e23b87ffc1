BEGIN
{
	printf("%d %d\n", getmajor(8 << 20 | 17), getminor(8 << 20 | 17));
	this->dev = (dev_t)0xfff00001;
	printf("%x %x\n", getmajor(this->dev), getminor(this->dev));
	exit(0);
}
