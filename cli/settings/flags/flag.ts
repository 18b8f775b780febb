/** One flag, for commander, the help and the pages. */
export interface Flag {
  /** The flag in the notation of commander: `--older-than <duration>`. */
  flags: string
  about: string
  /** Its heading in the help. */
  group: string
  /** The flag may be given more than once, and takes a list. */
  many?: boolean
  /** The words that it takes, for completion. */
  values?: readonly string[]
}
