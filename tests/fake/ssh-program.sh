#!/bin/bash
# Stands for vbmc-shell in tests of the SSH server: does the command by bash, or repeats what it reads.
# What came over the control connection is in $control.
shift # --
read -r control <&3
export control
if (($# > 0)); then
	exec bash -c "$1"
fi
exec cat
