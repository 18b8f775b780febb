import { Failure } from '../../../shared/errors.ts'
import type { Context } from '../../context.ts'

/** The id of a plan or an operation, as it was typed. @throws Failure `usage` */
export function planId({ another }: Context, command: string, given: string | undefined): string {
  if (given !== undefined && /^[1-9]\d{0,15}$/.test(given)) return given
  throw new Failure('usage', `${command} needs a whole number, such as 12; nothing was changed`, {
    hint: `${another(['plans'])} shows the plans`,
  })
}
