import kleur from 'kleur'

/** Red: failed; yellow: needs attention; green: done; dim: context. The text says the same without colours. */
export interface Style {
  red: (text: string) => string
  yellow: (text: string) => string
  green: (text: string) => string
  dim: (text: string) => string
}

const plain = (text: string) => text

/** Colours for one stream; kleur's own detection checks stdout only. */
export function styleFor(on: boolean): Style {
  if (!on) return { red: plain, yellow: plain, green: plain, dim: plain }
  kleur.enabled = true
  return { red: kleur.red, yellow: kleur.yellow, green: kleur.green, dim: kleur.dim }
}

/** Whether to colour a stream, by `--color`, `NO_COLOR`, `FORCE_COLOR` and what the stream is. */
export function coloured(mode: 'auto' | 'always' | 'never', env: NodeJS.ProcessEnv, terminal: boolean): boolean {
  if (mode !== 'auto') return mode === 'always'
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== '0'
  return terminal && env.TERM !== 'dumb'
}

const colours = new Map<string, keyof Style>([
  ['failed', 'red'],
  ['quarantined', 'red'],
  ['cancelled', 'yellow'],
  ['completed', 'green'],
])

/** The colour of a state; undefined for a state that is neither good nor bad. */
export const colourOfState = (state: string | null): keyof Style | undefined => colours.get(state ?? '')
