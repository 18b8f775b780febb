/** The words of an example of the help; undefined where it needs a file, or a shell has more to do than to run the command. */
export function exampleWords(example: string): string[] | undefined {
  if (!example.startsWith('jobsctl ') || /[|>$&;]|\.(?:json|ndjson|yaml)\b/.test(example)) return undefined
  return [...example.slice('jobsctl '.length).matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, one, other, plain]) => one ?? other ?? plain ?? '',
  )
}
