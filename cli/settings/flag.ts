/** One flag, described once: for commander, for the help, and for the docs. */
export interface Flag {
  /** As commander reads it: `--older-than <duration>`. */
  flags: string
  about: string
  /** Its heading in the help. */
  group: string
  /** May be given more than once, and take a list. */
  many?: boolean
}
