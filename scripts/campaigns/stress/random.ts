/** Chance from a seed: the same seed chooses the same, though what it meets depends on the clock. */
export interface Random {
  chance: (probability: number) => boolean
  /** At least `least`, and below `most`. */
  between: (least: number, most: number) => number
  /** A whole number from `least` to `most`. */
  whole: (least: number, most: number) => number
  pick: <T>(from: readonly T[]) => T
  /** Letters and digits that no other call has returned. */
  word: () => string
}

/** `stream` sets those apart who share a seed. */
export function createRandom(seed: number, stream: string): Random {
  let state = [...stream].reduce((hash, letter) => Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16_777_619), seed)
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const whole = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  let words = 0
  return {
    chance: (probability) => next() < probability,
    between: (least, most) => least + next() * (most - least),
    whole,
    pick: (from) => {
      const found = from[whole(0, from.length - 1)]
      if (found === undefined) throw new Error('there is nothing to pick from')
      return found
    },
    word: () => `${stream}-${++words}-${whole(0, 2 ** 32).toString(36)}`,
  }
}
