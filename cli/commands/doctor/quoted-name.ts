import { escaped } from '../../../shared/escape.ts'

/** A name as SQL takes it. */
export const quotedName = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${escaped(name).replaceAll('"', '""')}"`
