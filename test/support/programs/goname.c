/* Dies in a function with a name as Go gives them, of which gdb's demangler makes another. */
void count(volatile int *at) __asm__("bytes.Count");

__attribute__((noinline)) void count(volatile int *at)
{
	*at = 1;
}

int main(void)
{
	count((int *)0x10);
	return 0;
}
