# Completion of milvus-coredump-agent for bash. The program itself says what may stand at the cursor: a line for each word, with what
# it means after a tab. A line that begins with a tab asks for names of files or folders.

_milvus_coredump_agent() {
	local program=${COMP_WORDS[0]/#\~\//$HOME/} word=$2 files='' line
	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		$'\tfiles') files=default ;;
		$'\tfolders') files=dirnames ;;
		?*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <("$program" complete -- "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$word" 2>/dev/null </dev/null)

	[[ -n $files ]] || return 0
	if ((${#COMPREPLY[@]} == 0)); then
		compopt -o "$files" # by readline, which knows about quotes
	else
		compopt -o filenames
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word")
	fi
}

complete -o nosort -F _milvus_coredump_agent milvus-coredump-agent
