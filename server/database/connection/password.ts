const parts = /^(\w+:\/\/[^:@/?]*:)([^@]*)(@.*)$/s

/** The password of the URL of a database, which that of another URL may replace while the server runs. */
interface Password {
  /** Undefined where the URL has no password. */
  current: (() => string) | undefined
  /**
   * Takes the password of another URL.
   * @returns false where the URL differs in more, and nothing was taken
   * @throws URIError for a percent sign that encodes nothing
   */
  take: (url: string) => boolean
}

export function createPassword(url: string): Password {
  const [, before, first, after] = parts.exec(url) ?? []
  let replaced: string | undefined
  return {
    current: first === undefined ? undefined : () => replaced ?? decodeURIComponent(first),
    take: (other) => {
      if (other === url) replaced = undefined
      if (other === url) return true
      const found = parts.exec(other)
      if (found?.[2] === undefined || found[1] !== before || found[3] !== after) return false
      replaced = decodeURIComponent(found[2])
      return true
    },
  }
}
