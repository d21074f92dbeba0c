# shellcheck shell=bash disable=SC2154
# For build.sh and inband.sh, which source it: what both make of a kernel in unpacked/boot and an initrd, in
# the current folder, with the command line in the array `cmdline`.

# make_disk MIB: guest.img, a FAT disk that SeaBIOS boots.
make_disk() {
	cat >syslinux.cfg <<-END
		DEFAULT guest
		PROMPT 0
		TIMEOUT 0
		LABEL guest
		LINUX vmlinuz
		INITRD initrd
		APPEND ${cmdline[*]}
	END
	truncate -s "$1M" guest.img
	mformat -i guest.img -h 64 -s 32 -t "$1" -v VBMC ::
	mcopy -i guest.img unpacked/boot/vmlinuz-* ::vmlinuz
	mcopy -i guest.img initrd syslinux.cfg ::
	syslinux --install guest.img
}

# unpack_kernel: vmlinux. Its payload, payload_length bytes at payload_offset behind the setup sectors, ends
# with its size unpacked, which is not the compressor's.
unpack_kernel() {
	local kernel
	kernel=$(echo unpacked/boot/vmlinuz-*)
	# field OFFSET SIZE: of the kernel's setup header (the kernel's Documentation/arch/x86/boot.rst).
	field() { od -An -tu"$2" -j "$1" -N "$2" "$kernel" | tr -d ' '; }
	dd if="$kernel" of=payload bs=64K iflag=skip_bytes,count_bytes status=none \
		skip=$((($(field 0x1f1 1) + 1) * 512 + $(field 0x248 4))) count=$(($(field 0x24c 4) - 4))
	xz -qdc payload >vmlinux 2>/dev/null || lz4 -qdc payload >vmlinux || {
		echo "${0##*/}: the kernel's payload is neither xz nor lz4" >&2
		return 1
	}
}
