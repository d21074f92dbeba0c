# Completion of vbmc for bash. Install as /usr/share/bash-completion/completions/vbmc. Verbs, options
# and names come from vbmc itself, so that this file need not change with them.

# The lines of $1 that begin with what is typed, $2 as it stands on the command line. Names may have
# blanks and what the shell takes for patterns in them.
_vbmc_replies()
{
    local line reply plain prefix=''
    local -a lines

    COMPREPLY=()
    plain=$(_vbmc_plain "$2")
    # readline replaces only what follows the last : or = or begins with the last @, unless it is quoted.
    [[ $2 != *[@:=]* || $2 == [\'\"]* ]] || prefix=${2%"${2##*[@:=]}"}
    prefix=${prefix%@}
    mapfile -t lines <<<"$1"
    for line in "${lines[@]}"; do
        [[ -n $line && $line == "$plain"* ]] || continue
        case $2 in
            [\'\"]*) reply=$line ;; # readline closes what was opened
            *) printf -v reply '%q' "$line" ;;
        esac
        [[ $line != -* ]] || reply=$line
        COMPREPLY+=("${reply#"$prefix"}")
    done
}

# A word of the command line without its quotes.
_vbmc_plain()
{
    case $1 in
        \'*) printf '%s' "${1//\'/}" ;;
        \"*) printf '%s' "${1//\"/}" ;;
        *) printf '%s' "${1//\\/}" ;;
    esac
}

# Joins what bash has split at @, : and =, which names and tags may have in them: sets words and cword.
_vbmc_join()
{
    local rest=$COMP_LINE word trimmed i

    words=() cword=0
    for ((i = 0; i < ${#COMP_WORDS[@]}; i++)); do
        word=${COMP_WORDS[i]}
        trimmed=${rest#"${rest%%[![:blank:]]*}"}
        if [[ $i -gt 0 && $trimmed == "$rest" && ($word == [@:=]* || ${words[-1]} == *[@:=]) ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        rest=${trimmed#"$word"}
        ((i != COMP_CWORD)) || cword=$((${#words[@]} - 1))
    done
}

# The parts of a server that can be broken, by its sensors; with --clear those that are.
_vbmc_fault_targets()
{
    local name=$1 clears=$2
    shift 2

    if [[ -n $clears ]]; then
        "$@" inject "$name" --list -f value -c target 2>/dev/null | sort -u
        return
    fi
    "$@" sensors "$name" -f value -c name 2>/dev/null | awk '
        $0 != "Disk Power" && sub("^Disk ", "") { print "disk/" $0 }
        /^PSU[0-9]+ Status$/ { gsub("[^0-9]", ""); print "psu/" $0 }
        /^Fan[0-9]+$/ { sub("Fan", ""); print "fan/" $0 }
        /^CPU[0-9]+ Temp$/ { gsub("[^0-9]", ""); print "temp/cpu" $0 }
        /^NIC[0-9]+ Link$/ { gsub("[^0-9]", ""); print "nic/" $0 - 1 }'
    printf '%s\n' temp/{inlet,cpu,dimm,exhaust} memory intrusion
}

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

# The tags that there are, one a line.
_vbmc_tags()
{
    "$@" tag --all -f csv -c key -c value 2>/dev/null | tail -n +2 | tr -d '"' | tr , = | sort -u
}

_vbmc()
{
    local word previous verb='' clears='' selects='' i cword
    local -a words ask=("${COMP_WORDS[0]}") operands=()

    COMPREPLY=()
    _vbmc_join
    word=${words[cword]} previous=${words[cword - 1]}
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
            --socket | --config)
                ask+=("${words[i]}" "${words[i + 1]}")
                ((i++))
                ;;
            --log-file)
                ((i++))
                ;;
            -*) ;;
            *)
                verb=${words[i]}
                break
                ;;
        esac
    done
    # Its operands so far: neither options nor their values.
    for ((i++; i < cword; i++)); do
        case ${words[i]} in
            -f | --format)
                [[ $verb == console ]] || ((i++))
                ;;
            -c | --column | --sort-column | --quote | --max-width | -d | --interval | -n | --lines | --last | --since | \
                --asset-tag | --password | --password-file | --privilege | --rename | --ipmi | \
                --sessions | --id | --jobs | --stagger | --remove | --socket | --config | --log-file)
                ((i++))
                ;;
            --all) selects=1 ;;
            --hypervisor | --state | --tag)
                selects=1
                ((i++))
                ;;
            --clear) clears=1 ;;
            -*) ;;
            *) operands+=("$(_vbmc_plain "${words[i]}")") ;;
        esac
    done
    # In place of NAME, unless it is a pattern.
    [[ -z $selects || ${operands[0]:-} == *[*?[]* ]] || operands=('' "${operands[@]}")

    case $previous in
        --socket | --config | --log-file)
            compopt -o default
            return
            ;;
        -f | --format)
            if [[ $verb != console ]]; then
                _vbmc_replies $'table\nvalue\njson\ncsv\nyaml' "$word"
                return
            fi
            ;;
        --password-file)
            compopt -o default
            return
            ;;
        --privilege)
            _vbmc_replies $'callback\nuser\noperator\nadministrator\noem\nnone' "$word"
            return
            ;;
        --state)
            _vbmc_replies $'on\noff\nunknown' "$word"
            return
            ;;
        --tag)
            _vbmc_replies "$(_vbmc_tags "${ask[@]}")" "$word"
            return
            ;;
        --remove)
            _vbmc_replies "$("${ask[@]}" tag "${operands[0]:-}" -f value -c key 2>/dev/null)" "$word"
            return
            ;;
        --hypervisor)
            _vbmc_replies "$("${ask[@]}" hypervisor -f value -c Name 2>/dev/null)" "$word"
            return
            ;;
        --ipmi)
            _vbmc_replies $'yes\nno' "$word"
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
        case $verb:$((${#operands[@]} + 1)) in
            define:* | screenshot:2 | dump:2) compopt -o default ;;
            power:2) _vbmc_replies $'on\noff\ncycle\nreset\nsoft\ndiag\nstatus' "$word" ;;
            inject:2)
                _vbmc_replies "$(_vbmc_fault_targets "${operands[0]}" "$clears" "${ask[@]}")" "$word"
                ;;
            inject:3) _vbmc_replies "$(_vbmc_fault_kinds "${operands[1]}")" "$word" ;;
            facility:1) _vbmc_replies $'feed\nups\nutility\ngenerator\ncrac\nsimulate' "$word" ;;
            facility:[23]) _vbmc_replies "$(_vbmc_room_states "${operands[-1]}")" "$word" ;;
            lan:2) _vbmc_replies reset "$word" ;;
            user:2) _vbmc_replies $'list\nadd\nset\nreset' "$word" ;;
            user:3)
                [[ ${operands[1]} == add ]] ||
                    _vbmc_replies "$("${ask[@]}" user "${operands[0]}" -f value -c name 2>/dev/null)" "$word"
                ;;
            user:[4-9])
                [[ ${operands[1]} != reset ]] ||
                    _vbmc_replies $'name\npassword\nprivilege\nenabled\naccess\nsessions' "$word"
                ;;
            bootdev:2) _vbmc_replies $'none\npxe\ndisk\nsafe\ndiag\ncdrom\nbios\nfloppy' "$word" ;;
            add:* | dumpxml:* | undefine:*)
                _vbmc_replies "$("${ask[@]}" complete --domains 2>/dev/null)" "$word"
                ;;
            delete:* | start:* | stop:* | list:* | top:* | show:1 | power:1 | bootdev:1 | console:1 | break:1 | nmi:1 | \
                screenshot:1 | dump:1 | sensors:1 | sel:1 | fru:1 | inject:1 | tag:1 | lan:1 | who:1 | user:1)
                _vbmc_replies "$("${ask[@]}" complete 2>/dev/null)" "$word"
                ;;
        esac
    fi
}

complete -F _vbmc vbmc
