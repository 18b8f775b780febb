import type { Style } from '../output/style.ts'

const colours = new Map<string, keyof Style>([
  ['failed', 'red'],
  ['quarantined', 'red'],
  ['cancelled', 'yellow'],
  ['completed', 'green'],
])

/** The colour of a state; undefined for a state that is neither good nor bad. */
export const colourOfState = (state: string | null): keyof Style | undefined => colours.get(state ?? '')
