# shellcheck shell=bash disable=SC2154 # what functions.sh has
# OpenHPI's daemon and its clients, for the tests that source this file.

# hpi CLIENT [ARGUMENT...]: one of OpenHPI's clients, of the daemon at $hpi_port.
hpi() { OPENHPI_DAEMON_HOST=localhost OPENHPI_DAEMON_PORT=$hpi_port "$@"; }

# start_openhpid PORT [HOST]: one that asks the BMC at HOST:$port by IPMI 1.5 with MD5; it answers its clients at
# PORT, when it has found what there is. What its plug-in says is in openhpi.PORT/ipmidirect*.
start_openhpid() {
	local folder=$dir/openhpi.$1 host=${2:-127.0.0.1}
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
