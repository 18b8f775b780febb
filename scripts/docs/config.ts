import { topics } from '../../cli/commands/help/topics.ts'
import { Config, Profile } from '../../cli/settings/config.ts'
import { fieldsOf } from './api/fields.ts'
import { block, code, page, table } from './markdown.ts'

/** The config file of jobsctl: the text of `jobsctl help config`, and the fields as they are checked. */
export const configPage = (): string =>
  page(
    'The config file of jobsctl',
    'This is the text of `jobsctl help config`.',
    block(topics.config?.() ?? ''),
    'An unknown field is an error. `jobsctl config set` writes the file whole, for its owner alone.',
    '## Fields of the file',
    fieldTable(Config),
    '## Fields of a profile',
    fieldTable(Profile),
  )

const fieldTable = (schema: typeof Config | typeof Profile): string =>
  table(
    ['field', 'type', 'needed'],
    fieldsOf(schema).map(({ name, type, required }) => [code(name), type, required ? 'yes' : '']),
  )
