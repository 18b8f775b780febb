/** How likely a worker misbehaves, per call or job. */
export interface Mood {
  hangUp: number
  /** Reports when its lease is over. */
  late: number
  /** Never reports. */
  forget: number
  release: number
  /** Says the same twice, at once. */
  twice: number
  /** Says the same again, later. */
  again: number
  /** Says it again with another token. */
  otherwise: number
  /** Fails for good what it should do. */
  giveUp: number
}

export const moods = {
  wild: {
    ...{ hangUp: 0.12, late: 0.03, forget: 0.01, release: 0.03 },
    ...{ twice: 0.1, again: 0.04, otherwise: 0.05, giveUp: 0.005 },
  },
  calm: { hangUp: 0, late: 0, forget: 0, release: 0, twice: 0.1, again: 0, otherwise: 0, giveUp: 0 },
} satisfies Record<string, Mood>
