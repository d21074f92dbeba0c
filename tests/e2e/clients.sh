# shellcheck shell=bash disable=SC2154 # what functions.sh has
# What runs the rows of clients.list, for the tests that source this file: the clients by the names that
# they have there, and what is wrong with what they print.

# The BMC that is asked, and how: ipmitool by lanplus or, with lan=MD5, by IPMI 1.5; the same for ipmiutil.
host=127.0.0.1
lan=
# The port of this BMC's openhpid.
hpi_port=

bad='error|unknown|unspecified|invalid|time(d)? ?out|unable|unrecogni[sz]ed|unavailable|not available|fail|cannot'
bad+="|could ?n.t|no reading|missing|disabled|out of range|traceback|corrupt|\\bn/?a\\b"
# With -v, ipmitool says on any server that has nothing of PICMG and VITA:
noise='^(Loading IANA PEN Registry\.\.\.|Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20'
noise+='|Invalid completion code received: Invalid command|Discovered IPMB address 0x0)$'
right_for_all=(-e '^$')

# run_client WORD...: a command of the list.
run_client() {
	local client=$1 login=(-U admin -P "$password")
	shift
	case $client in
	ipmitool)
		if [[ -n $lan ]]; then
			ipmitool -I lan -A "$lan" -H "$host" -p "$port" "${login[@]}" "$@"
		else
			ipmitool -I lanplus -C "$suite" -H "$host" -p "$port" "${login[@]}" "$@"
		fi
		;;
	ipmiutil) ipmiutil "$@" -N "$host" "${login[@]}" -V 4 -F "$([[ -n $lan ]] && echo lan || echo lan2)" ;;
	pyghmi) run_python "$top/tests/e2e/pyghmi_get.py" "$host" "$port" "$password" "$@" ;;
	pyipmi) run_python "$top/tests/e2e/pyipmi_get.py" "$host" "$port" "$password" "$@" ;;
	ipmitool.py) run_python /usr/bin/ipmitool.py -I rmcp -H "$host" -p "$port" "${login[@]}" "$@" ;;
	openipmicmd) openipmicmd -k "$*" lan "${login[@]}" -p "$port" -A "$([[ -n $lan ]] && echo md5 || echo rmcp+)" "$host" ;;
	openipmish) run_python "$top/tests/e2e/openipmi.py" "$host" "$port" "$password" "$@" ;;
	hpi* | oh*) OPENHPI_DAEMON_HOST=localhost OPENHPI_DAEMON_PORT=$hpi_port "$client" "$@" ;;
	idiscover | rmcp_ping | ipmiping | rmcpping) "$client" "$@" ;;
	ipmi-sensors | ipmi-sel) run_freeipmi "$client" --quiet-cache "$@" ;;
	*) run_freeipmi "$client" "$@" ;;
	esac
}
# run_python SCRIPT ARGUMENT...: after start_python_clients.
python_port=4711
run_python() {
	local connection status
	exec {connection}<>/dev/tcp/127.0.0.1/$python_port
	printf '%s\0' "$BASHPID" $# "$@" >&"$connection"
	read -r status <&"$connection"
	exec {connection}>&-
	return "$status"
}
start_python_clients() {
	python "$top/tests/e2e/python_clients.py" $python_port "$dir/python.ready" &
	cleanup kill $!
	wait_for 60 test -e "$dir/python.ready"
}
run_freeipmi() {
	"$1" -D LAN_2_0 -I "$suite" -l admin -h "$host:$port" -u admin -p "$password" "${@:2}"
}

# judge STATUS OUT ERRORS COMMAND RULES: what is wrong, a line each; RULES are its lines of the list. Processes
# are dear where hundreds of commands are run: none is started for what is not there.
judge() {
	local status=$1 out=$2 errors=$3 command=$4 kind pattern right
	[[ $status == 0 ]] || echo "exit status $status"
	right=("${right_for_all[@]}")
	while read -r kind pattern; do
		case $kind in
		'=') grep -qaE -- "$pattern" "$out" || echo "no line has '$pattern'" ;;
		'~') right+=(-e "$pattern") ;;
		'@') "check_$pattern" "$out" ;;
		esac
	done <<<"$5"
	if [[ -s $out ]] && grep -qaiE "$bad" "$out"; then
		grep -avE "${right[@]}" "$out" | grep -aiE "$bad" || true
	fi
	[[ -s $errors ]] || return 0
	case $command in
	'ipmitool -v '*) grep -avE "$noise" "$errors" || true ;;
	'ipmitool -vv '*)
		grep -avE "${right[@]}" "$errors" | grep -avE "$noise|^Error response 0xc1 from Get PICMG Properties$" |
			grep -aiE "$bad" || true
		;;
	*) grep -avE "${right[@]}" "$errors" || true ;;
	esac
}

# read_list SECTION FUNCTION: the rows of that section of clients.list, in order, each given to FUNCTION as
# COMMAND RULES; what is right for all rows goes to right_for_all.
read_list() {
	local line command='' rules='' section=''
	while IFS= read -r line; do
		case $line in
		'@@ '*)
			[[ -z $command ]] || "$2" "$command" "$rules"
			command='' rules='' section=${line#@@ }
			;;
		'' | '#'*) ;;
		'~ '*) right_for_all+=(-e "${line#\~ }") ;;
		'  '*) rules+=${line#  }$'\n' ;;
		'- '*' -- '*) ;;
		*)
			[[ -z $command ]] || "$2" "$command" "$rules"
			command='' rules=''
			[[ $section != "$1" ]] || command=$line
			;;
		esac
	done <"$top/tests/e2e/clients.list"
	[[ -z $command ]] || "$2" "$command" "$rules"
}

# start_openhpid PORT: for OpenHPI's clients, one that asks the BMC at $host:$port by IPMI 1.5 with MD5; it
# answers them at PORT, when it has found what there is. What its plug-in says is in openhpi.PORT/ipmidirect*.
start_openhpid() {
	local folder=$dir/openhpi.$1
	mkdir "$folder"
	cat >"$folder/openhpi.conf" <<-END
		OPENHPI_VARPATH = "$folder"
		handler libipmidirect {
			entity_root = "{SYSTEM_CHASSIS,1}"
			name = "lan"
			addr = "$host"
			port = "$port"
			auth_type = "md5"
			auth_level = "admin"
			username = "admin"
			password = "$password"
			logflags = "file"
			logfile = "$folder/ipmidirect"
		}
	END
	chmod 600 "$folder/openhpi.conf"
	openhpid -n -v -c "$folder/openhpi.conf" \
		-f "$folder/pid" -p "$1" >"$folder/log" 2>&1 </dev/null &
	openhpid_pid=$!
	cleanup kill $openhpid_pid
}
