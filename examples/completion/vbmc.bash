# Completion of vbmc for bash. Install as /usr/share/bash-completion/completions/vbmc. Verbs, options
# and names come from vbmc itself, so that this file need not change with them.

_vbmc_replies()
{
    local line
    local IFS=$'\n'

    COMPREPLY=()
    for line in $1; do
        [[ $line == "$2"* ]] || continue
        if [[ $line == -* ]]; then
            COMPREPLY+=("$line")
        else
            COMPREPLY+=("$(printf '%q' "$line")")
        fi
    done
}

_vbmc_fault_targets=$'disk/vda\npsu/1\npsu/2\nfan/1\nfan/2\nfan/3\nfan/4\ntemp/inlet\ntemp/cpu\ntemp/dimm\ntemp/exhaust\nmemory\nintrusion\nnic/0'

# What may stand behind a target of inject, and behind an item of the room.
_vbmc_fault_kinds()
{
    case $1 in
        disk/*) printf '%s\n' predictive-failure fault ;;
        psu/*) printf '%s\n' predictive-failure ac-lost failed removed ;;
        fan/*) echo failed ;;
        memory) printf '%s\n' ecc-correctable ecc-uncorrectable ;;
        intrusion) echo open ;;
        nic/*) echo down ;;
    esac
}

_vbmc_room_states()
{
    case $1 in
        feed) printf '%s\n' A B C D ;;
        [A-D]) printf '%s\n' down up ;;
        ups) printf '%s\n' battery line ;;
        utility) printf '%s\n' lost ok ;;
        generator | crac) printf '%s\n' failed ok ;;
    esac
}

_vbmc()
{
    local word=$2 previous=$3 verb='' i
    local -a ask=("${COMP_WORDS[0]}")
    local -i verb_at=0

    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --socket | --config)
                ask+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}")
                ((i++))
                ;;
            --log-file)
                ((i++))
                ;;
            -*) ;;
            *)
                verb=${COMP_WORDS[i]}
                verb_at=i
                break
                ;;
        esac
    done

    case $previous in
        --socket | --config | --log-file)
            compopt -o default
            return
            ;;
        -f | --format)
            [[ $verb != console ]] || return
            _vbmc_replies $'table\nvalue\njson\ncsv\nyaml' "$word"
            return
            ;;
        --redundancy)
            _vbmc_replies $'N\nN+1\n2N\n2N+1' "$word"
            return
            ;;
        --quote)
            _vbmc_replies $'all\nminimal\nnone\nnonnumeric' "$word"
            return
            ;;
    esac

    if [[ $word == -* ]]; then
        _vbmc_replies "$("${ask[@]}" complete --options "${verb:-help}" 2>/dev/null)" "$word"
    elif [[ -z $verb || $verb == help ]]; then
        _vbmc_replies "$("${ask[@]}" complete --verbs 2>/dev/null)" "$word"
    else
        case $verb:$((COMP_CWORD - verb_at)) in
            define:* | screenshot:2 | dump:2) compopt -o default ;;
            power:2) _vbmc_replies $'on\noff\ncycle\nreset\nsoft\ndiag\nstatus' "$word" ;;
            inject:2) _vbmc_replies "$_vbmc_fault_targets" "$word" ;;
            inject:3) _vbmc_replies "$(_vbmc_fault_kinds "$previous")" "$word" ;;
            facility:1) _vbmc_replies $'feed\nups\nutility\ngenerator\ncrac\nsimulate' "$word" ;;
            facility:[23]) _vbmc_replies "$(_vbmc_room_states "$previous")" "$word" ;;
            bootdev:2) _vbmc_replies $'none\npxe\ndisk\nsafe\ndiag\ncdrom\nbios\nfloppy' "$word" ;;
            add:* | dumpxml:* | undefine:*)
                _vbmc_replies "$("${ask[@]}" complete --domains 2>/dev/null)" "$word"
                ;;
            delete:* | start:* | stop:* | show:1 | power:1 | bootdev:1 | console:1 | break:1 | nmi:1 | \
                screenshot:1 | dump:1 | sensors:1 | sel:1 | fru:1 | inject:1)
                _vbmc_replies "$("${ask[@]}" complete 2>/dev/null)" "$word"
                ;;
        esac
    fi
}

complete -F _vbmc vbmc
