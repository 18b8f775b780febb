/** A pseudorandom generator. The same seed gives the same choices; the timing of a run still differs. */
export interface Random {
  /** Returns true with this probability, from 0 to 1. */
  chance: (probability: number) => boolean
  /** Returns a number of at least `least` and below `most`. */
  between: (least: number, most: number) => number
  /** Returns an integer from `least` to `most`, both included. */
  whole: (least: number, most: number) => number
  /** Returns a random element. Throws an Error when the list is empty. */
  pick: <T>(from: readonly T[]) => T
  /** Returns a string that no other call with the same `stream` has returned. */
  word: () => string
}

/** Creates a generator. Generators with the same seed and another `stream` give other choices. */
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
      if (found === undefined) throw new Error('the list to pick from is empty')
      return found
    },
    word: () => `${stream}-${++words}-${whole(0, 2 ** 32).toString(36)}`,
  }
}
