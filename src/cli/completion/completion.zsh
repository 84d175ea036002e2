#compdef milvus-coredump-agent
# Completion of milvus-coredump-agent for zsh. The program itself says what may stand at the cursor: a line for each word, with what
# it means after a tab. A line that begins with a tab asks for names of files or folders.

_milvus_coredump_agent() {
	local program=${${(Q)words[1]}/#\~\//$HOME/} line found=1
	local -a answer candidates files
	answer=("${(@f)$("$program" complete -- "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null </dev/null)}")
	for line in $answer; do
		case $line in
		$'\tfiles') files=(_files) ;;
		$'\tfolders') files=(_files -/) ;;
		?*) candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
		esac
	done

	[[ $PREFIX == --*=* ]] && compset -P 1 '*=' # what follows is the value
	(( $#candidates )) && _describe -V 'milvus-coredump-agent' candidates && found=0
	(( $#files )) && $files && found=0
	return found
}

if [[ $funcstack[1] == _milvus_coredump_agent ]]; then
	_milvus_coredump_agent "$@" # loaded from a folder of fpath
else
	compdef _milvus_coredump_agent milvus-coredump-agent
fi
