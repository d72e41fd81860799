#compdef meshctl
# zsh completion of meshctl. Load it: source <(meshctl completion zsh), after compinit

_meshctl() {
  local -a typed choices flags replies
  typed=("${(@Q)words[1,CURRENT]}")

  # Which command it is, which option waits for its value, how many arguments were given.
  local at='' waits='' given=0 i word asks=''
  for ((i = 2; i < CURRENT; i++)); do
    word=$typed[i]
    if [[ -n $waits ]]; then
      waits=''
      continue
    fi
    case "$at:$word" in
      @@COMMANDS@@) at=${at:+$at }$word ;;
      *:--*=*) ;;
      @@VALUE_FLAGS@@) waits=$word ;;
      *:-*) ;;
      *) ((given += 1)) ;;
    esac
  done

  if [[ -z $waits && $PREFIX == --*=* ]]; then
    waits=${PREFIX%%=*}
    compset -P '*='
    typed[CURRENT]=$waits
    typed+=("${(Q)PREFIX}")
  fi
  local current=${(Q)PREFIX}
  typed[-1]=$current

  if [[ -z $waits && $current == -* ]]; then
    case $at in
@@FLAGS@@
    esac
    _describe -o option flags
    return
  fi
  case "$at:${waits:-$given}" in
@@VALUES@@
  esac
  if [[ $asks == always || ($asks == after-slash && $current == */*) ]]; then
    replies=("${(@f)$($typed[1] completion-words -- "${(@)typed[2,-1]}" 2>/dev/null)}")
    compadd -- ${replies:#}
    return
  fi
  if [[ $at == '' && -z $waits ]]; then
    _describe command choices
  else
    compadd -S '' -- ${(M)choices:#*/}
    compadd -- ${choices:#*/}
  fi
}

if [[ $funcstack[1] == _meshctl ]]; then _meshctl "$@"; else compdef _meshctl meshctl; fi
