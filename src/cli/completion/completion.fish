# Completion of milvus-coredump-agent for fish. The program itself says what may stand at the cursor: a line for each word, with what
# it means after a tab. A line that begins with a tab asks for names of files or folders.

function __milvus_coredump_agent_complete
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l current (string unescape -- "$typed"; or echo -- "$typed") # not where a quote is still open
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l option (string match -r '^--[^=]+=' -- "$current") # what follows is its value
    set -l value (string replace -r '^--[^=]+=' '' -- "$current")
    set -l answer
    for line in ($program complete -- $words[2..] "$current" 2>/dev/null </dev/null)
        switch $line
            case \tfiles
                set -a answer (__fish_complete_path "$value")
            case \tfolders
                set -a answer (__fish_complete_directories "$value" '')
            case '*'
                set -a answer $line
        end
    end
    for word in $answer
        echo -- "$option$word"
    end
end

complete -c milvus-coredump-agent -e
complete -c milvus-coredump-agent -f -k -a '(__milvus_coredump_agent_complete)'
