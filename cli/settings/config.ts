import * as z from 'zod'
import { Failure } from '../../shared/errors.ts'
import { faultsOf } from '../../shared/faults.ts'
import { wholeNumber } from '../../shared/scope.ts'
import { hasPassword } from './has-password.ts'

const Argv = z.array(z.string().min(1)).min(1, 'must name a program')

export const Profile = z
  .strictObject({
    url: z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }).optional(),
    /** A database, in place of a server: a connection string without a password, or `env:` and the name of a variable. */
    db: z
      .string()
      .min(1)
      .refine((text) => !hasPassword(text), 'must have no password: db_file names a file with one')
      .optional(),
    /** A file with a connection string, which may have a password. */
    db_file: z.string().min(1).optional(),
    /** A command that prints such a connection string. */
    db_command: Argv.optional(),
    api_key_file: z.string().min(1).optional(),
    api_key_command: Argv.optional(),
    token_file: z.string().min(1).optional(),
    token_command: Argv.optional(),
    /** A file with certificates of certificate authorities, beside those that Node trusts. */
    ca_file: z.string().min(1).optional(),
    /** Changes need `--profile` spelled out and a `max`, and the prompt asks for the profile's name. */
    protected: z.boolean().optional(),
    /** The most jobs of one change. */
    max: wholeNumber(1).optional(),
  })
  .refine(
    ({ api_key_file, api_key_command, token_file, token_command }) =>
      [api_key_file, api_key_command, token_file, token_command].filter(Boolean).length <= 1,
    'must have one of api_key_file, api_key_command, token_file and token_command',
  )
  .refine(({ url, db, db_file, db_command }) => [url, db, db_file, db_command].filter(Boolean).length === 1, {
    path: ['url'],
    message: 'must be given, or else one of db, db_file and db_command in its place',
  })
  .refine(
    ({ url, api_key_file, api_key_command, token_file, token_command, ca_file }) =>
      url !== undefined || ![api_key_file, api_key_command, token_file, token_command, ca_file].some(Boolean),
    'must have no key and no ca_file without a url: they are for a server',
  )
export type Profile = z.output<typeof Profile>

export const Config = z
  .strictObject({
    default: z.string().optional(),
    /** The names of the profiles that `--fleet` asks. */
    fleet: z.string().min(1).optional(),
    profiles: z.record(z.string().min(1), Profile, 'must be an object of profiles').default({}),
  })
  .refine((config) => config.default === undefined || Object.hasOwn(config.profiles, config.default), {
    path: ['default'],
    message: 'must name one of the profiles',
  })
export type Config = z.output<typeof Config>

/** @throws Failure `usage` with every fault of the file at `path` */
export const checkedConfig = (raw: unknown, path: string): Config => checked(raw, `${path} is not valid`, 'the file')

/**
 * The config after a change of one setting.
 * @throws Failure `usage` that names the setting, for a value that the config cannot have
 */
export const checkedSetting = (raw: unknown, setting: string): Config =>
  checked(raw, `${setting}: not possible; nothing was written`, 'the config')

/** @param whole what a fault without a path is about */
function checked(raw: unknown, refusal: string, whole: string): Config {
  const read = Config.safeParse(raw, { reportInput: true })
  if (read.success) return read.data
  const faults = faultsOf(read.error).map((fault) => `${fault.path || whole}: ${fault.message}`)
  throw new Failure('usage', `${refusal}\n  ${faults.join('\n  ')}`, { hint: 'jobsctl help config' })
}
