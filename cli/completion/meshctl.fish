# fish completion of meshctl. Load it: meshctl completion fish | source

# "COMMAND ARGUMENTS": the command that was typed, and how many arguments after it.
function __meshctl_at
    set -l path
    set -l given 0
    set -l waits no
    for word in (commandline -opc)[2..-1]
        if test $waits = yes
            set waits no
            continue
        end
        switch "$path:$word"
            case @@COMMANDS@@
                set path (string trim -- "$path $word")
            case '*:--*=*'
            case @@VALUE_FLAGS@@
                set waits yes
            case '*:-*'
            case '*'
                set given (math $given + 1)
        end
    end
    echo "$path $given"
end

function __meshctl_in
    test (string replace -r ' \d+$' '' -- (__meshctl_at)) = "$argv"
end

function __meshctl_ask
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    # --option=value is one word here.
    if string match -qr -- '^--[^=]+=' $word
        set -a words (string split -m 1 = -- $word)[1]
        set word (string split -m 1 = -- $word)[2]
    end
    $words[1] completion-words -- $words[2..-1] (string unescape -- "$word"; or echo "$word") 2>/dev/null
end

complete -c meshctl -e
complete -c meshctl -f
@@COMPLETIONS@@
