import { newFolder } from '../database/database.ts'
import { built } from './built.ts'
import { type Child, type Ended, startChild } from './child.ts'

/** What `jobsctl` is given beside its arguments. */
export interface JobsctlOptions {
  stdin?: string
  /** A variable that is undefined is not set. */
  env?: Record<string, string | undefined>
}

/** Runs the built `jobsctl` off a terminal, with nothing of this machine's settings. */
export const runJobsctl = async (argv: string[], options?: JobsctlOptions): Promise<Ended> =>
  (await startJobsctl(argv, options)).ended

/** Starts it, and does not wait for its end. */
export async function startJobsctl(argv: string[], { stdin = '', env = {} }: JobsctlOptions = {}): Promise<Child> {
  return startChild([built.jobsctl, ...argv], { stdin, env: await environmentOf(env) })
}

/** The whole environment of a program: an empty home, and what a test sets. */
export async function environmentOf(env: JobsctlOptions['env'] = {}): Promise<Record<string, string>> {
  const home = await newFolder('home')
  const given = Object.entries({ HOME: home, XDG_CONFIG_HOME: home, ...env })
  return Object.fromEntries(given.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}
