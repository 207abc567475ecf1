# SPDX-License-Identifier: MIT
# Completion of microexpr(1) for bash. Commands and options come from 'microexpr help', so
# that they are always those of the program.

_microexpr() {
    local current=${COMP_WORDS[COMP_CWORD]} first=${COMP_WORDS[1]} second=${COMP_WORDS[2]}
    local words command=$first
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 || ($COMP_CWORD -eq 2 && $first == help) ]]; then
        words="$(microexpr help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p') help"
    elif [[ $COMP_CWORD -eq 2 && ($first == model || $first == system || $first == dataset || $first == score) ]]; then
        words=$(microexpr help 2>/dev/null | sed -n "s/^  $first \([a-z]*\) .*/\1/p")
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == --method ]]; then
        words='tvl1 fast opencv farneback'
        [[ $first == interpolate ]] && words='tim linear'
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == --protocol ]]; then
        words='loso kfold dataset holdout'
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == --layout ]]; then
        words='casme casme2 samm smic_hs smic_vis smic_nir casme_sq casme3 casme3_c mmew 4dme dfme'
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == --classes ]]; then
        words='emotion megc2019 five megc2018'
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == --selection ]]; then
        words='inner-subject'
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == --fusion ]]; then
        words='mean product max weighted learned'
    elif [[ ${COMP_WORDS[COMP_CWORD - 1]} == --system ]]; then
        words="flow-derivative-svm flow-kernel-ridge flow-random-features $(microexpr system list 2>/dev/null | sed 's/ .*//')"
    elif [[ $current == -* ]]; then
        [[ $first == model || $first == system || $first == dataset || $first == score ]] && command="$first $second"
        # The command may be two words.
        # shellcheck disable=SC2086
        words=$(microexpr help $command 2>/dev/null | sed -n 's/^  [-, a-zA-Z]\{4\}\(--[a-z0-9-]*\).*/\1/p')
    else
        return # file names, by default
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current" | sort -u)
}

complete -o bashdefault -o default -F _microexpr microexpr
