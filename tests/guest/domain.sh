#!/bin/bash
# Prints the libvirt XML of a test guest, so that every test and the demo start the same machine and
# differ only in what they want to watch (serial port, DHCP requests, SeaBIOS's own log, a QMP socket).
set -euo pipefail

usage() {
	cat <<-'END'
		usage: domain.sh NAME [options]
		  --uuid U             fixed UUID (default: libvirt picks one)
		  --memory MIB         default 512: with less, the kernel of the next boot often lands on the
		                       old one's code, which costs the emulator 5 s of invalidation
		  --vcpus N            default 1
		  --kernel             boots the kernel alone, without SeaBIOS's boot order and a boot loader,
		                       which saves the emulator a third of the time
		  --inband FRONT       the kernel of build/guest-inband (inband.sh), with QEMU's ipmi-bmc-extern and
		                       that front end: isa-ipmi-kcs, isa-ipmi-bt, pci-ipmi-kcs, pci-ipmi-bt
		  --ipmi-socket PATH   of its BMC
		  --firmware           boots that guest by SeaBIOS, not the kernel alone
		  --initrd FILE        instead of that folder's; --append WORDS: to its kernel's command line
		  --disk FILE          writable image, qcow2 by its name's end, else raw (default: the shared
		                       build/guest/guest.img, read-only; any number of guests can use it)
		  --readonly-disk FILE the same, which the guest cannot write to
		  --disk-bus BUS       virtio (default), or ide or sata: these need a --disk of their own
		  --data FILE          a second disk, raw: vdb, whose errors the guest is told of
		  --cdrom              add an empty IDE cdrom
		  --nic MODEL          virtio (default), e1000, or none
		  --no-network-boot    the card has no boot ROM, which costs the emulator ten seconds
		  --no-boot-order      <os><boot dev='hd'/></os> instead of disk 1, network 2
		  --serial-unix PATH   serial port on a Unix socket that QEMU listens on
		  --serial-tcp PORT    serial port on 127.0.0.1, where QEMU listens
		  --serial-file PATH   serial port into a file (default: a pty)
		  --video              a screen (a standard VGA card)
		  --no-serial          no serial port
		  --panic              a device by which the guest tells of its panics
		  --balloon            a memory balloon whose driver tells of the guest's memory
		  --agent              a port for a guest agent: /dev/vport0p1 in the guest
		  --qmp PATH           a second QMP socket beside libvirt's own
		  --pcap FILE          capture of the network card's traffic
		  --seabios-log FILE   SeaBIOS's debug output; QEMU truncates it at each start
	END
}
die() { echo "domain.sh: $1" >&2; exit 2; }
escape() { local s=${1//&/&amp;}; s=${s//</&lt;}; printf '%s' "${s//\'/&apos;}"; }
absolute() { escape "$(realpath -ms -- "$1")"; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ ${1:-} == --help ]] && { usage; exit 0; }
[[ $# -ge 1 && $1 != -* ]] || { usage >&2; exit 2; }
name=$(escape "$1")
shift

inband='' ipmi_socket='' firmware='' initrd='' append=''
uuid='' memory=512 disk='' bus=virtio cdrom='' nic=virtio ordered=1 serial=pty serial_path='' serial_port=''
readonly='' vcpus=1 kernel='' data='' panic='' agent='' balloon='' video='' rom='' qmp='' pcap='' seabios_log=''
while [[ $# -gt 0 ]]; do
	case $1 in
	--kernel) kernel=1; shift; continue ;;
	--firmware) firmware=1; shift; continue ;;
	--cdrom) cdrom=1; shift; continue ;;
	--no-boot-order) ordered=; shift; continue ;;
	--no-network-boot) rom="<rom enabled='no'/>"; shift; continue ;;
	--video) video=1; shift; continue ;;
	--panic) panic=1; shift; continue ;;
	--balloon) balloon="<memballoon model='virtio'><stats period='1'/></memballoon>"; shift; continue ;;
	--agent) agent=1; shift; continue ;;
	--no-serial) serial=; shift; continue ;;
	--help) usage; exit 0 ;;
	esac
	[[ $# -ge 2 ]] || die "unknown option or missing value: $1"
	case $1 in
	--uuid) uuid=$(escape "$2") ;;
	--memory) memory=$2 ;;
	--vcpus) vcpus=$2 ;;
	--inband) inband=$2 kernel=1 ;;
	--initrd) initrd=$(absolute "$2") ;;
	--append) append=" $2" ;;
	--ipmi-socket) ipmi_socket=$(realpath -ms -- "$2") ;;
	--data) data=$(absolute "$2") ;;
	--disk) disk=$(absolute "$2") ;;
	--readonly-disk) disk=$(absolute "$2") readonly='<readonly/>' ;;
	--disk-bus) bus=$2 ;;
	--nic) nic=$2 ;;
	--serial-unix) serial=unix serial_path=$(absolute "$2") ;;
	--serial-tcp) serial=tcp serial_port=$2 ;;
	--serial-file) serial=file serial_path=$(absolute "$2") ;;
	--qmp) qmp=$(absolute "$2") ;;
	--pcap) pcap=$(absolute "$2") ;;
	--seabios-log) seabios_log=$(absolute "$2") ;;
	*) die "unknown option: $1" ;;
	esac
	shift 2
