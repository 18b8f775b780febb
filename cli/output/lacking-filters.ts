const or = (words: readonly string[]): string => new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(words)

/** `--queue or --status`: those of the filters that a command does not have yet; empty where it has all of them. */
export const lackingFilters = (filters: Readonly<Record<string, string | undefined>>): string =>
  or(Object.keys(filters).filter((name) => filters[name] === undefined))
