# bash completion of meshctl. Load it: source <(meshctl completion bash)

_meshctl() {
  # Bash also splits at : and =; these are the words as typed, up to the cursor.
  local line=${COMP_LINE:0:COMP_POINT} words=() part rest
  for part in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
    rest=${line#"${line%%[![:space:]]*}"}
    if [[ ${#words[@]} -eq 0 || $rest != "$line" ]]; then words+=(''); fi
    [[ $rest == "$part"* ]] || part=$rest
    line=${rest#"$part"}
    words[${#words[@]} - 1]+=$part
  done

  # Which command it is, which option waits for its value, how many arguments were given.
  local last=$((${#words[@]} - 1)) path='' waits='' given=0 i word
  for ((i = 1; i < last; i++)); do
    word=${words[i]}
    if [[ -n $waits ]]; then
      waits=''
      continue
    fi
    case "$path:$word" in
      @@COMMANDS@@) path=${path:+$path }$word ;;
      *:--*=*) ;;
      @@VALUE_FLAGS@@) waits=$word ;;
      *:-*) ;;
      *) given=$((given + 1)) ;;
    esac
  done

  local cur=${words[last]} lead=''
  if [[ -z $waits && $cur == --*=* ]]; then
    waits=${cur%%=*} cur=${cur#*=}
    words[last]=$waits
    last=$((last + 1))
    [[ $COMP_WORDBREAKS == *=* ]] || lead=$waits=
  fi

  # Quotes come off to compare; bash puts an opening one back by itself. One within a word is left.
  local typed=${cur//\\/} quoted='' bare
  case $cur in
    \"*) typed=${typed:1} quoted=double ;;
    \'*) typed=${cur:1} quoted=single ;;
    *)
      bare=${cur//\\?/}
      [[ $bare != *[\"\']* ]] || return 0
      ;;
  esac

  local choices=() asks=''
  if [[ -z $waits && $cur == -* ]]; then
    case $path in
@@FLAGS@@
    esac
  else
    case "$path:${waits:-$given}" in
@@VALUES@@
    esac
  fi
  if [[ $asks == always || ($asks == after-slash && $typed == */*) ]]; then
    words[last]=$typed
    while IFS= read -r word; do
      choices+=("$word")
    done < <("${words[0]}" completion-words -- "${words[@]:1}" 2>/dev/null)
  fi

  # Of a word that bash split, only the last part is replaced.
  local before='' breaks=''
  [[ $COMP_WORDBREAKS == *:* ]] && breaks+=:
  [[ $COMP_WORDBREAKS == *=* ]] && breaks+==
  if [[ -z $quoted && -n $breaks && $cur == *[$breaks]* ]]; then
    before=${cur%"${cur##*[$breaks]}"}
  fi
  COMPREPLY=()
  for word in "${choices[@]}"; do
    [[ $word == "$typed"* ]] || continue
    [[ $word == */ ]] && compopt -o nospace 2>/dev/null
    # Names are what clients sent: none may run as a command. What cannot be quoted is left out.
    case $quoted in
      single) [[ $word != *\'* ]] || continue ;;
      double)
        [[ $word != *!* ]] || continue
        word=${word//\\/\\\\} word=${word//\"/\\\"}
        word=${word//\`/\\\`} word=${word//\$/\\\$}
        ;;
      *) printf -v word %q "$word" ;;
    esac
    COMPREPLY+=("$lead${word#"$before"}")
  done
}

complete -F _meshctl meshctl
