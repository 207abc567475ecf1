# SPDX-License-Identifier: MIT
# Completion of microexpr(1) for bash. The words come from 'microexpr help', so that they
# are always those of the program.

_microexpr() {
    local current=${COMP_WORDS[COMP_CWORD]} first=${COMP_WORDS[1]} second=${COMP_WORDS[2]}
    local words command=$first
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 || ($COMP_CWORD -eq 2 && $first == help) ]]; then
        words="$(microexpr help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p') help"
    elif [[ $COMP_CWORD -eq 2 && $first == model ]]; then
        words=$(microexpr help 2>/dev/null | sed -n 's/^  model \([a-z]*\) .*/\1/p')
    elif [[ $current == -* ]]; then
        [[ $first == model ]] && command="model $second"
        # The command may be two words.
        # shellcheck disable=SC2086
        words=$(microexpr help $command 2>/dev/null | sed -n 's/^  [-, a-zA-Z]\{4\}\(--[a-z0-9-]*\).*/\1/p')
    else
        return # file names, by default
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current" | sort -u)
}

complete -o bashdefault -o default -F _microexpr microexpr
