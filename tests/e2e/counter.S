# Boots from a disk and prints the numbers 00000001, 00000002, ... to its first serial port, 200 lines a second.
# Each time it writes to half a megabyte of memory, so that a slow migration does not come to its end by itself.
# What is typed is in the line of the number after which it came, behind a blank: "0000004d x".
.code16
.globl _start
_start:
	ljmp $0, $1f
1:	cli
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %ss
	mov $0x7c00, %sp
	movw $tick, 8 * 4
	movw %ax, 8 * 4 + 2
	mov $0xfe, %al
	out %al, $0x21
	mov $0xff, %al
	out %al, $0xa1
	mov $0x34, %al
	out %al, $0x43
	mov $5966, %ax
	out %al, $0x40
	mov %ah, %al
	out %al, $0x40
	xor %ebx, %ebx
	sti
again:
	hlt
	mov $0x1000, %ax
1:	mov %ax, %es
	incw %es:0
	add $0x100, %ax
	cmp $0x9000, %ax
	jb 1b
	inc %ebx
	mov $8, %cx
digit:
	rol $4, %ebx
	mov %bl, %al
	and $15, %al
	cmp $10, %al
	jb 1f
	add $('a' - '0' - 10), %al
1:	add $'0', %al
	call put
	loop digit
	mov $0x3fd, %dx
	in %dx, %al
	test $1, %al
	jz 1f
	mov $' ', %al
	call put
	mov $0x3f8, %dx
	in %dx, %al
	call put
1:	mov $'\r', %al
	call put
	mov $'\n', %al
	call put
	jmp again
put:
	mov %al, %ah
	mov $0x3fd, %dx
1:	in %dx, %al
	test $0x20, %al
	jz 1b
	mov %ah, %al
	mov $0x3f8, %dx
	out %al, %dx
	ret
tick:
	push %ax
	mov $0x20, %al
	out %al, $0x20
	pop %ax
	iret
	.org 510
	.word 0xaa55
