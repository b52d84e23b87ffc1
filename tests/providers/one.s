# A function of three instructions, which is called twice.
	.globl	main
	.type	main, @function
main:	call	three
	call	three
	xorl	%eax, %eax
	ret
	.size	main, . - main

	.type	three, @function
three:	xorl	%eax, %eax
	incl	%eax
	ret
	.size	three, . - three
	.section .note.GNU-stack, "", @progbits
