/**
 * The scripts that shells load. A script gives the words of the command line to `jobsctl completion <shell> -- …`, and offers
 * the lines of the answer: a word, a tab, what it means. The answer `:files` stands for the names of files. No script
 * evaluates a word: neither a word of the command line, nor a name that a server sent.
 */
export const scripts = {
  bash: `# bash completion of jobsctl
_jobsctl_complete() {
  local IFS=$'\\n' line
  COMPREPLY=()
  while read -r line; do
    if [[ $line == :files ]]; then
      compopt -o filenames 2>/dev/null
      while read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$2")
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done < <(jobsctl completion bash -- ":$2" ":\${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
}
complete -F _jobsctl_complete jobsctl
`,

  zsh: `#compdef jobsctl
# zsh completion of jobsctl
_jobsctl() {
  local line value about
  local -a found before
  (( CURRENT > 2 )) && before=("\${(@Q)words[2,CURRENT-1]}")
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      [[ $PREFIX == --*=* ]] && compset -P '*='
      _files
      return
    fi
    value=\${line%%$'\\t'*} about=\${line#*$'\\t'}
    found+=("\${value//:/\\\\:}:$about")
  done < <(jobsctl completion zsh -- "\${(@)before}" ":\${(Q)PREFIX}" 2>/dev/null </dev/null)
  (( $#found )) && _describe -t jobsctl 'jobsctl' found
}
if [[ \${funcstack[1]} == _jobsctl ]]; then
  _jobsctl "$@"
elif (( $+functions[compdef] )); then
  compdef _jobsctl jobsctl
fi
`,

  fish: `# fish completion of jobsctl
function __jobsctl_complete
    set -l words (commandline -opc)
    set -e words[1]
    set -l current (commandline -ct)
    for line in (jobsctl completion fish -- $words ":$current" 2>/dev/null </dev/null)
        if test "$line" = ':files'
            set -l prefix (string match -r -- '^--[^=]*=' $current)
            for path in (__fish_complete_path (string replace -r -- '^--[^=]*=' '' "$current"))
                echo "$prefix$path"
            end
        else
            echo $line
        end
    end
end
complete -c jobsctl -f -a '(__jobsctl_complete)'
`,

  powershell: `# PowerShell completion of jobsctl
Register-ArgumentCompleter -Native -CommandName jobsctl -ScriptBlock {
  param($word, $line, $cursor)
  $before = @($line.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $cursor } | ForEach-Object { "$_" })
  jobsctl completion powershell '--' @before ":$word" 2>$null | Where-Object { $_ -ne ':files' } | ForEach-Object {
    $value, $about = $_ -split "\`t", 2
    if (-not $about) { $about = $value }
    [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $about)
  }
}
`,
} as const

export type Shell = keyof typeof scripts
