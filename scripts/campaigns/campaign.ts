import * as z from 'zod'

/** What a campaign runs with. */
export interface Run {
  /** An empty folder for logs and journals, which any user may enter. */
  folder: string
  /** Prints a line with the seconds since the start. */
  log: (what: string) => void
  /** Calls `handle` at SIGINT, SIGTERM and SIGHUP, in place of ending all processes at once. */
  onSignal: (handle: () => void) => void
}

/** A campaign as the command line starts it. */
export interface Campaign {
  /** One sentence for the list. */
  about: string
  /** Its flags, each with its meaning. */
  flags: z.ZodObject
  /**
   * Checks the values of the flags. Returns the seed, where there is one, and what runs the campaign and resolves to the number of
   * promises that were broken.
   * @throws ZodError when a flag does not take its value
   */
  prepare: (values: unknown) => { seed: unknown; run: (running: Run) => Promise<number> }
}

interface Definition<Flags extends z.ZodObject> {
  about: string
  flags: Flags
  run: (flags: z.output<Flags>, running: Run) => Promise<number>
}

/** Describes a campaign, with the types of its flags. */
export const defineCampaign = <Flags extends z.ZodObject>({ about, flags, run }: Definition<Flags>): Campaign => ({
  about,
  flags,
  prepare(values) {
    const parsed = flags.parse(values)
    return { seed: Object(parsed).seed, run: (running) => run(parsed, running) }
  },
})

/** A flag that takes a whole number. */
export const whole = (least: number, meaning: string) => z.coerce.number().int().min(least).describe(meaning)

/** The flag that repeats the random choices of a run; the timing still differs. */
export const seed = whole(0, 'repeats the random choices of a run').default(() => Math.floor(Math.random() * 1_000_000))

/** The flag that picks what a campaign tries. */
export const only = z.string().default('').describe('tries only what has this text in its name')

/** The flag that CI sets. */
export const short = z.boolean().default(false).describe('tries less')
