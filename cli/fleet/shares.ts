/** What one profile keeps of something, such as bytes, that all profiles together have so much of. */
export interface Share {
  /** How much all together have. */
  most: number
  /** False where so much is not left; then nothing is taken. */
  take: (amount: number) => boolean
  giveBack: (amount: number) => void
  giveAllBack: () => void
  /** What this profile needs at least, where it did not get it; 0 where it got all. */
  lacked: () => number
  /** True where what it lacked is left by now. */
  fits: () => boolean
}

/** Makes the share of one profile after another. */
export function sharesOf(most: number): () => Share {
  let left = most
  return () => {
    let [taken, lacked] = [0, 0]
    const giveBack = (amount: number) => {
      left += amount
      taken -= amount
    }
    return {
      most,
      take: (amount) => {
        const isLeft = amount <= left
        if (isLeft) giveBack(-amount)
        else lacked = taken + amount
        return isLeft
      },
      giveBack,
      giveAllBack: () => giveBack(taken),
      lacked: () => lacked,
      fits: () => lacked <= left,
    }
  }
}