done
[[ -n $disk || $bus == virtio ]] || die "--disk-bus $bus needs --disk: that bus has no read-only disks"
[[ -z $pcap || $nic != none ]] || die "--pcap needs a network card"

folder=$(absolute "$here/../../build/guest${inband:+-inband}")
if [[ -z $disk ]]; then
	disk=$(absolute "$here/../../build/guest${firmware:+${inband:+-inband}}/guest.img")
	readonly='<readonly/>'
fi
if [[ -n $kernel && -z $firmware ]]; then
	kernel="<kernel>$folder/vmlinux</kernel><initrd>${initrd:-$folder/initrd}</initrd>
    <cmdline>$(escape "$(<"$folder/cmdline")$append")</cmdline>"
else
	kernel=
fi
case $disk in *.qcow2) format=qcow2 ;; *) format=raw ;; esac
case $bus in virtio) target=vda ;; ide) target=hda ;; *) target=sda ;; esac
boot=
[[ -n $ordered ]] || boot="<boot dev='hd'/>"
order() { [[ -z $ordered ]] || printf "<boot order='%s'/>" "$1"; }

cat <<END
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>$name</name>
  ${uuid:+<uuid>$uuid</uuid>}
  <memory unit='MiB'>$memory</memory>
  <vcpu>$vcpus</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    $boot$kernel
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='custom' match='exact'><model fallback='allow'>qemu64</model></cpu>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='$format'/>
      <source file='$disk'/>
      <target dev='$target' bus='$bus'/>
      $readonly$(order 1)
    </disk>
END
if [[ -n $data ]]; then
	cat <<-END
		    <disk type='file' device='disk'>
		      <driver name='qemu' type='raw' error_policy='report'/>
		      <source file='$data'/>
		      <target dev='vdb' bus='virtio'/>
		    </disk>
	END
fi
if [[ -n $cdrom ]]; then
	cat <<-'END'
		    <disk type='file' device='cdrom'>
		      <target dev='hdc' bus='ide'/>
		      <readonly/>
		    </disk>
	END
fi
if [[ $nic != none ]]; then
	cat <<-END
		    <interface type='user'>
		      <model type='$nic'/>
		      $(order 2)$rom
		    </interface>
	END
fi
if [[ -n $serial_path ]]; then
	mode=
	[[ $serial == file ]] || mode=" mode='bind'"
	source="<source$mode path='$serial_path'/>"
fi
[[ -z $serial_port ]] || source="<source mode='bind' host='127.0.0.1' service='$serial_port'/>"
[[ -z $serial ]] || echo "    <serial type='$serial'>${source:-}<target port='0'/></serial>"
cat <<END
    ${video:+<video><model type='vga'/></video>}
    ${panic:+<panic model='isa'/>}
    ${agent:+<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>}
    <controller type='usb' model='none'/>
    ${balloon:-<memballoon model='none'/>}
  </devices>
END

arguments=()
[[ -z $qmp ]] || arguments+=(-qmp "unix:${qmp//,/,,},server=on,wait=off")
# libvirt calls the network back end of its first card hostnet0.
[[ -z $pcap ]] || arguments+=(-object "filter-dump,id=pcap0,netdev=hostnet0,file=${pcap//,/,,}")
[[ -z $seabios_log ]] || arguments+=(-chardev "file,id=seabios,path=${seabios_log//,/,,}"
	-device "isa-debugcon,iobase=0x402,chardev=seabios")
# shellcheck disable=SC2054 # the commas are QEMU's
[[ -z $inband ]] || arguments+=(-chardev "socket,id=ipmi0,path=$(escape "${ipmi_socket//,/,,}"),reconnect=1"
	-device ipmi-bmc-extern,id=bmc0,chardev=ipmi0
	-device "$(case $inband in pci-*) printf '{"driver":"%s","bmc":"bmc0"}' "$inband" ;; *) echo "$inband,bmc=bmc0" ;; esac)")
if [[ ${#arguments[@]} -gt 0 ]]; then
	echo "  <qemu:commandline>"
	printf "    <qemu:arg value='%s'/>\n" "${arguments[@]}"
	echo "  </qemu:commandline>"
fi
echo "</domain>"
