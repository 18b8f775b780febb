import { globalFlags, guardFlags, networkVariables, secretVariables } from '../../cli/settings/flags/global-flags.ts'
import { environmentVariables } from '../../server/env/env-help.ts'
import { code, page, table } from './markdown.ts'

/** The environment variables of both programs. */
export const environmentPage = (): string =>
  page(
    'Environment variables',
    '## jobs-server',
    'A variable that is blank counts as unset. The server refuses to start when a value is wrong, and names every wrong ' +
      'value at once. It warns about a `JOBS_*` variable that it does not know.',
    table(
      ['variable', 'default', 'meaning'],
      environmentVariables().map(({ name, preset, meaning }) => [code(name), code(preset), meaning]),
    ),
    '## jobsctl',
    'Precedence: flag, `JOBSCTL_*`, profile, `BASE` and `API_KEY`, default. A key goes to the URL that it belongs to ' +
      'and to no other URL: `JOBSCTL_API_KEY` to `JOBSCTL_URL` where that is set, `API_KEY` to `BASE`, and the key of a ' +
      'profile to the URL of the profile. Redirects are never followed. A key is never the value of a flag, since every ' +
      'process of the machine can read flags.',
    table(['variable', 'meaning'], ofCommandLine()),
  )

const ofCommandLine = (): string[][] => [
  ...[...globalFlags, ...guardFlags].flatMap(({ flags, variables, about }) =>
    variables ? [[code(variables), `as ${code(longFlag(flags))}: ${about}`]] : [],
  ),
  ...[...secretVariables, ...networkVariables].map(({ name, about }) => [code(name), about]),
  [code('XDG_CONFIG_HOME'), 'the config file is in its folder `jobsctl` (default: `~/.config`)'],
  [
    code('XDG_CACHE_HOME'),
    'what the engines of servers cannot is in its folder `jobsctl` (default: `~/.cache`), for help and completion',
  ],
]

const longFlag = (flags: string): string => flags.split(/[ ,]+/).find((word) => word.startsWith('--')) ?? flags
